// How a node ends when it is asked to: what it settles first, and for whom.

import assert from "node:assert/strict";
import { electionTicks, Nodes } from "../../lib/nodes.ts";

const asAsked = { error: undefined };

function stop(nodes: Nodes, id: string): void {
  nodes.node(id).stop();
}

Deno.test("Node.stop() ends a sole voter, and flushes first", () => {
  const nodes = Nodes.ledBy("a");
  const { disk } = nodes.computer("a");
  disk.stuck = true;
  stop(nodes, "a");
  assert.equal(nodes.computer("a").end, undefined);
  assert(disk.finish());
  assert.equal(disk.writing, undefined);
  assert.deepEqual(nodes.computer("a").end, asAsked);
});

Deno.test("Node.stop() answers the takes of a save in flight, then ends", () => {
  const nodes = Nodes.ledBy("a");
  const { disk } = nodes.computer("a");
  const takes = [nodes.take("a"), nodes.take("a", 2)];
  stop(nodes, "a");
  const late = nodes.take("a");
  nodes.settle();
  assert.deepEqual(takes.map(({ given }) => given), [[1n], [2n, 3n]]);
  assert.deepEqual(late.refusals, [{ count: 1, reason: "not-leader" }]);
  assert.deepEqual(nodes.computer("a").end, asAsked);
  assert.equal(disk.writing, undefined);
});

Deno.test("Node.stop() hands over: another leads at once, and no number is lost", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = nodes.take("a", 4);
  stop(nodes, "a");
  nodes.settle();
  assert.deepEqual(nodes.computer("a").end, asAsked);
  assert.deepEqual(asked.given, [1n, 2n, 3n, 4n]);
  assert.equal(nodes.leaders.length, 1, "without a tick");
  const next = nodes.take(nodes.leaders[0]!);
  nodes.settle();
  assert.deepEqual(next.given, [5n]);
});

Deno.test("Node.stop() of a follower disturbs nobody", () => {
  const nodes = Nodes.ledBy("abc");
  stop(nodes, "b");
  nodes.settle();
  assert.deepEqual(nodes.computer("b").end, asAsked);
  nodes.run(3 * electionTicks);
  assert.deepEqual(nodes.leaders, ["a"]);
  assert.equal(nodes.stat("a", "term"), "2");
});

Deno.test("Node.stop() waits for a follower's save, for its promise is out", () => {
  const nodes = Nodes.ledBy("abc");
  const { disk } = nodes.computer("b");
  disk.stuck = true;
  nodes.take("a");
  nodes.settle();
  assert.notEqual(disk.writing, undefined);
  stop(nodes, "b");
  assert.equal(nodes.computer("b").end, undefined);
  disk.stuck = false;
  nodes.settle();
  assert.deepEqual(nodes.computer("b").end, asAsked);
});

Deno.test("Node.stop() gives up on a successor that is dead, and stops all the same", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.passes = ({ type }) => type !== "TimeoutNow";
  stop(nodes, "a");
  for (let ticks = 0; nodes.computer("a").end === undefined; ticks++) {
    assert(ticks <= electionTicks, "an election timeout has passed");
    nodes.run();
  }
  assert.deepEqual(nodes.computer("a").end, asAsked);
});

Deno.test("Node.stop() without a majority leaves no take and no question unanswered", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  const asked = nodes.take("a", 3);
  const change = nodes.ask("a", {
    type: "remove-server",
    force: true,
    id: "c",
    prevIndex: 0n,
  });
  stop(nodes, "a");
  nodes.run(electionTicks + 1);
  assert.deepEqual(nodes.computer("a").end, asAsked);
  assert.deepEqual(asked.refusals, [{ count: 3, reason: "leadership-lost" }]);
  assert.equal(change.answer?.type, "error");
});

Deno.test("Node.stop() answers a change that waits for a leader", () => {
  const nodes = Nodes.of("abc");
  const asked = nodes.ask("b", {
    type: "remove-server",
    force: true,
    id: "c",
    prevIndex: 0n,
  });
  stop(nodes, "b");
  nodes.settle();
  assert.deepEqual(asked.answer, {
    type: "error",
    text: "the node is stopping",
  });
});

Deno.test("Node.stop() turns clients away that ask during its last flush", () => {
  const nodes = Nodes.ledBy("a");
  nodes.take("a");
  nodes.settle();
  stop(nodes, "a");
  const late = nodes.take("a", 2);
  assert.deepEqual(late.refusals, [{ count: 2, reason: "not-leader" }]);
  for (const type of ["snapshot", "stats"] as const) {
    assert.deepEqual(nodes.ask("a", { type }).answer, {
      type: "error",
      text: "the node is stopping",
    });
  }
  nodes.settle();
  assert.deepEqual(nodes.computer("a").end, asAsked);
});

Deno.test("Node.stop() fails when the last flush fails", () => {
  const nodes = Nodes.ledBy("a");
  stop(nodes, "a");
  nodes.disk("a").fail(new Error("no space left"));
  assert.match(String(nodes.computer("a").end?.error), /no space left/);
});
