// A bounded set of connections from callers that are not known: so many in all, and so many
// of one source. When it is full, the oldest connection of the source that has most makes way
// for the newcomer, so that a flood evicts its own connections first. It closes nothing
// itself. Pure.

import { networkOf } from "../../base/address.ts";

/** How many connections a quota holds. */
export type QuotaLimits = {
  /** Connections in all. */
  readonly max: number;
  /** Connections of one source: an IPv4 address, or a network of IPv6. */
  readonly perSourceMax: number;
};

/** The connections that count towards one quota. */
export class ConnectionQuota<T> {
  readonly #limits: QuotaLimits;
  /** The connections of each source, oldest first; a source without any has no entry. */
  readonly #sources = new Map<string, Set<T>>();
  #size = 0;

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds `connection` from `host`; returns the one evicted for it, which is to be closed. */
  add(connection: T, host: string): T | undefined {
    const source = networkOf(host);
    const evicted = this.#makeRoom(source);
    const neighbours = this.#sources.get(source) ?? new Set();
    this.#sources.set(source, neighbours.add(connection));
    this.#size++;
    return evicted;
  }

  delete(connection: T): void {
    for (const [source, ones] of this.#sources) {
      if (!ones.delete(connection)) continue;
      this.#size--;
      if (ones.size === 0) this.#sources.delete(source);
    }
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const ones of this.#sources.values()) yield* ones;
  }

  #makeRoom(source: string): T | undefined {
    const { max, perSourceMax } = this.#limits;
    let fullest = this.#sources.get(source);
    if ((fullest?.size ?? 0) < perSourceMax) {
      if (this.#size < max) return undefined;
      for (const ones of this.#sources.values()) {
        if (ones.size > (fullest?.size ?? 0)) fullest = ones;
      }
    }
    const [oldest] = fullest ?? [];
    if (oldest !== undefined) this.delete(oldest);
    return oldest;
  }
}
