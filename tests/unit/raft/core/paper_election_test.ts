// One test per rule of the Raft paper (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", extended version) about terms, votes and elections,
// with its section. The list was compared with etcd's raft_paper_test.go. Rules of the
// thesis stand in election_test.ts and transfer_test.ts.

import assert from "node:assert/strict";
import type { Message, Term } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  acknowledge,
  appendEntries,
  command,
  electionTicks,
  heartbeatTicks,
  inRole,
  installSnapshot,
  leaderOf,
  persist,
  preVote,
  raftOf,
  requestVote,
  roles,
  sent,
  sentOf,
  snapshotAt,
  stand,
  ticks,
  vote,
} from "./scene.ts";
import { randomOf } from "../../../lib/random.ts";

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
  for (let run = 0; run < 1000; run++) {
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
