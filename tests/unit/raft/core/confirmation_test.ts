// Rounds of confirmations, by which a leader makes sure that it still leads (thesis 6.4):
// which answers confirm one, which must not, and that no request waits for one in vain.

import assert from "node:assert/strict";
import type { Confirm, Message, NodeId } from "../../../../raft/core/types.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import { Cluster } from "./cluster.ts";
import {
  acknowledge,
  appendEntries,
  command,
  electionTicks,
  leaderOf,
  persist,
  raftOf,
  sent,
  sentOf,
  ticks,
} from "./scene.ts";

function askedIn(raft: Raft): [NodeId, number][] {
  return sentOf(raft, "Confirm").map(({ to, round }) => [to, round]);
}

function confirms(raft: Raft, from: NodeId, round: number, term?: number) {
  const { id: to, currentTerm } = raft;
  raft.step({
    type: "ConfirmResponse",
    from,
    to,
    term: term ?? currentTerm,
    round,
  });
}

/** Leads `abc`, and both others have answered the first round. */
function confirmedLeader(): Raft {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.confirm();
  assert.deepEqual(askedIn(raft), [["b", 1], ["c", 1]]);
  for (const id of "bc") confirms(raft, id, 1);
  assert.equal(raft.confirmedRound, 1);
  return raft;
}

Deno.test("A leader is confirmed by a majority, itself included, and not before", () => {
  const raft = leaderOf({ voters: "abcde" });
  const round = raft.confirm();
  assert.deepEqual(askedIn(raft).map(([to]) => to).join(""), "bcde");
  confirms(raft, "b", round);
  confirms(raft, "b", round);
  assert(raft.confirmedRound < round, "two of five");
  confirms(raft, "d", round);
  assert.equal(raft.confirmedRound, round);
});

Deno.test("A server without a vote confirms nothing", () => {
  const raft = leaderOf({ voters: "abc", learners: "d" });
  const round = raft.confirm();
  assert.deepEqual(askedIn(raft).map(([to]) => to), ["b", "c"]);
  confirms(raft, "d", round);
  assert(raft.confirmedRound < round);
});

Deno.test("The only voter confirms itself", () => {
  const raft = leaderOf({ voters: "a", learners: "b" });
  assert(raft.confirm() <= raft.confirmedRound);
  assert.deepEqual(askedIn(raft), []);
});

Deno.test("A request that comes while a round is under way waits for the next: that one began too early", () => {
  const raft = confirmedLeader();
  const first = raft.confirm();
  sent(raft);
  const second = raft.confirm();
  assert.equal(second, first + 1);
  assert.deepEqual(askedIn(raft), [], "one round at a time");
  confirms(raft, "b", first);
  assert.equal(raft.confirmedRound, first);
  assert.deepEqual(askedIn(raft), [["b", second]]);
  confirms(raft, "b", second);
  assert.equal(raft.confirmedRound, second);
});

Deno.test("Requests that come before the messages leave share one round", () => {
  const raft = confirmedLeader();
  assert.equal(raft.confirm(), raft.confirm());
  assert.equal(askedIn(raft).length, 1);
});

Deno.test("Voters that answered the last round are asked, as many as make a majority, and the rest at the next tick", () => {
  const raft = confirmedLeader();
  const round = raft.confirm();
  assert.deepEqual(askedIn(raft), [["b", round]]);
  raft.tick();
  assert.deepEqual(askedIn(raft), [["b", round], ["c", round]]);
  confirms(raft, "c", round);
  assert.equal(raft.confirmedRound, round);
  raft.confirm();
  assert.deepEqual(askedIn(raft), [["c", round + 1]]);
});

Deno.test("A node that asks confirms the leader for its own request alone, and only where two are a majority", () => {
  const three = leaderOf({ voters: "abc" });
  assert(three.confirm("b") <= three.confirmedRound);
  assert.deepEqual(askedIn(three), []);
  assert(three.confirm() > three.confirmedRound, "nobody else is confirmed");
  const five = leaderOf({ voters: "abcde" });
  assert(five.confirm("b") > five.confirmedRound);
  const withLearner = leaderOf({ voters: "abc", learners: "d" });
  assert(withLearner.confirm("d") > withLearner.confirmedRound);
  assert(three.confirm("a") > three.confirmedRound, "no vote counts twice");
});

Deno.test("Answers of another term confirm nothing, and those of a later one end the term", () => {
  const raft = confirmedLeader();
  const round = raft.confirm();
  sent(raft);
  confirms(raft, "b", round, raft.currentTerm - 1);
  assert.equal(raft.confirmedRound, round - 1);
  confirms(raft, "b", round, raft.currentTerm + 1);
  assert.equal(raft.role, "follower");
});

Deno.test("A leader that is elected again begins its rounds anew", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.input("a", (raft) => assert.equal(raft.confirm(), 1));
  cluster.settle();
  cluster.elect("b");
  cluster.elect("a");
  assert.equal(cluster.core("a").confirmedRound, 0);
  cluster.input("a", (raft) => assert.equal(raft.confirm(), 1));
  assert.equal(cluster.core("a").confirmedRound, 0, "nobody has answered yet");
  cluster.settle();
  assert.equal(cluster.core("a").confirmedRound, 1);
});

Deno.test("A leader that was replaced is not confirmed", () => {
  const cluster = Cluster.of("abc");
  cluster.elect("a");
  cluster.passes = ({ from, to }) => from !== "a" && to !== "a";
  cluster.elect("b");
  assert.equal(cluster.core("a").role, "leader", "it knows of nothing");
  cluster.passes = () => true;
  let round = 0;
  cluster.input("a", (raft) => round = raft.confirm());
  cluster.settle();
  assert.equal(cluster.core("a").role, "follower");
  assert(cluster.core("a").confirmedRound < round);
});

function asked(fields: Partial<Confirm> = {}): Confirm {
  return { type: "Confirm", from: "b", to: "a", term: 1, round: 7, ...fields };
}

const answered: Message = {
  type: "ConfirmResponse",
  from: "a",
  to: "b",
  term: 1,
  round: 7,
};

Deno.test("A follower answers at once, although its log is not durable yet", () => {
  const raft = raftOf({ term: 1 });
  raft.step(appendEntries({ from: "b", term: 1, entries: [command(1, 1)] }));
  raft.step(asked());
  assert.deepEqual(raft.takeMessages(), [answered]);
});

Deno.test("A follower that learns of a term by being asked answers when that is durable", () => {
  const raft = raftOf({ term: 0 });
  raft.step(asked());
  assert.equal(raft.currentTerm, 1);
  assert.deepEqual(raft.takeMessages(), []);
  const save = raft.takeSave()!;
  raft.step(asked({ round: 8 }));
  assert.deepEqual(raft.takeMessages(), [], "nor while it is being saved");
  raft.saved(save.number);
  assert.deepEqual(raft.takeMessages(), [answered, { ...answered, round: 8 }]);
});

Deno.test("A follower of a later term does not confirm, and says why", () => {
  const raft = raftOf({ term: 3 });
  raft.step(asked());
  assert.deepEqual(
    sent(raft).map(({ type, term }) => [type, term]),
    [["AppendEntriesResponse", 3]],
  );
});

Deno.test("A Confirm shows a follower that its leader is alive", () => {
  const raft = raftOf({ term: 1 });
  for (let i = 0; i < 3 * electionTicks; i++) {
    ticks(raft, 1);
    raft.step(asked({ round: i + 1 }));
    persist(raft);
  }
  assert.equal(raft.role, "follower");
  assert.equal(raft.leaderId, "b");
});
