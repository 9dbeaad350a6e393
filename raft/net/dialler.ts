// Keeps one node dialled: at its configured address and, when that fails, wherever else it may
// be (`whereabouts.ts`). A connection elsewhere that proves the known disk is used like any
// other, so that a majority finds itself although every address in the configuration is old;
// and it is reported, so that the configuration follows. Pauses between dials grow with the
// time for which the node has been dead. Which nodes are dialled, and at which configured
// address, is decided by `peers.ts`; how a connection is opened stands in
// `outbound_handshake.ts`.

import { type Address, formatAddress } from "../../base/address.ts";
import type { NodeId } from "../core/types.ts";
import type { Members } from "../identity/peer_ranks.ts";
import type { Dialling, Link } from "./link.ts";
import type { PeerTimes } from "./peer_limits.ts";
import { elsewhere } from "./whereabouts.ts";
import type { Wire } from "./wire.ts";

/** The dependencies of a dialler. */
export type DiallerOptions = {
  readonly times: Pick<
    PeerTimes,
    | "retryMinMillis"
    | "retryMaxMillis"
    | "retryDeadMaxMillis"
    | "strayMillis"
    | "movedMillis"
    | "moveToldMillis"
  >;
  /** A connection to node `id`; `undefined` after any failure. */
  open(
    id: NodeId,
    to: { readonly address: Address; readonly signal: AbortSignal },
  ): Promise<Wire | undefined>;
  /** Uses `wire`, a dialled connection of `link`, until it has ended. */
  use(wire: Wire, link: Link): Promise<void>;
  /** The members as they are now. */
  members(): Members;
  /** As in `PeersOptions`. */
  moved(id: NodeId, address: string): void;
  /** As in `PeersOptions`. */
  missing(id: NodeId): void;
  /** In [0, 1): spreads the pauses. */
  random(): number;
};

/** A connection, and the address at which it was opened. */
type Found = { readonly wire: Wire; readonly at: Address };

/** Dials one node until it is stopped. */
export class Dialler implements Dialling {
  readonly #link: Link;
  readonly #options: DiallerOptions;
  readonly #stopping = new AbortController();
  #address: Address;
  /** Where the present connection leads. */
  #at: Address | undefined;
  /** Dials in a row that failed. */
  #failures = 0;
  /** When the node last answered at its address, or dialling began, by performance.now(). */
  #reachedMillis = performance.now();
  /** When the last connection ended, or dialling began, by performance.now(). */
  #lostMillis = performance.now();
  #wake: (() => void) | undefined;

  constructor(
    link: Link,
    { address, ...options }: DiallerOptions & { readonly address: Address },
  ) {
    this.#address = address;
    this.#link = link;
    this.#options = options;
  }

  get isFailing(): boolean {
    return this.#failures > 0;
  }

  get isThere(): boolean {
    return this.#at !== undefined && isSame(this.#at, this.#address);
  }

  aims(address: Address): boolean {
    if (isSame(address, this.#address)) return true;
    if (this.#at === undefined || !isSame(address, this.#at)) return false;
    this.#address = address;
    this.#reachedMillis = performance.now();
    return true;
  }

  wake(): void {
    this.#wake?.();
  }

  stop(): void {
    this.#stopping.abort();
    this.wake();
  }

  /** Dials, and dials again, until it is stopped and its last connection has ended. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const link = this.#link;
    while (!signal.aborted) {
      const failures = this.#failures + 1;
      const found = await this.#open();
      if (signal.aborted) found?.wire.close();
      // A connection that ends at once counts as a failure: otherwise two nodes under one
      // id, each replacing the other, would dial without a pause.
      else if (found !== undefined && await this.#use(found)) continue;
      if (!signal.aborted) this.#failures = failures;
      link.dropIfCut();
      if (!signal.aborted) await this.#pause();
    }
    link.dropIfCut();
  }

  async #open(): Promise<Found | undefined> {
    const { open, missing, members, times: { strayMillis } } = this.#options;
    const { signal } = this.#stopping;
    const { id } = this.#link;
    const configured = this.#address;
    const wire = await open(id, { address: configured, signal });
    if (wire !== undefined) {
      this.#reachedMillis = performance.now();
      return { wire, at: configured };
    }
    if (performance.now() - this.#reachedMillis < strayMillis) return undefined;
    for (
      const at of elsewhere(this.#link, { configured, members: members() })
    ) {
      if (signal.aborted) return undefined;
      const wire = await open(id, { address: at, signal });
      if (wire?.proof.isOn(members().incarnationOf(id))) return { wire, at };
      wire?.close();
    }
    if (!signal.aborted) missing(id);
    return undefined;
  }

  /** Uses a connection until it has ended; false if that was at once. */
  async #use({ wire, at }: Found): Promise<boolean> {
    const { times: { retryMaxMillis, moveToldMillis }, use } = this.#options;
    this.#failures = 0;
    this.#at = at;
    const upMillis = performance.now();
    this.#tellMove();
    const timer = setInterval(() => this.#tellMove(), moveToldMillis);
    await use(wire, this.#link);
    clearInterval(timer);
    const now = this.#lostMillis = performance.now();
    if (this.isThere) this.#reachedMillis = now;
    this.#at = undefined;
    return now - upMillis > retryMaxMillis;
  }

  /**
   * Reports a member that answers elsewhere, if its own address has led nowhere for so long
   * that a restart cannot be the cause. An address that works is never reported as left.
   */
  #tellMove(): void {
    const { times: { movedMillis }, moved } = this.#options;
    if (this.#at === undefined || this.isThere) return;
    if (performance.now() - this.#reachedMillis < movedMillis) return;
    moved(this.#link.id, formatAddress(this.#at));
  }

  /** Waits before the next dial, unless it is woken. */
  async #pause(): Promise<void> {
    const { times, random } = this.#options;
    const deadMillis = performance.now() - this.#lostMillis;
    const pause = pauseMillis(this.#failures, { times, deadMillis });
    // Spread, so that nodes do not dial in step.
    const millis = pause * (0.5 + random() / 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, millis);
    await promise;
    clearTimeout(timer);
  }
}

/**
 * The pause, in milliseconds, after so many `failures` in a row of a node that has been dead
 * for `deadMillis`: twice as long after each, up to `retryMaxMillis`; of a node that is dead
 * for long an eighth of that time, up to `retryDeadMaxMillis`.
 */
export function pauseMillis(
  failures: number,
  { times, deadMillis }: {
    readonly times: Pick<
      PeerTimes,
      "retryMinMillis" | "retryMaxMillis" | "retryDeadMaxMillis"
    >;
    readonly deadMillis: number;
  },
): number {
  const { retryMinMillis, retryMaxMillis, retryDeadMaxMillis } = times;
  const doubled = retryMinMillis * 2 ** Math.min(failures - 1, 20);
  const longest = Math.min(deadMillis / 8, retryDeadMaxMillis);
  return Math.min(doubled, Math.max(retryMaxMillis, longest));
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}
