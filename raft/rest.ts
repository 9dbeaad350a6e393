// How long an idle node sleeps: the ticks until something is due, if nothing comes before.
// Waking up is half of what an idle node costs. `ticker.ts` sleeps, and counts the ticks when
// it wakes; it decides nothing.

import type { RaftState } from "./core/raft_state.ts";
import type { NodeParts } from "./node_parts.ts";

/** The parts of a node that may wait for something, and the most ticks of one sleep. */
type Waiters = Pick<NodeParts, "ownTakes" | "changes" | "reserve"> & {
  readonly ticksMax: number;
};

/**
 * Ticks, from 1 to `ticksMax`, that the node may sleep through at once. A node that waits
 * for something counts every tick.
 */
export function restTicks(
  raft: RaftState,
  { ownTakes, changes, reserve, ticksMax }: Waiters,
): number {
  const isBusy = ownTakes.isWaiting || changes.isWaiting || reserve.size > 0 ||
    raft.leader?.transferTarget !== undefined;
  return isBusy ? 1 : Math.min(ticksMax, ticksUntilDue(raft));
}

/**
 * Ticks, at least 1, until a heartbeat or an election is due. Infinity for a leader without
 * followers.
 */
export function ticksUntilDue(raft: RaftState): number {
  const { leader } = raft;
  if (leader?.progress.size === 0) return Infinity;
  const rest = leader === undefined
    ? raft.electionTimeout - raft.electionElapsed
    : raft.options.heartbeatTicks - leader.heartbeatElapsed;
  return raft.saves.underWay ? 1 : Math.max(1, rest);
}
