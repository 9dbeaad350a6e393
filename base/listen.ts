// Ports that are listened on, for clients and for peers alike: opened, or refused with
// one sentence for the user, after a while if the former owner may be closing still; and
// which faults of accept() are the caller's, not ours.
// Not here: whom to let in (`peers.ts`, `server/clients/listener.ts`).

import { type Address, formatAddress } from "./address.ts";
import type { Logger } from "./logger.ts";
import { reasonOf } from "./dial.ts";

/** A process that is told to stop has ended, and closed its ports, after this. */
const patienceMillis = 5000;
const pauseMillis = 100;

/** For `whom` the port is, and the flag that chooses another. */
export type Purpose = {
  readonly whom: string;
  readonly flag: string;
  /** With everybody else who shares it: `server/clients/shared_port.ts` says who may. */
  readonly shared?: boolean;
};

/** Throws an Error with one sentence when the address cannot be listened on. */
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

export type Patience = {
  readonly log: Logger;
  /** Ends the waiting, with its reason. */
  readonly signal: AbortSignal;
  readonly patienceMillis?: number;
};

/**
 * What `open` opens, tried again for a while when the address is in use: the process that
 * this one takes over from may still be closing.
 */
export async function onceFree<T>(
  open: () => T,
  { log, signal, ...times }: Patience,
): Promise<T> {
  const sinceMillis = performance.now();
  const millisMax = times.patienceMillis ?? patienceMillis;
  for (let tries = 0;; tries++) {
    try {
      return open();
    } catch (error) {
      const waitedMillis = performance.now() - sinceMillis;
      if (!isInUse(error) || waitedMillis >= millisMax) throw error;
      if (tries === 0) log("info", `${error.message}; waits for it up to 5 s`);
    }
    await pause(signal);
  }
}

/** One of our own refusals: a sentence, and the cause. */
function isInUse(error: unknown): error is Error {
  return error instanceof Error &&
    error.cause instanceof Deno.errors.AddrInUse;
}

async function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(resolve, pauseMillis);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
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
