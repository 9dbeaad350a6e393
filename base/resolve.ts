// Names of hosts to addresses, by the system's resolver, which also reads /etc/hosts. A name
// may have several addresses, one for each node behind it (a headless service of Kubernetes,
// a record with many entries). Nothing is remembered: addresses change while the process
// runs, so callers ask again at each try. Not here: connecting (`dial.ts`).

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Address, formatAddress } from "./address.ts";

/** All addresses of the host `name`, as numbers in text; rejects if it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * All addresses that `address` stands for, each once, in the resolver's order. An empty host
 * is this machine. The promise ends with the signal's reason as soon as it is aborted: a
 * resolver may take half a minute to fail.
 *
 * @throws {Error} If the name has no address; `reasonOf` of `dial.ts` puts it into words.
 */
export async function resolve(
  { host, port }: Address,
  { signal, lookup = systemLookup }: {
    readonly signal?: AbortSignal | undefined;
    readonly lookup?: Lookup;
  } = {},
): Promise<readonly Address[]> {
  if (host === "") return [{ host: "127.0.0.1", port }];
  if (isIP(host) !== 0) return [{ host, port }];
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal?.reason);
  signal?.addEventListener("abort", stop);
  try {
    const hosts = await Promise.race([lookup(host), promise]);
    return [...new Set(hosts)].map((host) => ({ host, port }));
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** {@linkcode resolve} of each, in order; an address that two names share is there once. */
export async function resolveAll(
  addresses: readonly Address[],
  options: Parameters<typeof resolve>[1] & {
    /** A name has no address now. */
    readonly failed?: (address: Address, error: unknown) => void;
  } = {},
): Promise<readonly Address[]> {
  const found = new Map<string, Address>();
  const all = await Promise.all(addresses.map(async (address) => {
    try {
      return await resolve(address, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      options.failed?.(address, error);
      return [];
    }
  }));
  for (const one of all.flat()) found.set(formatAddress(one), one);
  return [...found.values()];
}

async function systemLookup(name: string): Promise<readonly string[]> {
  try {
    const found = await lookup(name, { all: true });
    return found.map(({ address }) => address);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    throw new Error(
      code === "ENOTFOUND"
        ? `no such host: ${name}`
        : `${name} cannot be resolved now`,
      { cause: error },
    );
  }
}
