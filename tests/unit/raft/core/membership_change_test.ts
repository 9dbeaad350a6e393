// Members come and go (thesis chapter 4): one voter at a time, on a committed footing,
// learners first; and how those that are gone come to know it.

import assert from "node:assert/strict";
import { withoutServer, withServer } from "../../../../raft/core/membership.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import type { Configuration } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  answer,
  appendEntries,
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

/** Changes the members at `raft`, which must take it. */
function change(raft: Raft, configuration: Configuration): void {
  const index = raft.changeMembership(configuration);
  assert.equal(typeof index, "number", String(index));
}

Deno.test("A leader refuses a change before it has committed in its own term (PITFALLS 25)", () => {
  const raft = leaderOf({ terms: [1, 1] });
  assert.equal(raft.changeMembership(members("ab")), "not-ready");
  acknowledge(raft, "b");
  change(raft, members("ab"));
});

Deno.test("A leader refuses a change while another is not committed (PITFALLS 25)", () => {
  for (
    const [first, second] of [["abcd", "abc"], ["abcd", "abcde"], ["ab", "a"]]
  ) {
    const raft = leaderOf({ voters: "abc" });
    acknowledge(raft, "bc");
    change(raft, members(first!));
    assert.equal(raft.changeMembership(members(second!)), "pending");
  }
});

Deno.test("A configuration of a former leader blocks changes until it is committed (PITFALLS 25)", () => {
  const raft = leaderOf({
    entries: [...commands([1]), configured(2, 1, members("abcd"))],
    voters: "abc",
  });
  assert.equal(raft.changeMembership(members("abc")), "pending");
  acknowledge(raft, "bc");
  change(raft, members("abc"));
});

Deno.test("Nobody but the leader changes members, nor does it while it hands over", () => {
  assert.equal(raftOf().changeMembership(members("ab")), "not-leader");
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.transferLeadership("b");
  assert.equal(raft.changeMembership(members("ab")), "not-leader");
});

Deno.test("A change of two voters at once is a bug of the caller", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  assert.throws(() => raft.changeMembership(members("abcde")), /one voter/);
  assert.throws(() => raft.changeMembership(members("abd")), /one voter/);
});

Deno.test("A configuration is in force when appended, committed or not (thesis 4.1)", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  change(raft, members("abc"));
  const { commitIndex } = raft.log;
  const messages = sentOf(raft, "AppendEntries");
  assert.deepEqual(new Set(messages.map((m) => m.to)), new Set(["b"]));
  acknowledge(raft, "");
  assert.equal(
    raft.log.commitIndex,
    commitIndex,
    "a alone is no majority of three",
  );
  acknowledge(raft, "c");
  assert.equal(raft.log.commitIndex, commitIndex + 1);
});

Deno.test("A follower goes back to the members before when the entry is truncated (thesis 4.1)", () => {
  const raft = raftOf({ id: "a", voters: "abc" });
  raft.step(appendEntries({
    entries: [configured(1, 1, members("abcd"))],
  }));
  assert.equal(raft.membership.isVoter("d"), true);
  raft.saved(raft.takeSave()!.number);
  raft.step(appendEntries({ from: "c", term: 2, entries: [] }));
  raft.saved(raft.takeSave()!.number);
  raft.step(appendEntries({ from: "c", term: 2, entries: commands([2]) }));
  assert.equal(raft.membership.isVoter("d"), false);
  assert.equal(raft.takeSave()?.mustSync, true, "at every durability");
  raft.step(appendEntries({
    ...{ from: "c", term: 2, prevLogIndex: 1, prevLogTerm: 2 },
    entries: commands([2], 2),
  }));
  assert.equal(raft.takeSave()?.mustSync, false);
});

Deno.test("A learner that is a voter in the log already votes (PITFALLS 27)", () => {
  const raft = raftOf({ id: "d", voters: "abc", learners: "d" });
  raft.step(requestVote({ from: "a", to: "d", term: 1 }));
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]?.granted, true);
});

Deno.test("Two nodes elect a leader although the second does not know yet that it is a voter (PITFALLS 27)", () => {
  const cluster = Cluster.of("a", { spares: "b" });
  const leader = cluster.elect("a");
  change(leader, members("a", "b"));
  cluster.passes = (m) =>
    m.type !== "AppendEntries" || m.entries.at(-1)?.type !== "configuration";
  cluster.input("a", (raft) => raft.changeMembership(members("ab")));
  cluster.settle();
  cluster.crash("a");
  cluster.restart("a");
  assert.equal(cluster.core("b").membership.isVoter("b"), false);
  cluster.elect("a");
});

Deno.test("Learners count neither for a commit nor for an election", () => {
  const raft = leaderOf({ voters: "abc", learners: "de" });
  acknowledge(raft, "de");
  assert.equal(raft.log.commitIndex, 0);
  const candidate = raftOf({ voters: "abc", learners: "de" });
  stand(candidate);
  assert.deepEqual(
    sentOf(candidate, "RequestVote").map((m) => m.to),
    ["b", "c"],
  );
  vote(candidate, "d");
  vote(candidate, "e");
  assert.equal(candidate.role, "candidate");
});

Deno.test("A learner never stands for election", () => {
  const raft = raftOf({ id: "d", voters: "abc", learners: "d" });
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "follower");
  raft.step(appendEntries({ from: "a", to: "d", term: 0 }));
  raft.step({ type: "TimeoutNow", from: "a", to: "d", term: 0 });
  assert.equal(raft.role, "follower");
});

Deno.test("A learner that caught up within an election timeout is promoted (thesis 4.2.1)", () => {
  const cluster = Cluster.of("abc", { spares: "d" });
  const leader = cluster.elect("a");
  cluster.input("a", (raft) => raft.changeMembership(members("abc", "d")));
  cluster.run(electionTicks);
  assert.equal(leader.membership.isVoter("d"), true);
  assert.equal(leader.membership.currentIndex <= leader.log.commitIndex, true);
});

Deno.test("A learner that never answers stays a learner and blocks nothing (PITFALLS 28)", () => {
  const cluster = Cluster.of("a", { spares: "b" });
  const leader = cluster.elect("a");
  cluster.crash("b");
  cluster.input("a", (raft) => raft.changeMembership(members("a", "b")));
  cluster.run(20 * electionTicks);
  assert.equal(leader.membership.isVoter("b"), false);
  const index = cluster.propose("a")!;
  cluster.settle();
  assert.equal(leader.log.commitIndex, index);
});

Deno.test("A learner that only ever lags behind is not promoted (PITFALLS 28)", () => {
  const terms = Array(20).fill(1);
  const raft = leaderOf({ voters: "a", learners: "d", terms });
  for (let round = 0; round < 100; round++) {
    raft.propose(Uint8Array.of(round));
    ticks(raft, heartbeatTicks);
    // It acknowledges what the leader had two election timeouts ago.
    const lag = 2 * electionTicks / heartbeatTicks;
    for (const message of sentOf(raft, "AppendEntries")) {
      accept(raft, message, Math.max(0, raft.log.lastIndex - lag));
    }
    assert.equal(raft.membership.isVoter("d"), false, `round ${round}`);
  }
});

Deno.test("A learner that had caught up and fell behind again is not promoted (PITFALLS 28)", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  acknowledge(raft, "bc");
  // Another change is under way, so that it cannot be promoted when it could.
  change(raft, members("abc", "de"));
  acknowledge(raft, "d");
  assert.equal(raft.progress.get("d")!.caughtUp, true);
  const { matchIndex } = raft.progress.get("d")!;
  for (let i = 0; i < 100; i++) raft.propose(Uint8Array.of(i));
  for (let i = 0; i < 2 * electionTicks; i++) {
    raft.tick();
    // The answers show that all live; b and c lack the change, d the hundred commands.
    for (const message of sentOf(raft, "AppendEntries")) {
      accept(raft, message, message.to === "d" ? matchIndex : 0);
    }
  }
  acknowledge(raft, "bc");
  assert.equal(raft.log.commitIndex, raft.log.lastIndex);
  ticks(raft, 2);
  assert.equal(raft.membership.isVoter("d"), false);
});

Deno.test("A learner that caught up and fell silent is not promoted (PITFALLS 28)", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  acknowledge(raft, "bc");
  change(raft, members("abc", "de"));
  acknowledge(raft, "d");
  for (let i = 0; i < electionTicks; i++) {
    raft.tick();
    for (const message of sentOf(raft, "AppendEntries")) {
      if ("bc".includes(message.to)) accept(raft, message, 0);
    }
  }
  assert.equal(raft.progress.get("d")!.caughtUp, true);
  acknowledge(raft, "bc");
  assert.equal(raft.log.commitIndex, raft.log.lastIndex);
  ticks(raft, 2);
  assert.equal(raft.membership.isVoter("d"), false);
});

Deno.test("A server that comes back under its id begins as one that has nothing (PITFALLS 17, 28)", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  change(raft, members("ab"));
  acknowledge(raft, "bc");
  assert.notEqual(raft.progress.get("c")!.matchIndex, 0);
  change(raft, members("ab", "c"));
  assert.equal(raft.progress.get("c")!.matchIndex, 0);
  acknowledge(raft, "b");
  assert.equal(raft.membership.isVoter("c"), false);
});

Deno.test("A learner whose disk is unknown is never promoted (PITFALLS 17)", () => {
  const raft = leaderOf({ voters: "ab" });
  acknowledge(raft, "b");
  change(
    raft,
    withServer(raft.membership.current, {
      ...server("c", "learner"),
      incarnation: "",
    }),
  );
  const run = () => {
    for (let i = 0; i < 3 * electionTicks; i++) {
      ticks(raft, 1);
      acknowledge(raft, "bc");
    }
  };
  run();
  assert.equal(raft.membership.isVoter("c"), false);
  change(raft, withServer(raft.membership.current, server("c", "learner")));
  run();
  assert.equal(raft.membership.isVoter("c"), true);
});

Deno.test("A new incarnation of a member begins as one that has nothing (PITFALLS 17)", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  const learner = { ...server("c", "learner"), incarnation: "2" };
  change(raft, withServer(raft.membership.current, learner));
  assert.equal(raft.progress.get("c")!.matchIndex, 0);
});

Deno.test("An answer to a removed server's messages does not count for its successor (PITFALLS 17)", () => {
  const raft = leaderOf({ voters: "abc" });
  acknowledge(raft, "bc");
  ticks(raft, heartbeatTicks);
  const [old] = sentOf(raft, "AppendEntries").filter((m) => m.to === "c");
  change(raft, members("ab"));
  for (let i = 0; i < 50; i++) acknowledge(raft, "b");
  assert.equal(raft.progress.has("c"), false);
  change(raft, members("ab", "c"));
  for (let i = 0; i < 50; i++) acknowledge(raft, "b");
  accept(raft, old!);
  assert.equal(raft.progress.get("c")!.matchIndex, 0);
});

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

Deno.test("A pair shrinks to one although the other is dead", () => {
  const cluster = Cluster.of("ab");
  const leader = cluster.elect("a");
  cluster.crash("b");
  cluster.input("a", (raft) => raft.changeMembership(members("a")));
  cluster.settle();
  assert.equal(leader.log.commitIndex, leader.log.lastIndex);
  const index = cluster.propose("a")!;
  cluster.settle();
  assert.equal(leader.log.commitIndex, index);
});

Deno.test("A cluster grows from one to five and shrinks to another one", () => {
  const cluster = Cluster.of("a", { spares: "bcde" });
  cluster.elect("a");
  for (const id of "bcde") {
    const leader = cluster.awaitLeader();
    cluster.input(leader.id, (raft) =>
      raft.changeMembership(
        withServer(raft.membership.current, server(id, "learner")),
      ));
    cluster.run(2 * electionTicks);
    assert.equal(cluster.awaitLeader().membership.isVoter(id), true);
  }
  for (const id of "abcd") {
    const leader = cluster.awaitLeader();
    cluster.input(
      leader.id,
      (raft) =>
        raft.changeMembership(withoutServer(raft.membership.current, id)),
    );
    cluster.run(2 * electionTicks);
  }
  const leader = cluster.awaitLeader();
  assert.equal(leader.id, "e");
  assert.deepEqual(leader.membership.voters, ["e"]);
});

Deno.test("A learner promoted by a leader that dies is promoted by the next, or again", () => {
  const cluster = Cluster.of("abc", { learners: "d" });
  cluster.elect("a");
  cluster.run(2);
  // The promotion reaches nobody.
  cluster.passes = (m) => m.from !== "a";
  cluster.input("a", (raft) => raft.changeMembership(members("abcd")));
  cluster.settle();
  cluster.crash("a");
  cluster.passes = () => true;
  const leader = cluster.awaitLeader();
  cluster.restart("a");
  cluster.run(4 * electionTicks);
  for (const id of "abcd") {
    assert.equal(cluster.core(id).membership.isVoter("d"), true);
    assert.equal(cluster.core(id).log.lastTerm, leader.currentTerm);
  }
});

Deno.test("An acknowledgement beyond the log is refused and counts for nothing", () => {
  const raft = leaderOf();
  acknowledge(raft, "b");
  ticks(raft, heartbeatTicks);
  const [message] = sentOf(raft, "AppendEntries");
  const { matchIndex } = raft.progress.get("b")!;
  const fault = raft.step(answer(message!, { success: true, matchIndex: 99 }));
  assert.match(fault!, /an acknowledgement of entry 99 of /);
  assert.equal(raft.progress.get("b")!.matchIndex, matchIndex);
});
