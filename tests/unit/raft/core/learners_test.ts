// Learners, and voters that do not know yet that they are voters (thesis 4.2.1): when one is
// promoted, and that a new disk under a known id begins with nothing.

import assert from "node:assert/strict";
import { withServer } from "../../../../raft/core/membership.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  change,
  electionTicks,
  heartbeatTicks,
  leaderOf,
  members,
  raftOf,
  requestVote,
  sentOf,
  server,
  stand,
  ticks,
  vote,
} from "./scene.ts";

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

Deno.test("A learner that always lags behind is not promoted (PITFALLS 28)", () => {
  const terms = Array(20).fill(1);
  const raft = leaderOf({ voters: "a", learners: "d", terms });
  for (let beat = 0; beat < 100; beat++) {
    raft.propose(Uint8Array.of(beat));
    ticks(raft, heartbeatTicks);
    // It acknowledges the end that the log had two election timeouts ago.
    const lag = 2 * electionTicks / heartbeatTicks;
    for (const message of sentOf(raft, "AppendEntries")) {
      accept(raft, message, Math.max(0, raft.log.lastIndex - lag));
    }
    assert.equal(raft.membership.isVoter("d"), false, `heartbeat ${beat}`);
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
