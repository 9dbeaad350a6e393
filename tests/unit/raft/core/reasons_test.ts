// The reasons that a node keeps for people: each cause of a candidacy, of a new leader and of a
// lost leadership, as values in ticks.

import assert from "node:assert/strict";
import {
  acknowledge,
  appendEntries,
  change,
  electionTicks,
  heartbeatTicks,
  leaderOf,
  members,
  persist,
  raftOf,
  requestVote,
  sent,
  stand,
  ticks,
  timeOut,
  vote,
} from "./scene.ts";
import type { Raft } from "../../../../raft/core/raft.ts";

/** `from` tells `raft` that it is in a later term. */
function hearLaterTerm(raft: Raft, from: string): void {
  raft.step({
    ...{ type: "AppendEntriesResponse", from, to: raft.id },
    ...{ term: raft.currentTerm + 1, sequence: 0, success: false },
    ...{ matchIndex: 0, matchTerm: 0 },
  });
}

Deno.test("A node that stands knows which leader was silent, and for how many ticks", () => {
  const raft = raftOf({ term: 1 });
  ticks(raft, 3);
  raft.step(appendEntries({ from: "b" }));
  assert.deepEqual([raft.reasons.leaderId, raft.reasons.unledTicks], ["b", 3]);
  ticks(raft, 2);
  raft.step(appendEntries({ from: "b", sequence: 2 }));
  timeOut(raft);
  assert.equal(raft.role, "preCandidate");
  const { reasons } = raft;
  assert.deepEqual([reasons.leaderId, reasons.silentTicks], [
    "b",
    electionTicks,
  ]);
  timeOut(raft);
  assert.equal(reasons.silentTicks, 2 * electionTicks, "in all candidacies");
  raft.step(appendEntries({ from: "c", term: 2 }));
  assert.deepEqual(
    [reasons.formerLeaderId, reasons.leaderId, reasons.unledTicks],
    ["b", "c", 2 * electionTicks],
  );
});

Deno.test("A node that has voted counts its former leader's silence on", () => {
  const raft = raftOf({ term: 1 });
  raft.step(appendEntries({ from: "b" }));
  ticks(raft, electionTicks - 1);
  raft.step(requestVote({ from: "c", term: 2, transfer: true }));
  ticks(raft, 2);
  raft.step(appendEntries({ from: "c", term: 2 }));
  assert.equal(raft.reasons.unledTicks, electionTicks + 1);
});

Deno.test("A node knows the leader that asked it to stand, in that candidacy alone", () => {
  const raft = raftOf({ term: 1 });
  raft.step(appendEntries({ from: "b" }));
  raft.step({ type: "TimeoutNow", from: "b", to: "a", term: 1 });
  assert.equal(raft.reasons.askedBy, "b");
  persist(raft);
  timeOut(raft);
  assert.equal(raft.reasons.askedBy, undefined);
});

Deno.test("The answers to a candidacy are kept when it ends, won or lost", () => {
  const raft = raftOf({ voters: "abcde" });
  timeOut(raft);
  raft.step({
    ...{ type: "PreVoteResponse", from: "b", to: "a", term: 0 },
    granted: false,
  });
  timeOut(raft);
  const { candidacy } = raft.reasons;
  assert.equal(candidacy?.role, "preCandidate");
  assert.deepEqual([...candidacy.votes], [["a", true], ["b", false]]);
  stand(raft);
  persist(raft);
  vote(raft, "c", false);
  vote(raft, "d");
  vote(raft, "e");
  assert.equal(raft.role, "leader");
  assert.deepEqual(
    [...raft.reasons.candidacy!.votes],
    [["a", true], ["c", false], ["d", true], ["e", true]],
  );
});

Deno.test("A leader without a majority knows which voters were silent, and for how long each", () => {
  const raft = leaderOf({ voters: "abcde" });
  acknowledge(raft, "bcd");
  ticks(raft, 1);
  acknowledge(raft, "b");
  while (raft.role === "leader") ticks(raft, 1);
  assert.deepEqual(raft.reasons.loss, {
    type: "silence",
    silent: [
      { id: "c", ticks: electionTicks, hasAnswered: true },
      { id: "d", ticks: electionTicks, hasAnswered: true },
      {
        id: "e",
        ticks: electionTicks + 3 * heartbeatTicks,
        hasAnswered: false,
      },
    ],
  });
});

Deno.test("A leader that hears of a later term knows from which node, and whether that leads", () => {
  const told = leaderOf();
  hearLaterTerm(told, "c");
  assert.deepEqual(told.reasons.loss, {
    ...{ type: "later-term", from: "c", leads: false },
  });
  const replaced = leaderOf();
  replaced.step(
    appendEntries({ from: "b", term: replaced.currentTerm + 1 }),
  );
  assert.deepEqual(replaced.reasons.loss, {
    ...{ type: "later-term", from: "b", leads: true },
  });
});

Deno.test("A leader that handed over knows to which voter and why, whoever tells it", () => {
  for (const from of ["b", "c"]) {
    const raft = leaderOf();
    acknowledge(raft, "bc");
    raft.transferLeadership("b", "stop");
    assert.equal(raft.reasons.loss, undefined);
    hearLaterTerm(raft, from);
    assert.deepEqual(raft.reasons.loss, {
      ...{ type: "handed-over", to: "b", cause: "stop" },
    });
  }
});

Deno.test("A leader has not handed over to a rival, nor before the successor was told, nor after giving up", () => {
  const rival = leaderOf();
  acknowledge(rival, "bc");
  rival.transferLeadership("b");
  rival.step(
    requestVote({ from: "c", term: rival.currentTerm + 1, transfer: true }),
  );
  assert.equal(rival.reasons.loss?.type, "later-term");

  const untold = leaderOf();
  untold.transferLeadership("b");
  hearLaterTerm(untold, "c");
  assert.equal(untold.reasons.loss?.type, "later-term");

  const late = leaderOf();
  acknowledge(late, "bc");
  late.transferLeadership("b");
  for (let i = 0; i < electionTicks; i += heartbeatTicks) {
    acknowledge(late, "c");
  }
  assert.deepEqual([late.role, late.transferTarget], ["leader", undefined]);
  hearLaterTerm(late, "b");
  assert.equal(late.reasons.loss?.type, "later-term");
});

Deno.test("A leader whose disk hangs hands over for that reason, or gives up for that", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  raft.propose(Uint8Array.of(1));
  assert.notEqual(raft.takeSave(), undefined);
  for (let i = 0; i < electionTicks; i++) {
    raft.tick();
    for (const message of raft.takeMessages()) {
      if (message.type !== "AppendEntries") continue;
      const { from: to, to: from, term, sequence } = message;
      raft.step({
        ...{ type: "AppendEntriesResponse", from, to, term, sequence },
        ...{ success: true, matchIndex: message.prevLogIndex, matchTerm: 0 },
      });
    }
  }
  assert.equal(raft.reasons.handOver?.cause, "disk");
  while (raft.role === "leader") {
    raft.tick();
    for (const { from: to, to: from, term } of raft.takeMessages()) {
      raft.step({
        ...{ type: "AppendEntriesResponse", from, to, term, sequence: 0 },
        ...{ success: false, matchIndex: 0, matchTerm: 0 },
      });
    }
  }
  const { loss } = raft.reasons;
  assert.deepEqual(loss, { type: "disk", ticks: 2 * electionTicks });
});

Deno.test("A leader that leaves knows whether it was removed or lost its vote", () => {
  for (const [learners, isMember] of [["", false], ["a", true]] as const) {
    const raft = leaderOf();
    acknowledge(raft, "bc");
    change(raft, members("bc", learners));
    acknowledge(raft, "bc");
    assert.deepEqual(raft.reasons.loss, { type: "left", isMember });
  }
});

Deno.test("A node that is elected again has lost nothing, and knows its own former leadership", () => {
  const raft = leaderOf();
  ticks(raft, electionTicks);
  assert.equal(raft.reasons.loss?.type, "silence");
  ticks(raft, 2);
  stand(raft);
  persist(raft);
  vote(raft, "b");
  const { loss, formerLeaderId, leaderId, unledTicks } = raft.reasons;
  assert.deepEqual(
    [raft.role, loss, formerLeaderId, leaderId],
    ["leader", undefined, "a", "a"],
  );
  assert.equal(unledTicks, electionTicks);
  sent(raft);
});
