// A leader's office: how it begins and ends (check-quorum, a stalled disk), and that nothing
// of it is left afterwards. Handing over is in transfer_test.ts.

import assert from "node:assert/strict";
import type { Raft } from "../../../../raft/core/raft.ts";
import { Cluster } from "./cluster.ts";
import {
  accept,
  acknowledge,
  electionTicks,
  leaderOf,
  persist,
  raftOf,
  sent,
  sentOf,
  stand,
  ticks,
  vote,
} from "./scene.ts";

Deno.test("A new leader's first entry is its own, and commits what was before (PITFALLS 19, 20)", () => {
  const raft = raftOf({ terms: [1, 1] });
  stand(raft);
  persist(raft);
  vote(raft, "b");
  const messages = sentOf(raft, "AppendEntries");
  assert.equal(raft.log.slice(3)[0]?.type, "noop");
  assert.deepEqual(
    raft.takeCommitted(),
    [],
    "it knows nothing to be committed yet",
  );
  accept(raft, messages[0]!);
  assert.deepEqual(raft.takeCommitted().map((entry) => entry.index), [1, 2, 3]);
});

Deno.test("Nothing of a leader's state outlives its term in office, and the next begins with nothing", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.confirm();
  sent(raft);
  raft.transferLeadership("b");
  ticks(raft, 1);
  const { leader: before, currentTerm } = raft;
  assert.notEqual(raft.progress.get("b")!.matchIndex, 0);
  assert.deepEqual([before?.lastRound, raft.transferTarget], [1, "b"]);
  raft.becomeFollower(currentTerm, undefined);
  assert.equal(raft.leader, undefined);
  assert.equal(raft.progress.size, 0);
  assert.deepEqual([raft.confirmedRound, raft.transferTarget], [0, undefined]);
  stand(raft);
  persist(raft);
  assert.deepEqual([...raft.candidate!.votes], [["a", true]]);
  vote(raft, "b");
  assert.equal(raft.candidate, undefined);
  const { progress, ...rest } = raft.leader!;
  assert.deepEqual(rest, {
    ...{ role: "leader", heartbeatElapsed: 0 },
    ...{ lastRound: 0, confirmedRound: 0, roundWanted: false },
    ...{ transferTarget: undefined, transferElapsed: 0 },
  });
  for (const { matchIndex, hasAnswered } of progress.values()) {
    assert.deepEqual([matchIndex, hasAnswered], [0, false]);
  }
});

Deno.test("Proposals of a leader that lost its office never surface beside its successor's (PITFALLS 19)", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.isolate("a");
  const lost = cluster.propose("a")!;
  cluster.settle();
  cluster.elect("b");
  const index = cluster.propose("b")!;
  cluster.settle();
  assert(index >= lost);
  cluster.heal();
  cluster.run(2 * electionTicks);
  assert.equal(
    cluster.core("a").log.termAt(lost),
    cluster.core("b").log.termAt(lost),
  );
  assert.equal(cluster.host("a").digest, cluster.host("b").digest);
});

Deno.test("A leader that hears from no majority for an election timeout steps down (thesis 6.2)", () => {
  const cluster = Cluster.of("abc");
  const leader = cluster.elect("a");
  cluster.cut("a", "b");
  cluster.run(3 * electionTicks);
  assert.equal(leader.role, "leader", "c is enough");
  cluster.cut("a", "c");
  cluster.run(2 * electionTicks);
  assert.notEqual(leader.role, "leader");
});

Deno.test("Learners do not keep a leader in office", () => {
  const raft = leaderOf({ voters: "abc", learners: "de" });
  for (let i = 0; i < electionTicks; i++) acknowledge(raft, "de");
  assert.notEqual(raft.role, "leader");
});

Deno.test("A leader that stepped down proposes nothing, and knows no follower any more", () => {
  const raft = leaderOf();
  ticks(raft, electionTicks);
  assert.equal(raft.role, "follower");
  assert.equal(raft.propose(Uint8Array.of(1)), undefined);
  assert.equal(raft.progress.size, 0);
});

Deno.test("A leader whose disk stalls hands over to a voter that has everything (PITFALLS 2)", () => {
  const cluster = Cluster.of("abc");
  const old = cluster.elect("a");
  cluster.run(2);
  cluster.host("a").diskStuck = true;
  cluster.propose("a");
  cluster.run(electionTicks + 1);
  assert.equal(old.role, "follower");
  const { leader } = cluster;
  assert(leader !== undefined && leader.id !== "a");
  // Once its disk works again it follows, and has lost no entry.
  cluster.host("a").diskStuck = false;
  cluster.run(2 * electionTicks);
  assert.equal(cluster.leader, leader);
  assert.equal(cluster.host("a").applied, leader.log.lastIndex);
});

/** For two election timeouts its disk hangs, and the others answer; then it yields. */
function stall(
  { before = () => {} }: { before?: (raft: Raft, tick: number) => void } = {},
): Raft {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.propose(Uint8Array.of(1));
  raft.takeSave();
  for (let tick = 0; tick <= 2 * electionTicks; tick++) {
    before(raft, tick);
    raft.tick();
    for (const message of raft.takeMessages()) {
      if (message.type === "AppendEntries") {
        accept(raft, message, message.prevLogIndex);
      }
    }
  }
  assert.equal(raft.role, "follower");
  return raft;
}

Deno.test("A leader whose disk stalls steps down when nobody takes over (PITFALLS 2)", () => {
  const raft = stall();
  ticks(raft, 4 * electionTicks);
  assert.equal(
    raft.role,
    "follower",
    "it does not stand while its disk stalls",
  );
});

Deno.test("A hand-over begun before a stall does not lengthen the stalled leader's term in office", () => {
  stall({
    before: (raft, tick) => {
      if (tick === electionTicks - 2) raft.transferLeadership("b");
    },
  });
});

Deno.test("A single node waits for its stalled disk: there is nobody to hand over to", () => {
  const raft = leaderOf({ voters: "a" });
  raft.propose(Uint8Array.of(1));
  const save = raft.takeSave()!;
  ticks(raft, 10 * electionTicks);
  assert.equal(raft.role, "leader");
  raft.saved(save.number);
  assert.equal(raft.log.commitIndex, raft.log.lastIndex);
});
