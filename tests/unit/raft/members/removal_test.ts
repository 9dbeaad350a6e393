// How a node learns of its own removal: when it says so, once, and when it must not yet.

import assert from "node:assert/strict";
import type { PeerMessage } from "../../../../raft/core/types.ts";
import { electionTicks, Nodes, outcome } from "../../../lib/nodes.ts";
import { addVoter, join, ok, remove, settled } from "../../../lib/questions.ts";

/** `c` was removed while it was down, and is up again; no member sends it anything. */
function removeWhileDown(nodes: Nodes, { joins = false } = {}): void {
  nodes.crash("c");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  nodes.run(100);
  nodes.start("c", { joins });
}

Deno.test("A node that reads of its removal says so once, when the removal is committed", () => {
  const nodes = Nodes.ledBy("abc");
  const c = nodes.computer("c");
  nodes.disk("b").stuck = true;
  nodes.passes = ({ from, type }) =>
    from !== "c" || type !== "AppendEntriesResponse";
  remove(nodes, "a", "c");
  nodes.run(2);
  assert.equal(nodes.servers("c"), "ab", "it has read it");
  assert.equal(c.removed, false, "it could still be rolled back");
  nodes.disk("b").stuck = false;
  nodes.passes = () => true;
  nodes.run(2);
  assert.equal(c.removed, true);
  nodes.run(2 * electionTicks);
  assert.deepEqual(c.logged.filter((line) => line.includes("removed")), [
    "warning: was removed from the cluster; stops; to come back, start it with " +
    "--join ADDRESS of a member",
  ]);
  for (const id of "ab") assert.equal(nodes.computer(id).removed, false);
});

Deno.test("A leader that removes itself answers first, and then says that it was removed", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.passes = ({ type }) => type !== "TimeoutNow";
  const asked = remove(nodes, "a", "a");
  nodes.run(3 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  const { posted } = nodes.computer("a");
  const answered = posted.findIndex((message) =>
    message.type === "answered" && message.answer === asked.answer
  );
  const removed = posted.findIndex(({ type }) => type === "removed");
  assert(0 <= answered && answered < removed, `${answered} < ${removed}`);
});

Deno.test("A leader that hands over to be removed gets its answer before it stops", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "a", "a");
  nodes.run(3);
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.computer("a").removed, true);
});

Deno.test("A node that was removed while it was down is told, and says so", () => {
  const nodes = Nodes.ledBy("abc");
  removeWhileDown(nodes);
  nodes.run(4 * electionTicks);
  assert.equal(nodes.computer("c").removed, true);
});

/** `e` was removed while it was down, and knows `a` alone, which follows `c` now. */
function removedFromSight(): Nodes {
  const nodes = Nodes.ledBy("ae", { spares: "c" });
  nodes.crash("e");
  const away = remove(nodes, "a", "e", { force: true });
  assert.equal(settled(nodes, away), "ok");
  assert.equal(settled(nodes, join(nodes, "a", { id: "c" })), "ok");
  nodes.run(2 * electionTicks);
  nodes.node("a").core.transferLeadership("c");
  nodes.run(2);
  assert.deepEqual(nodes.leaders, ["c"]);
  return nodes;
}

Deno.test("A node that was removed while it was down is told by a follower, if it knows no other member", () => {
  const nodes = removedFromSight();
  nodes.start("e");
  const asked = nodes.take("e");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.computer("e").removed, true);
  assert.equal(outcome(asked), "1 no-cluster");
});

Deno.test("A follower that hears no leader tells no node that it was removed", () => {
  const nodes = removedFromSight();
  nodes.isolate("c");
  nodes.run(2 * electionTicks);
  nodes.start("e");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.computer("e").removed, false);
});

for (const joins of [false, true]) {
  const what = joins ? "asks to join again" : "says so";
  Deno.test(`A nonvoter that was removed while it was down ${what}, too`, () => {
    const nodes = Nodes.ledBy("abc", { spares: "x" });
    nodes.crash("x");
    nodes.start("x", { joins: true });
    const asked = join(nodes, "a", { id: "x", nonvoter: true });
    assert.equal(settled(nodes, asked), "ok");
    nodes.run(5);
    nodes.crash("x");
    assert.equal(settled(nodes, remove(nodes, "a", "x")), "ok");
    nodes.run(100);
    nodes.start("x", { joins });
    nodes.run(4 * electionTicks);
    assert.equal(nodes.node("x").removal.mustAskToJoin, true);
    assert.equal(nodes.computer("x").removed, !joins);
  });
}

Deno.test("A node that was removed while it was down, and hears nothing, says nothing", () => {
  const nodes = Nodes.ledBy("abc");
  remove(nodes, "a", "c");
  nodes.settle();
  nodes.crash("c");
  nodes.isolate("c");
  nodes.start("c");
  nodes.run(10 * electionTicks);
  assert.equal(nodes.servers("c"), "ab");
  assert.equal(nodes.computer("c").removed, false);
});

Deno.test("A node started with --join after its removal asks to join, and does not stop", () => {
  const nodes = Nodes.ledBy("abc");
  removeWhileDown(nodes, { joins: true });
  nodes.run(4 * electionTicks);
  assert.equal(nodes.node("c").removal.mustAskToJoin, true);
  assert.equal(settled(nodes, join(nodes, "a", { id: "c" })), "ok");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("c"), "abc");
  assert.equal(nodes.node("c").removal.mustAskToJoin, false);
  assert.equal(nodes.computer("c").removed, false);

  // This process has been a member: another removal is meant for it.
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  nodes.run(2);
  assert.equal(nodes.node("c").removal.mustAskToJoin, false);
  assert.equal(nodes.computer("c").removed, true);
});

Deno.test("A member started with --join stops when it is removed while it is cut off", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  nodes.start("c", { joins: true });
  nodes.run(2);
  nodes.isolate("c");
  remove(nodes, "a", "c");
  nodes.run(100);
  nodes.heal();
  nodes.run(4 * electionTicks);
  assert.equal(nodes.computer("c").removed, true, "the leader told it");
});

Deno.test("A node that hears of its joining and its removal at once stops, and does not join again", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.crash("x");
  nodes.elect("a");
  nodes.start("x", { joins: true });
  nodes.disk("a").stuck = true;
  join(nodes, "a", { id: "x" });
  nodes.tick("a");
  nodes.settle();
  assert.equal(nodes.servers("x"), "a(x)");
  // Committed, and x hears of that together with its removal.
  nodes.disk("a").stuck = false;
  nodes.settle();
  remove(nodes, "a", "x");
  nodes.run(3);
  assert.equal(nodes.servers("a"), "a");
  assert.equal(nodes.node("x").removal.mustAskToJoin, false);
  assert.equal(nodes.computer("x").removed, true);
});

Deno.test("A joining node is not stopped by an older removal that it reads", () => {
  const nodes = Nodes.of("ab", { spares: "x" });
  nodes.crash("x");
  nodes.elect("a");
  nodes.start("x", { joins: true });
  // An earlier incarnation of this id, of which the log that it gets tells.
  const earlier = { id: "x", incarnation: "earlier disk" };
  assert.equal(settled(nodes, join(nodes, "a", earlier)), "ok");
  assert.equal(settled(nodes, remove(nodes, "a", "x")), "ok");
  nodes.run(5);
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("x"), "abx");
  assert.equal(nodes.computer("x").removed, false);
});

for (const late of [false, true]) {
  const what = late
    ? "an old heartbeat that comes late"
    : "the older removal that it reads";
  Deno.test(`A node removed and added again while it was down is not stopped by ${what}`, () => {
    const nodes = Nodes.ledBy("abc");
    nodes.crash("c");
    assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
    // So many entries that the removal and what is committed after it come in two messages.
    for (let i = 0; i < 1200; i++) {
      nodes.take("a");
      nodes.settle();
    }
    addVoter(nodes, "a", { id: "c" });
    nodes.settle();
    nodes.start("c");
    let wasLeftOut = false;
    for (let i = 0; i < 4 * electionTicks; i++) {
      for (const id of "abc") nodes.tick(id);
      while (nodes.network.length > 0) {
        nodes.deliver();
        if (nodes.node("c").address === undefined && !wasLeftOut) {
          wasLeftOut = true;
          if (late) nodes.hand(oldHeartbeat(nodes));
        }
        for (const id of "abc") while (nodes.disk(id).finish());
      }
    }
    assert.equal(wasLeftOut, true, "it has read of its removal");
    assert.equal(nodes.servers("c"), "abc");
    assert.equal(nodes.computer("c").removed, false);
  });
}

/** Of the present leader `a`, sent when less was committed. */
function oldHeartbeat(nodes: Nodes): PeerMessage {
  return {
    type: "AppendEntries",
    from: "a",
    to: "c",
    term: Number(nodes.stat("a", "term")),
    prevLogIndex: 1,
    prevLogTerm: 1,
    leaderCommit: 1,
    entries: [],
    sequence: 1,
  };
}

Deno.test("A node that reads of its removal in a snapshot waits for the entries after it", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  nodes.take("a");
  nodes.settle();
  nodes.ask("a", { type: "snapshot" });
  nodes.settle();
  addVoter(nodes, "a", { id: "c" });
  nodes.settle();
  nodes.start("c");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("c"), "abc");
  assert.equal(nodes.computer("c").removed, false);
});
