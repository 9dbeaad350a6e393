// Messages that break the protocol: each is refused with a value and leaves everything as it
// was. None of them may end the process.

import assert from "node:assert/strict";
import { counterMax, termJumpMax } from "../../../../raft/core/limits.ts";
import { headOf } from "../../../../raft/core/outgoing_snapshot.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import type { Message } from "../../../../raft/core/types.ts";
import {
  acknowledge,
  answer,
  appendEntries,
  command,
  commands,
  heartbeatTicks,
  installSnapshot,
  leaderOf,
  preVote,
  raftOf,
  requestVote,
  sent,
  sentOf,
  snapshotAt,
  termsOf,
  ticks,
} from "./scene.ts";

/** Everything that a refused message must leave as it is. */
function stateOf(raft: Raft): unknown {
  const { role, leaderId, currentTerm, votedFor, electionElapsed, log } = raft;
  const { commitIndex, snapshot } = log;
  return {
    ...{ role, leaderId, currentTerm, votedFor, electionElapsed, commitIndex },
    snapshot,
    terms: termsOf(raft),
    confirmed: raft.confirmedRound,
    matches: [...raft.progress].map(([id, { matchIndex }]) => [id, matchIndex]),
  };
}

function refuses(raft: Raft, message: Message, fault: RegExp): void {
  raft.takeMessages();
  const before = structuredClone(stateOf(raft));
  assert.match(raft.step(message) ?? "taken", fault);
  assert.deepEqual(stateOf(raft), before);
  assert.deepEqual(sent(raft), []);
  assert.equal(raft.takeSave(), undefined);
}

function follower(): Raft {
  const raft = raftOf({ terms: [1, 1, 2] });
  raft.step(appendEntries({
    term: 2,
    prevLogIndex: 3,
    prevLogTerm: 2,
    leaderCommit: 2,
  }));
  return raft;
}

Deno.test("A term that no number of elections can have led to is not written down", () => {
  const raft = follower();
  const term = 2 + termJumpMax + 1;
  const from = "b";
  const envelope = { from, to: "a", term };
  const messages: Message[] = [
    preVote({ from, term }),
    requestVote({ from, term }),
    appendEntries({ from, term }),
    installSnapshot(snapshotAt(9, 2), { from, term }),
    { ...envelope, type: "PreVoteResponse", granted: false },
    { ...envelope, type: "RequestVoteResponse", granted: false },
    {
      ...envelope,
      type: "AppendEntriesResponse",
      ...{ sequence: 1, success: false, matchIndex: 0, matchTerm: 0 },
    },
    {
      ...{ ...envelope, type: "InstallSnapshotResponse" },
      ...{ sequence: 1, offset: 0 },
    },
    { ...envelope, type: "Confirm", round: 1 },
    { ...envelope, type: "ConfirmResponse", round: 1 },
    { ...envelope, type: "TimeoutNow" },
    { ...envelope, type: "NotMember", configurationIndex: 9 },
  ];
  for (const message of messages) refuses(raft, message, /far above 2$/);
  raft.step(requestVote({ from, term: term - 1, transfer: true }));
  assert.equal(raft.currentTerm, term - 1, "a jump that can be");
});

Deno.test("A node with an empty log takes any term that its cluster has", () => {
  const raft = raftOf();
  const term = 2 * termJumpMax;
  assert.equal(raft.step(appendEntries({ term })), undefined);
  assert.equal(raft.currentTerm, term);
  assert.ok(term < counterMax);
});

Deno.test("A term has one leader: no other node appends, installs, confirms or dismisses in it", () => {
  const [from, to, term] = ["c", "a", 2] as const;
  const messages: Message[] = [
    appendEntries({ from, term, prevLogIndex: 3, prevLogTerm: 2 }),
    installSnapshot(snapshotAt(9, 2), { from, term }),
    { type: "Confirm", from, to, term, round: 1 },
    { type: "TimeoutNow", from, to, term },
    { type: "NotMember", from, to, term, configurationIndex: 9 },
  ];
  const raft = follower();
  for (const message of messages) {
    refuses(raft, message, /of term 2, in which node b leads$/);
  }
  const leader = leaderOf();
  for (const message of messages) {
    const own = { ...message, term: leader.currentTerm };
    refuses(leader, own, /of term 1, in which node a leads$/);
  }
});

Deno.test("Terms that fall along a log, or rise above their leader's, are refused", () => {
  const raft = follower();
  const prev = { term: 2, prevLogIndex: 3, prevLogTerm: 2 };
  const falling = [command(4, 2), command(5, 1)];
  for (
    const [fields, fault] of [
      [{ ...prev, entries: falling }, /term 1 behind term 2/],
      [{ ...prev, entries: commands([1], 4) }, /term 1 behind term 2/],
      [{ ...prev, entries: commands([3], 4) }, /entries of term 3 in term 2/],
      [{ ...prev, prevLogTerm: 3 }, /entries of term 3 in term 2/],
    ] as const
  ) refuses(raft, appendEntries(fields), fault);
  const snapshot = snapshotAt(9, 3);
  const early = installSnapshot(snapshot, { term: 2 });
  refuses(raft, early, /a snapshot of term 3 in term 2/);
  // Each chunk is judged, not the last alone.
  const chunk = { offset: 0, chunk: snapshot.data.subarray(0, 1) };
  const two = { ...early.snapshot, bytes: 2 };
  refuses(raft, { ...early, ...chunk, snapshot: two }, /of term 3 in term 2/);
});

Deno.test("A leader counts no acknowledgement of entries that it lacks, and no confirmation of a later round", () => {
  const raft = leaderOf();
  const { currentTerm: term, log: { lastIndex } } = raft;
  const { lastRound = 0 } = raft.leader ?? {};
  const envelope = { from: "b", to: "a", term };
  refuses(raft, {
    ...envelope,
    type: "AppendEntriesResponse",
    ...{ sequence: 1, success: true, matchIndex: lastIndex + 1, matchTerm: 0 },
  }, /an acknowledgement of entry 2 of 1/);
  refuses(
    raft,
    { ...envelope, type: "ConfirmResponse", round: lastRound + 1 },
    /a confirmation of round 1 of 0/,
  );
});

Deno.test("A claim can neither end a node nor take committed entries from it", () => {
  const raft = follower();
  const differs = /a log that differs from what is committed, at index/;
  const claims = [
    appendEntries({ from: "x", term: 3, prevLogIndex: 2, prevLogTerm: 2 }),
    appendEntries({
      from: "x",
      term: 3,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: commands([3], 2),
    }),
    installSnapshot(snapshotAt(2, 2), { from: "x", term: 3 }),
    installSnapshot(snapshotAt(2, 2), {
      ...{ from: "x", term: 3, offset: 1 },
      snapshot: { ...headOf(snapshotAt(2, 2)), bytes: 3 },
    }),
  ];
  for (const message of claims) {
    const before = structuredClone(stateOf(raft));
    assert.match(raft.step(message, { isClaim: true })!, differs);
    assert.deepEqual(stateOf(raft), before);
    // By a member it ends the node: its majority has lost what it had acknowledged.
    assert.throws(() => follower().step(message), /committed log is not/);
  }
});

Deno.test("A second leader of one term is refused, and the first goes on", () => {
  const raft = leaderOf();
  const fault = raft.step(appendEntries({ term: raft.currentTerm }));
  assert.match(fault!, /AppendEntries of term 1, in which node a leads/);
  assert.equal(raft.role, "leader");
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

Deno.test("Answers to a node's former incarnation are not sent to the next", () => {
  const raft = raftOf();
  raft.step(requestVote({ from: "b", term: 1 }));
  raft.step(preVote({ from: "c", term: 9 }));
  raft.forget("b");
  assert.deepEqual(sent(raft).map(({ to }) => to), ["c"]);
});
