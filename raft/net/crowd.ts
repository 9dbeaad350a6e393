// A bounded crowd of connections that nothing is known of, or not enough: so many in all,
// so many of one source. When it is full, the oldest of the source that has most makes
// way for the newcomer, so that whoever floods the port elbows out himself first. Pure.

import { networkOf } from "../../base/address.ts";

export type CrowdLimits = {
  /** In all. */
  readonly max: number;
  /** Of one source: an IPv4 address, or a network of IPv6. */
  readonly perSourceMax: number;
};

export class Crowd<T> {
  readonly #limits: CrowdLimits;
  /** Of each source, the oldest first; no source without any. */
  readonly #sources = new Map<string, Set<T>>();
  #size = 0;

  constructor(limits: CrowdLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Lets `one` from `host` in; who has to go for it is in no more, and is to be closed. */
  add(one: T, host: string): T | undefined {
    const source = networkOf(host);
    const evicted = this.#makeRoom(source);
    const neighbours = this.#sources.get(source) ?? new Set();
    this.#sources.set(source, neighbours.add(one));
    this.#size++;
    return evicted;
  }

  delete(one: T): void {
    for (const [source, ones] of this.#sources) {
      if (!ones.delete(one)) continue;
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
