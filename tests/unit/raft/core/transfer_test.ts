// Handing leadership over (thesis 3.10).

import assert from "node:assert/strict";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  electionTicks,
  heartbeatTicks,
  leaderOf,
  raftOf,
  requestVote,
  sent,
  sentOf,
  ticks,
} from "./scene.ts";

Deno.test("A leader hands over to a voter that has everything, at once", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.run(1);
  cluster.input(
    "a",
    (raft) => assert.equal(raft.transferLeadership("c"), true),
  );
  cluster.settle();
  assert.equal(cluster.leader?.id, "c");
  assert.equal(cluster.core("a").role, "follower");
});

Deno.test("A leader first brings the successor up to date", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const index = raft.propose(Uint8Array.of(1))!;
  assert.equal(raft.transferLeadership("b"), true);
  const messages = sent(raft);
  assert.deepEqual(messages.filter((m) => m.type === "TimeoutNow"), []);
  const append = messages.find((m) => m.to === "b")!;
  accept(raft, append);
  assert.equal(raft.progress.get("b")!.matchIndex, index);
  assert.deepEqual(sentOf(raft, "TimeoutNow").map((m) => m.to), ["b"]);
});

Deno.test("A leader that hands over takes no commands meanwhile, and takes them again when it fails", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.transferLeadership("b");
  assert.equal(raft.propose(Uint8Array.of(1)), undefined);
  for (let i = 0; i < electionTicks; i++) {
    raft.tick();
    for (const message of raft.takeMessages()) {
      if (message.type === "AppendEntries") accept(raft, message);
    }
  }
  assert.equal(raft.role, "leader");
  assert.notEqual(raft.propose(Uint8Array.of(1)), undefined);
});

Deno.test("Without a target the voter that is furthest along is chosen", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  acknowledge(raft, "cd");
  assert.equal(raft.transferLeadership(), true);
  assert.equal(raft.transferTarget, "c");
});

Deno.test("A leader does not hand over to itself, a learner, a stranger or nobody", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  for (const target of ["a", "d", "x"]) {
    assert.equal(raft.transferLeadership(target), false, target);
  }
  assert.equal(leaderOf({ voters: "a" }).transferLeadership(), false);
  assert.equal(
    leaderOf({ voters: "a", learners: "d" }).transferLeadership(),
    false,
  );
  assert.equal(raftOf().transferLeadership("b"), false);
});

Deno.test("TimeoutNow makes a voter stand at once, without a pre-vote", () => {
  const raft = raftOf({ term: 3 });
  raft.step(appendEntries({ from: "b", term: 3 }));
  raft.step({ type: "TimeoutNow", from: "b", to: "a", term: 3 });
  assert.deepEqual([raft.role, raft.currentTerm], ["candidate", 4]);
  assert.deepEqual(
    sentOf(raft, "RequestVote").map((m) => [m.to, m.transfer]),
    [["b", true], ["c", true]],
  );
});

Deno.test("TimeoutNow of another term, or twice, does nothing", () => {
  const raft = raftOf({ term: 3 });
  raft.step(appendEntries({ from: "b", term: 3 }));
  for (const term of [2, 4]) {
    raft.step({ type: "TimeoutNow", from: "b", to: "a", term });
    assert.deepEqual([raft.role, raft.currentTerm], ["follower", 3]);
  }
  raft.step({ type: "TimeoutNow", from: "b", to: "a", term: 3 });
  raft.step({ type: "TimeoutNow", from: "b", to: "a", term: 3 });
  assert.deepEqual([raft.role, raft.currentTerm], ["candidate", 4]);
});

Deno.test("TimeoutNow of anybody but the leader that is followed does nothing", () => {
  const raft = raftOf({ term: 3 });
  const timeoutNow = { type: "TimeoutNow", to: "a", term: 3 } as const;
  assert.equal(raft.step({ ...timeoutNow, from: "b" }), undefined);
  assert.equal(raft.role, "follower", "nobody leads yet, for all it knows");
  raft.step(appendEntries({ from: "b", term: 3 }));
  const fault = raft.step({ ...timeoutNow, from: "c" });
  assert.match(fault!, /TimeoutNow of term 3, in which node b leads/);
  assert.equal(raft.role, "follower");
});

Deno.test("Followers of a working leader vote for the successor that it chose (thesis 4.2.3)", () => {
  const raft = leaderOf();
  const term = raft.currentTerm + 1;
  const request = requestVote({ term, lastLogIndex: 9, lastLogTerm: 9 });
  raft.step(request);
  assert.equal(raft.role, "leader");
  raft.step({ ...request, transfer: true });
  assert.equal(raft.role, "follower");
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]?.granted, true);
});

Deno.test("A successor that is behind is not elected", () => {
  const raft = leaderOf();
  raft.step(requestVote({ term: raft.currentTerm + 1, transfer: true }));
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]?.granted, false);
});

Deno.test("Handing over to a dead voter ends after an election timeout, the leader still in office", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.run(1);
  cluster.crash("c");
  cluster.input("a", (raft) => raft.transferLeadership("c"));
  cluster.run(electionTicks);
  assert.equal(leader.role, "leader");
  const index = cluster.propose("a")!;
  cluster.settle();
  assert.equal(leader.log.commitIndex, index);
});

Deno.test("A leader asked to hand over does not choose a voter that died (thesis 3.10)", () => {
  // Both have everything; the one that is dead has only not answered since.
  for (const dead of "bc") {
    for (let wait = 0; wait < 2 * electionTicks; wait++) {
      const cluster = Cluster.of("abc");
      cluster.elect("a");
      cluster.run(heartbeatTicks);
      cluster.crash(dead);
      cluster.run(2 * heartbeatTicks + wait);
      cluster.input("a", (raft) => raft.transferLeadership());
      assert.notEqual(cluster.core("a").transferTarget, dead, `after ${wait}`);
    }
  }
});

Deno.test("Leadership is handed on nine times without a lost command", () => {
  const cluster = Cluster.of("abcde");
  cluster.elect("a");
  let proposed = 0;
  for (const id of "bcdeabcde") {
    const leader = cluster.awaitLeader();
    if (cluster.propose(leader.id) !== undefined) proposed++;
    cluster.input(leader.id, (raft) => raft.transferLeadership(id));
    cluster.settle();
    assert.equal(cluster.awaitLeader().id, id);
  }
  assert.equal(proposed, 9);
  cluster.run(heartbeatTicks);
  const { leader } = cluster;
  const commandCount =
    leader!.log.slice(1).filter((e) => e.type === "command").length;
  assert.equal(commandCount, 9);
});

Deno.test("A leader that is stepping aside forgets it when it loses office meanwhile", () => {
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  cluster.run(1);
  cluster.passes = (m) => m.type !== "TimeoutNow";
  cluster.input("a", (raft) => raft.transferLeadership("b"));
  cluster.settle();
  cluster.elect("c");
  cluster.run(heartbeatTicks);
  assert.equal(old.role, "follower");
  assert.equal(old.transferTarget, undefined);
  ticks(old, 1);
});

Deno.test("What a leader refuses while it hands over is not in its log either (PITFALLS 31)", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const { lastIndex } = raft.log;
  raft.transferLeadership("b");
  assert.equal(raft.propose(Uint8Array.of(1)), undefined);
  assert.equal(raft.log.lastIndex, lastIndex);
});
