// Names of hosts to addresses, by the system's resolver, which also reads /etc/hosts. A name
// may have several addresses, one for each node behind it (a headless service of Kubernetes,
// a record with many entries). Nothing is remembered: addresses change while the process
// runs, so callers ask again at each try. Not here: connecting (`dial.ts`).

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Address } from "./address.ts";

/** All addresses of the host `name`, as numbers in text; rejects if it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * All addresses that `address` stands for, each once, in the resolver's order. An empty host
 * is this machine. The promise ends with the signal's reason as soon as it is aborted, and
 * after `millis` at the latest: a resolver may take half a minute to fail.
 *
 * @throws {Error} If the name has no address, or none in time; `reasonOf` of `dial.ts` puts it
 * into words.
 */
export async function resolve(
  { host, port }: Address,
  { signal, millis, lookup = systemLookup }: {
    readonly signal?: AbortSignal | undefined;
    /** Milliseconds; no limit when left out. */
    readonly millis?: number;
    readonly lookup?: Lookup;
  } = {},
): Promise<readonly Address[]> {
  if (host === "") return [{ host: "127.0.0.1", port }];
  if (isIP(host) !== 0) return [{ host, port }];
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal?.reason);
  signal?.addEventListener("abort", stop);
  // Not AbortSignal.any: it would leave something behind in a signal that lives long.
  const late = () =>
    reject(new Error(`${host} was not resolved within ${millis} ms`));
  const timer = millis === undefined ? undefined : setTimeout(late, millis);
  try {
    const hosts = await Promise.race([lookup(host), promise]);
    return [...new Set(hosts)].map((host) => ({ host, port }));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
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
