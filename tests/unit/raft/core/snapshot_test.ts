// Snapshots on their way from leader to follower, and a log that begins with one. Rules of
// the paper's section 7 stand in paper_replication_test.ts.

import assert from "node:assert/strict";
import { appendsInFlightMax } from "../../../../raft/core/progress.ts";
import type { AppendEntries } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  command,
  commands,
  configured,
  electionTicks,
  heartbeatTicks,
  installSnapshot,
  leaderOf,
  members,
  optionsOf,
  raftOf,
  savedOf,
  sent,
  sentOf,
  snapshotAt,
  termsOf,
} from "./scene.ts";

Deno.test("A follower behind the leader's snapshot is sent it, and then the rest", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.isolate("c");
  for (let i = 0; i < 5; i++) cluster.propose("a");
  cluster.run(electionTicks);
  cluster.compact("a");
  cluster.propose("a");
  cluster.heal();
  cluster.run(2 * heartbeatTicks);
  const a = cluster.core("a");
  const c = cluster.core("c");
  assert.equal(c.log.snapshot.index, a.log.snapshot.index);
  assert.equal(cluster.host("c").applied, a.log.lastIndex);
  assert.equal(cluster.host("c").digest, cluster.host("a").digest);
});

Deno.test("While a snapshot is under way nothing else is sent", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const unanswered: AppendEntries[] = [];
  for (let i = 0; i <= appendsInFlightMax; i++) {
    raft.propose(Uint8Array.of(i));
    for (const message of sentOf(raft, "AppendEntries")) {
      if (message.to === "b") accept(raft, message);
      else unanswered.push(message);
    }
  }
  raft.takeCommitted();
  raft.takeSave();
  raft.progress.get("c")!.silentTicks = electionTicks;
  raft.compact(Uint8Array.of(1));
  accept(raft, unanswered[9]!);
  raft.propose(Uint8Array.of(1));
  const types = () => sent(raft).filter((m) => m.to === "c").map((m) => m.type);
  assert.deepEqual(types(), ["InstallSnapshot"]);
  raft.propose(Uint8Array.of(2));
  assert.deepEqual(types(), []);
});

Deno.test("A node that compacts forgets the members of before", () => {
  const raft = raftOf();
  const entries = [
    command(1, 1),
    configured(2, 1, members("abcd")),
    command(3, 1),
  ];
  raft.step(appendEntries({ entries, leaderCommit: 3 }));
  raft.takeCommitted();
  raft.takeSave();
  raft.compact(Uint8Array.of(1));
  assert.equal(raft.log.snapshot.configurationIndex, 2);
  assert.deepEqual(raft.log.snapshot.configuration, members("abcd"));
  assert.throws(() => raft.membership.at(1), /compacted away/);
});

Deno.test("A lost snapshot is sent again at the next heartbeat", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.isolate("c");
  cluster.propose("a");
  cluster.run(electionTicks);
  cluster.compact("a");
  cluster.heal();
  let lost = 0;
  cluster.passes = (m) => m.type !== "InstallSnapshot" || ++lost > 3;
  cluster.run(10 * heartbeatTicks);
  assert.equal(lost, 4);
  assert.equal(cluster.host("c").applied, cluster.core("a").log.lastIndex);
});

Deno.test("A follower whose entry at the leader's snapshot is another is sent the snapshot, not probed forever", () => {
  // a compacted up to 5 of term 3; c has an uncommitted 5 of term 2 there.
  const cluster = new Cluster(
    [
      savedOf({ id: "a", snapshot: snapshotAt(5, 3), terms: [3] }),
      savedOf({ id: "b", terms: [1, 1, 1, 1, 3, 3] }),
      savedOf({ id: "c", terms: [1, 1, 1, 1, 2] }),
    ].map(plainSnapshot),
    optionsOf(() => 0),
  );
  cluster.elect("a");
  cluster.run(2 * heartbeatTicks);
  assert.equal(cluster.core("c").log.snapshot.index, 5);
  assert.equal(
    cluster.core("c").log.lastIndex,
    cluster.core("a").log.lastIndex,
  );
});

/** The cluster's machine wants index and digest in a snapshot. */
function plainSnapshot(
  saved: ReturnType<typeof savedOf>,
): ReturnType<typeof savedOf> {
  let digest = 0;
  for (const { index, term } of commands([1, 1, 1, 1, 3])) {
    for (const value of [index, term, index, term]) {
      digest = Math.imul(digest ^ value, 0x01000193) >>> 0;
    }
  }
  const { snapshot } = saved;
  if (snapshot.index === 0) return saved;
  const data = new Uint8Array(Uint32Array.of(snapshot.index, digest).buffer);
  return { ...saved, snapshot: { ...snapshot, data } };
}

Deno.test("A follower takes a snapshot in place of its log while an older save is under way", () => {
  const raft = raftOf();
  raft.step(appendEntries({ entries: commands([1, 1, 1]) }));
  const old = raft.takeSave()!;
  raft.step(installSnapshot(snapshotAt(9, 2), { term: 2 }));
  raft.saved(old.number);
  assert.equal(raft.saves.durableIndex, 0);
  assert.deepEqual(raft.takeMessages().filter((m) => m.term === 2), []);
  assert.equal(raft.takeSnapshot()?.index, 9);
  assert.equal(raft.takeSnapshot(), undefined);
  const save = raft.takeSave()!;
  assert.equal(save.snapshot?.index, 9);
  assert.deepEqual([save.firstIndex, save.entries], [10, []]);
  raft.saved(save.number);
  assert.equal(raft.saves.durableIndex, 9);
  assert.deepEqual(raft.takeMessages().map((m) => [m.type, m.term]), [
    ["AppendEntriesResponse", 2],
  ]);
});

Deno.test("A snapshot of entries that a follower has already only commits them", () => {
  const raft = raftOf({ terms: [1, 1, 2] });
  raft.step(installSnapshot(snapshotAt(2, 1), { term: 2 }));
  assert.equal(raft.log.commitIndex, 2);
  assert.deepEqual(termsOf(raft), [1, 1, 2]);
  assert.equal(raft.takeSnapshot(), undefined);
  raft.step(installSnapshot(snapshotAt(1, 1), { term: 2 }));
  assert.equal(raft.log.commitIndex, 2);
  assert.deepEqual(
    sentOf(raft, "AppendEntriesResponse").map((m) => [m.success, m.matchIndex]),
    [[true, 2], [true, 1]],
  );
});

Deno.test("A node does not compact before its machine has taken a snapshot that came", () => {
  const raft = raftOf();
  raft.step(installSnapshot(snapshotAt(9, 2)));
  assert.throws(() => raft.compact(Uint8Array.of(1)), /taken the snapshot/);
  raft.takeSnapshot();
  raft.takeSave();
  raft.compact(Uint8Array.of(1));
});

Deno.test("A snapshot brings its members", () => {
  const raft = raftOf({ voters: "abc" });
  raft.step(installSnapshot({
    ...snapshotAt(9, 2, members("abd")),
    configurationIndex: 7,
  }));
  assert.deepEqual(raft.membership.voters, ["a", "b", "d"]);
  assert.equal(raft.membership.currentIndex, 7);
});

Deno.test("A restarted node brings snapshot, entries and members, and commits nothing by itself", () => {
  const raft = raftOf({
    snapshot: { ...snapshotAt(5, 2, members("abc")), configurationIndex: 3 },
    entries: [
      command(6, 2),
      {
        type: "configuration",
        index: 7,
        term: 3,
        configuration: members("abcd"),
      },
    ],
  });
  assert.equal(raft.log.commitIndex, 5);
  assert.deepEqual(raft.takeCommitted(), []);
  assert.equal(raft.takeSave(), undefined);
  assert.deepEqual(raft.membership.voters, ["a", "b", "c", "d"]);
  assert.deepEqual(raft.membership.at(6).index, 3);
});

Deno.test("A snapshot older than the follower's own changes nothing, and is acknowledged", () => {
  const snapshot = snapshotAt(5, 1);
  const raft = raftOf({ snapshot, terms: [1, 1] });
  raft.step(installSnapshot(snapshotAt(3, 1)));
  const [answer] = sent(raft);
  assert.equal(answer?.type, "AppendEntriesResponse");
  assert.deepEqual(
    answer.type === "AppendEntriesResponse" &&
      [answer.success, answer.matchIndex],
    [true, 3],
  );
  assert.equal(raft.log.snapshot, snapshot);
  assert.deepEqual(termsOf(raft), [1, 1]);
  assert.equal(raft.takeSnapshot(), undefined);
});
