// When a node replaces its log by a snapshot, and whom it tells.

import assert from "node:assert/strict";
import { logEntriesMax, storageBytesMax } from "../../../raft/saver.ts";
import { electionTicks, Nodes, snapshotTicks } from "../../lib/nodes.ts";

const ok = { type: "ok" };
const nothingNew = { type: "error", text: "nothing new to snapshot" };

function snapshot(nodes: Nodes, id: string) {
  return nodes.ask(id, { type: "snapshot" });
}

/** The next ticket that a client of `id` gets. */
function next(nodes: Nodes, id: string): bigint | undefined {
  const asked = nodes.take(id);
  nodes.settle();
  return asked.given[0];
}

Deno.test("Node compacts its log when it has grown long, and goes on", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  for (let i = 0; disk.saved.snapshot.index === 0; i++) {
    assert(i <= logEntriesMax + 1000, "never compacted");
    nodes.take("a");
    nodes.settle();
  }
  nodes.settle();
  assert(disk.saved.entries.length < 2000);
  const { highest } = nodes;
  nodes.crash("a");
  nodes.start("a");
  nodes.elect("a");
  assert.equal(next(nodes, "a"), highest + 1n);
});

Deno.test("Node compacts when its disk has filled", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  nodes.take("a", 5);
  nodes.settle();
  disk.bytes = storageBytesMax;
  assert.equal(next(nodes, "a"), 6n);
  assert.equal(disk.saved.snapshot.index, 0);
  disk.bytes = storageBytesMax + 1;
  nodes.take("a");
  nodes.settle();
  assert(disk.saved.snapshot.index > 0);
  assert(disk.saved.entries.length <= 1);
});

Deno.test("Node answers RAFT.SNAPSHOT when it is durable, and not before", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  nodes.take("a");
  nodes.settle();
  disk.stuck = true;
  const first = snapshot(nodes, "a");
  const second = snapshot(nodes, "a");
  nodes.run();
  assert.deepEqual([first.answer, second.answer], [undefined, undefined]);
  assert.notEqual(disk.writing?.snapshot, undefined);
  disk.finish();
  assert.deepEqual([first.answer, second.answer], [ok, ok]);
  assert.equal(disk.saved.snapshot.index, 3);
});

Deno.test("Node asked for a snapshot during a save answers after the save that holds it", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  nodes.take("a");
  nodes.settle();
  nodes.take("a");
  assert.notEqual(disk.writing, undefined);
  const asked = snapshot(nodes, "a");
  disk.finish();
  assert.equal(asked.answer, undefined);
  assert.notEqual(disk.writing?.snapshot, undefined);
  disk.finish();
  assert.deepEqual(asked.answer, ok);
});

Deno.test("Node answers OK at once when nothing came since its last snapshot", () => {
  const nodes = Nodes.ledBy("a");
  nodes.take("a");
  nodes.settle();
  snapshot(nodes, "a");
  nodes.settle();
  const { length } = nodes.disk("a").saves;
  assert.deepEqual(snapshot(nodes, "a").answer, ok);
  assert.equal(nodes.disk("a").saves.length, length);
});

Deno.test("Node has nothing new to snapshot before any ticket, after a restart neither", () => {
  const nodes = Nodes.ledBy("ab");
  assert.deepEqual(snapshot(nodes, "a").answer, nothingNew);
  assert.deepEqual(snapshot(nodes, "b").answer, nothingNew);
  // Compacted for its bytes, without a ticket.
  nodes.disk("a").bytes = storageBytesMax + 1;
  nodes.run(2);
  assert(nodes.disk("a").saved.snapshot.index > 0);
  nodes.disk("a").bytes = 0;
  assert.deepEqual(snapshot(nodes, "a").answer, nothingNew);
  nodes.crash("a");
  nodes.start("a");
  nodes.awaitLeader();
  assert.deepEqual(snapshot(nodes, "a").answer, nothingNew);

  const leader = nodes.awaitLeader();
  assert.equal(next(nodes, leader), 1n);
  nodes.run();
  for (const id of "ab") {
    const asked = snapshot(nodes, id);
    nodes.settle();
    assert.deepEqual(asked.answer, ok, "on a follower too");
  }
});

Deno.test("Node that was away past a compaction continues the numbers, as the leader too", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  nodes.run(electionTicks);
  nodes.take("a", 1000);
  nodes.settle();
  snapshot(nodes, "a");
  nodes.settle();
  assert.equal(next(nodes, "a"), 1001n);

  nodes.start("c");
  const sent: string[] = [];
  nodes.passes = ({ type, to }) => sent.push(`${type} ${to}`) > 0;
  nodes.run(3);
  assert(sent.includes("InstallSnapshot c"));
  assert.equal(
    nodes.stat("c", "applied_index"),
    nodes.stat("a", "applied_index"),
  );

  nodes.crash("a");
  nodes.crash("b");
  nodes.start("b");
  nodes.elect("c");
  assert.equal(next(nodes, "c"), 1002n);
});

Deno.test("Node carries the members into its second snapshot (PITFALLS 14)", () => {
  const nodes = Nodes.ledBy("abc");
  for (let round = 0; round < 2; round++) {
    nodes.take("a");
    nodes.settle();
    snapshot(nodes, "a");
    nodes.run(snapshotTicks);
  }
  const { snapshot: { configuration, configurationIndex }, entries } =
    nodes.disk("a").saved;
  assert.deepEqual(configuration.servers.map(({ id }) => id), ["a", "b", "c"]);
  assert.equal(configurationIndex, 1);
  assert.deepEqual(entries, []);

  nodes.crash("a");
  nodes.start("a");
  assert.equal(nodes.servers("a"), "abc");
  assert.equal(nodes.stat("a", "latest_configuration_index"), "1");
});

Deno.test("Node takes one snapshot a second at most, however many are asked for, and answers them all", () => {
  const nodes = Nodes.ledBy("abc");
  const disk = nodes.disk("a");
  nodes.take("a", 1);
  nodes.run(2);
  const first = snapshot(nodes, "a");
  nodes.run(1);
  assert.deepEqual(first.answer, ok);
  const { index } = disk.saved.snapshot;
  nodes.take("a", 1);
  nodes.settle();
  const [second, third] = [snapshot(nodes, "a"), snapshot(nodes, "a")];
  nodes.run(1);
  assert.equal(disk.saved.snapshot.index, index, "not so soon");
  assert.equal(second.answer, undefined);
  nodes.run(snapshotTicks);
  assert.deepEqual([second.answer, third.answer], [ok, ok]);
  assert(disk.saved.snapshot.index > index);
});

Deno.test("Node that stops does not wait with the snapshots that are asked for", () => {
  const nodes = Nodes.of("a");
  nodes.elect("a");
  nodes.take("a", 1);
  nodes.run(1);
  snapshot(nodes, "a");
  nodes.run(1);
  nodes.take("a", 1);
  nodes.settle();
  const asked = snapshot(nodes, "a");
  assert.equal(asked.answer, undefined);
  nodes.node("a").stop();
  nodes.settle();
  assert.deepEqual(asked.answer, ok);
});
