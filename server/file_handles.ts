// How many file handles the process may still open, and how many of them clients may have,
// so that the log, the peers and a snapshot never lack one, whatever clients do.
//
// The limit itself cannot be asked for: Deno shows /proc only to a process with all
// permissions. To others the probe tells: it opens handles until there are no more, or
// enough, once, before anything else needs one.

import { isOutOfHandles } from "../base/handles.ts";
import type { Logger } from "../base/logger.ts";
import type { ClientCountOptions } from "./client_count.ts";
import type { ClientLimits } from "./config.ts";

/** Handles for all but clients and peers: log, directory, worker, resolver. */
const ownHandles = 32;
/** Handles for each further isolate that serves clients. */
const threadHandles = 16;
// More than these would be of no use.
const peersMax = 320;
const refusalsMax = 64;
const placesMax = 32;

/** How many handles each kind of connection gets. */
export type HandleShares = {
  readonly clientsMax: number;
  /** Clients in kept places: from this host and from members. */
  readonly placesKept: number;
  /** Clients that are being told that they are too many, in each isolate. */
  readonly refusalsMax: number;
  /** Connections at the raft port, of other nodes and of strangers. */
  readonly peersMax: number;
};

/** Shares `free` handles out; `undefined`: their number is unknown, and all wishes are granted. */
export function shareHandles(
  free: number | undefined,
  { clientsMax, ioThreads }: {
    readonly clientsMax: number;
    readonly ioThreads: number;
  },
): HandleShares {
  if (free === undefined) {
    return { clientsMax, placesKept: placesMax, refusalsMax, peersMax };
  }
  const part = Math.floor(free / 16);
  const peers = clamp(part, { least: 12, most: peersMax });
  const places = clamp(part, { least: 4, most: placesMax });
  const refusals = clamp(part / 2 / ioThreads, { least: 4, most: refusalsMax });
  const own = ownHandles + (ioThreads - 1) * threadHandles;
  const left = free - own - peers - places - refusals * ioThreads;
  return {
    clientsMax: clamp(left, { least: 1, most: clientsMax }),
    placesKept: places,
    refusalsMax: refusals,
    peersMax: peers,
  };
}

/**
 * The limits of clients: those that the user asks for, as far as file handles allow. Warns
 * when they allow less.
 */
export function limitsOf(
  { clientsMax, memoryMax }: ClientLimits,
  { ioThreads }: { readonly ioThreads: number },
  log: Logger,
): { limits: ClientCountOptions; shares: HandleShares } {
  const wanted = { clientsMax, ioThreads };
  const free = freeHandles(handlesFor(wanted));
  if (free === undefined) {
    const text =
      "cannot find out how many file handles there are; add --allow-write=/dev/null";
    log("debug", text);
  }
  const shares = shareHandles(free, wanted);
  if (shares.clientsMax < clientsMax) {
    log(
      "warning",
      `serves ${shares.clientsMax} clients at most, not ${clientsMax}, for there are ` +
        `only ${free} file handles: raise the limit (ulimit -n), or choose a lower ` +
        "--max-clients",
    );
  }
  const { placesKept } = shares;
  const limits = { clientsMax: shares.clientsMax, placesKept, memoryMax };
  return { limits, shares };
}

/** The handles that so many clients and everything else can use. */
function handlesFor(
  { clientsMax, ioThreads }: {
    readonly clientsMax: number;
    readonly ioThreads: number;
  },
): number {
  return clientsMax + ownHandles + peersMax + placesMax +
    ioThreads * (threadHandles + refusalsMax);
}

/**
 * How many of `wanted` handles may be opened now; `undefined` when the process lacks the
 * permissions to find out.
 */
function freeHandles(wanted: number): number | undefined {
  const limit = handleLimit();
  // A few are open already; only Deno knows how many.
  if (limit !== undefined && limit >= wanted + ownHandles) return wanted;
  return probe(wanted);
}

/** Whether `path` may be used: to try without permission makes Deno ask at a terminal, and wait. */
function may(name: "read" | "write", path: string): boolean {
  return Deno.permissions.querySync({ name, path }).state === "granted";
}

/** The soft limit, which Deno has raised to the hard one. */
function handleLimit(): number | undefined {
  const path = "/proc/self/limits";
  if (!may("read", path)) return undefined;
  try {
    const limits = Deno.readTextFileSync(path);
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Opens handles until there are `wanted`, or no more; `undefined` without permission. */
function probe(wanted: number): number | undefined {
  const path = "/dev/null";
  if (!may("write", path)) return undefined;
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < wanted) {
      opened.push(Deno.openSync(path, { write: true }));
    }
  } catch (error) {
    if (!isOutOfHandles(error)) return undefined;
  } finally {
    for (const file of opened) file.close();
  }
  return opened.length;
}

/**
 * Whether not one handle can be opened now. Costs one, for some microseconds: a socket, because
 * every service may open one, and not /dev/null.
 */
export function lacksHandles(): boolean {
  const hostname = "127.0.0.1";
  const asked = { name: "net", host: `${hostname}:0` } as const;
  if (Deno.permissions.querySync(asked).state !== "granted") return false;
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return false;
  } catch (error) {
    return isOutOfHandles(error);
  }
}

function clamp(
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  return Math.floor(Math.min(most, Math.max(least, value)));
}
