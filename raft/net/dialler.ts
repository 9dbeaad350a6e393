// Keeps one node dialled: at its configured address and, when that fails, wherever else it may
// be (`whereabouts.ts`). A connection elsewhere that proves the known disk is used like any
// other, so that a majority finds itself although every address in the configuration is old;
// and it is reported, so that the configuration follows. Pauses between dials grow with the
// time for which the node has been dead. Which nodes are dialled, and at which configured
// address, is decided by `peers.ts`; how a connection is opened stands in
// `outbound_handshake.ts`.

import { type Address, formatAddress } from "../../base/address.ts";
import { pause } from "../../base/pause.ts";
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

/** Milliseconds, at least, between two wishes for a hint. */
const hintMillisMin = 10;
/** Milliseconds after which a dial is given up for one elsewhere, when there is a reason. */
const promptMillis = 250;

/** Dials one node until it is stopped. */
export class Dialler implements Dialling {
  readonly #link: Link;
  readonly #options: DiallerOptions;
  readonly #stopping = new AbortController();
  #address: Address;
  /** Where the present connection leads. */
  #at: Address | undefined;
  /** The connection to use next. */
  #next: Found | undefined;
  /** Dials in a row that failed. */
  #failures = 0;
  /** When the node last answered at its address, or dialling began, by performance.now(). */
  #reachedMillis = performance.now();
  /** When the last connection ended, or dialling began, by performance.now(). */
  #lostMillis = performance.now();
  /** Ends the pause. */
  #wake: (() => void) | undefined;
  /** The node has given a sign of life since the last dial. */
  #isWoken = false;
  /** Gives up the dial of the configured address that is under way. */
  #giveUp: (() => void) | undefined;

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
    this.#isWoken = true;
    this.#wake?.();
    this.#giveUp?.();
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
      const found = this.#next ?? await this.#open();
      this.#next = undefined;
      if (signal.aborted) found?.wire.close();
      // A connection that ends at once counts as a failure: otherwise two nodes under one
      // id, each replacing the other, would dial without a pause.
      else if (found !== undefined && await this.#use(found)) continue;
      if (!signal.aborted) this.#failures = failures;
      link.dropIfCut();
      if (!signal.aborted) await this.#pause();
    }
    this.#next?.wire.close();
    link.dropIfCut();
  }

  async #open(): Promise<Found | undefined> {
    const { missing } = this.#options;
    const { signal } = this.#stopping;
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    // It lives, and its address led nowhere a moment ago: whether it still does is found
    // out later (`#watch`).
    if (isWoken && this.isFailing) {
      const found = await this.#openElsewhere();
      if (found !== undefined || signal.aborted) return found;
    }
    const there = await this.#openThere();
    if (there !== undefined) return there;
    const found = await this.#openElsewhere();
    const isLost = found === undefined && this.#isStray && !signal.aborted;
    if (isLost) missing(this.#link.id);
    return found;
  }

  /** Dials the configured address. */
  async #openThere(): Promise<Found | undefined> {
    const { open, missing, times: { strayMillis } } = this.#options;
    const { signal } = this.#stopping;
    const { id } = this.#link;
    const at = this.#address;
    const begunMillis = performance.now();
    const attempt = new AbortController();
    this.#giveUp = () => {
      const isSlow = performance.now() - begunMillis >= promptMillis;
      const isElsewhere = isSlow && this.#elsewhere.length > 0;
      if (signal.aborted || isElsewhere) attempt.abort();
    };
    // A dial into the void takes long: hints should be there before it is given up.
    const timer = setInterval(() => {
      if (this.#isStray) missing(id);
    }, Math.max(hintMillisMin, strayMillis / 2));
    const wire = await open(id, { address: at, signal: attempt.signal });
    clearInterval(timer);
    this.#giveUp = undefined;
    if (wire === undefined) return undefined;
    this.#reachedMillis = performance.now();
    return { wire, at };
  }

  /** Dials wherever else it may be. Only the disk that is known is that member. */
  async #openElsewhere(): Promise<Found | undefined> {
    const { open, members } = this.#options;
    const { signal } = this.#stopping;
    const { id } = this.#link;
    for (const at of this.#elsewhere) {
      if (signal.aborted) return undefined;
      const wire = await open(id, { address: at, signal });
      if (wire?.proof.isOn(members().incarnationOf(id))) return { wire, at };
      wire?.close();
    }
    return undefined;
  }

  /** Where to look for a node that has not been reached for a while. */
  get #elsewhere(): readonly Address[] {
    if (!this.#isStray) return [];
    const members = this.#options.members();
    return elsewhere(this.#link, { configured: this.#address, members });
  }

  get #isStray(): boolean {
    const missedMillis = performance.now() - this.#reachedMillis;
    return missedMillis >= this.#options.times.strayMillis;
  }

  /** Uses a connection until it has ended; false if that was at once. */
  async #use(found: Found): Promise<boolean> {
    const { times: { retryMaxMillis }, use } = this.#options;
    this.#failures = 0;
    this.#at = found.at;
    const upMillis = performance.now();
    const over = new AbortController();
    const watched = this.isThere ? undefined : this.#watch(found, over.signal);
    await use(found.wire, this.#link);
    over.abort();
    await watched;
    const now = this.#lostMillis = performance.now();
    if (this.isThere) this.#reachedMillis = now;
    this.#at = undefined;
    return this.#next !== undefined || now - upMillis > retryMaxMillis;
  }

  /**
   * While a member is used elsewhere: dials its own address again, although the member is up,
   * and reports the move each time that this fails. An address that works is used, and never
   * reported as left: it may be a proxy's, which an operator chose.
   */
  async #watch({ wire, at }: Found, over: AbortSignal): Promise<void> {
    const { times, moved } = this.#options;
    const { signal } = this.#stopping;
    while (!over.aborted && !signal.aborted && !this.isThere) {
      const address = this.#address;
      if (performance.now() - this.#reachedMillis >= times.movedMillis) {
        const there = await this.#openAgain(address, over);
        if (there !== undefined) {
          this.#next = { wire: there, at: address };
          return wire.close();
        }
        // A dial that was cut short by a stop, for another address, tells nothing of either.
        const isElsewhere = !over.aborted && !signal.aborted && !this.isThere;
        if (isElsewhere) moved(this.#link.id, formatAddress(at));
      }
      await pause(times.moveToldMillis, over);
    }
  }

  /** Dials `address` while the node is used elsewhere, and not much longer. */
  async #openAgain(
    address: Address,
    over: AbortSignal,
  ): Promise<Wire | undefined> {
    const attempt = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // The node ends the connection elsewhere as soon as it lets this one in.
    const end = () => {
      timer = setTimeout(() => attempt.abort(), promptMillis);
    };
    const stop = () => attempt.abort();
    const { signal: stopping } = this.#stopping;
    over.addEventListener("abort", end);
    stopping.addEventListener("abort", stop);
    if (stopping.aborted) stop();
    const { signal } = attempt;
    const wire = await this.#options.open(this.#link.id, { address, signal });
    over.removeEventListener("abort", end);
    stopping.removeEventListener("abort", stop);
    clearTimeout(timer);
    return wire;
  }

  /** Waits before the next dial, unless it is woken. */
  async #pause(): Promise<void> {
    const { times, random } = this.#options;
    const deadMillis = performance.now() - this.#lostMillis;
    const longest = pauseMillis(this.#failures, { times, deadMillis });
    // Spread, so that nodes do not dial in step.
    const millis = longest * (0.5 + random() / 2);
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await pause(millis, waking.signal);
    this.#wake = undefined;
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
