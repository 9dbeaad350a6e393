// How long an idle node sleeps: the ticks until something is due, if nothing comes before.
// Waking up is most of what an idle node costs. `ticker.ts` sleeps, and counts the ticks when
// it wakes; it decides nothing.

import type { RaftState } from "./core/raft_state.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Saver } from "./saver.ts";

/** The parts of a node that may wait for something, and the most ticks of one sleep. */
export type Waiters =
  & Pick<NodeParts, "ownTakes" | "changes" | "reserve" | "lending">
  & { readonly saver: Pick<Saver, "isAsked">; readonly ticksMax: number };

/**
 * Ticks, from 1 to `ticksMax`, that the node may sleep through at once. A node that waits
 * for something counts every tick.
 */
export function restTicks(
  raft: RaftState,
  { ownTakes, changes, reserve, lending, saver, ticksMax }: Waiters,
): number {
  const isBusy = ownTakes.isWaiting || changes.isWaiting ||
    reserve.size > 0 || reserve.isClaimed ||
    lending.isOut || saver.isAsked ||
    raft.leader?.transferTarget !== undefined;
  return isBusy ? 1 : Math.min(ticksMax, ticksUntilDue(raft));
}

/**
 * Ticks, at least 1, until heartbeats are due, or until the tick before an election. The tick
 * in which an election is due is slept alone: so a process that stands still in a longer
 * sleep hears what came meanwhile before its time runs out (PITFALLS 2). Infinity for a
 * leader without followers.
 */
export function ticksUntilDue(raft: RaftState): number {
  const { leader, options, saves } = raft;
  const due = leader === undefined
    ? raft.electionTimeout - raft.electionElapsed - 1
    : leader.progress.size === 0
    ? Infinity
    : options.heartbeatTicks - leader.heartbeatElapsed;
  // By then the disk has stalled.
  const stall = saves.underWay
    ? options.electionTicks - raft.saveElapsed
    : Infinity;
  return Math.max(1, Math.min(due, stall));
}
