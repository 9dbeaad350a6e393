// One test per rule of the Raft paper (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", extended version) about the log: how it is
// replicated, committed and compacted, with its section. The list was compared with etcd's
// raft_paper_test.go. Rules beyond the paper stand in replication_test.ts, follower_test.ts,
// snapshot_test.ts and durability_test.ts.

import assert from "node:assert/strict";
import type { Term } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  command,
  commands,
  electionTicks,
  heartbeatTicks,
  inRole,
  installSnapshot,
  leaderOf,
  optionsOf,
  raftOf,
  roles,
  savedOf,
  sent,
  sentOf,
  snapshotAt,
  termsOf,
  ticks,
} from "./scene.ts";
import { randomOf } from "../../../lib/random.ts";

Deno.test("§5.3 A leader appends a command to its log and sends it to the others in parallel", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const { currentTerm, log } = raft;
  const before = log.lastIndex;
  const index = raft.propose(Uint8Array.of(42))!;
  const entry = {
    type: "command",
    index,
    term: currentTerm,
    data: Uint8Array.of(42),
  } as const;
  assert.equal(index, before + 1);
  assert.deepEqual(log.slice(index), [entry]);
  assert.equal(log.commitIndex, before);
  const messages = raft.takeMessages();
  assert.deepEqual(
    messages.map((m) =>
      m.type === "AppendEntries" &&
      [m.to, m.prevLogIndex, m.prevLogTerm, m.leaderCommit, m.entries]
    ),
    ["b", "c"].map((to) => [to, before, currentTerm, before, [entry]]),
  );
  assert.deepEqual(raft.takeSave()?.entries, [entry]);
});

Deno.test("§5.3 Only a leader takes commands", () => {
  for (const role of roles) {
    const index = inRole(role).propose(Uint8Array.of(1));
    assert.equal(index !== undefined, role === "leader", role);
  }
});

Deno.test("§5.3 An entry is committed once a majority has it, the leader's own disk counting as one", () => {
  const cases: [string, string, boolean][] = [
    ["a", "", true],
    ["ab", "", false],
    ["ab", "b", true],
    ["abc", "", false],
    ["abc", "b", true],
    ["abc", "bc", true],
    ["abcd", "b", false],
    ["abcd", "bc", true],
    ["abcde", "", false],
    ["abcde", "b", false],
    ["abcde", "bc", true],
    ["abcde", "bcde", true],
  ];
  for (const [voters, acceptors, committed] of cases) {
    const raft = leaderOf({ voters });
    acknowledge(raft, voters);
    const index = raft.propose(Uint8Array.of(1))!;
    for (const message of sent(raft)) {
      if (acceptors.includes(message.to)) accept(raft, message);
    }
    assert.equal(
      raft.log.commitIndex >= index,
      committed,
      `${voters}: ${acceptors}`,
    );
  }
});

Deno.test("§5.3 A committed entry is applied, and later appends tell the others of it", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.takeCommitted();
  const index = raft.propose(Uint8Array.of(1))!;
  for (const message of sent(raft)) accept(raft, message);
  assert.deepEqual(raft.takeCommitted().map((entry) => entry.index), [index]);
  ticks(raft, heartbeatTicks);
  assert.deepEqual(
    sentOf(raft, "AppendEntries").map((m) => m.leaderCommit),
    [index, index],
  );
});

Deno.test("§5.3 Committing an entry commits everything before it, of earlier leaders too", () => {
  for (const terms of [[], [2], [1, 2], [1]]) {
    const raft = leaderOf({ terms, term: 2 });
    raft.propose(Uint8Array.of(1));
    acknowledge(raft, "b");
    assert.deepEqual(
      raft.takeCommitted().map(({ type, term }) => [type, term]),
      [
        ...terms.map((term) => ["command", term]),
        ["noop", 3],
        ["command", 3],
      ],
    );
  }
});

Deno.test("§5.3 A follower applies what it learns to be committed, in log order, and no more", () => {
  for (
    const [count, leaderCommit] of [[1, 1], [2, 2], [2, 1], [2, 9], [
      2,
      0,
    ]] as const
  ) {
    const raft = raftOf();
    const entries = commands(Array(count).fill(1));
    raft.step(appendEntries({ entries, leaderCommit }));
    const expected = Math.min(count, leaderCommit);
    assert.equal(raft.log.commitIndex, expected);
    assert.deepEqual(raft.takeCommitted(), entries.slice(0, expected));
  }
});

Deno.test("§5.3 A heartbeat commits no further than the logs are known to agree (figure 2, AppendEntries 5)", () => {
  const raft = raftOf({ terms: [1, 1, 1] });
  raft.step(
    appendEntries({ prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 3 }),
  );
  assert.equal(raft.log.commitIndex, 1, "2 and 3 may be others at the leader");
});

Deno.test("§5.3 A follower refuses entries unless it has the one before them", () => {
  const cases: [number, Term, boolean, number, Term][] = [
    // previous index and term, success, matchIndex, matchTerm
    [0, 0, true, 0, 0],
    [1, 1, true, 1, 0],
    [2, 2, true, 2, 0],
    [2, 1, false, 1, 1],
    [3, 3, false, 2, 2],
    [9, 1, false, 1, 1],
  ];
  for (
    const [prevLogIndex, prevLogTerm, success, matchIndex, matchTerm] of cases
  ) {
    const raft = raftOf({ terms: [1, 2] });
    raft.step(
      appendEntries({ term: 3, prevLogIndex, prevLogTerm, sequence: 8 }),
    );
    assert.deepEqual(sent(raft), [{
      type: "AppendEntriesResponse",
      from: "a",
      to: "b",
      term: 3,
      sequence: 8,
      success,
      matchIndex,
      matchTerm,
    }], `${prevLogIndex}:${prevLogTerm}`);
  }
});

Deno.test("§5.3 A follower drops a conflicting entry and all that follow, and appends what it lacks", () => {
  const cases: [number, Term, Term[], Term[]][] = [
    // previous index and term, the terms sent, the log afterwards; before: 1 2
    [2, 2, [3], [1, 2, 3]],
    [1, 1, [3, 4], [1, 3, 4]],
    [0, 0, [1], [1, 2]],
    [0, 0, [3], [3]],
    [0, 0, [1, 2], [1, 2]],
    [0, 0, [1, 3], [1, 3]],
  ];
  for (const [prevLogIndex, prevLogTerm, terms, expected] of cases) {
    const raft = raftOf({ terms: [1, 2] });
    const entries = commands(terms, prevLogIndex + 1);
    raft.step(appendEntries({ term: 4, prevLogIndex, prevLogTerm, entries }));
    assert.deepEqual(termsOf(raft), expected);
    // The new entries are written, and only those.
    const kept = expected.findIndex((term, i) => term !== [1, 2][i]);
    assert.deepEqual(
      raft.takeSave()?.entries.map((entry) => entry.term),
      kept < 0 ? [] : expected.slice(kept),
    );
  }
});

Deno.test("§5.3 An old AppendEntries cuts nothing that follows it (figure 2, AppendEntries 3)", () => {
  const raft = raftOf({ terms: [1, 1, 1, 1] });
  raft.step(appendEntries({ entries: commands([1, 1]) }));
  assert.deepEqual(termsOf(raft), [1, 1, 1, 1]);
  raft.step(appendEntries({ prevLogIndex: 1, prevLogTerm: 1 }));
  assert.deepEqual(termsOf(raft), [1, 1, 1, 1]);
});

Deno.test("§5.3 AppendEntries is idempotent", () => {
  const raft = raftOf();
  const message = appendEntries({ entries: commands([1, 1]), leaderCommit: 1 });
  raft.step(message);
  const [first] = sent(raft);
  raft.step(message);
  assert.deepEqual(sent(raft), [first]);
  assert.deepEqual(raft.takeCommitted().length, 1);
});

Deno.test("§5.3 Figure 7: the leader makes every follower's log equal to its own", () => {
  const leader: Term[] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followers: Record<string, Term[]> = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };
  const voters = "labcdef";
  const cluster = new Cluster(
    [...voters].map((id) =>
      savedOf({ id, voters, terms: followers[id] ?? leader, term: 7 })
    ),
    optionsOf(randomOf(1)),
  );
  // c and d are ahead of it and refuse; a, b, e and f are enough.
  cluster.elect("l");
  cluster.run(2 * heartbeatTicks);
  for (const id of Object.keys(followers)) {
    assert.deepEqual(termsOf(cluster.core(id)), [...leader, 8], `(${id})`);
    assert.equal(cluster.host(id).digest, cluster.host("l").digest, `(${id})`);
  }
});

Deno.test("§5.3 A leader never overwrites or deletes entries of its own log (leader append-only)", () => {
  const raft = leaderOf({ terms: [1, 1] });
  const before = raft.log.slice(1);
  raft.step(
    appendEntries({ term: raft.currentTerm - 1, entries: commands([0]) }),
  );
  raft.step(installSnapshot(snapshotAt(9, 1)));
  assert.deepEqual(raft.log.slice(1), before);
});

Deno.test("§5.4.2 Only entries of the leader's own term are committed by counting", () => {
  for (const [matchIndex, commitIndex] of [[1, 0], [2, 0], [3, 3]]) {
    const raft = leaderOf({ voters: "ab", terms: [1, 2] });
    ticks(raft, heartbeatTicks);
    const message = sentOf(raft, "AppendEntries").at(-1)!;
    accept(raft, message, matchIndex);
    assert.equal(raft.log.commitIndex, commitIndex);
  }
});

Deno.test("§5.4.2 Figure 8: an entry of an older term on a majority is not committed, and may be overwritten", () => {
  const cluster = new Cluster(
    // (c): S1 leads again; 2 is of term 2 on a, b and c; S5 holds its own of term 3.
    [
      savedOf({ id: "a", voters: "abcde", terms: [1, 2], term: 3 }),
      savedOf({ id: "b", voters: "abcde", terms: [1, 2], term: 3 }),
      savedOf({ id: "c", voters: "abcde", terms: [1], term: 3 }),
      savedOf({ id: "d", voters: "abcde", terms: [1], term: 3 }),
      savedOf({ id: "e", voters: "abcde", terms: [1, 3], term: 3 }),
    ],
    optionsOf(randomOf(1)),
  );
  // No entry of term 4 leaves a: only the one that it copied from term 2 reaches c.
  cluster.passes = (m) =>
    m.type !== "AppendEntries" || m.entries.every((entry) => entry.term < 4);
  const a = cluster.elect("a");
  cluster.input("a", (raft) => {
    raft.progress.get("c")!.probe(2);
    raft.takeMessages();
  });
  const late = appendEntries({
    from: "a",
    to: "c",
    term: a.currentTerm,
    prevLogIndex: 1,
    prevLogTerm: 1,
    entries: [command(2, 2)],
    sequence: a.progress.get("c")!.lastSequence,
  });
  cluster.network.push(late);
  cluster.settle();
  assert.deepEqual(termsOf(cluster.core("c")), [1, 2]);
  assert.equal(
    a.log.commitIndex,
    0,
    "2 is on three of five disks, and not committed",
  );
  // (d): a dies, e is elected by d and those whose logs end in term 2.
  cluster.crash("a");
  cluster.passes = () => true;
  cluster.elect("e");
  cluster.run(2 * heartbeatTicks);
  assert.deepEqual(termsOf(cluster.core("c")).slice(0, 2), [1, 3]);
});

Deno.test("§5.4.2 Figure 8(e): with an entry of its own term on a majority, e cannot win any more", () => {
  const cluster = new Cluster(
    [..."abcde"].map((id) =>
      savedOf({
        id,
        voters: "abcde",
        terms: id === "e" ? [1, 3] : "ab".includes(id) ? [1, 2] : [1],
        term: 3,
      })
    ),
    optionsOf(randomOf(1)),
  );
  cluster.isolate("e");
  cluster.isolate("d");
  const a = cluster.elect("a");
  cluster.run(heartbeatTicks);
  assert.equal(a.log.commitIndex, 3);
  cluster.crash("a");
  cluster.heal();
  const leader = cluster.awaitLeader();
  assert("bc".includes(leader.id), leader.id);
  assert.deepEqual(leader.log.termAt(2), 2);
});

Deno.test("§5.5 A follower that was down gets what it missed", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.crash("c");
  for (let i = 0; i < 5; i++) cluster.propose("a");
  cluster.settle();
  cluster.restart("c");
  cluster.run(2 * heartbeatTicks);
  assert.equal(cluster.host("c").applied, leader.log.lastIndex);
});

Deno.test("§5.6 A leader in office stays there: broadcast time is far below the election timeout", () => {
  const cluster = Cluster.of("abcde");
  const leader = cluster.elect("a");
  const { currentTerm } = leader;
  cluster.run(20 * electionTicks);
  assert.deepEqual([leader.role, leader.currentTerm], ["leader", currentTerm]);
});

Deno.test("§7 A follower takes a snapshot that is ahead of it in place of its log", () => {
  const raft = raftOf({ terms: [1, 1, 1] });
  raft.step(installSnapshot(snapshotAt(9, 2), { sequence: 4 }));
  assert.deepEqual([raft.log.lastIndex, raft.log.lastTerm], [9, 2]);
  assert.equal(raft.takeSnapshot()?.index, 9);
  assert.deepEqual(sentOf(raft, "AppendEntriesResponse"), [{
    type: "AppendEntriesResponse",
    from: "a",
    to: "b",
    term: 2,
    sequence: 4,
    success: true,
    matchIndex: 9,
    matchTerm: 0,
  }]);
});

Deno.test("§7 A snapshot of a prefix of the log leaves what follows it (figure 13, InstallSnapshot 6)", () => {
  const raft = raftOf({ terms: [1, 1, 2, 2] });
  raft.step(installSnapshot(snapshotAt(2, 1), { term: 2 }));
  assert.deepEqual(termsOf(raft), [1, 1, 2, 2]);
  assert.equal(raft.log.commitIndex, 2);
});

Deno.test("§7 A server compacts what it has applied, and nothing beyond", () => {
  const raft = raftOf();
  raft.step(appendEntries({ entries: commands([1, 1, 1]), leaderCommit: 2 }));
  raft.takeCommitted();
  raft.takeSave();
  raft.compact(Uint8Array.of(7));
  assert.deepEqual([raft.log.snapshot.index, raft.log.snapshot.term], [2, 1]);
  assert.deepEqual(raft.log.snapshot.data, Uint8Array.of(7));
  assert.deepEqual(raft.log.slice(3), commands([1], 3));
});

Deno.test("§8 A new leader commits a blank entry of its own term at once", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("b");
  assert.deepEqual(
    leader.log.slice(leader.log.lastIndex).map((
      { type, term },
    ) => [type, term]),
    [["noop", leader.currentTerm]],
  );
  assert.equal(leader.log.commitIndex, leader.log.lastIndex);
});
