// Groups of operations through elections: asked of any node, forwarded, sent again, asked again
// when a leader is lost, and never answered by a leader that was replaced.

import assert from "node:assert/strict";
import type { Group } from "../../../../raft/channel/operations.ts";
import type { Grouped } from "../../../lib/grouped.ts";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  check,
  create,
  last as lastOf,
  list,
  raiseTo,
  take,
} from "../../../lib/groups.ts";
import {
  backUp,
  last,
  ok,
  raise,
  remove,
  told,
  toldNow,
  transfer,
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

const doubt = "; whether it was done is not known, " +
  "and to ask again does no harm";

Deno.test("A leader that was replaced answers no group (PITFALLS 19)", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "a", 5);
  nodes.isolate("a");
  const stale = [
    last(nodes, "a"),
    raise(nodes, "a", 3n),
    backUp(nodes, "a"),
    nodes.group("a", [list()]),
    nodes.group("a", [take("ticket")]),
  ];
  const leader = electWithout(nodes, "a");
  assert(give(nodes, leader, 5) >= 10n);
  nodes.settle();
  for (const { outcomes } of stale) assert.equal(outcomes, undefined);
  nodes.heal();
  nodes.run(4);
  assert.deepEqual(stale.slice(0, 3).map(told), ["last 10", "ok", "backup"]);
  assert.match(told(stale[3]!), /^\[ticket 1\d\] 0$/);
  assert.equal(told(stale[4]!), "11");
});

Deno.test("A new leader says nothing before an entry of its own term is applied", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "a", 5);
  // The others have the take, and do not know yet that it is committed.
  nodes.crash("a");
  nodes.keepBack("AppendEntries");
  const leader = electWithout(nodes, "a");
  assert.equal(nodes.node(leader).lastTicket, 0n);
  const asked = [
    last(nodes, leader),
    backUp(nodes, leader),
    nodes.group(leader, [{ type: "size" }]),
  ];
  nodes.settle();
  for (const { outcomes } of asked) assert.equal(outcomes, undefined);
  nodes.passes = () => true;
  nodes.run(4 * electionTicks);
  assert.deepEqual(asked.map(told), ["last 5", "backup", "size 1"]);
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
  assert.equal(asked.outcomes, undefined);
  nodes.passes = () => true;
  nodes.run(4 * electionTicks);
  assert.equal(told(asked), "ok");
  assert(give(nodes, leader) > given + 2n);
});

Deno.test("Groups that were forwarded to a lost leader are forwarded to the next one", () => {
  const nodes = Nodes.ledBy("abc");
  give(nodes, "b", 3);
  nodes.keepBack("ForwardResponse");
  const asked = [
    last(nodes, "b"),
    raise(nodes, "b", 50n),
    nodes.group("b", [take("orders", 2), lastOf("orders")]),
  ];
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.match(told(asked[0]!), /^last (3|50)$/);
  assert.equal(told(asked[1]!), "ok");
  assert.match(told(asked[2]!), /^(1-2, last 2|3-4, last 4)$/);
  assert.equal(give(nodes, "c"), 51n);
});

const once: readonly (readonly [string, Group])[] = [
  ["create", [create("orders")]],
  ["set-policy", [{ type: "set-policy", policy: "any" }]],
  ["check and raise", [check("ticket", 3n), raiseTo("ticket", 9n)]],
];

for (const [what, group] of once) {
  Deno.test(`A ${what} that a lost leader has had is not done a second time (PITFALLS 31)`, () => {
    const nodes = Nodes.ledBy("abc");
    give(nodes, "b", 3);
    nodes.keepBack("ForwardResponse");
    const asked = nodes.group("b", group, [lastOf("ticket")]);
    nodes.settle();
    nodes.crash("a");
    nodes.passes = () => true;
    const leader = nodes.awaitLeader();
    const { log } = nodes.node(leader).core;
    const { lastIndex } = log;
    nodes.run(2 * electionTicks);
    assert.match(
      told(asked),
      /^the leader was lost; whether it was done is not known; last (3|9)$/,
    );
    assert.equal(log.lastIndex, lastIndex, "nothing was proposed");
  });
}

/** Every way in which one of the messages beside a group can be lost. */
for (const kept of ["Forward", "ForwardResponse"] as const) {
  Deno.test(`A group whose ${kept} is lost is sent again, and done once`, () => {
    const nodes = Nodes.ledBy("abc");
    const messages = nodes.keepBack(kept);
    const asked = nodes.group("b", [take("orders", 3)], [create("bills")]);
    nodes.settle();
    assert.equal(messages.length, 1);
    nodes.passes = () => true;
    nodes.run(electionTicks + 1);
    assert.equal(told(asked), "1-3; ok");
    // What was lost comes late.
    nodes.network.push(...messages, ...messages);
    nodes.settle();
    assert.equal(told(asked), "1-3; ok");
    assert.equal(toldNow(nodes, nodes.group("c", [take("orders")])), "4");
  });
}

Deno.test("A group that was sent again while it waits is answered once", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ConfirmResponse");
  const asked = last(nodes, "b");
  nodes.run(2 * electionTicks + 1);
  assert.equal(asked.outcomes, undefined);
  let answers = 0;
  nodes.passes = ({ type }) => {
    if (type === "ForwardResponse") answers++;
    return true;
  };
  nodes.run(2);
  assert.equal(told(asked), "last none");
  assert.equal(answers, 1);
});

Deno.test("A group that is lost on its way is not forgotten for what other isolates ask meanwhile", () => {
  const nodes = Nodes.ledBy("abc");
  const lost = nodes.keepBack("Forward");
  const asked = nodes.group("b", [take("orders", 3)], [create("bills")]);
  nodes.settle();
  assert.equal(lost.length, 1);
  nodes.passes = () => true;
  for (let i = 0; i < 100; i++) toldNow(nodes, last(nodes, "b"));
  assert.equal(asked.outcomes, undefined);
  nodes.run(electionTicks + 1);
  assert.equal(told(asked), "1-3; ok");
});

Deno.test("A Forward of long ago is not done again: it would undo what was done since", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards: Parameters<Nodes["hand"]>[0][] = [];
  nodes.passes = (message) => {
    if (message.type === "Forward") forwards.push(message);
    return true;
  };
  const set = (policy: "any" | "created") =>
    toldNow(nodes, nodes.group("b", [{ type: "set-policy", policy }]));
  assert.equal(set("created"), "ok");
  assert.equal(set("any"), "ok");
  const { log } = nodes.node("a").core;
  for (const times of [1, 100]) {
    for (let i = 0; i < times; i++) toldNow(nodes, last(nodes, "b"));
    const { lastIndex } = log;
    nodes.network.push(forwards[0]!);
    nodes.settle();
    assert.equal(log.lastIndex, lastIndex);
  }
  assert.equal(toldNow(nodes, nodes.group("c", [{ type: "policy" }])), "any");
});

Deno.test("A Forward of another term is not done: nobody waits for it any more", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = nodes.group("b", [create("orders")]);
  nodes.settle();
  nodes.passes = () => true;
  nodes.isolate("a");
  const leader = electWithout(nodes, "a");
  nodes.run(4);
  nodes.heal();
  nodes.run(4);
  transfer(nodes, leader, "a");
  nodes.run(4);
  assert.deepEqual(nodes.leaders, ["a"]);
  const before = told(asked);
  nodes.network.push(...forwards);
  nodes.run(4);
  assert.equal(told(asked), before);
  assert.match(before, /whether it was done is not known$/);
  assert.equal(
    toldNow(nodes, nodes.group("c", [lastOf("orders")])),
    "last none",
  );
});

Deno.test("A node that does not lead sends forwarded groups back", () => {
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
  assert.equal(told(asked), "ok");
});

Deno.test("Groups of one message keep their order on a sequence, whatever is lost", () => {
  for (const lost of ["Forward", "ForwardResponse", "AppendEntries"] as const) {
    const nodes = Nodes.ledBy("abc");
    nodes.keepBack(lost);
    const asked = nodes.group(
      "b",
      ...Array.from({ length: 5 }, (): Group => [take("orders")]),
      [lastOf("orders")],
    );
    nodes.settle();
    nodes.crash("a");
    nodes.passes = () => true;
    nodes.awaitLeader();
    nodes.run(2 * electionTicks);
    const numbers = told(asked).match(/\d+/g)!.map(Number);
    assert.equal(numbers.length, 6);
    assert.deepEqual(numbers.toSorted((a, b) => a - b), numbers);
    assert.equal(numbers[5], numbers[4]);
  }
});

Deno.test("A list shows what the groups before it in its message have done, and no more", () => {
  for (const at of ["a", "b"]) {
    const nodes = Nodes.ledBy("abc");
    const asked = nodes.group(
      at,
      [create("orders", 5n)],
      [list()],
      [take("orders")],
      [list()],
      [{ type: "set-policy", policy: "created" }],
      [take("bills")],
    );
    assert.equal(
      toldNow(nodes, asked),
      "ok; [orders 4] 0; 5; [orders 5] 0; ok; unknown-sequence at 0",
    );
  }
});

Deno.test("Groups wait for a leader, and are refused when their time is up", () => {
  const nodes = Nodes.of("abc");
  nodes.isolate("b");
  const asked = [
    last(nodes, "b"),
    raise(nodes, "b", 5n),
    backUp(nodes, "b"),
    nodes.group("b", [take("ticket")]),
    nodes.group("b", [create("orders")]),
  ];
  nodes.run(changeTicks - 1);
  for (const { outcomes } of asked) assert.equal(outcomes, undefined);
  nodes.run(1);
  const undone = "there is no leader; nothing was done";
  assert.deepEqual(asked.map(told), [
    "there is no leader",
    undone,
    "there is no leader",
    undone,
    undone,
  ]);
});

Deno.test("Groups that a leader has had and does not answer are refused when their time is up", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ForwardResponse");
  const asked = nodes.group(
    "b",
    [lastOf("ticket")],
    [raiseTo("ticket", 5n)],
    [take("ticket")],
    [create("orders")],
  );
  nodes.run(changeTicks - 1);
  assert.equal(asked.outcomes, undefined);
  nodes.run(1);
  const late = "the leader did not answer in time";
  assert.deepEqual(told(asked).split(`; ${late}`), [
    late,
    doubt,
    "; if it took numbers, nobody gets them",
    "; whether it was done is not known",
  ]);
});

Deno.test("A leader without a majority refuses when the time is up", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.crash(id);
  const asked = last(nodes, "a");
  nodes.run(changeTicks);
  assert.match(told(asked), /^(there is no leader|a majority)/);
});

Deno.test("A node that belongs to no cluster refuses at once", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.run(4 * electionTicks);
  const asked = nodes.group("x", [lastOf("ticket")], [take("ticket")]);
  const out = "this node belongs to no cluster: ask another";
  assert.equal(toldNow(nodes, asked), `${out}; ${out}; nothing was done`);
});

Deno.test("A node that stops answers all that waits", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.crash(id);
  const asked = last(nodes, "a");
  const raised = raise(nodes, "a", 9n);
  nodes.node("a").stop();
  nodes.run(4 * electionTicks);
  assert.equal(told(asked), "the node is stopping");
  assert.match(told(raised), /^the node is stopping; whether it was/);
});

Deno.test("A raise that a leader has had is never said not to be done (PITFALLS 31)", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ForwardResponse");
  const raised = raise(nodes, "c", 9n);
  nodes.settle();
  assert.equal(raised.outcomes, undefined);
  remove(nodes, "a", "c");
  nodes.run(8 * electionTicks);
  assert.equal(
    told(raised),
    `this node belongs to no cluster: ask another${doubt}`,
  );
  assert.equal(give(nodes, "a"), 10n);
});

Deno.test("Commands that were given up, here or by the node that asked, are not carried out", () => {
  for (const at of ["a", "b"]) {
    const nodes = Nodes.ledBy("abc");
    give(nodes, "a");
    const disks = ["a", "c"].map((id) => nodes.disk(id));
    for (const disk of disks) disk.stuck = true;
    const raises = [raiseTo("ticket", 50n), raiseTo("ticket", 80n)];
    const asked = nodes.group(at, ...raises.map((raise) => [raise]));
    nodes.run(changeTicks + 1);
    assert(told(asked).includes("not known"));
    for (const disk of disks) disk.stuck = false;
    nodes.run(1);
    assert.equal(give(nodes, "a"), 51n, `asked at ${at}`);
  }
});

Deno.test("--forward no refuses groups that take numbers, and no others", () => {
  const nodes = Nodes.ledBy("abc", { forward: "no" });
  const ask = (at: string) =>
    nodes.group(
      at,
      [take("ticket")],
      [lastOf("ticket")],
      [check("ticket", 7n), take("ticket")],
      [raiseTo("ticket", 5n)],
    );
  const asked = ask("b");
  assert.match(
    toldNow(nodes, asked),
    /^not-leader; last none; not-leader; ok$/,
  );
  assert.match(toldNow(nodes, ask("a")), /^6; last 6; changed at 0; ok$/);
});

Deno.test("--forward moved says where the leader serves clients", () => {
  const nodes = Nodes.ledBy("abc", { forward: "moved" });
  const asked = nodes.group("b", [take("ticket")], [lastOf("ticket")]);
  assert.equal(toldNow(nodes, asked), "moved to a.example:2; last none");
  nodes.isolate("b");
  nodes.run(4 * electionTicks);
  const waiting = nodes.group("b", [take("ticket")]);
  nodes.settle();
  assert.equal(waiting.outcomes, undefined, "no leader is known");
});

Deno.test("An answer that cannot be read, or does not fit, is an error and not an outcome", () => {
  const bad = [
    new Uint8Array([2, 1]),
    new TextEncoder().encode('{"type":"ok"}'),
    new Uint8Array([2, 1, 1, 1, 4]), // done, where a number was asked for
    new Uint8Array([2, 2, 3, 3]), // two outcomes of one group
  ];
  for (const data of bad) {
    const nodes = Nodes.ledBy("abc");
    const responses = nodes.keepBack("ForwardResponse");
    const asked = nodes.group("b", [create("orders"), lastOf("orders")]);
    nodes.settle();
    const [response] = responses;
    assert(response?.type === "ForwardResponse");
    nodes.passes = () => true;
    nodes.network.push({ ...response, data });
    assert.equal(
      toldNow(nodes, asked),
      "the leader's answer is unreadable; whether it was done is not known",
    );
  }
});

Deno.test("Groups that the leader cannot read are refused with an error, each of them", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = nodes.group("b", [take("ticket")], [lastOf("ticket")]);
  nodes.settle();
  const [forward] = forwards;
  assert(forward?.type === "Forward");
  nodes.network.push({ ...forward, data: forward.data.slice(0, -1) });
  const text = "the leader cannot read these operations; nothing was done";
  assert.equal(toldNow(nodes, asked), `${text}; ${text}`);
});

Deno.test("A take and a change of members get along with groups", () => {
  const nodes = Nodes.ledBy("abc");
  const removed = nodes.ask("b", {
    type: "remove-server",
    id: "c",
    prevIndex: 0n,
    force: false,
  });
  const asked = raise(nodes, "b", 9n);
  const taken = nodes.take("b");
  nodes.run(2);
  assert.deepEqual(removed.answer, ok);
  assert.equal(told(asked), "ok");
  assert.equal(taken.left, 0);
  const before: Grouped = last(nodes, "b");
  assert.equal(toldNow(nodes, before), `last ${give(nodes, "a") - 1n}`);
});
