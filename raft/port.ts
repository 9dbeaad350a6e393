// Ports that are listened on, for clients and for peers alike: opened, or refused with
// one sentence for the user; and which faults of accept() are the caller's, not ours.
// Not here: whom to let in (`peers.ts`, `server/listener.ts`).

import { type Address, formatAddress } from "./address.ts";
import { reasonOf } from "./wire.ts";

/** For `whom` the port is, and the flag that chooses another. */
export type Purpose = {
  readonly whom: string;
  readonly flag: string;
  /** With everybody else who shares it: `server/shared_port.ts` says who may. */
  readonly shared?: boolean;
};

/** Throws an Error with one sentence when the address cannot be listened on. */
export function openPort(
  address: Address,
  purpose: Purpose,
): Deno.TcpListener {
  const { hostname, port } = bound(address);
  try {
    return Deno.listen({ hostname, port, reusePort: purpose.shared });
  } catch (error) {
    throw refusal(address, { error, purpose });
  }
}

/** Takes the UDP port of the same number, for nothing but that nobody else can. */
export function lockPort(
  address: Address,
  purpose: Purpose,
): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", ...bound(address) });
  } catch (error) {
    throw refusal(address, { error, purpose, how: " by UDP" });
  }
}

/**
 * Whether accept() failed because the caller hung up first: connecting and resetting
 * is cheap, so whoever pauses after it can be kept from ever serving anybody.
 */
export function hungUp(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

function bound({ host, port }: Address): { hostname: string; port: number } {
  return { hostname: host === "" ? "0.0.0.0" : host, port };
}

function refusal(
  address: Address,
  { error, purpose: { whom, flag }, how = "" }: {
    readonly error: unknown;
    readonly purpose: Purpose;
    readonly how?: string;
  },
): Error {
  return new Error(
    `cannot listen on ${formatAddress(address)}${how} for ${whom}: ` +
      faultOf(error, flag),
    { cause: error },
  );
}

function faultOf(error: unknown, flag: string): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "Deno was not given the right to; add --allow-net";
  }
  const reason = error instanceof Deno.errors.AddrNotAvailable
    ? "no such address on this machine"
    : reasonOf(error);
  return `${reason}; choose another with ${flag}`;
}
