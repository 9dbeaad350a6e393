// How a leader sends its log, beyond the paper's sentences: probing, flow control, lost
// appends, and answers that come late, twice or out of order.

import assert from "node:assert/strict";
import { appendsInFlightMax } from "../../../../raft/core/progress.ts";
import {
  bytesPerAppendMax,
  entriesPerAppendMax,
} from "../../../../raft/core/replication.ts";
import type { AppendEntries } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  answer,
  appendEntries,
  heartbeatTicks,
  installSnapshot,
  leaderOf,
  optionsOf,
  raftOf,
  savedOf,
  sentOf,
  snapshotAt,
  ticks,
} from "./scene.ts";

function appendsTo(
  raft: Parameters<typeof sentOf>[0],
  id: string,
): AppendEntries[] {
  return sentOf(raft, "AppendEntries").filter((m) => m.to === id);
}

Deno.test("In probe one message is under way, in replicate many", () => {
  const raft = leaderOf({ voters: "ab" });
  for (let i = 0; i < 3; i++) {
    raft.propose(Uint8Array.of(i));
    assert.deepEqual(raft.takeMessages(), [], "the noop is not answered yet");
  }
  acknowledge(raft, "b");
  for (let i = 0; i < 3; i++) {
    raft.propose(Uint8Array.of(i));
    assert.equal(raft.takeMessages().length, 1, "sent without waiting");
  }
});

Deno.test("A silent follower has a limited number of appends under way, and gets the rest when it answers", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  const messages: AppendEntries[] = [];
  for (let i = 0; i < 2 * appendsInFlightMax; i++) {
    raft.propose(Uint8Array.of(i));
    messages.push(...appendsTo(raft, "b"));
  }
  assert.equal(messages.length, appendsInFlightMax);
  accept(raft, messages.at(-1)!);
  const [rest] = appendsTo(raft, "b");
  assert.equal(rest?.entries.length, appendsInFlightMax);
  assert.equal(rest?.entries.at(-1)?.index, raft.log.lastIndex);
});

Deno.test("Entries proposed since the last message leave in one, within its limits", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  for (let i = 0; i < entriesPerAppendMax + 1; i++) {
    raft.propose(Uint8Array.of(1));
  }
  assert.deepEqual(
    appendsTo(raft, "b").map((m) => m.entries.length),
    [entriesPerAppendMax, 1],
  );
  const half = new Uint8Array(bytesPerAppendMax / 2);
  for (let i = 0; i < 3; i++) raft.propose(half);
  raft.propose(new Uint8Array(2 * bytesPerAppendMax));
  assert.deepEqual(
    appendsTo(raft, "b").map((m) => m.entries.length),
    [2, 1, 1],
    "an entry above the limit travels alone",
  );
});

Deno.test("A lost append shows at the next heartbeat and is sent again", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.run(1);
  cluster.passes = (m) =>
    m.to !== "c" || m.type !== "AppendEntries" || m.entries.length === 0;
  for (let i = 0; i < 3; i++) cluster.propose("a");
  cluster.settle();
  cluster.passes = () => true;
  cluster.run(heartbeatTicks);
  assert.equal(cluster.core("c").log.lastIndex, leader.log.lastIndex);
});

Deno.test("An answer older than the last turn into probe moves nothing", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  const acknowledged = raft.progress.get("b")!.matchIndex;
  raft.propose(Uint8Array.of(1));
  const [old] = appendsTo(raft, "b");
  ticks(raft, heartbeatTicks);
  const [beat] = appendsTo(raft, "b");
  raft.step(answer(beat!, {
    success: false,
    matchIndex: acknowledged,
    matchTerm: raft.currentTerm,
  }));
  accept(raft, old!);
  assert.equal(raft.progress.get("b")!.matchIndex, acknowledged);
  // It is not lost: the probe that followed finds out anew.
  accept(raft, appendsTo(raft, "b")[0]!);
  assert.equal(raft.progress.get("b")!.matchIndex, raft.log.lastIndex);
});

Deno.test("Answers out of order or twice leave the newest in force", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  raft.propose(Uint8Array.of(1));
  const [first] = appendsTo(raft, "b");
  raft.propose(Uint8Array.of(2));
  const [second] = appendsTo(raft, "b");
  accept(raft, second!);
  const match = raft.progress.get("b")!.matchIndex;
  assert.equal(match, raft.log.lastIndex);
  accept(raft, first!);
  accept(raft, first!);
  accept(raft, second!);
  raft.step(answer(first!, { success: false, matchIndex: 0 }));
  assert.equal(raft.progress.get("b")!.matchIndex, match);
  assert.equal(raft.progress.get("b")!.state, "replicate");
});

Deno.test("A follower that lost acknowledged entries counts for nothing until it has them again", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  ticks(raft, heartbeatTicks);
  raft.step(
    answer(appendsTo(raft, "b")[0]!, { success: false, matchIndex: 0 }),
  );
  assert.equal(raft.progress.get("b")!.matchIndex, 0);
  raft.propose(Uint8Array.of(1));
  accept(raft, appendsTo(raft, "b")[0]!);
  assert.equal(raft.progress.get("b")!.matchIndex, raft.log.lastIndex);
});

Deno.test("A message of a former term is refused under no number of the present one", () => {
  // The sender may lead again, in a term whose own messages bear the same numbers.
  const leader = leaderOf({ voters: "ab", term: 2 });
  acknowledge(leader, "b");
  const { matchIndex } = leader.progress.get("b")!;
  ticks(leader, heartbeatTicks);
  leader.takeMessages();
  const sequence = leader.lastSequence;
  for (
    const stale of [
      appendEntries({ term: 1, sequence }),
      installSnapshot(snapshotAt(3, 1), { sequence }),
    ]
  ) {
    const follower = raftOf({ term: 3, terms: [1, 2] });
    follower.step(stale);
    const [refusal] = sentOf(follower, "AppendEntriesResponse");
    assert.deepEqual([refusal?.term, refusal?.success], [3, false]);
    leader.step({ ...refusal!, from: "b", to: "a" });
    assert.equal(leader.progress.get("b")!.matchIndex, matchIndex);
  }
});

Deno.test("Rejections lead to the last common entry in one message per term, not per entry", () => {
  const cluster = new Cluster([
    savedOf({ id: "a", terms: [1, ...Array(50).fill(5)] }),
    savedOf({
      id: "b",
      terms: [1, ...Array(40).fill(2), ...Array(40).fill(3)],
    }),
    savedOf({ id: "c", terms: [1, ...Array(50).fill(5)] }),
  ], optionsOf(() => 0));
  let refusals = 0;
  cluster.passes = (m) => {
    if (m.from === "b" && m.type === "AppendEntriesResponse" && !m.success) {
      refusals++;
    }
    return true;
  };
  cluster.elect("a");
  cluster.run(heartbeatTicks);
  assert.equal(
    cluster.core("b").log.lastIndex,
    cluster.core("a").log.lastIndex,
  );
  assert(refusals <= 3, `${refusals} refusals`);
});
