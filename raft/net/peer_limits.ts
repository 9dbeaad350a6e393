// How many connections the raft port takes, from which callers, and how long anything may
// last on them. Limits on bytes stand in `frame.ts` and `link.ts`; that all of these agree
// is checked in a test.

import type { QuotaLimits } from "./connection_quota.ts";

/**
 * Accepted connections of all kinds: unauthenticated ones, guests, and the members, of which
 * there are fewer (64) than the other two leave room for.
 */
export const inboundMax = 256;

/** How many of at most `max` accepted connections may be of callers that are not known. */
export function inboundShares(
  max: number,
): {
  /** In the middle of their handshake; half of them at most are of one source. */
  readonly unauthenticated: QuotaLimits;
  /** Let in, and not of rank "known". */
  readonly guests: QuotaLimits;
} {
  const pending = Math.max(4, Math.min(64, Math.floor(max / 4)));
  const guests = Math.max(2, Math.min(16, Math.floor(max / 16)));
  return {
    unauthenticated: { max: pending, perSourceMax: pending / 2 },
    guests: { max: guests, perSourceMax: guests },
  };
}

/** How long anything may last on the raft port, in milliseconds. */
export const peerTimes = {
  /** For one dial: connecting and the handshake. */
  dialMillis: 2000,
  /** For the handshake on an accepted connection. */
  helloMillis: 5000,
  /** Between two warnings about callers that are not known. */
  complaintMillis: 10_000,
  /** Between two warnings about one node. */
  faultMillis: 60_000,
  /** Without a dial that succeeds, before a member is looked for at other addresses, too. */
  strayMillis: 1000,
  /** Without a dial that succeeds, before a member that is found elsewhere has moved. */
  movedMillis: 3000,
  /** Between two reports that a member has moved. */
  moveToldMillis: 1000,
  /** Between two dials of one node, after the first failure. */
  retryMinMillis: 50,
  /** Between two dials of one node that was up a moment ago, at most. */
  retryMaxMillis: 1000,
  /** Between two dials of one node, at most, however long it has been dead. */
  retryDeadMaxMillis: 5000,
  /** Between two keepalives on one connection. */
  keepaliveMillis: 1000,
  /** Without a byte, until a connection is closed. */
  silenceMillis: 4000,
  /** Without a whole frame: after a damaged length, bytes would be gathered for ever. */
  frameMillis: 30_000,
  /** For queued messages to leave, when everything is closed. */
  flushMillis: 250,
};

/** The times of {@linkcode peerTimes}, or a test's own. */
export type PeerTimes = Readonly<typeof peerTimes>;
