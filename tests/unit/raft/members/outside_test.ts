// What clients are told by a node that is outside its cluster: at once that it gives no
// tickets. A member that merely knows no leader lets them wait.

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
/** Ticks for which a client of a member without a leader waits, and more. */
const long = 40 * electionTicks;

/** `x` was added and removed, and has heard of neither. */
function addedAndForgotten(): Nodes {
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

Deno.test("A node that was added and removed before it heard of either turns clients away, and asks to join again", () => {
  const nodes = addedAndForgotten();
  const early = nodes.take("x", 2);
  assert.equal(outcome(early), "2 waiting", "a leader may turn up yet");
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

Deno.test("A node that asks to join turns clients away, and serves them once it is a member", () => {
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

Deno.test("A node that learns of its removal turns away the clients that wait, and those that come", () => {
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

Deno.test("A take that a removed node has forwarded is given up", () => {
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

Deno.test("A node whose id was given to another disk meanwhile turns clients away, and asks to join", () => {
  // A join of a former incarnation, whose disk is lost, came late. A member that had not
  // heard of it then sent its log to the new one.
  const former = { id: "x", incarnation: "former disk", nonvoter: true };
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

Deno.test("A node is a member if a configuration names it with its incarnation, or with none", () => {
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
  Deno.test(`With --forward ${forward} a node outside its cluster says ${reason}`, () => {
    const nodes = Nodes.of("a", { spares: "x", forward });
    nodes.run(4 * electionTicks);
    assert.equal(outcome(nodes.take("x", 2)), `2 ${reason}`);
  });
}

Deno.test("A member without a leader lets its clients wait, however long that lasts", () => {
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
    "its disk tells that it is a member",
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
  // It hears its leader, but gets no entry of the log.
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

Deno.test("A node whose removal is not committed lets its clients wait", () => {
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
