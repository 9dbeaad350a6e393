// One test per rule of the Raft paper (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", extended version), with its section. The list
// was compared with etcd's raft_paper_test.go. Rules of the thesis stand in
// election_test.ts, replication_test.ts, membership_change_test.ts, transfer_test.ts.

import assert from "node:assert/strict";
import type { Raft } from "../../../../raft/core/raft.ts";
import type { Message, Term } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  command,
  commands,
  electionTicks,
  heartbeatTicks,
  installSnapshot,
  leaderOf,
  optionsOf,
  persist,
  preVote,
  raftOf,
  requestVote,
  savedOf,
  sent,
  sentOf,
  type Setup,
  snapshotAt,
  stand,
  termsOf,
  ticks,
  timeOut,
  vote,
} from "./scene.ts";
import { randomOf } from "../../../lib/random.ts";

const roles = ["follower", "preCandidate", "candidate", "leader"] as const;

/** A node in that role, in some term, with nothing left to send. */
function inRole(role: typeof roles[number], setup: Setup = {}): Raft {
  const raft = raftOf(setup);
  if (role === "preCandidate") timeOut(raft);
  if (role === "candidate" || role === "leader") stand(raft);
  persist(raft);
  if (role === "leader") vote(raft, "b");
  assert.equal(raft.role, role);
  sent(raft);
  return raft;
}

/** Every kind of message, as one of `term` would be. */
function everyMessage(term: Term): Message[] {
  const envelope = { from: "b", to: "a", term };
  return [
    appendEntries({ term }),
    installSnapshot(snapshotAt(0, 0), { term }),
    requestVote({ term }),
    { type: "RequestVoteResponse", ...envelope, granted: false },
    { type: "PreVoteResponse", ...envelope, granted: false },
    {
      type: "AppendEntriesResponse",
      ...envelope,
      sequence: 1,
      success: false,
      matchIndex: 0,
      matchTerm: 0,
    },
  ];
}

Deno.test("§5.1 A server that sees a higher term takes it over and becomes follower", () => {
  for (const role of roles) {
    for (const message of everyMessage(9)) {
      const raft = inRole(role);
      // A leader in office is protected from votes that it did not ask for: §6 below.
      if (role === "leader" && message.type === "RequestVote") continue;
      raft.step(message);
      assert.equal(raft.currentTerm, 9, `${role}: ${message.type}`);
      assert.equal(raft.role, "follower", `${role}: ${message.type}`);
    }
  }
});

Deno.test("§5.1 A new term comes with no vote given", () => {
  const raft = raftOf({ term: 3, votedFor: "c" });
  raft.step(appendEntries({ term: 4 }));
  assert.deepEqual(raft.hardState, { currentTerm: 4, votedFor: undefined });
});

Deno.test("§5.1 A server refuses a request of a stale term, and tells the present one", () => {
  for (const role of roles) {
    const raft = inRole(role, { term: 5, terms: [5] });
    const { currentTerm, log } = raft;
    raft.step(appendEntries({ term: 4, entries: [command(1, 4)] }));
    raft.step(requestVote({ term: 4, lastLogIndex: 9, lastLogTerm: 9 }));
    raft.step(installSnapshot(snapshotAt(9, 4)));
    raft.step(preVote({ term: 4, lastLogIndex: 9, lastLogTerm: 9 }));
    const answers = sent(raft).filter((m) =>
      m.to === "b" && "granted" in m || "success" in m
    );
    assert.deepEqual(
      answers.map((
        m,
      ) => ["granted" in m ? m.granted : "success" in m && m.success, m.term]),
      Array(4).fill([false, currentTerm]),
      role,
    );
    assert.equal(raft.role, role);
    assert.equal(log.termAt(1), 5);
  }
});

Deno.test("§5.1 Answers of a stale term change nothing", () => {
  for (const role of roles) {
    const raft = inRole(role, { term: 5 });
    const { currentTerm } = raft;
    raft.step({
      type: "RequestVoteResponse",
      from: "b",
      to: "a",
      term: 4,
      granted: true,
    });
    raft.step({
      type: "RequestVoteResponse",
      from: "c",
      to: "a",
      term: 4,
      granted: true,
    });
    raft.step({ type: "TimeoutNow", from: "b", to: "a", term: 4 });
    assert.deepEqual([raft.role, raft.currentTerm], [role, currentTerm]);
  }
});

Deno.test("§5.2 Servers start up as followers", () => {
  const raft = raftOf({ term: 3, votedFor: "a", terms: [1, 3] });
  assert.equal(raft.role, "follower");
  assert.equal(raft.leaderId, undefined);
  assert.deepEqual(sent(raft), []);
});

Deno.test("§5.2 A leader sends heartbeats to everybody, and to nobody else does a follower", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  acknowledge(raft, "bcd");
  const last = raft.log.lastIndex;
  ticks(raft, heartbeatTicks);
  assert.deepEqual(
    sentOf(raft, "AppendEntries").map((m) => [m.to, m.prevLogIndex, m.entries]),
    [["b", last, []], ["c", last, []], ["d", last, []]],
  );
  const follower = raftOf();
  ticks(follower, electionTicks - 1);
  assert.deepEqual(sent(follower), []);
});

Deno.test("§5.2 A follower stays one as long as it hears a leader", () => {
  const raft = raftOf();
  for (let i = 0; i < 10; i++) {
    ticks(raft, electionTicks - 1);
    raft.step(appendEntries({ sequence: i }));
  }
  assert.equal(raft.role, "follower");
  assert.equal(raft.leaderId, "b");
});

Deno.test("§5.2 A follower that hears nobody increments its term, votes for itself and asks the others", () => {
  for (const role of ["follower", "candidate"] as const) {
    const raft = inRole(role, { terms: [1, 2], term: 4 });
    const term = raft.currentTerm + 1;
    stand(raft);
    assert.equal(raft.role, "candidate");
    assert.deepEqual(raft.hardState, { currentTerm: term, votedFor: "a" });
    const expected = requestVote({
      from: "a",
      term,
      lastLogIndex: 2,
      lastLogTerm: 2,
    });
    assert.deepEqual(sentOf(raft, "RequestVote"), [
      { ...expected, to: "b" },
      { ...expected, to: "c" },
    ]);
  }
});

Deno.test("§5.2 A candidate wins with a majority, loses with a majority against it, else waits", () => {
  const cases: [string, string, string][] = [
    ["a", "", "leader"],
    ["abc", "b+ c+", "leader"],
    ["abc", "b+", "leader"],
    ["abcde", "b+ c+", "leader"],
    ["abcde", "b+ c+ d- e-", "leader"],
    ["abcd", "b+ c+", "leader"],
    ["abc", "b- c-", "follower"],
    ["abcde", "b- c- d-", "follower"],
    ["abcde", "b+ c- d- e-", "follower"],
    ["abcd", "b- c-", "follower"],
    ["ab", "b-", "follower"],
    ["abc", "", "candidate"],
    ["abcde", "b+", "candidate"],
    ["abcde", "b- c-", "candidate"],
    ["abcd", "b+", "candidate"],
  ];
  for (const [voters, votes, role] of cases) {
    const raft = raftOf({ voters });
    stand(raft);
    persist(raft);
    for (const text of votes.split(" ").filter(Boolean)) {
      if (raft.role === "candidate") vote(raft, text[0]!, text[1] === "+");
    }
    assert.equal(raft.role, role, `${voters}: ${votes}`);
    assert.equal(raft.currentTerm, 1);
  }
});

Deno.test("§5.2 A vote that comes twice counts once", () => {
  const raft = raftOf({ voters: "abcde" });
  stand(raft);
  persist(raft);
  for (let i = 0; i < 3; i++) vote(raft, "b");
  assert.equal(raft.role, "candidate");
});

Deno.test("§5.2 A server votes for at most one candidate in a term, first come, first served", () => {
  const cases: [string | undefined, string, boolean][] = [
    [undefined, "b", true],
    [undefined, "c", true],
    ["b", "b", true],
    ["c", "c", true],
    ["b", "c", false],
    ["c", "b", false],
    ["a", "b", false],
  ];
  for (const [votedFor, from, granted] of cases) {
    const raft = raftOf({ term: 1, votedFor });
    raft.step(requestVote({ from, term: 1 }));
    assert.deepEqual(sent(raft), [
      { type: "RequestVoteResponse", from: "a", to: from, term: 1, granted },
    ]);
    assert.equal(raft.votedFor, votedFor ?? from);
  }
});

Deno.test("§5.2 A server that restarts votes for nobody else in that term (figure 2: persistent state)", () => {
  const cluster = Cluster.of("abc");
  cluster.input(
    "a",
    (raft) =>
      raft.step(
        requestVote({
          from: "b",
          to: "a",
          term: 7,
          lastLogIndex: 9,
          lastLogTerm: 9,
        }),
      ),
  );
  cluster.settle();
  cluster.crash("a");
  cluster.restart("a");
  cluster.input(
    "a",
    (raft) =>
      raft.step(
        requestVote({
          from: "c",
          to: "a",
          term: 7,
          lastLogIndex: 9,
          lastLogTerm: 9,
        }),
      ),
  );
  assert.deepEqual(cluster.core("a").hardState, {
    currentTerm: 7,
    votedFor: "b",
  });
});

Deno.test("§5.2 A vote is on disk before it is sent, the candidate's own before it asks", () => {
  const voter = raftOf();
  voter.step(requestVote({ term: 1 }));
  assert.deepEqual(voter.takeMessages(), []);
  const save = voter.takeSave()!;
  assert.deepEqual(save.hardState, { currentTerm: 1, votedFor: "b" });
  assert.equal(save.mustSync, true);
  assert.deepEqual(voter.takeMessages(), []);
  voter.saved(save.number);
  assert.equal(voter.takeMessages().length, 1);

  const candidate = raftOf();
  stand(candidate);
  const asked = () =>
    candidate.takeMessages().filter((m) => m.type === "RequestVote").length;
  assert.equal(asked(), 0);
  vote(candidate, "b");
  assert.equal(candidate.role, "candidate", "its own vote is not safe yet");
  persist(candidate);
  assert.equal(asked(), 2);
  assert.equal(candidate.role, "leader");
});

Deno.test("§5.2 A candidate that hears a leader of its own or a later term returns to follower", () => {
  for (const role of ["preCandidate", "candidate"] as const) {
    for (const later of [0, 1]) {
      const raft = inRole(role);
      const term = raft.currentTerm + later;
      raft.step(appendEntries({ term }));
      assert.deepEqual([raft.role, raft.currentTerm], ["follower", term]);
      assert.equal(raft.leaderId, "b");
    }
  }
});

Deno.test("§5.2 A candidate continues in spite of a leader of an older term", () => {
  const raft = inRole("candidate", { term: 5 });
  raft.step(appendEntries({ term: 5 }));
  assert.equal(raft.role, "candidate");
});

Deno.test("§5.2 A split vote ends in a new election with a higher term", () => {
  const raft = inRole("candidate");
  const { currentTerm } = raft;
  stand(raft);
  assert.deepEqual([raft.role, raft.currentTerm], [
    "candidate",
    currentTerm + 1,
  ]);
});

Deno.test("§5.2 Election timeouts are drawn anew from one to two times the minimum", () => {
  for (const role of ["follower", "candidate"] as const) {
    const random = randomOf(7);
    const drawn = new Set<number>();
    for (let i = 0; i < 50 * electionTicks; i++) {
      const raft = inRole(role, { random });
      let count = 0;
      do raft.tick(), count++; while (sentOf(raft, "PreVote").length === 0);
      drawn.add(count);
    }
    const expected = Array.from(
      { length: electionTicks },
      (_, i) => electionTicks + i,
    );
    assert.deepEqual([...drawn].toSorted((a, b) => a - b), expected);
  }
});

Deno.test("§5.2 Mostly a single server times out first", () => {
  const random = randomOf(7);
  let conflicts = 0;
  for (let round = 0; round < 1000; round++) {
    const rafts = [..."abcde"].map((id) =>
      raftOf({ id, voters: "abcde", random })
    );
    let timedOut = 0;
    while (timedOut === 0) {
      for (const raft of rafts) raft.tick();
      timedOut = rafts.filter((raft) => raft.role !== "follower").length;
    }
    if (timedOut > 1) conflicts++;
  }
  assert(conflicts < 300, `${conflicts} of 1000`);
});

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
    // What is new is written, and only that.
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

Deno.test("§5.4.1 A request for a vote names the end of the candidate's log", () => {
  for (const terms of [[1], [1, 2]]) {
    const raft = inRole("candidate", { terms });
    stand(raft);
    for (const { lastLogIndex, lastLogTerm } of sentOf(raft, "RequestVote")) {
      assert.deepEqual([lastLogIndex, lastLogTerm], [
        terms.length,
        terms.at(-1),
      ]);
    }
  }
});

Deno.test("§5.4.1 A voter refuses a candidate whose log is less up to date than its own", () => {
  const cases: [Term[], Term, number, boolean][] = [
    // the voter's terms, the candidate's last term and index, granted
    [[1], 1, 1, true],
    [[1], 1, 2, true],
    [[1, 1], 1, 1, false],
    [[1], 2, 1, true],
    [[1], 2, 2, true],
    [[1, 1], 2, 1, true],
    [[2], 1, 1, false],
    [[2], 1, 2, false],
    [[2, 2], 1, 1, false],
    [[1, 1, 2], 1, 9, false],
  ];
  for (const [terms, lastLogTerm, lastLogIndex, granted] of cases) {
    const raft = raftOf({ terms });
    raft.step(requestVote({ term: 3, lastLogTerm, lastLogIndex }));
    raft.step(preVote({ term: 4, lastLogTerm, lastLogIndex }));
    const [answer] = sentOf(raft, "RequestVoteResponse");
    assert.equal(
      answer?.granted,
      granted,
      `${terms}: ${lastLogTerm} ${lastLogIndex}`,
    );
    assert.equal(raft.currentTerm, 3, "refused or not, the term is new");
  }
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
  // Of term 4 nothing leaves a: only what it copied from term 2 reaches c.
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

Deno.test("§6 A server that heard a leader lately ignores requests for votes", () => {
  const raft = raftOf();
  raft.step(appendEntries({ term: 1 }));
  sent(raft);
  ticks(raft, electionTicks - 1);
  raft.step(requestVote({ from: "c", term: 9 }));
  assert.deepEqual(sent(raft), []);
  assert.equal(raft.currentTerm, 1);
  raft.tick();
  raft.step(requestVote({ from: "c", term: 9 }));
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]?.granted, true);
});

Deno.test("§6 A leader in office ignores requests for votes", () => {
  const raft = leaderOf();
  const { currentTerm } = raft;
  raft.step(
    requestVote({ from: "c", term: 9, lastLogIndex: 9, lastLogTerm: 9 }),
  );
  assert.deepEqual([raft.role, raft.currentTerm], ["leader", currentTerm]);
  assert.deepEqual(sentOf(raft, "RequestVoteResponse"), []);
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
