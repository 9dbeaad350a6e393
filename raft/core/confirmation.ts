// Whether this node leads at this moment, by word of a majority (thesis 6.4, ReadIndex):
// what a leader may answer without a new entry. Rounds are numbered within a term. Whoever
// answers round n was still in this term after n had begun; with a majority of them there
// was no later leader that had committed anything by then. No disk or clock has a part in it.
//
// One round is under way at a time; who asks meanwhile shares the next. What is not
// answered is asked again at the next tick.

import { assert } from "../../base/assert.ts";
import { committedIndex, majority } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { answering, followLeader } from "./replication.ts";
import type { Confirm, ConfirmResponse, NodeId } from "./types.ts";

/**
 * The round that must be confirmed before what was asked for now may be answered; for
 * `asker`, which has just said that this node leads, one that is when it suffices.
 */
export function roundFor(raft: Raft, asker: NodeId | undefined): number {
  const { voters } = raft.membership;
  const agreed = voters.filter((id) => id === raft.id || id === asker);
  if (agreed.length >= majority(voters.length)) return raft.confirmedRound;
  raft.roundWanted = true;
  return raft.lastRound + 1;
}

/** Begins the next round, if one is wanted and none under way. */
export function sendConfirms(raft: Raft): void {
  if (!raft.roundWanted || raft.confirmedRound < raft.lastRound) return;
  raft.roundWanted = false;
  const { voters } = raft.membership;
  // Those who answered the last are enough, as long as they answer; it costs the others
  // nothing, and us less.
  const willing = voters.filter((id) =>
    raft.lastRound > 0 && hasConfirmed(raft, id)
  );
  const needed = majority(voters.length) - (voters.includes(raft.id) ? 1 : 0);
  raft.lastRound++;
  ask(raft, willing.length < needed ? voters : willing.slice(0, needed));
  count(raft);
}

/** At a tick: whoever has not answered the round under way is asked, once more or at last. */
export function askUnconfirmed(raft: Raft): void {
  count(raft); // the voters may be others than when it was counted last
  if (raft.confirmedRound === raft.lastRound) return;
  const { voters } = raft.membership;
  ask(raft, voters.filter((id) => !hasConfirmed(raft, id)));
}

/** Whether server `id` has answered the last round. */
function hasConfirmed(raft: Raft, id: NodeId): boolean {
  return raft.progress.get(id)?.confirmedRound === raft.lastRound;
}

function ask(raft: Raft, ids: readonly NodeId[]): void {
  const { id: from, currentTerm: term, lastRound: round } = raft;
  for (const to of ids) {
    if (to !== from) raft.send({ type: "Confirm", from, to, term, round });
  }
}

export function onConfirmResponse(raft: Raft, message: ConfirmResponse): void {
  const progress = answering(raft, message);
  if (progress === undefined) return;
  assert(
    message.round <= raft.lastRound,
    "a follower confirms what it was asked",
  );
  // Not a sign of a disk that works: who counts voters that answer needs that.
  progress.confirmedRound = Math.max(progress.confirmedRound, message.round);
  count(raft);
}

function count(raft: Raft): void {
  const rounds = raft.membership.voters.map((id) =>
    id === raft.id ? raft.lastRound : raft.progress.get(id)?.confirmedRound ?? 0
  );
  raft.confirmedRound = Math.max(raft.confirmedRound, committedIndex(rounds));
}

// The follower.

/** It tells of the term alone, and so need not wait until what is in the log is durable. */
export function onConfirm(raft: Raft, message: Confirm): void {
  if (!followLeader(raft, message)) return;
  const { from: to, round } = message;
  const { id: from, currentTerm: term } = raft;
  const answer = { type: "ConfirmResponse", from, to, term, round } as const;
  if (raft.saves.isTermDurable) raft.send(answer);
  else raft.sendWhenDurable(answer);
}
