// Servers that are removed (thesis 4.2.2, 4.2.3): how a follower hears of its removal, how a
// leader leaves, and that neither disturbs the servers that stay.

import assert from "node:assert/strict";
import { withServer } from "../../../../raft/core/membership.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  change,
  commands,
  configured,
  electionTicks,
  heartbeatTicks,
  leaderOf,
  members,
  preVote,
  raftOf,
  requestVote,
  sent,
  sentOf,
  server,
  stand,
  ticks,
  timeOut,
  vote,
} from "./scene.ts";

Deno.test("A removed follower hears of its removal and stays quiet (PITFALLS 26)", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.input("a", (raft) => raft.changeMembership(members("ab")));
  cluster.run(heartbeatTicks);
  const removed = cluster.core("c");
  assert.equal(removed.membership.isVoter("c"), false);
  const { currentTerm } = leader;
  cluster.run(20 * electionTicks);
  assert.equal(removed.role, "follower");
  assert.equal(leader.role, "leader");
  assert.equal(leader.currentTerm, currentTerm);
  assert.equal(leader.progress.has("c"), false, "it is forgotten in the end");
});

Deno.test("A follower removed while it was away is told by the leader, and stops (thesis 4.2.3)", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.isolate("c");
  cluster.input("a", (raft) => raft.changeMembership(members("ab")));
  cluster.run(50 * electionTicks);
  cluster.heal();
  const { currentTerm } = leader;
  cluster.run(4 * electionTicks);
  assert.equal(cluster.core("c").removed, true);
  assert.equal(cluster.core("c").role, "follower");
  assert.equal(leader.role, "leader");
  assert.equal(leader.currentTerm, currentTerm);
});

Deno.test("A removed server that restarts without knowing that its removal is committed is told too", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.input("a", (raft) => raft.changeMembership(members("ab")));
  cluster.run(50 * electionTicks);
  cluster.crash("c");
  cluster.restart("c");
  cluster.run(4 * electionTicks);
  assert.equal(cluster.core("c").removed, true);
  assert.equal(cluster.core("c").role, "follower");
  assert.equal(leader.role, "leader");
});

Deno.test("NotMember of an older configuration or term is ignored (PITFALLS 29)", () => {
  const raft = raftOf({
    entries: [...commands([1]), configured(2, 2, members("abc"))],
  });
  const message = { type: "NotMember", from: "b", to: "a" } as const;
  raft.step({ ...message, term: 2, configurationIndex: 1 });
  assert.equal(raft.removed, false);
  raft.step({ ...message, term: 1, configurationIndex: 3 });
  assert.equal(raft.removed, false);
  raft.step({ ...message, term: 2, configurationIndex: 3 });
  assert.equal(raft.removed, true);
});

Deno.test("A membership that was never committed does not outweigh a later leader's word", () => {
  const entries = [...commands([1]), configured(2, 2, members("abc"))];
  const message = {
    type: "NotMember",
    from: "b",
    to: "a",
    term: 3,
    configurationIndex: 1,
  } as const;
  const raft = raftOf({ entries });
  raft.step(message);
  assert.equal(raft.removed, true);
  const settled = raftOf({ entries });
  settled.step(appendEntries({
    term: 2,
    prevLogIndex: 2,
    prevLogTerm: 2,
    leaderCommit: 2,
  }));
  settled.step(message);
  assert.equal(settled.removed, false, "it is committed: the word is old");
});

Deno.test("A server that was told NotMember stands again once a leader sends to it", () => {
  const raft = raftOf();
  raft.step({
    type: "NotMember",
    from: "b",
    to: "a",
    term: 1,
    configurationIndex: 9,
  });
  ticks(raft, 4 * electionTicks);
  assert.equal(raft.role, "follower");
  raft.step(appendEntries({}));
  ticks(raft, 2 * electionTicks);
  assert.equal(raft.role, "preCandidate");
});

Deno.test("A leader says NotMember only by a committed configuration", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  change(raft, members("ab"));
  raft.step(preVote({ from: "c", term: 9 }));
  raft.step(requestVote({ from: "c", term: 9 }));
  assert.equal(raft.role, "leader");
  assert.deepEqual(sentOf(raft, "NotMember"), []);
  acknowledge(raft, "b");
  raft.step(preVote({ from: "c", term: 9 }));
  assert.deepEqual(sentOf(raft, "NotMember").map((m) => m.to), ["c"]);
});

Deno.test("A follower says NotMember only by what its leader has committed in its own term", () => {
  const raft = raftOf({ voters: "ab", terms: [1] });
  const told = () => {
    raft.step(preVote({ from: "c", term: 2 }));
    return sentOf(raft, "NotMember").map(({ to, term }) => `${to} ${term}`);
  };
  const before = { term: 2, prevLogIndex: 1, prevLogTerm: 1 };
  raft.step(appendEntries({ ...before, leaderCommit: 1 }));
  assert.deepEqual(told(), [], "c may have been added by what is on its way");
  const entries = commands([2], 2);
  raft.step(appendEntries({ ...before, entries, leaderCommit: 1 }));
  assert.deepEqual(told(), []);
  raft.step(appendEntries({ ...before, entries, leaderCommit: 2 }));
  assert.deepEqual(told(), ["c 2"]);
  assert.equal(sentOf(raft, "PreVoteResponse").length, 0);
  ticks(raft, electionTicks);
  assert.deepEqual(told(), [], "another may lead by now, with other members");
});

Deno.test("A removed leader leads until its removal is committed, without counting itself (thesis 4.2.2)", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  change(raft, members("bc"));
  const index = raft.log.lastIndex;
  acknowledge(raft, "b");
  assert.equal(raft.role, "leader");
  assert(raft.log.commitIndex < index, "a and b are no majority of b and c");
  acknowledge(raft, "bc");
  assert.equal(raft.log.commitIndex, index);
  assert.equal(raft.role, "follower");
});

Deno.test("A removed leader does not leave for an older entry's commit (thesis 4.2.2)", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  const index = raft.propose(Uint8Array.of(1))!;
  const messages = sent(raft);
  change(raft, members("bc"));
  for (const message of messages) accept(raft, message);
  assert.equal(raft.log.commitIndex, index);
  assert.equal(raft.role, "leader");
  for (const message of sent(raft)) accept(raft, message);
  assert.equal(raft.role, "follower");
  const last = raft.takeMessages();
  assert.deepEqual(
    last.map((m) => m.type === "AppendEntries" ? m.leaderCommit : m.type),
    [index + 1, index + 1, "TimeoutNow"],
    "its last words: that is committed, and who is next",
  );
});

Deno.test("A leader that leaves tells the others that it is committed, and the best of them to stand", () => {
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  cluster.input("a", (raft) => raft.changeMembership(members("bc")));
  cluster.settle();
  assert.equal(old.role, "follower");
  const { leader } = cluster;
  assert(
    leader !== undefined,
    "a successor leads without waiting for a timeout",
  );
  assert.notEqual(leader.id, "a");
  cluster.run(10 * electionTicks);
  assert.equal(old.role, "follower");
  assert.equal(cluster.leader, leader);
});

Deno.test("A leader that removed itself from a pair still finishes that after a crash (thesis 4.2.2, figure 4.6)", () => {
  const cluster = Cluster.of("ab");
  cluster.elect("a");
  cluster.passes = () => false;
  cluster.input("a", (raft) => raft.changeMembership(members("b")));
  cluster.settle();
  cluster.crash("a");
  cluster.restart("a");
  cluster.passes = () => true;
  // b lacks the entry, so only a can win; it counts b's vote alone.
  const leader = cluster.awaitLeader();
  assert.equal(leader.membership.currentIndex <= leader.log.commitIndex, true);
  cluster.run(4 * electionTicks);
  assert.equal(cluster.leader?.id, "b");
  assert.deepEqual(cluster.core("b").membership.voters, ["b"]);
});

Deno.test("A leader that demoted itself still finishes that after losing its office (thesis 4.2.2)", () => {
  const cluster = Cluster.of("ab");
  const leader = cluster.elect("a");
  cluster.isolate("b");
  const { current } = leader.membership;
  cluster.input(
    "a",
    (raft) =>
      raft.changeMembership(withServer(current, server("a", "learner"))),
  );
  cluster.run(3 * electionTicks);
  assert.equal(cluster.leader, undefined);
  cluster.heal();
  cluster.awaitLeader();
});

Deno.test("A server left out by its latest configuration does not count its own vote (thesis 4.2.2)", () => {
  const raft = raftOf({
    voters: "abc",
    entries: [configured(1, 1, members("bc"))],
  });
  stand(raft);
  sent(raft);
  vote(raft, "b");
  assert.equal(raft.role, "candidate");
  vote(raft, "c");
  assert.equal(raft.role, "leader");
});

Deno.test("A server that knows its removal to be committed never stands", () => {
  const raft = raftOf({ voters: "abc" });
  raft.step(appendEntries({
    entries: [configured(1, 1, members("bc"))],
    leaderCommit: 1,
  }));
  timeOut(raft);
  ticks(raft, 4 * electionTicks);
  assert.equal(raft.role, "follower");
});
