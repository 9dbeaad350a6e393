// Elections beyond the paper's: pre-vote (thesis 9.6), leader stickiness (4.2.3), and
// the ways in which they go wrong together (PITFALLS 21, 22).

import assert from "node:assert/strict";
import { Raft } from "../../../../raft/core/raft.ts";
import { Cluster } from "./cluster.ts";
import {
  acknowledge,
  appendEntries,
  electionTicks,
  heartbeatTicks,
  leaderOf,
  optionsOf,
  persist,
  preVote,
  raftOf,
  requestVote,
  savedOf,
  sent,
  sentOf,
  stand,
  ticks,
  timeOut,
  vote,
} from "./scene.ts";

Deno.test("A pre-vote asks about the next term and changes nothing at the asker", () => {
  const raft = raftOf({ terms: [1, 2], term: 4, votedFor: "c" });
  timeOut(raft);
  assert.equal(raft.role, "preCandidate");
  assert.deepEqual(raft.hardState, { currentTerm: 4, votedFor: "c" });
  assert.equal(raft.takeSave(), undefined);
  const expected = preVote({
    from: "a",
    term: 5,
    lastLogIndex: 2,
    lastLogTerm: 2,
  });
  assert.deepEqual(sent(raft), [{ ...expected, to: "b" }, {
    ...expected,
    to: "c",
  }]);
});

Deno.test("A node that is asked for pre-votes changes nothing, and may grant several", () => {
  const raft = raftOf({ term: 4 });
  for (const from of ["b", "c"]) raft.step(preVote({ from, term: 5 }));
  assert.deepEqual(
    sentOf(raft, "PreVoteResponse").map((m) => [m.to, m.granted, m.term]),
    [["b", true, 5], ["c", true, 5]],
  );
  assert.deepEqual(raft.hardState, { currentTerm: 4, votedFor: undefined });
});

Deno.test("Only a majority of pre-votes begins an election", () => {
  const raft = raftOf({ voters: "abcde" });
  timeOut(raft);
  const granted = (from: string, term = 1) =>
    raft.step({ type: "PreVoteResponse", from, to: "a", term, granted: true });
  granted("b");
  granted("b");
  granted("x");
  assert.equal(raft.role, "preCandidate");
  assert.equal(raft.currentTerm, 0);
  granted("c", 0);
  granted("d", 2);
  assert.equal(
    raft.role,
    "preCandidate",
    "grants for other terms do not count",
  );
  granted("c");
  assert.equal(raft.role, "candidate");
  assert.equal(raft.currentTerm, 1);
});

Deno.test("A pre-candidate refused by a majority waits for the next timeout", () => {
  const raft = raftOf();
  timeOut(raft);
  for (const from of ["b", "c"]) {
    raft.step({
      type: "PreVoteResponse",
      from,
      to: "a",
      term: 0,
      granted: false,
    });
  }
  assert.equal(raft.role, "follower");
  assert.equal(raft.currentTerm, 0);
  timeOut(raft);
  assert.equal(raft.role, "preCandidate");
});

Deno.test("A refusal with a higher term brings a pre-candidate up to date (PITFALLS 21)", () => {
  const raft = raftOf({ term: 3 });
  timeOut(raft);
  raft.step({
    type: "PreVoteResponse",
    from: "b",
    to: "a",
    term: 7,
    granted: false,
  });
  assert.deepEqual([raft.role, raft.currentTerm], ["follower", 7]);
  sent(raft);
  timeOut(raft);
  assert.equal(sentOf(raft, "PreVote")[0]?.term, 8);
});

Deno.test("Votes of one election do not count in the next, and pre-votes do not count as votes (PITFALLS 21)", () => {
  const raft = raftOf({ voters: "abcde" });
  stand(raft);
  persist(raft);
  assert.equal(raft.role, "candidate");
  vote(raft, "b");
  assert.equal(
    raft.role,
    "candidate",
    "the pre-votes of c, d and e are no votes",
  );
  stand(raft);
  persist(raft);
  vote(raft, "c");
  assert.equal(raft.role, "candidate", "b's vote was for the term before");
});

Deno.test("A server that hears a leader refuses pre-votes, the leader itself too (thesis 4.2.3)", () => {
  const raft = raftOf();
  raft.step(appendEntries({ term: 1 }));
  sent(raft);
  raft.step(preVote({ from: "c", term: 2 }));
  assert.equal(sentOf(raft, "PreVoteResponse")[0]?.granted, false);
  ticks(raft, electionTicks);
  raft.step(preVote({ from: "c", term: 2 }));
  assert.equal(sentOf(raft, "PreVoteResponse")[0]?.granted, true);

  const leader = leaderOf();
  leader.step(preVote({ from: "c", term: 9, lastLogIndex: 9, lastLogTerm: 9 }));
  assert.equal(sentOf(leader, "PreVoteResponse")[0]?.granted, false);
});

Deno.test("A vote given keeps the voter from standing itself for a while", () => {
  const raft = raftOf({ term: 1 });
  ticks(raft, electionTicks - 1);
  raft.step(requestVote({ term: 1 }));
  ticks(raft, electionTicks - 1);
  assert.equal(raft.role, "follower");
});

Deno.test("A vote refused does not keep the voter from standing: a server that cannot win must not hold up others", () => {
  const raft = raftOf({ terms: [1] });
  ticks(raft, electionTicks - 1);
  raft.step(preVote({ term: 2 }));
  raft.step(requestVote({ term: 1 }));
  raft.tick();
  assert.equal(raft.role, "preCandidate");
});

Deno.test("A node that was cut off comes back without disturbing the leader (PITFALLS 22)", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  const { currentTerm } = leader;
  cluster.isolate("c");
  cluster.run(20 * electionTicks);
  assert.equal(cluster.core("c").currentTerm, currentTerm);
  cluster.heal();
  cluster.run(4 * electionTicks);
  assert.deepEqual([leader.role, leader.currentTerm], ["leader", currentTerm]);
  assert.equal(cluster.core("c").leaderId, "a");
});

Deno.test("A node that hears all but the leader does not force it out (PITFALLS 22)", () => {
  const cluster = Cluster.of("abcde");
  const leader = cluster.elect("a");
  const { currentTerm } = leader;
  cluster.cut("a", "c");
  cluster.run(20 * electionTicks);
  assert.deepEqual([leader.role, leader.currentTerm], ["leader", currentTerm]);
  assert.deepEqual([cluster.core("c").role, cluster.core("c").currentTerm], [
    cluster.core("c").role,
    currentTerm,
  ]);
});

Deno.test("The leader that only one other hears is replaced by one that a majority hears (PITFALLS 22)", () => {
  const cluster = Cluster.of("abcde");
  cluster.elect("a");
  for (const id of "cde") cluster.cut("a", id);
  cluster.run(10 * electionTicks);
  const { leader } = cluster;
  assert(leader !== undefined && leader.id !== "a");
  assert.notEqual(cluster.core("a").role, "leader");
});

Deno.test("A stale leader steps down at the first answer of the new term (PITFALLS 21, 23)", () => {
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  // The whole process stands still; its clock too.
  cluster.isolate("a");
  const leader = cluster.elect("b");
  cluster.heal();
  assert.equal(old.role, "leader");
  cluster.propose("a");
  cluster.settle();
  assert.equal(old.role, "follower");
  assert.equal(old.currentTerm, leader.currentTerm);
  assert.equal(leader.role, "leader");
});

Deno.test("A candidate with a higher term than the leader's gets the cluster going again", () => {
  // It won the pre-vote, then everybody heard the old leader again.
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  cluster.cut("a", "c");
  cluster.core("b").electionElapsed = electionTicks;
  cluster.passes = (m) => m.type !== "RequestVote";
  cluster.run(2 * electionTicks);
  cluster.passes = () => true;
  cluster.heal();
  cluster.input("c", (raft) => {
    raft.setHardState(raft.currentTerm + 5, "c");
    raft.becomeCandidate({ role: "candidate", votes: new Map() });
  });
  cluster.run(10 * electionTicks);
  const leader = cluster.awaitLeader();
  assert(leader.currentTerm > 5);
  assert(old.currentTerm === leader.currentTerm);
});

Deno.test("The only voter leads after one tick, without asking anybody", () => {
  const raft = raftOf({ voters: "a", terms: [1, 1] });
  raft.tick();
  assert.equal(raft.role, "candidate");
  persist(raft);
  assert.equal(raft.role, "leader");
  assert.deepEqual(raft.takeMessages(), []);
  assert.equal(raft.log.commitIndex, 3);
});

Deno.test("An only voter whose disk is slower than a tick leads once its vote is durable", () => {
  const raft = raftOf({ voters: "a" });
  timeOut(raft);
  const save = raft.takeSave()!;
  ticks(raft, 3 * electionTicks);
  assert.equal(raft.takeSave(), undefined, "no second term is begun meanwhile");
  raft.saved(save.number);
  assert.equal(raft.role, "leader");
  assert.equal(raft.currentTerm, 1);
});

Deno.test("A candidate's time runs from when its own vote is durable", () => {
  const raft = raftOf();
  stand(raft);
  const save = raft.takeSave()!;
  ticks(raft, 3 * electionTicks);
  assert.deepEqual([raft.role, raft.currentTerm], ["candidate", 1]);
  raft.saved(save.number);
  ticks(raft, electionTicks - 1);
  assert.equal(raft.role, "candidate", "the others have time to answer");
  timeOut(raft);
  assert.equal(raft.role, "preCandidate");
});

Deno.test("An only voter restarted often leads each time, in rising terms, and loses nothing", () => {
  const cluster = Cluster.of("a");
  for (let starts = 1; starts <= 5; starts++) {
    const leader = cluster.awaitLeader(3);
    assert.equal(leader.currentTerm, starts + 1);
    cluster.propose("a");
    cluster.settle();
    cluster.crash("a");
    cluster.restart("a");
  }
  cluster.awaitLeader(3);
  assert.equal(cluster.host("a").applied, 1 + 5 + 6);
});

Deno.test("Two and four voters elect a leader although votes can split evenly", () => {
  for (const voters of ["ab", "abcd"]) {
    const cluster = Cluster.of(voters);
    for (let i = 0; i < 10; i++) {
      const leader = cluster.awaitLeader(20 * electionTicks);
      cluster.crash(leader.id);
      if (voters.length > 2) cluster.awaitLeader(20 * electionTicks);
      cluster.restart(leader.id);
    }
  }
});

Deno.test("Half of four voters elect nobody", () => {
  const cluster = Cluster.of("abcd");
  for (const a of "ab") for (const b of "cd") cluster.cut(a, b);
  cluster.run(20 * electionTicks);
  assert.equal(cluster.leader, undefined);
  for (const { core } of cluster.up) assert.equal(core.currentTerm, 1);
});

Deno.test("A node without members waits for a leader forever", () => {
  const raft = raftOf({ voters: "" });
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "follower");
  assert.deepEqual(sent(raft), []);
});

Deno.test("A node whose disk stalls stands in no election until it is back", () => {
  const raft = raftOf();
  raft.step(appendEntries({ term: 1 }));
  const save = raft.takeSave()!;
  ticks(raft, 5 * electionTicks);
  assert.equal(raft.role, "follower");
  raft.saved(save.number);
  raft.tick();
  assert.equal(raft.role, "preCandidate");
});

Deno.test("An election timeout must span several heartbeats", () => {
  const cluster = Cluster.of("a");
  assert.ok(heartbeatTicks < electionTicks);
  const { constructor: Raft } = cluster.core("a");
  assert.throws(
    () =>
      Reflect.construct(Raft, [
        { electionTicks: 2, heartbeatTicks: 2, random: () => 0 },
        cluster.host("a").disk,
      ]),
    /several heartbeats/,
  );
});

Deno.test("A grant that arrives when the election is over changes nothing", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  vote(raft, "c", false);
  vote(raft, "b", false);
  assert.equal(raft.role, "leader");
  const follower = raftOf();
  stand(follower);
  persist(follower);
  follower.step(appendEntries({ term: 1 }));
  vote(follower, "b");
  vote(follower, "c");
  assert.equal(follower.role, "follower");
});

Deno.test("Votes for a former process of the candidate elect nobody", () => {
  const cluster = Cluster.of("abc");
  cluster.passes = (m) => m.type !== "RequestVoteResponse" || hold(m);
  const held: Parameters<typeof cluster.network.push> = [];
  const hold = (m: typeof held[number]) => (held.push(m), false);
  for (const { core } of cluster.up) core.electionElapsed = 2 * electionTicks;
  cluster.tick("a");
  cluster.settle();
  assert.equal(cluster.core("a").role, "candidate");
  assert.equal(held.length, 2);
  cluster.crash("a");
  cluster.restart("a");
  cluster.network.push(...held);
  cluster.settle();
  assert.equal(cluster.core("a").role, "follower");
});

Deno.test("A learner that has not heard its leader for an election timeout knows no leader", () => {
  const raft = raftOf({ id: "d", voters: "abc", learners: "d" });
  raft.step(appendEntries({ to: "d", term: 1 }));
  assert.equal(raft.leaderId, "b");
  ticks(raft, 2 * electionTicks);
  assert.equal(raft.leaderId, undefined);
  assert.equal(raft.role, "follower");
  raft.step(appendEntries({ to: "d", term: 1 }));
  assert.equal(raft.leaderId, "b");
});

Deno.test("A configuration that names another disk of this node makes it no candidate (PITFALLS 17)", () => {
  for (const voters of ["a", "abc"]) {
    const saved = savedOf({ voters, terms: [1] });
    const identity = { ...saved.identity, incarnation: "2" };
    const raft = new Raft(optionsOf(() => 0), { ...saved, identity });
    ticks(raft, 5 * electionTicks);
    assert.equal(raft.role, "follower");
  }
});

Deno.test("A vote in a term that is on disk already is on disk before it is sent (§5.2)", () => {
  const raft = raftOf({ terms: [1, 1] });
  raft.step(requestVote({ from: "b", term: 2 }));
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]!.granted, false);
  const last = { lastLogIndex: 2, lastLogTerm: 1 };
  raft.step(requestVote({ from: "c", term: 2, ...last }));
  assert.deepEqual(raft.takeMessages(), []);
  const save = raft.takeSave()!;
  assert.deepEqual(save.hardState, { currentTerm: 2, votedFor: "c" });
  assert.equal(save.mustSync, true);
  raft.saved(save.number);
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]!.granted, true);
});
