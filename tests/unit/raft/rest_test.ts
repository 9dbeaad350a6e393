// How long a node rests, and that each input finds its time counted.

import assert from "node:assert/strict";
import { Nodes } from "../../lib/nodes.ts";

const settings = { heartbeatTicks: 2, electionTicks: 6, restTicksMax: 99 };

function resting(voters: string, more = {}): Nodes {
  const nodes = Nodes.of(voters);
  for (const id of voters) {
    nodes.crash(id);
    nodes.start(id, { ...settings, ...more });
  }
  nodes.elect(voters[0]!);
  return nodes;
}

/** Ticks of the whole cluster until the heartbeats of `a` have just left. */
function runToHeartbeat(nodes: Nodes): void {
  do nodes.run(); while (nodes.node("a").core.leader?.heartbeatElapsed);
}

Deno.test("A leader that has nobody to send heartbeats to rests as long as it may", () => {
  assert.equal(resting("a").node("a").restTicks, 99);
});

Deno.test("A leader rests until its next heartbeat", () => {
  const nodes = resting("abc");
  runToHeartbeat(nodes);
  assert.equal(nodes.node("a").restTicks, 2);
  nodes.run();
  assert.equal(nodes.node("a").restTicks, 1);
});

Deno.test("A leader that counts in one go what it slept through keeps its office", () => {
  const nodes = resting("abc");
  for (let round = 0; round < 20; round++) {
    for (const id of "abc") nodes.node(id).tick(2);
    nodes.settle();
    assert.deepEqual(nodes.leaders, ["a"]);
  }
});

Deno.test("A follower sleeps the tick alone in which its time runs out (PITFALLS 2)", () => {
  const nodes = resting("abc");
  runToHeartbeat(nodes);
  const b = nodes.node("b");
  const { electionTimeout } = b.core;
  assert.equal(b.restTicks, electionTimeout - 1);
  b.tick(b.restTicks);
  assert.equal(b.core.role, "follower");
  assert.equal(b.restTicks, 1);
  b.tick();
  assert.equal(b.core.role, "preCandidate");
});

Deno.test("A node does not rest while somebody waits for it", () => {
  const nodes = resting("abc");
  runToHeartbeat(nodes);
  nodes.isolate("a");
  nodes.take("a");
  assert.equal(nodes.node("a").restTicks, 1, "its client waits for a number");
  nodes.ask("b", { type: "promote", id: "b", prevIndex: 0n });
  assert.equal(nodes.node("b").restTicks, 1, "a change waits");
});

Deno.test("A leader does not rest while a take of another node waits for its round", () => {
  const nodes = resting("abcde");
  runToHeartbeat(nodes);
  for (const id of "bcde") {
    nodes.take(id);
    nodes.deliver();
  }
  assert(nodes.node("a").reserve.isClaimed);
  assert.equal(nodes.node("a").restTicks, 1);
});

Deno.test("A node does not rest while a snapshot is wanted that must wait for its turn", () => {
  const nodes = resting("a");
  for (let i = 0; i < 2; i++) {
    nodes.take("a");
    nodes.settle();
    nodes.ask("a", { type: "snapshot" });
    nodes.settle();
  }
  assert.equal(nodes.node("a").restTicks, 1);
});

Deno.test("A node does not rest while numbers are lent, for nobody else tells how many are used", () => {
  const nodes = resting("a", { lends: true, takesMin: 1 });
  nodes.take("a", 8);
  nodes.settle();
  const a = nodes.node("a");
  assert.deepEqual([a.reserve.size, a.reserve.hands.find("ticket")?.lent], [
    0,
    16,
  ]);
  assert.equal(a.restTicks, 1);
});

Deno.test("A node whose save is under way rests until its disk counts as stalled", () => {
  const nodes = resting("a");
  nodes.disk("a").stuck = true;
  nodes.node("a").core.propose(new Uint8Array(1));
  nodes.node("a").tick();
  assert(nodes.node("a").core.saves.underWay);
  assert.equal(nodes.node("a").restTicks, settings.electionTicks);
  nodes.node("a").tick(5);
  assert.equal(nodes.node("a").restTicks, 1);
});

Deno.test("A node counts what it slept through before each input, and may be woken earlier after it", () => {
  const nodes = resting("abc");
  const calls: string[] = [];
  nodes.crash("b");
  nodes.start("b", {
    ...settings,
    sleep: {
      catchUp: () => (calls.push("before"), 2),
      cutShort: () => calls.push(`after ${nodes.node("b").core.role}`),
    },
  });
  const b = nodes.node("b");
  b.tick();
  assert.deepEqual(calls, []);
  assert.equal(b.core.electionElapsed, 1);
  nodes.take("b");
  assert.equal(b.core.electionElapsed, 3);
  void nodes.stat("b", "state");
  assert.equal(b.core.electionElapsed, 5);
  assert.deepEqual(calls, [
    ...["before", "after follower", "before", "after follower"],
  ]);
  calls.length = 0;
  b.core.setHardState(b.core.currentTerm + 1, undefined);
  b.tick(0);
  nodes.disk("b").finish();
  assert.deepEqual([calls[0], calls.length], ["before", 2], "a save");
});
