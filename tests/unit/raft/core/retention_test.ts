// Which entries a leader keeps in memory when it compacts its log, and for whom.

import assert from "node:assert/strict";
import type { Raft } from "../../../../raft/core/raft.ts";
import {
  keptBytesMax,
  keptEntriesMax,
} from "../../../../raft/core/retention.ts";
import {
  accept,
  acknowledge,
  electionTicks,
  leaderOf,
  raftOf,
  sent,
} from "./scene.ts";

/** Leads `a`, `b` and `c`, which have everything. */
function leader(): Raft {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  return raft;
}

/** So many entries of `bytes` bytes each, which b acknowledges, and `a` has applied. */
function grow(raft: Raft, count: number, bytes = 1): void {
  const data = new Uint8Array(bytes);
  const { lastIndex } = raft.log;
  for (let i = 0; i < count; i++) raft.propose(data);
  while (raft.log.commitIndex < lastIndex + count) {
    const before = raft.log.commitIndex;
    for (const message of sent(raft)) {
      if (message.to === "b") accept(raft, message);
    }
    if (raft.log.commitIndex === before) acknowledge(raft, "b");
  }
  raft.takeCommitted();
}

function kept({ log }: Raft): number {
  return log.snapshot.index - log.compactedIndex;
}

Deno.test("A leader keeps the entries that a live follower lacks, and sends it those", () => {
  const raft = leader();
  const { matchIndex } = raft.progress.get("c")!;
  grow(raft, 20);
  raft.compact(Uint8Array.of(1));
  assert.equal(raft.log.compactedIndex, matchIndex);
  assert.equal(kept(raft), 20);
  assert.equal(raft.log.length, 0, "what is to be compacted next");
  raft.progress.get("c")!.probe(matchIndex + 1);
  const types = sent(raft).filter(({ to }) => to === "c").map((m) => m.type);
  assert.deepEqual(types, ["AppendEntries"]);
});

Deno.test("A leader keeps nothing for a follower that is silent, nor for one that has everything", () => {
  const raft = leader();
  grow(raft, 20);
  raft.progress.get("c")!.silentTicks = electionTicks;
  raft.compact(Uint8Array.of(1));
  assert.equal(kept(raft), 0);
  raft.progress.get("c")!.probe(1);
  const types = sent(raft).filter(({ to }) => to === "c").map((m) => m.type);
  assert.deepEqual(types, ["InstallSnapshot"]);
});

Deno.test("A leader keeps entries within a bound of their number, and of their bytes", () => {
  for (
    const [count, bytes] of [
      [keptEntriesMax + 1, 0],
      [keptBytesMax / 65_536 + 1, 65_536],
    ] as const
  ) {
    const raft = leader();
    // Appends in flight are bounded: what c lacks is told by hand.
    for (let left = count - 1; left > 0; left -= 1000) {
      grow(raft, Math.min(left, 1000), bytes);
      raft.progress.get("c")!.silentTicks = 0;
    }
    const { lastApplied } = raft.log;
    const c = raft.progress.get("c")!;
    c.matchIndex = lastApplied - (count - 1);
    raft.compact(Uint8Array.of(1));
    assert.equal(kept(raft), count - 1, `${count} of ${bytes}`);
    grow(raft, 1, bytes);
    c.silentTicks = 0;
    raft.compact(Uint8Array.of(2));
    assert.equal(kept(raft), 0, "one too many: it is sent a snapshot");
  }
});

Deno.test("A snapshot under way is given up for the present one when its entries cannot be kept", () => {
  const raft = leader();
  grow(raft, 3);
  const c = raft.progress.get("c")!;
  c.silentTicks = electionTicks;
  raft.compact(Uint8Array.of(1));
  c.probe(1);
  sent(raft);
  const first = c.outgoing?.snapshot;
  assert.equal(first, raft.log.snapshot);
  grow(raft, 3);
  c.silentTicks = 0;
  raft.compact(Uint8Array.of(2));
  assert.equal(c.outgoing?.snapshot, first);
  assert.equal(raft.log.compactedIndex, first!.index);
  grow(raft, 3);
  c.silentTicks = electionTicks;
  raft.compact(Uint8Array.of(3));
  assert.equal(c.outgoing, undefined);
  sent(raft);
  const { outgoing } = raft.progress.get("c")!;
  assert.equal(outgoing?.snapshot, raft.log.snapshot);
});

Deno.test("Kept entries are dropped at the tick when nobody needs them any more", () => {
  for (const isBack of [true, false]) {
    const raft = leader();
    grow(raft, 20);
    raft.compact(Uint8Array.of(1));
    raft.tick();
    assert.equal(kept(raft), 20);
    const c = raft.progress.get("c")!;
    if (isBack) acknowledge(raft, "bc");
    else c.silentTicks = electionTicks;
    raft.tick();
    assert.equal(kept(raft), 0, `${isBack}`);
    assert.equal(raft.log.lastIndex, raft.log.snapshot.index);
  }
});

Deno.test("A node that does not lead keeps nothing", () => {
  const raft = raftOf({ terms: [1, 1] });
  raft.log.commit(2);
  raft.takeCommitted();
  raft.compact(Uint8Array.of(1));
  assert.equal(kept(raft), 0);
});
