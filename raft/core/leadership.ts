// A leader's office: how it begins, whether a majority still answers, and how it is handed
// to another voter. Not what a leader does in office: `replication.ts` sends the log,
// `member_changes.ts` changes the members, `confirmation.ts` proves that it still leads.

import { appendToOwnLog, syncProgress } from "./member_changes.ts";
import { majority } from "./quorum.ts";
import type { RaftState } from "./raft_state.ts";
import type { HandOverCause, SilentVoter } from "./reasons.ts";
import type { NodeId } from "./types.ts";

/** An election is won: begins to lead, with an entry of its own. */
export function startLeading(raft: RaftState): void {
  raft.becomeLeader();
  syncProgress(raft, raft.membership.current);
  // Paper 8, thesis 6.4: a leader counts acknowledgements of entries of its own term only.
  // Once one is committed, it knows that every entry before it is, too.
  appendToOwnLog(raft, {
    type: "noop",
    index: raft.log.lastIndex + 1,
    term: raft.currentTerm,
  });
}

/** At a tick: a leader that hears from no majority for an election timeout steps down. */
export function checkQuorum(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  for (const progress of leader.progress.values()) progress.silentTicks++;
  const { voters } = raft.membership;
  const heard = voters.filter((id) => answers(raft, id));
  if (heard.length < majority(voters.length)) {
    raft.reasons.loss = { type: "silence", silent: silentVoters(raft) };
    raft.becomeFollower(raft.currentTerm, undefined);
  }
}

/** Whether the leader has heard from server `id`, or is it, within an election timeout. */
export function answers(raft: RaftState, id: NodeId): boolean {
  return id === raft.id || silentTicks(raft, id) < raft.options.electionTicks;
}

function silentVoters(raft: RaftState): SilentVoter[] {
  return raft.membership.voters.filter((id) => !answers(raft, id))
    .map((id) => ({
      id,
      ticks: silentTicks(raft, id),
      hasAnswered: raft.leader?.progress.get(id)?.hasAnswered ?? false,
    }));
}

function silentTicks({ leader }: RaftState, id: NodeId): number {
  return leader?.progress.get(id)?.silentTicks ?? Infinity;
}

/**
 * Begins to hand leadership to `target`, or else to the best voter; false if this node
 * does not lead, or no voter is there to take it.
 */
export function handOver(
  raft: RaftState,
  { target, cause }: {
    readonly target?: NodeId | undefined;
    readonly cause: HandOverCause;
  },
): boolean {
  const { leader } = raft;
  if (leader === undefined) return false;
  const successor = target ?? bestVoter(raft);
  if (successor === undefined || successor === raft.id) return false;
  if (!raft.membership.isVoter(successor)) return false;
  leader.transferTarget = successor;
  leader.transferElapsed = 0;
  raft.reasons.handOver = { to: successor, cause, isTold: false };
  finishTransfer(raft);
  return true;
}

/** Sends TimeoutNow as soon as the successor has the whole log (thesis 3.10). */
export function finishTransfer(raft: RaftState): void {
  const { transferTarget, progress } = raft.leader ?? {};
  if (transferTarget === undefined) return;
  if (progress?.get(transferTarget)?.matchIndex !== raft.log.lastIndex) return;
  sendTimeoutNow(raft, transferTarget);
}

/** At a tick: gives up a transfer after an election timeout; yields while the disk stalls. */
export function tickTransfer(raft: RaftState): void {
  const { leader, options: { electionTicks } } = raft;
  if (leader === undefined) return;
  const canYield = raft.membership.voters.length > 1;
  // Its heartbeats would keep a leader in office that can save nothing (etcd #13527). A
  // transfer that is under way, however young, must not prolong that.
  if (canYield && raft.saveElapsed >= 2 * electionTicks) {
    return yieldToDisk(raft);
  }
  if (leader.transferTarget !== undefined) {
    if (++leader.transferElapsed >= electionTicks) {
      leader.transferTarget = undefined;
      raft.reasons.handOver = undefined;
    }
  } else if (canYield && raft.isStalled && !handOver(raft, { cause: "disk" })) {
    yieldToDisk(raft);
  }
}

function yieldToDisk(raft: RaftState): void {
  raft.reasons.loss = { type: "disk", ticks: raft.saveElapsed };
  raft.becomeFollower(raft.currentTerm, undefined);
}

/** Tells `to` to stand for election at once. */
export function sendTimeoutNow(raft: RaftState, to: NodeId): void {
  raft.reasons.told(to);
  raft.send({ type: "TimeoutNow", from: raft.id, to, term: raft.currentTerm });
}

/**
 * The voter, other than this node, that answered lately and has most of the log; one that
 * did not answer if none did; `undefined` if there is no other voter.
 */
export function bestVoter(raft: RaftState): NodeId | undefined {
  // A live voter answers every heartbeat: it is not silent for as long as two of them.
  const isLive = (id: NodeId) =>
    silentTicks(raft, id) < 2 * raft.options.heartbeatTicks;
  const rank = (id: NodeId) =>
    (raft.leader?.progress.get(id)?.matchIndex ?? 0) +
    (isLive(id) ? raft.log.lastIndex + 1 : 0);
  return raft.membership.voters
    .filter((id) => id !== raft.id)
    .toSorted((a, b) => rank(b) - rank(a))[0];
}
