// The text of INFO: lines that monitoring and tools read, in sections as Redis has them. Of the
// keyspace it tells only what there is: no key expires. Not here: the many figures of RAFT.STATS
// (`raft/stats/`).

import type { Service } from "./command.ts";

/** The reply to INFO, whichever section was asked for. */
export function infoText({ link, version, clientCount }: Service): string {
  const { state, term, leaderAddress, lastTicket, sequences } = link.status;
  return [
    "# Server",
    `ticketd_version:${version}`,
    "",
    "# Clients",
    `connected_clients:${clientCount.clients}`,
    `client_memory:${clientCount.memoryBytes}`,
    "",
    "# Stats",
    `internal_errors:${clientCount.failures}`,
    "",
    "# Raft",
    `raft_state:${state}`,
    `raft_term:${term}`,
    `raft_leader:${leaderAddress}`,
    "",
    "# Tickets",
    `last_ticket:${lastTicket}`,
    `sequences:${sequences}`,
    "",
    "# Keyspace",
    // Redis leaves a database without keys out.
    ...sequences > 0 ? [`db0:keys=${sequences},expires=0,avg_ttl=0`] : [],
    "",
  ].join("\r\n");
}
