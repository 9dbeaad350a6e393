// Entries count once they are durable: acknowledgements wait for the save that covers them,
// and a leader counts its own disk like any other.

import assert from "node:assert/strict";
import {
  accept,
  acknowledge,
  appendEntries,
  command,
  commands,
  leaderOf,
  persist,
  raftOf,
  sent,
} from "./scene.ts";

Deno.test("A single node commits an entry once its own disk has it (PITFALLS 10)", () => {
  const raft = leaderOf({ voters: "a" });
  const index = raft.propose(Uint8Array.of(1))!;
  const save = raft.takeSave()!;
  assert.equal(raft.log.commitIndex, index - 1);
  raft.saved(save.number);
  assert.equal(raft.log.commitIndex, index);
});

Deno.test("A save that truncation overtook makes no newer entry durable (PITFALLS 18)", () => {
  const raft = raftOf();
  raft.step(appendEntries({ term: 1, entries: commands([1, 1, 1]) }));
  const first = raft.takeSave()!;
  raft.step(
    appendEntries({
      from: "c",
      term: 2,
      entries: commands([2, 2, 2]),
      sequence: 7,
    }),
  );
  raft.saved(first.number);
  assert.equal(raft.saves.durableIndex, 0);
  const early = raft.takeMessages();
  assert(early.every((m) => m.term < 2), "nothing of term 2 is on disk");
  persist(raft);
  assert.equal(raft.saves.durableIndex, 3);
  assert.deepEqual(
    raft.takeMessages().map((m) => [m.type, m.to, m.term]),
    [["AppendEntriesResponse", "c", 2]],
  );
});

Deno.test("A leader back in office counts no save of its former term (PITFALLS 18)", () => {
  const raft = leaderOf({ terms: [1] });
  acknowledge(raft, "");
  raft.propose(Uint8Array.of(1));
  const old = raft.takeSave()!;
  raft.step(appendEntries({
    term: raft.currentTerm + 1,
    prevLogIndex: 1,
    prevLogTerm: 1,
    entries: [
      command(2, raft.currentTerm + 1),
      command(3, raft.currentTerm + 1),
    ],
  }));
  raft.saved(old.number);
  assert.equal(raft.saves.durableIndex, 1);
});

Deno.test("An acknowledgement waits for the disk, the leader's appends do not", () => {
  const follower = raftOf();
  follower.step(appendEntries({ entries: commands([1]) }));
  assert.deepEqual(follower.takeMessages(), []);
  assert.equal(sent(follower).length, 1);

  const leader = leaderOf();
  acknowledge(leader, "bc");
  leader.propose(Uint8Array.of(1));
  assert.deepEqual(leader.takeMessages().map((m) => m.to), ["b", "c"]);
});

Deno.test("A leader commits by the others' disks while its own lags", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const index = raft.propose(Uint8Array.of(1))!;
  const messages = raft.takeMessages();
  accept(raft, messages[0]!);
  assert.equal(raft.log.commitIndex, index - 1);
  accept(raft, messages[1]!);
  assert.equal(raft.log.commitIndex, index);
});

Deno.test("A leader does not compact entries that no save has taken", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  assert.equal(raft.takeSave(), undefined);
  const index = raft.propose(Uint8Array.of(1))!;
  for (const message of raft.takeMessages()) accept(raft, message);
  raft.propose(Uint8Array.of(2));
  assert.equal(raft.takeCommitted().at(-1)?.index, index);
  assert.equal(raft.isDirty, true);
  assert.throws(() => raft.compact(Uint8Array.of(9)), /is in a save/);
  const save = raft.takeSave()!;
  assert.deepEqual([save.firstIndex, save.entries.length], [index, 2]);
  const { hardState, snapshot, entries } = raft.compact(Uint8Array.of(9));
  assert.deepEqual(hardState, save.hardState);
  assert.deepEqual([snapshot.index, entries], [index, save.entries.slice(1)]);
});

Deno.test("A leader compacts while a save of the same entries is under way, and needs no other save for it", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.propose(Uint8Array.of(1));
  const save = raft.takeSave()!;
  for (const message of raft.takeMessages()) accept(raft, message);
  raft.takeCommitted();
  raft.compact(Uint8Array.of(9));
  assert.equal(raft.isDirty, false);
  assert.equal(raft.takeSave(), undefined);
  raft.saved(save.number);
  assert.equal(raft.saves.durableIndex, raft.log.lastIndex);
  const index = raft.propose(Uint8Array.of(2))!;
  const next = raft.takeSave()!;
  assert.deepEqual([next.snapshot, next.firstIndex], [undefined, index]);
});

Deno.test("An acknowledgement does not wait for a compaction", () => {
  const raft = raftOf();
  raft.step(appendEntries({ entries: commands([1, 1]), leaderCommit: 2 }));
  raft.saved(raft.takeSave()!.number);
  raft.takeMessages();
  raft.takeCommitted();
  raft.compact(Uint8Array.of(9));
  raft.step(appendEntries({ prevLogIndex: 2, prevLogTerm: 1 }));
  assert.equal(raft.takeMessages().length, 1);
});
