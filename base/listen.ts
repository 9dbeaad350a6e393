// Listening ports, for clients and for peers alike: opens one, or fails with one sentence for
// the user; waits for one whose former owner may still be closing; and tells faults of
// accept() that are the caller's from our own. Accepting connections is not done here, but in
// `raft/net/acceptor.ts` and `server/clients/listener.ts`.

import { type Address, formatAddress } from "./address.ts";
import type { Logger } from "./logger.ts";
import { reasonOf } from "./dial.ts";
import { pause } from "./pause.ts";

/** Milliseconds after which a process that was told to stop has closed its ports. */
const waitMillisMax = 5000;
/** Milliseconds between two tries. */
const pauseMillis = 100;

/** The purpose of a port, in the words that a refusal needs. */
export type Purpose = {
  /** Those that connect to it, as "clients". */
  readonly whom: string;
  /** The flag that chooses another port. */
  readonly flag: string;
  /** Several sockets may listen on it: `server/clients/shared_port.ts` says which. */
  readonly shared?: boolean;
};

/**
 * Listens on TCP `address`; an empty host is all interfaces, port 0 any that is free.
 * @throws {Error} One sentence for the user, when the address cannot be listened on.
 */
export function openPort(
  address: Address,
  purpose: Purpose,
): Deno.TcpListener {
  const { hostname, port } = bound(address);
  try {
    return Deno.listen({ hostname, port, reusePort: purpose.shared ?? false });
  } catch (error) {
    throw refusal(address, { error, purpose });
  }
}

/**
 * Takes the UDP port of `address`, on which nothing is sent: it is a lock, for no other
 * process can take it.
 * @throws {Error} One sentence for the user, when the port is in use.
 */
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

/** How long {@linkcode openWhenFree} waits, and what ends the waiting. */
export type WaitOptions = {
  readonly log: Logger;
  /** Ends the waiting, with its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds to wait; 5 s unless given. */
  readonly millisMax?: number;
};

/**
 * Opens a port with `open`. While the address is in use it tries again for some time, because
 * the process that this one takes over from may still be closing.
 *
 *     const listener = await openWhenFree(() => openPort(address, purpose), { log, signal });
 *
 * @throws What `open` throws, at once if it is anything else than an address in use; the
 * reason of `signal`, which ends the waiting.
 */
export async function openWhenFree<T>(
  open: () => T | Promise<T>,
  { log, signal, millisMax = waitMillisMax }: WaitOptions,
): Promise<T> {
  const sinceMillis = performance.now();
  for (let tries = 0;; tries++) {
    try {
      return await open();
    } catch (error) {
      const waitedMillis = performance.now() - sinceMillis;
      if (!isInUse(error) || waitedMillis >= millisMax) throw error;
      if (tries === 0) log("info", `${error.message}; waits for it up to 5 s`);
    }
    await pause(pauseMillis, signal);
    signal.throwIfAborted();
  }
}

/** Whether `error`, made by `refusal`, says that the address is in use. */
function isInUse(error: unknown): error is Error {
  return error instanceof Error &&
    error.cause instanceof Deno.errors.AddrInUse;
}

/**
 * Whether accept() failed because the caller hung up first. A server must not pause after
 * such a fault: connecting and resetting is cheap, and callers could keep it from ever
 * serving others.
 */
export function hungUp(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

/** What Deno is asked to bind: an empty host is all interfaces. */
export function bound(
  { host, port }: Address,
): { hostname: string; port: number } {
  return { hostname: host === "" ? "0.0.0.0" : host, port };
}

/** One sentence for the user: why `address` cannot be listened on. */
export function refusal(
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
