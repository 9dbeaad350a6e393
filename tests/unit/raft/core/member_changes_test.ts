// How a leader changes the members (thesis chapter 4): one voter at a time, on a committed
// footing, in force from the moment it is appended.

import assert from "node:assert/strict";
import { withoutServer, withServer } from "../../../../raft/core/membership.ts";
import { Cluster } from "./cluster.ts";
import {
  acknowledge,
  appendEntries,
  change,
  commands,
  configured,
  electionTicks,
  leaderOf,
  members,
  raftOf,
  sentOf,
  server,
} from "./scene.ts";

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
