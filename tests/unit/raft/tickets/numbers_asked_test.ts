// Commands about numbers through elections: asked of any node, forwarded, asked again when a
// leader is lost, and never answered by a leader that was replaced.

import assert from "node:assert/strict";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  backUp,
  error,
  last,
  ok,
  raise,
  remove,
  settled,
  textOf,
} from "../../../lib/questions.ts";

function give(nodes: Nodes, id: string, count = 1): bigint {
  const asked = nodes.take(id, count);
  nodes.settle();
  assert.equal(asked.given.length, count);
  return asked.given.at(-1)!;
}

/** Time passes for the others, until one of them leads; its id. */
function electWithout(nodes: Nodes, id: string): string {
  for (;;) {
    for (const other of "abc") if (other !== id) nodes.tick(other);
    nodes.settle();
    const leader = nodes.leaders.find((one) => one !== id);
    if (leader !== undefined) return leader;
  }
}

Deno.test("A leader that was replaced answers nothing about numbers (PITFALLS 19)", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "a", 5);
  nodes.isolate("a");
  const stale = [
    last(nodes, "a"),
    raise(nodes, "a", 3n),
    backUp(nodes, "a"),
  ];
  const leader = electWithout(nodes, "a");
  assert(give(nodes, leader, 5) >= 10n);
  nodes.settle();
  for (const { answer } of stale) assert.equal(answer, undefined);
  nodes.heal();
  nodes.run(4);
  assert.equal(textOf(stale[0]!.answer), "10");
  assert.deepEqual(stale[1]!.answer, ok);
  assert.equal(textOf(stale[2]!.answer), "pairs");
});

Deno.test("A new leader says nothing before an entry of its own term is applied", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "a", 5);
  // The others have the take, and do not know yet that it is committed.
  nodes.crash("a");
  nodes.keepBack("AppendEntries");
  const leader = electWithout(nodes, "a");
  assert.equal(nodes.node(leader).lastTicket, 0n);
  const asked = [last(nodes, leader), backUp(nodes, leader)];
  nodes.settle();
  for (const { answer } of asked) assert.equal(answer, undefined);
  nodes.passes = () => true;
  nodes.run(4 * electionTicks);
  assert.equal(textOf(asked[0]!.answer), "5");
});

Deno.test("A return that a lost leader proposed is applied before anything is said of numbers", () => {
  const nodes = Nodes.of("abc");
  for (const id of "abc") {
    nodes.crash(id);
    nodes.start(id, { takesMin: 1 });
  }
  nodes.elect("a");
  for (let i = 0; i < 2; i++) give(nodes, "a", 8);
  const given = nodes.highest;
  const taken = nodes.node("a").lastTicket;
  assert(taken > given + 4n);
  // The return reaches the others, and they never hear that it is committed.
  const { log } = nodes.node("a").core;
  const before = log.lastIndex;
  nodes.run(1);
  while (log.lastIndex === before) nodes.run(1);
  nodes.crash("a");
  nodes.keepBack("AppendEntries");
  const leader = electWithout(nodes, "a");
  assert.equal(nodes.node(leader).lastTicket, taken, "it is not applied");
  const asked = raise(nodes, leader, given + 2n);
  nodes.settle();
  assert.equal(asked.answer, undefined);
  nodes.passes = () => true;
  nodes.run(4 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  assert(give(nodes, leader) > given + 2n);
});

Deno.test("A command that was forwarded to a lost leader is forwarded to the next one", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "b", 3);
  nodes.keepBack("ForwardResponse");
  const asked = [last(nodes, "b"), raise(nodes, "b", 50n)];
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.match(textOf(asked[0]!.answer), /^(3|50)$/);
  assert.deepEqual(asked[1]!.answer, ok);
  assert.equal(give(nodes, "c"), 51n);
});

Deno.test("A command that is lost on its way is sent again, and done once", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = raise(nodes, "b", 50n);
  nodes.settle();
  assert.equal(forwards.length, 1);
  nodes.passes = () => true;
  nodes.run(electionTicks + 1);
  assert.deepEqual(asked.answer, ok);
  assert.equal(give(nodes, "b"), 51n);
});

Deno.test("A command that was sent again while it waits is answered once", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ConfirmResponse");
  const asked = last(nodes, "b");
  nodes.run(2 * electionTicks + 1);
  assert.equal(asked.answer, undefined);
  let answers = 0;
  nodes.passes = ({ type }) => {
    if (type === "ForwardResponse") answers++;
    return true;
  };
  nodes.run(2);
  assert.equal(textOf(asked.answer), "0");
  assert.equal(answers, 1);
});

Deno.test("A node that does not lead sends a forwarded command back", () => {
  const nodes = Nodes.ledBy("abc");
  // It comes late: `b` takes `a` for the leader, and `a` has just lost its office.
  const forwards = nodes.keepBack("Forward");
  const asked = raise(nodes, "b", 9n);
  nodes.settle();
  nodes.passes = () => true;
  nodes.isolate("a");
  electWithout(nodes, "a");
  nodes.heal();
  nodes.run(1);
  nodes.network.push(...forwards);
  nodes.run(4);
  assert.deepEqual(asked.answer, ok);
});

Deno.test("A command waits for a leader, and is refused when its time is up", () => {
  const nodes = Nodes.of("abc");
  nodes.isolate("b");
  const asked = [last(nodes, "b"), raise(nodes, "b", 5n), backUp(nodes, "b")];
  nodes.run(changeTicks - 1);
  for (const { answer } of asked) assert.equal(answer, undefined);
  nodes.run(1);
  const unknown = "; whether it was done is not known, " +
    "and to ask again does no harm";
  assert.deepEqual(asked.map(({ answer }) => answer), [
    error("there is no leader"),
    error(`there is no leader${unknown}`),
    error("there is no leader"),
  ]);
});

Deno.test("A leader without a majority refuses when the time is up", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.crash(id);
  const asked = last(nodes, "a");
  nodes.run(changeTicks);
  assert.match(textOf(asked.answer), /^(there is no leader|a majority)/);
});

Deno.test("A node that belongs to no cluster refuses at once", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.run(4 * electionTicks);
  const asked = last(nodes, "x");
  nodes.settle();
  assert.match(textOf(asked.answer), /^this node belongs to no cluster/);
});

Deno.test("A node that stops answers all that waits", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.crash(id);
  const asked = last(nodes, "a");
  const raised = raise(nodes, "a", 9n);
  nodes.node("a").stop();
  nodes.run(4 * electionTicks);
  assert.deepEqual(asked.answer, error("the node is stopping"));
  assert.match(textOf(raised.answer), /^the node is stopping; whether it was/);
});

Deno.test("A raise that a leader has had is never said not to be done (PITFALLS 31)", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ForwardResponse");
  const raised = raise(nodes, "c", 9n);
  nodes.settle();
  assert.equal(raised.answer, undefined);
  remove(nodes, "a", "c");
  nodes.run(8 * electionTicks);
  assert.match(
    textOf(raised.answer),
    /^this node belongs to no cluster: ask another; whether it was done is not known/,
  );
  assert.equal(give(nodes, "a"), 10n);
});

Deno.test("RAFT.BACKUP holds the state after the last applied entry, from any node", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "b", 7);
  const { log } = nodes.node("a").core;
  for (const id of "abc") {
    const { answer } = (() => {
      const asked = backUp(nodes, id);
      nodes.settle();
      return asked;
    })();
    assert(answer?.type === "pairs");
    assert.deepEqual(answer.pairs, [
      ["format", "1"],
      ["cluster", "c".repeat(32)],
      ["index", `${log.lastApplied}`],
      ["term", `${nodes.node("a").core.currentTerm}`],
      ["members", "3"],
      ["a", "voter a.example:1"],
      ["b", "voter b.example:1"],
      ["c", "voter c.example:1"],
      ["sequences", "1"],
      ["ticket", "7"],
    ]);
  }
});

Deno.test("A take and a change of members get along with commands about numbers", () => {
  const nodes = Nodes.ledBy("abc");
  const removed = nodes.ask("b", {
    type: "remove-server",
    id: "c",
    prevIndex: 0n,
    force: false,
  });
  const asked = raise(nodes, "b", 9n);
  const take = nodes.take("b");
  nodes.run(2);
  assert.deepEqual(removed.answer, ok);
  assert.deepEqual(asked.answer, ok);
  assert.equal(take.left, 0);
  assert.equal(settled(nodes, last(nodes, "b")), `${give(nodes, "a") - 1n}`);
});
