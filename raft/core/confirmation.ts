// How a leader makes sure that it still leads (thesis 6.4, ReadIndex), so that it may answer
// without a new entry. It asks the voters whether they are still in its term; rounds of
// such questions are numbered within a term. A voter that answers round n was in this term
// after the round began; with a majority of them no later leader had committed anything by
// then. No disk and no clock has a part in it.
//
// One round is under way at a time; requests that come meanwhile share the next. A question
// without an answer is repeated at the next tick.

import { assert } from "../../base/assert.ts";
import { followLeader } from "./follower.ts";
import type { LeaderState } from "./leader_state.ts";
import { committedIndex, majority } from "./quorum.ts";
import type { RaftState } from "./raft_state.ts";
import { answering } from "./replication.ts";
import type { Confirm, ConfirmResponse, NodeId } from "./types.ts";

// The leader.

/**
 * The round that must be confirmed before a request that comes now may be answered. A round
 * that is already confirmed will do if this node and `asker`, which has just said that this
 * node leads, are a majority.
 */
export function roundFor(raft: RaftState, asker: NodeId | undefined): number {
  const { leader } = raft;
  assert(leader !== undefined, "only a leader can be confirmed");
  const { voters } = raft.membership;
  const agreed = voters.filter((id) => id === raft.id || id === asker);
  if (agreed.length >= majority(voters.length)) return leader.confirmedRound;
  leader.roundWanted = true;
  return leader.lastRound + 1;
}

/** Begins the next round, if one is wanted and none under way. */
export function sendConfirms(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined || !leader.roundWanted) return;
  if (leader.confirmedRound < leader.lastRound) return;
  leader.roundWanted = false;
  const { voters } = raft.membership;
  // As many as make a majority are enough, taken from those that answered the last round:
  // the others are spared the question, and this leader their answers.
  const willing = voters.filter((id) =>
    leader.lastRound > 0 && hasConfirmed(leader, id)
  );
  const needed = majority(voters.length) - (voters.includes(raft.id) ? 1 : 0);
  const round = ++leader.lastRound;
  const ids = willing.length < needed ? voters : willing.slice(0, needed);
  ask(raft, { ids, round });
  count(raft, leader);
}

/** At a tick: asks, for the round under way, every voter that has not answered it. */
export function askUnconfirmed(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  count(raft, leader); // the voters may be others than when it was counted last
  const { lastRound: round } = leader;
  if (leader.confirmedRound === round) return;
  const { voters } = raft.membership;
  ask(raft, { ids: voters.filter((id) => !hasConfirmed(leader, id)), round });
}

/** Whether server `id` has answered the last round. */
function hasConfirmed(leader: LeaderState, id: NodeId): boolean {
  return leader.progress.get(id)?.confirmedRound === leader.lastRound;
}

function ask(
  raft: RaftState,
  { ids, round }: { ids: readonly NodeId[]; round: number },
): void {
  const { id: from, currentTerm: term } = raft;
  for (const to of ids) {
    if (to !== from) raft.send({ type: "Confirm", from, to, term, round });
  }
}

/** The leader counts a voter's answer. */
export function onConfirmResponse(
  raft: RaftState,
  message: ConfirmResponse,
): void {
  const progress = answering(raft, message);
  const { leader } = raft;
  if (progress === undefined || leader === undefined) return;
  assert(
    message.round <= leader.lastRound,
    "a follower confirms what it was asked",
  );
  // It does not reset `silentTicks`: `checkQuorum` wants followers whose disks work, and
  // this answer waited for no disk.
  progress.confirmedRound = Math.max(progress.confirmedRound, message.round);
  count(raft, leader);
}

/** Raises `confirmedRound` to the last round that a majority has answered. */
function count(raft: RaftState, leader: LeaderState): void {
  const rounds = raft.membership.voters.map((id) =>
    id === raft.id
      ? leader.lastRound
      : leader.progress.get(id)?.confirmedRound ?? 0
  );
  leader.confirmedRound = Math.max(
    leader.confirmedRound,
    committedIndex(rounds),
  );
}

// The follower.

/**
 * Answers that this node is still in the leader's term. That needs the term to be durable,
 * and not the log, so the answer does not wait for entries.
 */
export function onConfirm(raft: RaftState, message: Confirm): void {
  if (!followLeader(raft, message)) return;
  const { from: to, round } = message;
  const { id: from, currentTerm: term } = raft;
  const answer = { type: "ConfirmResponse", from, to, term, round } as const;
  if (raft.saves.isTermDurable) raft.send(answer);
  else raft.sendWhenDurable(answer);
}
