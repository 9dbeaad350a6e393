// The raft port's answer to a client that has taken it for the client port. The port gives it
// (`raft/net/inbound_handshake.ts`), and a joining node knows it again
// (`raft/members/join_obstacles.ts`). It tells nothing of the node but what the port is.

/** The text of the RESP error, behind `ERR `. */
export const raftPortText =
  "this is the raft port of a ticketd node; clients and --join use its --saddr";

/** The first byte of a command in RESP, which no frame between nodes begins with. */
export const respCommandByte = "*".charCodeAt(0);
