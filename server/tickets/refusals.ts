// What a client is told instead of a ticket, as the text of a RESP error. The first two
// are the original's words; CLUSTERDOWN and MOVED are those of Redis Cluster, at which
// client libraries look elsewhere.

import type { Refusal } from "../../raft/channel/messages.ts";

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

/** Said at once: unlike an election this does not pass by waiting. */
export const noClusterText =
  "CLUSTERDOWN This node belongs to no cluster: nothing was done, ask another";

/** Nobody could be asked, or nobody answered, for so long. */
export function noLeaderText(timeoutMillis: number): string {
  return `CLUSTERDOWN No leader within ${timeoutMillis / 1000}s`;
}

export const stoppingText = "ERR the node is stopping";

export const busyText =
  "BUSY Too many tickets are waiting already: nothing was done, ask again later";

export const adminsBusyText =
  "BUSY Too many admin commands are waiting: nothing was done, ask again later";

export const tooManyClientsText = "ERR max number of clients reached";

/** A fault of ours, met by one client. */
export const internalErrorText = "ERR internal error";
