// Members without a vote (thesis 4.2.1, without the promotion): they receive everything and
// decide nothing, until people make learners of them.

import assert from "node:assert/strict";
import { withServer } from "../../../../raft/core/membership.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import type { NodeId, Suffrage } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  appendEntries,
  electionTicks,
  leaderOf,
  members,
  raftOf,
  sentOf,
  server,
  snapshotAt,
  stand,
  ticks,
  vote,
} from "./scene.ts";

/** The three voters and, without a vote, d. */
const configuration = withServer(members("abc"), server("d", "nonvoter"));
const snapshot = snapshotAt(0, 0, configuration);

function change(raft: Raft, id: NodeId, suffrage: Suffrage): void {
  const { current } = raft.membership;
  const index = raft.changeMembership(
    withServer(current, server(id, suffrage)),
  );
  assert.equal(typeof index, "number", String(index));
}

Deno.test("A nonvoter is never promoted, however well it keeps up", () => {
  const cluster = Cluster.of("abc", { spares: "d" });
  const leader = cluster.elect("a");
  cluster.input("a", (raft) => raft.changeMembership(configuration));
  for (let i = 0; i < 10; i++) {
    cluster.propose("a");
    cluster.run(electionTicks);
  }
  assert.equal(leader.progress.get("d")!.matchIndex, leader.log.lastIndex);
  assert.equal(leader.membership.find("d")!.suffrage, "nonvoter");
});

Deno.test("A nonvoter counts neither for an election nor for commitment", () => {
  const raft = raftOf({ snapshot });
  stand(raft);
  assert.deepEqual(sentOf(raft, "RequestVote").map((m) => m.to), ["b", "c"]);
  vote(raft, "d");
  assert.equal(raft.role, "candidate");
  vote(raft, "b");
  assert.equal(raft.role, "leader");
  const leader = leaderOf({ snapshot });
  const { lastIndex } = leader.log;
  acknowledge(leader, "d");
  assert(leader.log.commitIndex < lastIndex);
  acknowledge(leader, "b");
  assert.equal(leader.log.commitIndex, lastIndex);
});

Deno.test("A leader that hears from nonvoters alone leads nobody", () => {
  const raft = leaderOf({ snapshot });
  for (let i = 0; i < electionTicks; i++) {
    ticks(raft, 1);
    acknowledge(raft, "d");
  }
  assert.notEqual(raft.role, "leader");
});

Deno.test("A nonvoter never stands for election, not even when a leader asks it to", () => {
  const raft = raftOf({ id: "d", snapshot });
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "follower");
  raft.step(appendEntries({ from: "a", to: "d", term: 0 }));
  raft.step({ type: "TimeoutNow", from: "a", to: "d", term: 0 });
  assert.equal(raft.role, "follower");
});

Deno.test("Leadership is not handed to a nonvoter", () => {
  const raft = leaderOf({ snapshot });
  acknowledge(raft, "bcd");
  assert.equal(raft.transferLeadership("d"), false);
  const alone = leaderOf({
    snapshot: snapshotAt(
      0,
      0,
      withServer(members("a"), server("d", "nonvoter")),
    ),
  });
  assert.equal(alone.transferLeadership(), false);
});

Deno.test("A nonvoter that is to be promoted passes a catch-up round first (PITFALLS 28)", () => {
  const raft = leaderOf({ snapshot });
  acknowledge(raft, "bcd");
  const { matchIndex } = raft.progress.get("d")!;
  for (let i = 0; i < 100; i++) raft.propose(Uint8Array.of(i));
  acknowledge(raft, "bc");
  change(raft, "d", "learner");
  acknowledge(raft, "bc");
  // It answers, and is as far behind as before.
  for (const message of sentOf(raft, "AppendEntries")) {
    if (message.to === "d") accept(raft, message, matchIndex);
  }
  ticks(raft, 1);
  assert.equal(raft.membership.find("d")!.suffrage, "learner");
  for (let i = 0; i < 2 * electionTicks; i++) {
    ticks(raft, 1);
    acknowledge(raft, "bcd");
  }
  assert.equal(raft.membership.isVoter("d"), true);
});

Deno.test("A leader that loses its vote leads until that is committed, without counting itself", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  change(raft, "a", "nonvoter");
  const { lastIndex } = raft.log;
  acknowledge(raft, "b");
  assert(raft.log.commitIndex < lastIndex);
  assert.equal(raft.role, "leader");
  acknowledge(raft, "c");
  assert.equal(raft.log.commitIndex, lastIndex);
  assert.equal(raft.role, "follower");
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "follower");
});
