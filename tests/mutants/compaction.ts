// Mistakes of a compaction that goes on beside saves, put back: what the new segment lacks when
// it gets its name, and what is written where meanwhile.

import type { Mutant } from "./mutant.ts";

const wal = "storage/wal.ts";
const next = "storage/next_segment.ts";
const saver = "raft/saver.ts";
const kv = "storage/kv_storage.ts";
const compactTests = ["unit/storage/wal_compact_test.ts"];
const kvTests = ["unit/storage/kv_test.ts"];
const nodeTests = ["unit/raft/node_compact_test.ts"];
const source = "PITFALLS 15";

export const compactionMutants: readonly Mutant[] = [
  {
    name: "snapshot-while-behind",
    mistake:
      "a snapshot copies at once all that the one before has left to be copied",
    source: "docs/PERFORMANCE.md, 100,000 names",
    file: saver,
    find: "if (isNew && this.#options.machine.isBehind && !isStopping) return;",
    replace: "",
    tests: nodeTests,
  },
  {
    name: "behind-until-commands-come",
    mistake: "a snapshot waits for commands, of which none may come",
    source: "PITFALLS 32",
    file: "raft/node.ts",
    find: "      this.#machine.tick(); ",
    replace: "      ",
    tests: nodeTests,
  },
  {
    name: "save-in-old-segment-only",
    mistake: "a save that comes during a compaction is not in the new segment",
    source,
    file: wal,
    find: "this.#compaction?.next.add(save, this.#pending.length - before);",
    replace: "this.#compaction?.next.written.valueOf();",
    tests: compactTests,
  },
  {
    name: "named-before-up-to-date",
    mistake: "a new segment gets its name before the last saves are in it",
    source,
    file: wal,
    find: "    yield* next.finish();\n",
    replace: "",
    tests: compactTests,
  },
  {
    name: "saved-while-switching",
    mistake: "a save is written to the old segment while the new one is named",
    source,
    file: wal,
    find: "next.isSwitching = true;",
    replace: "next.isSwitching = false;",
    tests: compactTests,
  },
  {
    name: "held-save-forgotten",
    mistake: "a save that had to wait for a compaction is never written",
    source: "PITFALLS 32",
    file: wal,
    find: "    if (held !== undefined) this.write(held.save, held.done);",
    replace: "    if (held !== undefined) return;",
    tests: compactTests,
  },
  {
    name: "compaction-outlives-snapshot",
    mistake:
      "a compaction goes on, and puts its older state in the place of a leader's snapshot",
    source,
    file: wal,
    find: "compaction?.next.giveUp();",
    replace: "compaction?.next.isGivenUp.valueOf();",
    tests: compactTests,
  },
  {
    name: "saves-fill-the-disk-beside-a-compaction",
    mistake: "saves never wait for a compaction that the disk holds up",
    source: "PITFALLS 33",
    file: next,
    find: "return this.isSwitching ||",
    replace: "return this.isSwitching || this.isGivenUp &&",
    tests: compactTests,
  },
  {
    name: "copied-saves-not-known-as-synced",
    mistake:
      "damage to a save that a compaction copied passes for a torn write",
    source: "PITFALLS 8",
    file: next,
    find: "place: { seed: this.#seed, offset, synced: offset },",
    replace: "place: { seed: this.#seed, offset, synced: 0 },",
    tests: compactTests,
  },
  {
    name: "number-of-unnamed-segment-again",
    mistake:
      "a segment gets the number of one that a crash left without a name",
    source: "PITFALLS 8",
    file: wal,
    find: "includes(temporaryName) ? 2 : 0;",
    replace: "includes(temporaryName) ? 0 : 0;",
    tests: compactTests,
  },
  {
    name: "compacts-what-no-save-has",
    mistake: "entries are compacted away before a save has taken them",
    source: "PITFALLS 14",
    file: saver,
    find:
      "if (this.#isCompacting || this.#isReplacing || this.#raft.isDirty) return;",
    replace: "if (this.#isCompacting || this.#isReplacing) return;",
    tests: nodeTests,
  },
  {
    name: "two-compactions-at-once",
    mistake: "a compaction begins while another one is under way",
    source,
    file: saver,
    find:
      "if (this.#isCompacting || this.#isReplacing || this.#raft.isDirty) return;",
    replace: "if (this.#isReplacing || this.#raft.isDirty) return;",
    tests: nodeTests,
  },
  {
    name: "compacts-during-a-replacement",
    mistake: "a compaction begins while a leader's snapshot is being written",
    source,
    file: saver,
    find:
      "if (this.#isCompacting || this.#isReplacing || this.#raft.isDirty) return;",
    replace: "if (this.#isCompacting || this.#raft.isDirty) return;",
    tests: nodeTests,
  },
  {
    name: "failed-compaction-ignored",
    mistake: "a compaction that failed counts as done",
    source: "PITFALLS 11, 13",
    file: saver,
    find: "if (error !== undefined) return failed(error);\n      input",
    replace: "input",
    tests: nodeTests,
  },
  {
    name: "stop-waits-for-compaction",
    mistake: "a node that stops waits for a compaction that nobody asked for",
    source: "PITFALLS 32",
    file: saver,
    find: "return this.#isSaving || this.#isFlushing || this.isAsked ||",
    replace:
      "return this.#isSaving || this.#isFlushing || this.isAsked || this.#isCompacting ||",
    tests: nodeTests,
  },
  {
    name: "large-snapshot-written-all-the-time",
    mistake: "a large snapshot makes its log long by itself",
    source: "PITFALLS 33",
    file: "raft/log_length.ts",
    find: "const logBytes = storageBytes - snapshotBytes;",
    replace: "const logBytes = storageBytes;",
    tests: ["unit/raft/log_length_test.ts"],
  },
  {
    name: "log-waits-for-too-long",
    mistake:
      "a log with a large snapshot grows beyond what the disk is to hold",
    source: "PITFALLS 33",
    file: "raft/log_length.ts",
    find: "logBytes > Math.max(logBytesMax, snapshotBytes);",
    replace: "logBytes > Math.max(logBytesMax, 3 * snapshotBytes);",
    tests: ["unit/raft/log_length_test.ts"],
  },
  {
    name: "kv-save-in-old-place-only",
    mistake:
      "Deno KV: a save that comes during a compaction is not behind the new base",
    source,
    file: kv,
    find: "if (!replaces) this.#compaction?.add(parts);",
    replace: "if (!replaces) this.#compaction?.add([]);",
    tests: kvTests,
  },
  {
    name: "kv-counts-before-it-is-whole",
    mistake: "Deno KV: the head counts a base before all of it is written",
    source,
    file: kv,
    find: "if (!compaction.isWritten) {",
    replace: "if (!compaction.isBaseWritten) {",
    tests: kvTests,
  },
];
