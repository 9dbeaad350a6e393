// When a node replaces its log by a snapshot, and whom it tells.

import assert from "node:assert/strict";
import { logBytesMax, logEntriesMax } from "../../../raft/log_length.ts";
import { Machine } from "../../../raft/tickets/machine.ts";
import {
  electionTicks,
  foundedBy,
  membersOf,
  Nodes,
  snapshotTicks,
} from "../../lib/nodes.ts";

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
  disk.bytes = logBytesMax + disk.saved.snapshot.data.length;
  assert.equal(next(nodes, "a"), 6n);
  assert.equal(disk.saved.snapshot.index, 0);
  disk.bytes++;
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
  assert.notEqual(disk.compacting, undefined);
  assert.equal(disk.writing, undefined, "a compaction is no save");
  disk.finish();
  assert.deepEqual([first.answer, second.answer], [ok, ok]);
  assert.equal(disk.saved.snapshot.index, 3);
});

Deno.test("Node asked for a snapshot during a save begins it beside that save", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  nodes.take("a");
  nodes.settle();
  nodes.take("a");
  assert.notEqual(disk.writing, undefined);
  const asked = snapshot(nodes, "a");
  assert.notEqual(disk.compacting, undefined);
  disk.finish();
  assert.equal(asked.answer, undefined);
  disk.finishCompaction();
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
  nodes.disk("a").bytes = 2 * logBytesMax;
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

Deno.test("Node does not compact while an entry waits for its save", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  nodes.take("a");
  nodes.settle();
  const last = disk.saved.entries.at(-1);
  assert(last?.type === "command");
  nodes.take("a");
  assert.notEqual(disk.writing, undefined);
  nodes.node("a").core.propose(last.data);
  const asked = snapshot(nodes, "a");
  assert.equal(disk.compacting, undefined);
  disk.finish();
  assert.notEqual(disk.compacting, undefined, "the next save has the entry");
  nodes.settle();
  assert.deepEqual(asked.answer, ok);
});

Deno.test("Node takes a leader's snapshot for its own when it is durable, and not before", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  nodes.run(electionTicks);
  nodes.take("a", 1000);
  nodes.settle();
  snapshot(nodes, "a");
  nodes.settle();
  nodes.start("c");
  const disk = nodes.disk("c");
  disk.stuck = true;
  while (disk.writing?.snapshot === undefined) {
    nodes.run(1);
    if (disk.writing?.snapshot === undefined) disk.finish();
  }
  const asked = snapshot(nodes, "c");
  nodes.run(1);
  assert.equal(asked.answer, undefined);
  disk.finish();
  assert.deepEqual(asked.answer, ok);
});

/** A node alone, whose compaction is under way because its disk has filled. */
function compacting(): Nodes {
  const nodes = Nodes.ledBy("a");
  nodes.take("a", 5);
  nodes.settle();
  const disk = nodes.disk("a");
  disk.stuck = true;
  disk.bytes = 2 * logBytesMax;
  nodes.run(1);
  assert.notEqual(disk.compacting, undefined);
  return nodes;
}

Deno.test("Node goes on with takes and saves while a compaction is under way", () => {
  const nodes = compacting();
  const disk = nodes.disk("a");
  const { length } = disk.saves;
  const asked = nodes.take("a", 3);
  while (disk.writing !== undefined) disk.finish();
  assert.equal(asked.given[0], 6n);
  assert(disk.saves.length > length);
  assert.notEqual(disk.compacting, undefined);
  assert.equal(disk.saved.snapshot.index, 0);
  disk.finishCompaction();
  assert(disk.saved.snapshot.index > 0);
});

Deno.test("Node ends when a compaction fails (PITFALLS 11, 13)", () => {
  const nodes = compacting();
  nodes.disk("a").fail(new Error("no space left"));
  assert.match(String(nodes.computer("a").end?.error), /no space left/);
});

Deno.test("Node that stops does not wait for a compaction that nobody asked for", () => {
  const nodes = compacting();
  const disk = nodes.disk("a");
  nodes.node("a").stop();
  for (let i = 0; nodes.computer("a").end === undefined; i++) {
    assert(i < 20, "it does not end");
    if (!disk.finishOther()) nodes.run(1);
  }
  assert.equal(nodes.computer("a").end?.error, undefined);
  assert.equal(disk.saved.snapshot.index, 0);
});

Deno.test("Node waits with a snapshot until the work that the last one put off is done", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `${i}:`);
  const state = Machine.of(names.map((name) => [name.padEnd(128, "x"), 1n]));
  const nodes = new Nodes([{
    ...foundedBy("a", membersOf("a")),
    snapshot: {
      ...{ index: 9, term: 1, configurationIndex: 1 },
      configuration: membersOf("a"),
      data: state.snapshot(),
    },
    entries: [],
  }]);
  nodes.elect("a");
  assert.equal(next(nodes, "a"), 1n);
  const asked = snapshot(nodes, "a");
  nodes.settle();
  nodes.run(1);
  assert.equal(asked.answer, undefined);
  assert.equal(nodes.disk("a").saved.snapshot.index, 9, "not at once");
  nodes.run(3);
  assert.deepEqual(asked.answer, ok);
});
