// How many connections the port for peers takes, of whom, and how long anything may last on
// them: the figures of `peers.ts`, which know each other. How many bytes stands in
// `frame.ts` and `link.ts`.

import type { CrowdLimits } from "./crowd.ts";
import type { HandshakeTimes } from "./handshake.ts";

/**
 * Accepted connections of all kinds: those that have not said who they are, of one source
 * half of them; guests, who are not known; and the members, of whom there are fewer than
 * are left.
 */
export const inboundMax = 256;

export function inboundShares(
  max: number,
): { readonly strangers: CrowdLimits; readonly guests: CrowdLimits } {
  const strangers = Math.max(4, Math.min(64, Math.floor(max / 4)));
  const guests = Math.max(2, Math.min(16, Math.floor(max / 16)));
  return {
    strangers: { max: strangers, perSourceMax: strangers / 2 },
    guests: { max: guests, perSourceMax: guests },
  };
}

export const peerTimes = {
  dialMillis: 2000,
  helloMillis: 5000,
  complaintMillis: 10_000,
  /** Without a dial that succeeds, before an address may be out of date. */
  movedMillis: 10_000,
  /** Between two dials of one node: at first, and at most. */
  retryMinMillis: 50,
  retryMaxMillis: 1000,
  beatMillis: 1000,
  /** Without a single byte. */
  silenceMillis: 4000,
  /** Without a whole frame: after a damaged length we would gather bytes for ever. */
  frameMillis: 30_000,
  /** For what waits, on closing. */
  flushMillis: 250,
} satisfies HandshakeTimes & Record<string, number>;
