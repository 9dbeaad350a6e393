// What clients are told by a node that belongs to no cluster: at once that it gives no
// tickets. One that merely knows no leader lets them wait.

import assert from "node:assert/strict";
import { founded, isMember } from "../../../../raft/members/bootstrap.ts";
import {
  addressOf,
  electionTicks,
  foundedBy,
  membersOf,
  Nodes,
  outcome,
} from "../../../lib/nodes.ts";
import { join, remove, settled } from "../../../lib/questions.ts";

const refused = "2 no-cluster";
/** Who asks a node that only knows no leader waits, however long that lasts. */
const long = 40 * electionTicks;

/** `x` was let in, and removed before a word of either had reached it. */
function letInAndForgotten(): Nodes {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  nodes.crash("x");
  nodes.start("x", { joins: true });
  nodes.isolate("x");
  const asked = join(nodes, "a", { id: "x", nonvoter: true });
  assert.equal(settled(nodes, asked), "ok");
  assert.equal(settled(nodes, remove(nodes, "a", "x")), "ok");
  nodes.run(2 * electionTicks);
  return nodes;
}

Deno.test("A node that was let in and removed before it heard of either turns clients away, and asks to join again", () => {
  const nodes = letInAndForgotten();
  const early = nodes.take("x", 2);
  assert.equal(outcome(early), "2 waiting", "it may be called on yet");
  nodes.run(2 * electionTicks);
  assert.equal(outcome(early), refused);
  const late = nodes.take("x", 2);
  assert.equal(outcome(late), refused, "at once");
  assert.equal(nodes.node("x").removal.mustAskToJoin, true);
  assert.equal(nodes.computer("x").removed, false);

  nodes.heal();
  const again = join(nodes, "a", { id: "x", nonvoter: true });
  assert.equal(settled(nodes, again), "ok");
  nodes.run(electionTicks);
  const asked = nodes.take("x", 2);
  nodes.settle();
  assert.equal(outcome(asked), "1, 2");
  assert.equal(nodes.node("x").removal.isOut, false);
});

Deno.test("A node that waits to be let in turns clients away, and serves them once it is in", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  nodes.crash("x");
  nodes.start("x", { joins: true });
  assert.equal(nodes.node("x").removal.isSettled, false);
  nodes.run(4 * electionTicks);
  assert.equal(outcome(nodes.take("x", 2)), refused);
  assert.equal(nodes.node("x").removal.isSettled, true);
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  nodes.run(2);
  const asked = nodes.take("x", 2);
  nodes.settle();
  assert.equal(outcome(asked), "1, 2");
});

Deno.test("A node that was told of its removal turns away who waits and who comes", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  nodes.run(100);
  nodes.start("c", { joins: true });
  const early = nodes.take("c", 2);
  assert.equal(outcome(early), "2 waiting");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.node("c").removal.mustAskToJoin, true);
  assert.equal(outcome(early), refused);
  assert.equal(outcome(nodes.take("c", 2)), refused, "at once");
});

Deno.test("A take that a removed node has sent is given up when it hears of no leader any more", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("TakeResponse");
  const asked = nodes.take("c", 2);
  nodes.settle();
  remove(nodes, "a", "c");
  nodes.run(4);
  assert.equal(nodes.computer("c").removed, true);
  assert.equal(outcome(asked), "2 leadership-lost");
  assert.equal(outcome(nodes.take("c", 2)), refused);
});

Deno.test("A node whose id was given to another disk in the meantime turns clients away, and asks to join", () => {
  // A request to join came late, of a life that is over: its disk is lost. Then a member
  // that had not heard of it reached the new life.
  const former = { id: "x", incarnation: "former life", nonvoter: true };
  const { servers } = membersOf("abc");
  const other = { ...former, address: addressOf("x") };
  const log = founded(foundedBy("x", membersOf("x")).identity, [
    ...servers,
    { ...other, suffrage: "nonvoter" },
  ]);
  assert.equal(isMember(log), false);
  const nodes = new Nodes([
    ...[..."abc"].map((id) => foundedBy(id, membersOf("abc"))),
    log,
  ]);
  nodes.crash("x");
  nodes.elect("a");
  assert.equal(settled(nodes, join(nodes, "a", former)), "ok");
  nodes.start("x", { joins: true });
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("x"), "abc[x]");
  assert.equal(outcome(nodes.take("x", 2)), refused);
  assert.equal(nodes.node("x").removal.mustAskToJoin, true);
  const asked = settled(nodes, join(nodes, "a", { id: "x", nonvoter: true }));
  assert.match(asked, /^cannot join: id x belongs to the server at/);
});

Deno.test("A node that a configuration names without its disk, or with it, goes on as a member", () => {
  const { identity } = foundedBy("x", membersOf("x"));
  const named = (incarnation: string) => {
    const [server] = membersOf("x").servers;
    return isMember(founded(identity, [{ ...server!, incarnation }]));
  };
  const expected = [named(""), named(identity.incarnation), named("another")];
  assert.deepEqual(expected, [true, true, false]);
});

for (const forward of ["no", "moved"] as const) {
  const reason = forward === "no" ? "not-leader" : "no-cluster";
  Deno.test(`With --forward ${forward} a node of no cluster says ${reason}`, () => {
    const nodes = Nodes.of("a", { spares: "x", forward });
    nodes.run(4 * electionTicks);
    assert.equal(outcome(nodes.take("x", 2)), `2 ${reason}`);
  });
}

Deno.test("A member that knows no leader lets its clients wait, however long that lasts", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("c");
  nodes.run(2 * electionTicks);
  const asked = nodes.take("c", 2);
  nodes.run(long);
  assert.equal(outcome(asked), "2 waiting");
  nodes.crash("c");
  nodes.start("c");
  const again = nodes.take("c", 2);
  nodes.run(long);
  assert.equal(
    outcome(again),
    "2 waiting",
    "its disk says that it is a member",
  );
  nodes.heal();
  nodes.awaitLeader();
  nodes.run(2);
  assert.equal(outcome(again), "1, 2");
});

Deno.test("A node that catches up lets its clients wait through an election", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  nodes.crash("x");
  nodes.start("x", { joins: true });
  // It hears its leader, but nothing of the log reaches it.
  nodes.passes = (message) =>
    message.to !== "x" || message.type !== "AppendEntries" ||
    message.entries.length === 0;
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  nodes.run(2);
  assert.equal(nodes.servers("x"), "");
  assert.equal(nodes.node("x").removal.isSettled, true);
  nodes.crash("a");
  nodes.run(2 * electionTicks);
  const asked = nodes.take("x", 2);
  const leader = nodes.awaitLeader(4 * electionTicks);
  assert.notEqual(leader, "a");
  nodes.passes = () => true;
  nodes.run(electionTicks);
  assert.equal(outcome(asked), "1, 2");
});

Deno.test("A node that reads of a removal which may be undone lets its clients wait", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "ab") nodes.disk(id).stuck = true;
  remove(nodes, "a", "c");
  nodes.run(1);
  assert.equal(nodes.servers("c"), "ab");
  nodes.isolate("c");
  const asked = nodes.take("c", 2);
  nodes.run(long);
  assert.equal(outcome(asked), "2 waiting");
});
