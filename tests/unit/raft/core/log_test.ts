// The log in memory: appended, matched, truncated, committed, compacted.

import assert from "node:assert/strict";
import { Log } from "../../../../raft/core/log.ts";
import { command, commands, members, snapshotAt } from "./scene.ts";

function logOf(terms: number[], snapshot = snapshotAt(0, 0)): Log {
  return new Log(snapshot, commands(terms, snapshot.index + 1));
}

const compaction = {
  configuration: members("abc"),
  configurationIndex: 0,
  data: Uint8Array.of(),
};

Deno.test("An empty log ends at index 0 with term 0", () => {
  const log = logOf([]);
  assert.deepEqual([log.lastIndex, log.lastTerm, log.length], [0, 0, 0]);
  assert.equal(log.termAt(0), 0);
  assert.equal(log.matches(0, 0), true);
});

Deno.test("A log after a snapshot begins behind it and takes it as committed and applied", () => {
  const log = logOf([3, 4], snapshotAt(5, 2));
  assert.deepEqual([log.lastIndex, log.lastTerm, log.length], [7, 4, 2]);
  assert.deepEqual([log.commitIndex, log.lastApplied], [5, 5]);
  assert.deepEqual([4, 5, 6, 7, 8].map((i) => log.termAt(i)), [
    undefined,
    2,
    3,
    4,
    undefined,
  ]);
});

Deno.test("Log.append() refuses a gap, a repetition and a falling term", () => {
  const log = logOf([1, 2]);
  assert.throws(() => log.append(command(4, 2)), /entry 4 cannot follow 2/);
  assert.throws(() => log.append(command(2, 2)), /entry 2 cannot follow 2/);
  assert.throws(() => log.append(command(3, 1)), /term 1 cannot follow 2/);
  log.append(command(3, 2));
  assert.equal(log.lastIndex, 3);
});

Deno.test("Log.truncate() drops an entry and all that follow it", () => {
  const log = logOf([1, 1, 2, 2], snapshotAt(3, 1));
  log.truncate(6);
  assert.deepEqual([log.lastIndex, log.lastTerm], [5, 1]);
  log.truncate(4);
  assert.deepEqual([log.lastIndex, log.lastTerm], [3, 1]);
});

Deno.test("Log.truncate() refuses to drop a committed entry", () => {
  const log = logOf([1, 1, 1]);
  log.commit(2);
  assert.throws(() => log.truncate(2), /entry 2 is committed/);
  log.truncate(3);
  assert.throws(() => logOf([], snapshotAt(5, 2)).truncate(5), /committed/);
});

Deno.test("Log.isUpToDate(): the later last term wins, then the longer log (paper 5.4.1)", () => {
  const log = logOf([1, 2, 2]);
  assert.equal(log.isUpToDate(3, 2), true);
  assert.equal(log.isUpToDate(4, 2), true);
  assert.equal(log.isUpToDate(2, 2), false);
  assert.equal(log.isUpToDate(1, 3), true);
  assert.equal(log.isUpToDate(9, 1), false);
});

Deno.test("Log.isUpToDate() knows the end of a log that is compacted away", () => {
  const log = logOf([], snapshotAt(5, 2));
  assert.equal(log.isUpToDate(5, 2), true);
  assert.equal(log.isUpToDate(4, 2), false);
  assert.equal(log.isUpToDate(9, 1), false);
});

Deno.test("Log.slice() includes both ends and refuses what is compacted away", () => {
  const log = logOf([1, 1, 2, 2], snapshotAt(3, 1));
  assert.deepEqual(log.slice(5, 6).map((e) => e.index), [5, 6]);
  assert.deepEqual(log.slice(6).map((e) => e.index), [6, 7]);
  assert.deepEqual(log.slice(8), []);
  assert.throws(() => log.slice(3), /entry 3 is compacted away/);
});

Deno.test("Log.lastIndexWithTermAtMost() finds where two logs may still agree", () => {
  const log = logOf([1, 1, 4, 4, 6]);
  assert.equal(log.lastIndexWithTermAtMost(9, 9), 5);
  assert.equal(log.lastIndexWithTermAtMost(9, 5), 4);
  assert.equal(log.lastIndexWithTermAtMost(9, 3), 2);
  assert.equal(log.lastIndexWithTermAtMost(1, 3), 1);
  assert.equal(log.lastIndexWithTermAtMost(9, 0), 0);
});

Deno.test("Log.lastIndexWithTermAtMost() steps below a snapshot whose term is above", () => {
  const log = logOf([3, 3], snapshotAt(5, 3));
  assert.equal(log.lastIndexWithTermAtMost(9, 3), 7);
  assert.equal(log.lastIndexWithTermAtMost(5, 2), 4);
  assert.equal(log.lastIndexWithTermAtMost(9, 2), 4);
  assert.equal(log.lastIndexWithTermAtMost(2, 1), 2);
});

Deno.test("Log.commit() only rises, and not beyond the end", () => {
  const log = logOf([1, 1]);
  log.commit(2);
  log.commit(1);
  assert.equal(log.commitIndex, 2);
  assert.throws(() => log.commit(3), /beyond the log/);
});

Deno.test("Log.takeCommitted() gives each committed entry once, in order", () => {
  const log = logOf([1, 1, 1]);
  assert.deepEqual(log.takeCommitted(), []);
  log.commit(2);
  assert.deepEqual(log.takeCommitted().map((e) => e.index), [1, 2]);
  assert.deepEqual(log.takeCommitted(), []);
  log.commit(3);
  assert.deepEqual(log.takeCommitted().map((e) => e.index), [3]);
});

Deno.test("Log.compact() replaces what is applied, and only that", () => {
  const log = logOf([1, 1, 2, 2]);
  log.commit(3);
  log.takeCommitted();
  log.compact(compaction);
  assert.deepEqual([log.snapshot.index, log.snapshot.term], [3, 2]);
  assert.deepEqual(log.slice(4).map((e) => e.index), [4]);
  assert.deepEqual([log.lastIndex, log.commitIndex, log.lastApplied], [
    4,
    3,
    3,
  ]);
  log.compact(compaction);
  assert.deepEqual([log.snapshot.index, log.snapshot.term], [3, 2]);
});

Deno.test("Log.compact() keeps entries behind an index in memory, of which the next begins", () => {
  const log = logOf([1, 1, 2, 2, 3]);
  log.commit(4);
  log.takeCommitted();
  log.compact({ ...compaction, keptIndex: 2 });
  assert.deepEqual([log.snapshot.index, log.compactedIndex], [4, 2]);
  assert.deepEqual([log.lastIndex, log.lastTerm, log.length], [5, 3, 1]);
  assert.deepEqual([1, 2, 3, 4, 5].map((i) => log.termAt(i)), [
    undefined,
    ...[1, 2, 2, 3],
  ]);
  assert.deepEqual(log.slice(3).map((e) => e.index), [3, 4, 5]);
  assert.throws(() => log.slice(2), /compacted away/);
  assert.deepEqual(
    [[9, 2], [9, 1], [9, 0]].map(([i, t]) =>
      log.lastIndexWithTermAtMost(i!, t!)
    ),
    [4, 2, 1],
  );
  log.compact({ ...compaction, keptIndex: 1 });
  assert.equal(log.compactedIndex, 2, "what is gone stays so");
  log.dropKept();
  assert.deepEqual([log.compactedIndex, log.lastIndex], [4, 5]);
  assert.deepEqual([log.termAt(4), log.termAt(3)], [2, undefined]);
});

Deno.test("Log.restore() forgets everything for a snapshot that is ahead", () => {
  const log = logOf([1, 1, 1]);
  log.commit(2);
  log.restore(snapshotAt(9, 4));
  assert.deepEqual([log.lastIndex, log.lastTerm, log.length], [9, 4, 0]);
  assert.deepEqual([log.commitIndex, log.lastApplied], [9, 9]);
  assert.deepEqual(log.takeCommitted(), []);
});

Deno.test("Log.restore() refuses a snapshot that would undo a commit", () => {
  const log = logOf([1, 1]);
  log.commit(2);
  assert.throws(() => log.restore(snapshotAt(2, 1)), /undo/);
});
