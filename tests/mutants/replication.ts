// Mistakes of log, acknowledgement and commitment, put back into the core.

import type { Mutant } from "./mutant.ts";

const replication = "raft/core/replication.ts";
const follower = "raft/core/follower.ts";
const log = "raft/core/log.ts";
const saves = "raft/core/saves.ts";
const progress = "raft/core/progress.ts";
const incoming = "raft/core/incoming_snapshot.ts";
const outgoing = "raft/core/outgoing_snapshot.ts";
const retention = "raft/core/retention.ts";

export const replicationMutants: readonly Mutant[] = [
  {
    name: "ack-before-durable",
    mistake: "a follower acknowledges entries before they are on its disk",
    source: "PITFALLS 7",
    file: follower,
    find: `  raft.sendWhenDurable({
    type: "AppendEntriesResponse",`,
    replace: `  raft.send({
    type: "AppendEntriesResponse",`,
    tests: ["unit/raft/core/durability_test.ts"],
  },
  {
    name: "own-ack-before-durable",
    mistake: "the leader counts its own log before it is on its disk",
    source: "PITFALLS 10",
    file: replication,
    find: "? raft.saves.durableIndex",
    replace: "? raft.log.lastIndex",
    tests: ["unit/raft/core/durability_test.ts"],
  },
  {
    name: "aba",
    mistake: "a save that finishes makes the successors of its entries durable",
    source: "PITFALLS 18",
    file: saves,
    find: "save.lastIndex = Math.min(save.lastIndex, first - 1);",
    replace: "void save;",
    tests: ["unit/raft/core/saves_test.ts"],
  },
  {
    name: "durable-though-truncated",
    mistake: "what was durable before a truncation counts as durable after it",
    source: "PITFALLS 18",
    file: saves,
    find: "this.durableIndex = Math.min(this.durableIndex, first - 1);",
    replace: "",
    tests: ["unit/raft/core/saves_test.ts"],
  },
  {
    name: "replaced-entries-not-saved",
    mistake:
      "entries that replace truncated ones are acknowledged, never saved",
    source: "PITFALLS 13",
    file: saves,
    find: "this.#unsavedFrom = Math.min(this.#unsavedFrom, first);",
    replace: "",
    tests: ["unit/raft/core/saves_test.ts"],
  },
  {
    name: "released-by-the-save-before",
    mistake: "a promise made during a save leaves when that one is done",
    source: "PITFALLS 7, 18",
    file: saves,
    find: "const newest = this.isDirty(log)",
    replace: "const newest = this.isDirty(log) && !this.underWay",
    tests: ["unit/raft/core/saves_test.ts"],
  },
  {
    name: "no-noop",
    mistake: "a new leader appends nothing, and waits with what it inherited",
    source: "paper 8, PITFALLS 20",
    file: "raft/core/leadership.ts",
    find: `  appendToOwnLog(raft, {
    type: "noop",
    index: raft.log.lastIndex + 1,
    term: raft.currentTerm,
  });`,
    replace: "  void appendToOwnLog;",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "old-terms-counted",
    mistake: "entries of older terms are committed by counting replicas",
    source: "paper 5.4.2, PITFALLS 20",
    file: replication,
    find:
      "index <= raft.log.commitIndex || raft.log.termAt(index) !== raft.currentTerm",
    replace: "index <= raft.log.commitIndex",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "handed-out-before-commit",
    mistake: "numbers are given for what is in the log, committed or not",
    source: "paper 5.3, PITFALLS 19",
    file: log,
    find: `    if (this.#lastApplied === this.#commitIndex) return [];
    const entries = this.slice(this.#lastApplied + 1, this.#commitIndex);
    this.#lastApplied = this.#commitIndex;`,
    replace: `    if (this.#lastApplied === this.lastIndex) return [];
    const entries = this.slice(this.#lastApplied + 1);
    this.#lastApplied = this.lastIndex;`,
    tests: ["unit/raft/core/log_test.ts", "unit/raft/node_test.ts"],
  },
  {
    name: "committed-by-restart",
    mistake: "a restarted node takes all of its log for committed",
    source: "paper figure 2, PITFALLS 15",
    file: log,
    find: "for (const entry of entries) this.append(entry);",
    replace: `for (const entry of entries) this.append(entry);
    this.#commitIndex = this.lastIndex;`,
    tests: ["unit/raft/core/snapshot_test.ts"],
  },
  {
    name: "applied-twice",
    mistake: "the commit index goes back, and entries are applied again",
    source: "paper 5.3",
    file: log,
    find: "this.#commitIndex = Math.max(this.#commitIndex, index);",
    replace: "this.#commitIndex = index;",
    tests: ["unit/raft/core/log_test.ts"],
  },
  {
    name: "applied-again-after-compaction",
    mistake: "a snapshot that was taken over leaves lastApplied behind it",
    source: "paper figure 13, PITFALLS 15",
    file: log,
    find: `    this.#commitIndex = snapshot.index;
    this.#lastApplied = snapshot.index;
  }
}`,
    replace: `    this.#commitIndex = snapshot.index;
  }
}`,
    tests: ["unit/raft/core/log_test.ts", "unit/raft/core/snapshot_test.ts"],
  },
  {
    name: "cut-without-conflict",
    mistake: "an old append cuts the entries that follow it",
    source: "paper figure 2, AppendEntries 3",
    file: follower,
    find:
      "entry.index <= log.commitIndex || log.matches(entry.index, entry.term)\n    ) continue;",
    replace: "entry.index <= log.commitIndex\n    ) continue;",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "conflict-kept",
    mistake: "a follower keeps its own entries where the leader has others",
    source: "paper 5.3",
    file: follower,
    find:
      "entry.index <= log.commitIndex || log.matches(entry.index, entry.term)\n    ) continue;",
    replace: "entry.index <= log.lastIndex\n    ) continue;",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "no-consistency-check",
    mistake: "entries are appended after whatever stands before them",
    source: "paper 5.3",
    file: follower,
    find:
      "prevLogIndex > log.commitIndex && !log.matches(prevLogIndex, prevLogTerm)",
    replace: "prevLogIndex > log.lastIndex",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "commit-beyond-last-new",
    mistake: "a heartbeat commits entries that the leader never spoke of",
    source: "paper figure 2, AppendEntries 5",
    file: follower,
    find:
      "log.commit(Math.min(leaderCommit, Math.max(lastNew, log.commitIndex)));",
    replace: "log.commit(Math.min(leaderCommit, log.lastIndex));",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "heartbeat-acks-all",
    mistake: "a follower acknowledges its whole log, whatever was compared",
    source: "paper 5.3",
    file: follower,
    find: "acknowledge(raft, message, lastNew);",
    replace: "acknowledge(raft, message, log.lastIndex);",
    tests: [
      "unit/raft/core/paper_replication_test.ts",
      "unit/raft/core/replication_test.ts",
    ],
  },
  {
    name: "old-snapshot-installed",
    mistake: "a snapshot older than the log replaces it",
    source: "paper figure 13, PITFALLS 15",
    file: follower,
    find: `    snapshot.index <= log.commitIndex ||
    log.matches(snapshot.index, snapshot.term)`,
    replace: "log.matches(snapshot.index, snapshot.term)",
    tests: ["unit/raft/core/snapshot_test.ts"],
  },
  {
    name: "snapshot-drops-what-follows",
    mistake: "a snapshot drops the acknowledged entries behind it",
    source: "paper figure 13, InstallSnapshot 6",
    file: follower,
    find: `    snapshot.index <= log.commitIndex ||
    log.matches(snapshot.index, snapshot.term)`,
    replace: "snapshot.index <= log.commitIndex",
    tests: ["unit/raft/core/paper_replication_test.ts"],
  },
  {
    name: "two-leaders-tolerated",
    mistake: "two leaders in one term go on side by side",
    source: "paper 5.2, PITFALLS 19",
    file: follower,
    find: 'raft.role !== "leader" || message.term > raft.currentTerm,',
    replace: "message.term >= raft.currentTerm,",
    tests: ["unit/raft/core/follower_test.ts"],
  },
  {
    name: "lost-commits-tolerated",
    mistake: "a node goes on beside a leader that lacks committed entries",
    source: "paper 5.4.3",
    file: "raft/core/faults.ts",
    find: "index > log.commitIndex ? term < known : term !== known;",
    replace: "index > log.commitIndex ? term < known : term < 0;",
    tests: ["unit/raft/core/follower_test.ts"],
  },
  {
    name: "old-answers-believed",
    mistake: "an answer older than the last denial moves matchIndex",
    source: "PITFALLS 23",
    file: progress,
    find:
      "return sequence >= this.#answersFrom && sequence <= this.lastSequence;",
    replace: "return sequence <= this.lastSequence;",
    tests: [
      "unit/raft/core/progress_test.ts",
      "unit/raft/core/replication_test.ts",
    ],
  },
  {
    name: "lost-entries-counted",
    mistake: "entries that a follower has lost since still count as its own",
    source: "PITFALLS 7",
    file: progress,
    find: "if (hint < this.matchIndex) this.matchIndex = 0;",
    replace: "",
    tests: [
      "unit/raft/core/progress_test.ts",
      "unit/raft/core/replication_test.ts",
    ],
  },
  {
    name: "match-index-falls",
    mistake: "an answer that comes late lowers matchIndex",
    source: "paper figure 2, matchIndex",
    file: progress,
    find: "this.matchIndex = Math.max(this.matchIndex, matchIndex);",
    replace: "this.matchIndex = matchIndex;",
    tests: ["unit/raft/core/progress_test.ts"],
  },
  {
    name: "appends-without-limit",
    mistake: "appends to a silent follower pile up without end",
    source: "PITFALLS 6, 33",
    file: progress,
    find: ": this.#inFlight.length < appendsInFlightMax;",
    replace: ": true;",
    tests: ["unit/raft/core/progress_test.ts"],
  },
  {
    name: "decoder-reserves-announced",
    mistake: "a few bytes announce four billion entries, and are believed",
    source: "PITFALLS 33",
    file: "raft/core/entry_codec.ts",
    find: "if (count > Math.min(countMax, reader.left / entryBytesMin)) {",
    replace: "if (count > 2 ** 32) {",
    tests: ["unit/raft/core/message_codec_test.ts"],
  },
  {
    name: "snapshot-checksum-ignored",
    mistake: "a snapshot is taken although its checksum is wrong",
    source: "PITFALLS 9",
    file: incoming,
    find: `if (this.#checksum === this.head.checksum) return true;`,
    replace: `if (this.#checksum >= 0) return true;`,
    tests: [
      "unit/raft/core/incoming_snapshot_test.ts",
      "unit/raft/core/snapshot_chunks_test.ts",
    ],
  },
  {
    name: "snapshot-with-a-gap",
    mistake: "a chunk is added where another one is missing",
    source: "paper figure 13, InstallSnapshot 3",
    file: incoming,
    find: `if (offset > from || endBytes <= from) return;`,
    replace: `if (endBytes <= from) return;`,
    tests: [
      "unit/raft/core/incoming_snapshot_test.ts",
      "unit/raft/core/snapshot_chunks_test.ts",
    ],
  },
  {
    name: "late-chunk-displaces",
    mistake: "a late chunk of a snapshot given up displaces the present one",
    source: "PITFALLS 23",
    file: follower,
    find: `    if (raft.incoming?.isNewerThan(message)) return undefined;`,
    replace: ``,
    tests: ["unit/raft/core/snapshot_chunks_test.ts"],
  },
  {
    name: "unfit-snapshot-restored",
    mistake:
      "a snapshot goes to a machine that cannot restore it, and ends the node",
    source: "paper figure 13",
    file: follower,
    find: `if (!raft.options.canRestore(data)) {`,
    replace: `if (data.length < 0) {`,
    tests: ["unit/raft/core/snapshot_chunks_test.ts"],
  },
  {
    name: "members-of-another-sender",
    mistake:
      "a claimant's first chunk names the members of its successor's snapshot",
    source: "docs/THREATS.md",
    file: follower,
    find: "= message.snapshot;\n  if (!raft",
    replace: "= incoming.head;\n  if (!raft",
    tests: ["unit/raft/core/snapshot_chunks_test.ts"],
  },
  {
    name: "announced-snapshot-reserved",
    mistake: "the first chunk reserves what it announces, 64 MB",
    source: "PITFALLS 33",
    file: incoming,
    find: `while (size / growth >= neededBytes)`,
    replace: `while (size / growth >= 2 ** 53)`,
    tests: ["unit/raft/core/incoming_snapshot_test.ts"],
  },
  {
    name: "snapshot-memory-kept",
    mistake: "a snapshot that the log has overtaken stays in memory",
    source: "PITFALLS 33",
    file: "raft/core/raft_state.ts",
    find:
      `if (incoming === undefined || incoming.head.index > log.commitIndex) return;`,
    replace: `if (incoming !== undefined) return;`,
    tests: ["unit/raft/core/snapshot_chunks_test.ts"],
  },
  {
    name: "snapshot-begun-again",
    mistake: "each heartbeat begins the snapshot under way again",
    source: "ARCHITECTURE: a snapshot in chunks",
    file: progress,
    find: `else this.outgoing.overtaken(sequence);`,
    replace: `else this.probe(hint + 1);`,
    tests: ["unit/raft/core/progress_test.ts"],
  },
  {
    name: "chunk-lost-for-good",
    mistake: "a lost chunk is never sent again",
    source: "paper 5.3",
    file: outgoing,
    find: `    this.#turnBack(this.#arrivedBytes);`,
    replace: `    void this.#arrivedBytes;`,
    tests: [
      "unit/raft/core/outgoing_snapshot_test.ts",
      "unit/raft/core/snapshot_chunks_test.ts",
    ],
  },
  {
    name: "chunks-without-limit",
    mistake:
      "all chunks leave at once, and fill the memory of a slow follower's link",
    source: "PITFALLS 6, 33",
    file: outgoing,
    find:
      `return this.#inFlight.length < (this.#isAnswered ? chunksInFlightMax : 1);`,
    replace: `return true;`,
    tests: ["unit/raft/core/outgoing_snapshot_test.ts"],
  },
  {
    name: "snapshot-not-resumed",
    mistake: "a new leader sends again what a follower holds of its snapshot",
    source: "ARCHITECTURE: a snapshot in chunks",
    file: outgoing,
    find: `    this.#sentBytes = Math.max(this.#sentBytes, held);`,
    replace: ``,
    tests: [
      "unit/raft/core/outgoing_snapshot_test.ts",
      "unit/raft/core/snapshot_chunks_test.ts",
    ],
  },
  {
    name: "snapshot-chased",
    mistake:
      "under load a follower is sent one snapshot after the other, and never catches up",
    source: "PITFALLS: appendix, 1",
    file: retention,
    find: `      keptIndex = Math.min(keptIndex, held);`,
    replace: ``,
    tests: [
      "unit/raft/core/retention_test.ts",
      "unit/raft/core/snapshot_chunks_test.ts",
    ],
  },
  {
    name: "kept-without-bound",
    mistake: "a slow follower makes its leader keep its whole log in memory",
    source: "PITFALLS 33",
    file: retention,
    find: `if (held >= oldest && answers(raft, id)) {`,
    replace: `if (answers(raft, id)) {`,
    tests: ["unit/raft/core/retention_test.ts"],
  },
  {
    name: "kept-for-the-dead",
    mistake: "a dead follower makes its leader keep entries",
    source: "PITFALLS 33",
    file: retention,
    find: `if (held >= oldest && answers(raft, id)) {`,
    replace: `if (held >= oldest) {`,
    tests: ["unit/raft/core/retention_test.ts"],
  },
  {
    name: "kept-for-good",
    mistake: "entries kept for a follower stay after it has them",
    source: "PITFALLS 33",
    file: retention,
    find: `  log.dropKept();`,
    replace: ``,
    tests: ["unit/raft/core/retention_test.ts"],
  },
];
