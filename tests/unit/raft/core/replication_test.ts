// Replication beyond the paper's sentences: snapshots, flow control, dated answers,
// check-quorum, stalled disks, and what is durable before it counts.

import assert from "node:assert/strict";
import { appendsInFlightMax } from "../../../../raft/core/progress.ts";
import {
  bytesPerAppendMax,
  entriesPerAppendMax,
} from "../../../../raft/core/replication.ts";
import type { AppendEntries } from "../../../../raft/core/types.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  answer,
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
  persist,
  raftOf,
  savedOf,
  sent,
  sentOf,
  snapshotAt,
  stand,
  termsOf,
  ticks,
  vote,
} from "./scene.ts";

function appendsTo(
  raft: Parameters<typeof sentOf>[0],
  id: string,
): AppendEntries[] {
  return sentOf(raft, "AppendEntries").filter((m) => m.to === id);
}

Deno.test("A single node commits only what its own disk has (PITFALLS 10)", () => {
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

Deno.test("A leader that compacts what its own disk lacks saves it whole", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const save = raft.takeSave();
  assert.equal(save, undefined);
  const index = raft.propose(Uint8Array.of(1))!;
  for (const message of raft.takeMessages()) accept(raft, message);
  raft.propose(Uint8Array.of(2));
  assert.equal(raft.takeCommitted().at(-1)?.index, index);
  raft.compact(Uint8Array.of(9));
  const whole = raft.takeSave()!;
  assert.equal(whole.snapshot?.index, index);
  assert.equal(whole.firstIndex, index + 1);
  assert.equal(whole.entries.length, 1);
  raft.saved(whole.number);
  assert.equal(raft.saves.durableIndex, index + 1);
});

Deno.test("A leader compacts while a save of the same entries is under way", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.propose(Uint8Array.of(1));
  const first = raft.takeSave()!;
  for (const message of raft.takeMessages()) accept(raft, message);
  raft.takeCommitted();
  raft.compact(Uint8Array.of(9));
  const second = raft.takeSave()!;
  raft.saved(first.number);
  raft.saved(second.number);
  assert.equal(raft.saves.durableIndex, raft.log.lastIndex);
});

Deno.test("A follower behind the leader's snapshot is sent it, and then the rest", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.isolate("c");
  for (let i = 0; i < 5; i++) cluster.propose("a");
  cluster.settle();
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
  cluster.settle();
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

Deno.test("A snapshot of what a follower has already only commits it", () => {
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

Deno.test("A prefix that is compacted away counts as equal: it is committed (paper 5.4.3)", () => {
  const raft = raftOf({ snapshot: snapshotAt(5, 2), terms: [2] });
  raft.step(appendEntries({
    term: 2,
    prevLogIndex: 2,
    prevLogTerm: 1,
    entries: [
      command(3, 1),
      command(4, 2),
      command(5, 2),
      command(6, 2),
      command(7, 2),
    ],
    leaderCommit: 7,
  }));
  assert.deepEqual(termsOf(raft), [2, 2]);
  assert.equal(raft.log.commitIndex, 7);
  assert.equal(sentOf(raft, "AppendEntriesResponse")[0]?.matchIndex, 7);
});

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

Deno.test("A silent follower has at most so many appends under way, and gets the rest when it answers", () => {
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

Deno.test("What came meanwhile leaves in one message, within the limits of one", () => {
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

Deno.test("A follower that lost what it acknowledged counts for nothing until it has it again", () => {
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

Deno.test("Rejections lead to the common point in one round per term, not per entry", () => {
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

Deno.test("A leader that hears from no majority for an election timeout steps down (thesis 6.2)", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.cut("a", "b");
  cluster.run(3 * electionTicks);
  assert.equal(leader.role, "leader", "c is enough");
  cluster.cut("a", "c");
  cluster.run(2 * electionTicks);
  assert.notEqual(leader.role, "leader");
});

Deno.test("Learners do not keep a leader in office", () => {
  const raft = leaderOf({ voters: "abc", learners: "de" });
  for (let i = 0; i < electionTicks; i++) acknowledge(raft, "de");
  assert.notEqual(raft.role, "leader");
});

Deno.test("A leader that stepped down keeps no promise to propose", () => {
  const raft = leaderOf();
  ticks(raft, electionTicks);
  assert.equal(raft.role, "follower");
  assert.equal(raft.propose(Uint8Array.of(1)), undefined);
  assert.equal(raft.progress.size, 0);
});

Deno.test("A leader whose disk stalls hands over to a voter that has everything (PITFALLS 2)", () => {
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  cluster.run(2);
  cluster.host("a").diskStuck = true;
  cluster.propose("a");
  cluster.run(electionTicks + 1);
  assert.equal(old.role, "follower");
  const { leader } = cluster;
  assert(leader !== undefined && leader.id !== "a");
  // Its disk back, it follows; nothing of what it took is lost.
  cluster.host("a").diskStuck = false;
  cluster.run(2 * electionTicks);
  assert.equal(cluster.leader, leader);
  assert.equal(cluster.host("a").applied, leader.log.lastIndex);
});

/** For two election timeouts its disk hangs, and the others answer; then it yields. */
function stall(
  { before = () => {} }: { before?: (raft: Raft, tick: number) => void } = {},
): Raft {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.propose(Uint8Array.of(1));
  raft.takeSave();
  for (let tick = 0; tick <= 2 * electionTicks; tick++) {
    before(raft, tick);
    raft.tick();
    for (const message of raft.takeMessages()) {
      if (message.type === "AppendEntries") {
        accept(raft, message, message.prevLogIndex);
      }
    }
  }
  assert.equal(raft.role, "follower");
  return raft;
}

Deno.test("A leader whose disk stalls steps down when nobody takes over (PITFALLS 2)", () => {
  const raft = stall();
  ticks(raft, 4 * electionTicks);
  assert.equal(
    raft.role,
    "follower",
    "it does not stand while its disk stalls",
  );
});

Deno.test("A hand-over begun before a stall does not lengthen it (scenario)", () => {
  stall({
    before: (raft, tick) => {
      if (tick === electionTicks - 2) raft.transferLeadership("b");
    },
  });
});

Deno.test("A single node waits for its stalled disk: there is nobody to hand over to", () => {
  const raft = leaderOf({ voters: "a" });
  raft.propose(Uint8Array.of(1));
  const save = raft.takeSave()!;
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "leader");
  raft.saved(save.number);
  assert.equal(raft.log.commitIndex, raft.log.lastIndex);
});

Deno.test("A new leader's first entry is its own, and commits what was before (PITFALLS 19, 20)", () => {
  const raft = raftOf({ terms: [1, 1] });
  stand(raft);
  persist(raft);
  vote(raft, "b");
  const messages = sentOf(raft, "AppendEntries");
  assert.equal(raft.log.slice(3)[0]?.type, "noop");
  assert.deepEqual(
    raft.takeCommitted(),
    [],
    "it knows nothing to be committed yet",
  );
  accept(raft, messages[0]!);
  assert.deepEqual(raft.takeCommitted().map((entry) => entry.index), [1, 2, 3]);
});

Deno.test("Proposals of a leader that lost its office never surface beside its successor's (PITFALLS 19)", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.isolate("a");
  const lost = cluster.propose("a")!;
  cluster.settle();
  cluster.elect("b");
  const index = cluster.propose("b")!;
  cluster.settle();
  assert(index >= lost);
  cluster.heal();
  cluster.run(2 * electionTicks);
  assert.equal(
    cluster.core("a").log.termAt(lost),
    cluster.core("b").log.termAt(lost),
  );
  assert.equal(cluster.host("a").digest, cluster.host("b").digest);
});

Deno.test("A node takes no message that is meant for another or comes from itself (PITFALLS 29)", () => {
  const raft = raftOf();
  raft.step(appendEntries({ to: "c", term: 7 }));
  raft.step(appendEntries({ from: "a", term: 7 }));
  assert.equal(raft.currentTerm, 0);
  assert.deepEqual(sent(raft), []);
});

Deno.test("A second leader of one term is refused, and the first goes on", () => {
  const raft = leaderOf();
  const fault = raft.step(appendEntries({ term: raft.currentTerm }));
  assert.match(fault!, /AppendEntries of term 1, in which node a leads/);
  assert.equal(raft.role, "leader");
});

Deno.test("A follower does not go on beside a leader that lacks what it holds for committed", () => {
  // A majority at durability low lost entries 2 and 3, and wrote others in their place.
  const withCommitted = () => {
    const raft = raftOf({ terms: [1, 1, 1] });
    raft.step(
      appendEntries({
        term: 1,
        prevLogIndex: 3,
        prevLogTerm: 1,
        leaderCommit: 3,
      }),
    );
    assert.equal(raft.log.commitIndex, 3);
    return raft;
  };
  const lost = /committed log is not its cluster's/;
  const stepped = (message: AppendEntries) => () =>
    withCommitted().step(message);
  assert.throws(
    stepped(appendEntries({ term: 3, prevLogIndex: 3, prevLogTerm: 2 })),
    lost,
  );
  assert.throws(
    stepped(appendEntries({
      term: 3,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: commands([2, 2], 2),
    })),
    lost,
  );
});

Deno.test("A follower's snapshot is ahead of its leader's terms only if commits were lost", () => {
  const raft = raftOf({ snapshot: snapshotAt(100, 5), term: 5 });
  assert.throws(
    () =>
      raft.step(appendEntries({ term: 6, prevLogIndex: 150, prevLogTerm: 4 })),
    /committed log is not its cluster's/,
  );
});
