// Mistakes of the log in files, put back: what is synced when, and which bytes are believed.

import type { Mutant } from "./mutant.ts";

const wal = "storage/wal.ts";
const segment = "storage/segment.ts";
const record = "storage/record.ts";
const queue = "storage/work_queue.ts";
const next = "storage/next_segment.ts";
const walTests = ["unit/storage/wal_test.ts"];
const loadTests = ["unit/storage/wal_load_test.ts"];
const crashTests = ["unit/storage/wal_crash_test.ts"];

export const storageMutants: readonly Mutant[] = [
  {
    name: "done-before-sync",
    mistake: "at durability high a write is acknowledged before its fsync",
    source: "PITFALLS 7",
    file: wal,
    find: "if (mustSync) this.#work.enqueue(this.#sync(), done);",
    replace:
      "if (mustSync && this.#held) this.#work.enqueue(this.#sync(), done);",
    tests: walTests,
  },
  {
    name: "vote-not-synced-at-low",
    mistake: "at durability low not even term and vote are synced",
    source: "PITFALLS 12, 14",
    file: wal,
    find: 'const mustSync = this.#durability === "high" || save.mustSync;',
    replace: 'const mustSync = this.#durability === "high";',
    tests: walTests,
  },
  {
    name: "members-not-synced-at-low",
    mistake: "at durability low a killed node forgets the members it took in",
    source: "PITFALLS 40",
    file: "raft/core/saves.ts",
    find: `entries.some(({ type }) => type !== "command");`,
    replace: `entries.some(({ type }) => type === "noop");`,
    tests: ["unit/raft/core/saves_test.ts"],
  },
  {
    name: "first-entry-not-synced-at-low",
    mistake:
      "at durability low a majority may forget the entry that a change of members stands on",
    source: "PITFALLS 25, 40",
    file: "raft/core/saves.ts",
    find: `entries.some(({ type }) => type !== "command");`,
    replace: `entries.some(({ type }) => type === "configuration");`,
    tests: ["unit/raft/core/low_durability_test.ts"],
  },
  {
    name: "undone-change-comes-back-at-low",
    mistake:
      "at durability low a change of members that was undone is in force after a crash",
    source: "PITFALLS 40",
    file: "raft/core/follower.ts",
    find: "if (membership.truncate(entry.index)) saves.membersChanged();",
    replace: "membership.truncate(entry.index);",
    tests: ["unit/raft/core/member_changes_test.ts"],
  },
  {
    name: "failed-sync-retried",
    mistake: "a failed fsync is tried again, and believed when it succeeds",
    source: "PITFALLS 11",
    file: queue,
    find:
      "if (error !== undefined) this.#options.failed(error);\n        else this",
    replace:
      "if (error !== undefined) piece.steps.next().value!.sync(() => this.#advance({ deferred: false }));\n        else this",
    tests: [...crashTests, "unit/raft/node_test.ts"],
  },
  {
    name: "failed-sync-ignored",
    mistake: "a failed fsync counts as one that succeeded",
    source: "PITFALLS 11",
    file: queue,
    find:
      "if (error !== undefined) this.#options.failed(error);\n        else this",
    replace: "this",
    tests: crashTests,
  },
  {
    name: "write-after-failure",
    mistake: "a log that has failed goes on writing",
    source: "PITFALLS 11, 13",
    file: wal,
    find: `  write(save: Save, done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);`,
    replace: `  write(save: Save, done: Done): void {`,
    tests: crashTests,
  },
  {
    name: "segment-not-synced",
    mistake: "a new segment gets its name before it is durable",
    source: "PITFALLS 12",
    file: next,
    find: "    if (unsynced > 0) yield file;",
    replace: "    if (unsynced < 0) yield file;",
    tests: walTests,
  },
  {
    name: "directory-not-synced",
    mistake: "the directory is not synced after the rename",
    source: "PITFALLS 12",
    file: wal,
    find: `    yield this.#files;
    this.#segment?.file.close();`,
    replace: `    this.#segment?.file.close();`,
    tests: walTests,
  },
  {
    name: "old-segment-removed-first",
    mistake: "the old segment is removed before the new one's name is durable",
    source: "PITFALLS 12, 15",
    file: wal,
    find: `    yield this.#files;
    this.#segment?.file.close();`,
    replace:
      `    for (const other of segmentNumbers(this.#files.list() ?? [])) {
      if (other < next.number) this.#files.remove(segmentName(other));
    }
    yield this.#files;
    this.#segment?.file.close();`,
    tests: walTests,
  },
  {
    name: "old-segment-read",
    mistake: "of two segments the older is read",
    source: "PITFALLS 15",
    file: "storage/recovery.ts",
    find: "const newest = segmentNumbers(names).at(-1);",
    replace: "const newest = segmentNumbers(names).at(0);",
    tests: loadTests,
  },
  {
    name: "compaction-loses-vote",
    mistake: "a compacted log begins without term and vote",
    source: "PITFALLS 14",
    file: wal,
    find: "this.#work.enqueue(this.#roll(save), (error) => {",
    replace:
      "this.#work.enqueue(this.#roll({ ...save, hardState: { currentTerm: 0, votedFor: undefined } }), (error) => {",
    tests: crashTests,
  },
  {
    name: "unsynced-while-syncing",
    mistake: "what was written during a sync counts as synced by it",
    source: "PITFALLS 9",
    file: wal,
    find: "segment.synced = covered;",
    replace: "segment.synced = segment.written;",
    tests: walTests,
  },
  {
    name: "opened-without-sync",
    mistake: "what was read at a start is trusted without syncing it",
    source: "PITFALLS 11",
    file: wal,
    find:
      "for (const target of this.#roll(wholeChange(found.state))) target.syncNow();",
    replace:
      "for (const target of this.#roll(wholeChange(found.state))) void target;",
    tests: crashTests,
  },
  {
    name: "unreadable-begins-anew",
    mistake: "a log that cannot be read is taken for none",
    source: "PITFALLS 16",
    file: wal,
    find: "      this.close();\n      throw error;",
    replace: "      this.close();\n      return undefined;",
    tests: loadTests,
  },
  {
    name: "directory-not-locked",
    mistake: "two processes write to one directory",
    source: "PITFALLS 30",
    file: wal,
    find:
      "if (this.#files.list() === undefined) return undefined;\n    this.#files.lock();",
    replace: "if (this.#files.list() === undefined) return undefined;",
    tests: loadTests,
  },
  {
    name: "memory-at-low-without-limit",
    mistake: "at durability low all that waits is kept in memory",
    source: "PITFALLS 33",
    file: wal,
    find: "this.#pending.length < pendingBytesMax;",
    replace: "this.#pending.length < Infinity;",
    tests: walTests,
  },
  {
    name: "middle-cut",
    mistake: "the log is cut at a bad record in its middle",
    source: "PITFALLS 8",
    file: segment,
    find:
      'if (tail.type !== "damaged") return { state, end, tail: tail.type };',
    replace:
      'if (tail.type !== "damaged" || end > 0) return { state, end, tail: tail.type === "damaged" ? "torn" : tail.type };',
    tests: loadTests,
  },
  {
    name: "another-nodes-log",
    mistake: "a node starts on another node's log",
    source: "PITFALLS 30",
    file: segment,
    find: "if (owner === node) return;",
    replace: "if (owner !== '' || owner === node) return;",
    tests: loadTests,
  },
  {
    name: "seed-of-no-segment",
    mistake: "a stale record of an older segment is taken for one of this",
    source: "PITFALLS 8",
    file: segment,
    find:
      "`${identity.cluster} ${identity.node} ${identity.incarnation} ${number}`,",
    replace: "`${identity.cluster} ${identity.node} ${number > 0}`,",
    tests: loadTests,
  },
  {
    name: "newer-format-read",
    mistake: "a log of a newer format is read as if it were ours",
    source: "PITFALLS 16",
    file: segment,
    find: "if (version !== formatVersion) {",
    replace: "if (version < formatVersion) {",
    tests: loadTests,
  },
  {
    name: "no-checksum",
    mistake: "a flipped bit is served as good data",
    source: "PITFALLS 8",
    file: record,
    find: `    crc32(bytes.subarray(offset + 4, end), start) !==
      view.getUint32(offset, true)`,
    replace: "    start < 0",
    tests: ["unit/storage/record_test.ts"],
  },
  {
    name: "overtaken-is-damage",
    mistake: "writes that a power loss reordered are refused as damage",
    source: "PITFALLS 9",
    file: record,
    find: "if (record !== undefined && record.synced > offset) {",
    replace: "if (record !== undefined && record.end > 0) {",
    tests: ["unit/storage/record_test.ts"],
  },
  {
    name: "cut-out-bytes-unnoticed",
    mistake: "bytes that were cut out of the middle end the log there",
    source: "PITFALLS 8",
    file: record,
    find: "if (displaced !== undefined && displaced.synced >= offset) {",
    replace: "if (displaced !== undefined && displaced.synced < 0) {",
    tests: ["unit/storage/record_test.ts"],
  },
  {
    name: "synced-counts-too-much",
    mistake: "a record calls itself and all after it synced",
    source: "PITFALLS 9",
    file: wal,
    find: "synced: segment.synced,\n      },",
    replace: "synced: segment.written + before,\n      },",
    tests: crashTests,
  },
  {
    name: "replaced-entries-come-back",
    mistake: "entries that a save replaced are there again after a restart",
    source: "PITFALLS 15",
    file: "storage/apply_save.ts",
    find: "state.entries.length = kept;",
    replace:
      "if (change.entries.length === 0) state.entries.length = Math.max(kept, state.entries.length);\n  else state.entries.length = kept;",
    tests: ["unit/storage/memory_test.ts", "unit/storage/wal_test.ts"],
  },
  {
    name: "base-in-one-sector",
    mistake:
      "a segment's beginning fits into one sector, which a wiped incarnation left",
    source: "PITFALLS 8",
    file: segment,
    find: "return Math.max(0, sectorBytes - offset);",
    replace: "return 0 * offset;",
    tests: ["unit/storage/stale_test.ts"],
  },
  {
    name: "foreign-taken-for-torn",
    mistake:
      "a record of another incarnation behind our own is cut like a torn write",
    source: "PITFALLS 8",
    file: record,
    find: "if (readForeign(bytes, at, { seed }) !== undefined) {",
    replace: "if (at < 0) {",
    tests: ["unit/storage/damage_test.ts"],
  },
];
