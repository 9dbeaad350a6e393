// The state that only a leader has: one object, made when a node is elected and dropped when
// it loses office, so that nothing of one term in office can be read in another. Plain data
// without rules; `leadership.ts`, `replication.ts` and `confirmation.ts` change it.
//
//   confirmedRound <= lastRound
//
// The numbers of a leader's messages are not here: they rise over all its terms and stand
// in `raft_state.ts`.

import type { Progress } from "./progress.ts";
import type { NodeId } from "./types.ts";

/** The volatile state of a leader (paper, figure 2), for one term. */
export class LeaderState {
  readonly role = "leader";

  /** One of every other member, and for a while of each server that was removed. */
  readonly progress = new Map<NodeId, Progress>();

  /** Ticks since the last heartbeats left. */
  heartbeatElapsed = 0;

  /** The round of confirmations that began last: 1, 2, 3 …, or 0 before the first. */
  lastRound = 0;
  /** The last round that a majority has answered. */
  confirmedRound = 0;
  /** A request waits for the round after `lastRound`. */
  roundWanted = false;

  /** The voter that leadership is being handed to; nothing is proposed meanwhile. */
  transferTarget: NodeId | undefined;
  /** Ticks since the transfer to it began. */
  transferElapsed = 0;
}
