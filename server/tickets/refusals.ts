// The texts of RESP errors that a client gets instead of a ticket. The first two are the
// original's; CLUSTERDOWN and MOVED are codes of Redis Cluster, at which client libraries
// turn to another node.

import type { Refusal } from "../../raft/channel/messages.ts";

/** The text for a refusal of the node. */
export function refusalText(reason: Refusal): string {
  switch (reason) {
    case "not-leader":
      return "ERR node is not the leader";
    case "leadership-lost":
      return "ERR leadership lost while committing log";
    case "no-cluster":
      return noClusterText;
    case "exhausted":
      return `ERR tickets are exhausted: ${2n ** 64n - 1n} was the last`;
    default:
      // Slot 0: there is one sequence, and all of it moves.
      return `MOVED 0 ${reason.movedTo}`;
  }
}

/** Sent at once: waiting does not help, as it does during an election. */
export const noClusterText =
  "CLUSTERDOWN This node belongs to no cluster: nothing was done, ask another";

/** For a request that no leader answered in the time that it may wait. */
export function noLeaderText(timeoutMillis: number): string {
  return `CLUSTERDOWN No leader within ${timeoutMillis / 1000}s`;
}

/** For requests that wait, or come, while the node stops. */
export const stoppingText = "ERR the node is stopping";

/** For a TICKET when the dispenser has no room. */
export const busyText =
  "BUSY Too many tickets are waiting already: nothing was done, ask again later";

/** For an admin command that is not admitted. */
export const adminsBusyText =
  "BUSY Too many admin commands are waiting: nothing was done, ask again later";

/** For a client without a place, and a visitor that wants tickets. */
export const tooManyClientsText = "ERR max number of clients reached";

/** For a client whose command met a fault of ours. */
export const internalErrorText = "ERR internal error";
