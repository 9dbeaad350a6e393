// What a leader does about its office: whom it replicates to and promotes, whether a
// majority still hears it, and how it hands over. No entry is sent from here: that is
// `replication.ts`'s.

import { Progress } from "./progress.ts";
import { majority } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { findServer, withServer } from "./membership.ts";
import type { Configuration, NodeId } from "./types.ts";

/** Follows the configuration: a Progress for every other server, none for the gone. */
export function syncProgress(raft: Raft, before: Configuration): void {
  const { log, lastSequence } = raft;
  for (const { id, incarnation, suffrage } of raft.membership.current.servers) {
    if (id === raft.id) continue;
    // Who comes back under its old id may have another disk: what it acknowledged in
    // its former life counts for nothing.
    const known = findServer(before, id);
    const progress = raft.progress.get(id);
    if (known?.incarnation !== incarnation || progress === undefined) {
      raft.progress.set(id, new Progress(log.lastIndex, lastSequence));
    } else if (suffrage === "learner" && known.suffrage !== "learner") {
      // A nonvoter may be as far behind as it likes, and passed no round since.
      progress.beginRound(log.lastIndex);
    }
  }
  for (const [id, progress] of raft.progress) {
    // Thesis 4.2.3: a server that never hears of its removal disturbs the others. It
    // is sent the log for a while longer, and counts for nothing.
    if (raft.membership.find(id) === undefined) {
      progress.heartbeatsLeft ??= departingHeartbeats;
    }
  }
}

/** Heartbeats that a removed server still gets. */
const departingHeartbeats = 40;

/** Promotes a learner that keeps up, one at a time (thesis 4.2.1). */
export function catchUpLearners(raft: Raft): void {
  for (const server of raft.membership.current.servers) {
    // A voter of unknown life could be wiped and vote again for what it has forgotten.
    if (server.suffrage !== "learner" || server.incarnation === "") continue;
    const progress = raft.progress.get(server.id);
    if (progress === undefined) continue;
    progress.tickRound(raft.log.lastIndex, raft.options.electionTicks);
    const { electionTicks } = raft.options;
    if (!progress.caughtUp || progress.silentTicks >= electionTicks) continue;
    const promoted = withServer(raft.membership.current, {
      ...server,
      suffrage: "voter",
    });
    if (typeof raft.changeMembership(promoted) === "number") return;
  }
}

/** A leader that hears from no majority for an election timeout leads nobody. */
export function checkQuorum(raft: Raft): void {
  if (raft.role !== "leader") return;
  for (const progress of raft.progress.values()) progress.silentTicks++;
  const { voters } = raft.membership;
  const heard = voters.filter((id) => answers(raft, id));
  if (heard.length < majority(voters.length)) {
    raft.becomeFollower(raft.currentTerm, undefined);
  }
}

/** Whether the leader has heard from server `id`, or is it, within an election timeout. */
export function answers(raft: Raft, id: NodeId): boolean {
  return id === raft.id || silentTicks(raft, id) < raft.options.electionTicks;
}

function silentTicks(raft: Raft, id: NodeId): number {
  return raft.progress.get(id)?.silentTicks ?? Infinity;
}

/** Begins to hand leadership to `target`; false if there is nobody to take it. */
export function handOver(raft: Raft, target: NodeId | undefined): boolean {
  const successor = target ?? bestVoter(raft);
  if (successor === undefined || successor === raft.id) return false;
  if (!raft.membership.isVoter(successor)) return false;
  raft.transferTarget = successor;
  raft.transferElapsed = 0;
  finishTransfer(raft);
  return true;
}

/** Sends TimeoutNow as soon as the successor has the whole log (thesis 3.10). */
export function finishTransfer(raft: Raft): void {
  const { transferTarget } = raft;
  if (transferTarget === undefined) return;
  if (raft.progress.get(transferTarget)?.matchIndex !== raft.log.lastIndex) {
    return;
  }
  sendTimeoutNow(raft, transferTarget);
}

/** Gives a transfer up after an election timeout, and a stalled disk's leader its leave. */
export function tickTransfer(raft: Raft): void {
  const { electionTicks } = raft.options;
  const canYield = raft.membership.voters.length > 1;
  // Our heartbeats would keep a leader in office who can save nothing (etcd #13527). Who
  // was asked to take over, and since when, does not matter any more.
  if (canYield && raft.saveElapsed >= 2 * electionTicks) {
    return raft.becomeFollower(raft.currentTerm, undefined);
  }
  if (raft.transferTarget !== undefined) {
    if (++raft.transferElapsed >= electionTicks) {
      raft.transferTarget = undefined;
    }
  } else if (canYield && raft.isStalled && !handOver(raft, undefined)) {
    raft.becomeFollower(raft.currentTerm, undefined);
  }
}

export function sendTimeoutNow(raft: Raft, to: NodeId): void {
  raft.send({ type: "TimeoutNow", from: raft.id, to, term: raft.currentTerm });
}

/** The voter, other than ourselves, that is furthest along and has answered lately. */
export function bestVoter(raft: Raft): NodeId | undefined {
  // A live one answers every heartbeat: it is not silent for as long as two of them.
  const lives = (id: NodeId) =>
    silentTicks(raft, id) < 2 * raft.options.heartbeatTicks;
  const rank = (id: NodeId) =>
    (raft.progress.get(id)?.matchIndex ?? 0) +
    (lives(id) ? raft.log.lastIndex + 1 : 0);
  return raft.membership.voters
    .filter((id) => id !== raft.id)
    .toSorted((a, b) => rank(b) - rank(a))[0];
}
