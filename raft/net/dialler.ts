// Keeps one node dialled at one address: dials again whenever the connection has ended, after a
// pause that grows with each failure, and finds out whether a member that cannot be reached
// has moved. Which nodes are dialled, and at which addresses, is decided by `peers.ts`; how a
// connection is opened stands in `outbound_handshake.ts`.

import {
  type Address,
  completedAddress,
  formatAddress,
  parseAddress,
} from "../../base/address.ts";
import type { NodeId } from "../core/types.ts";
import { type Members, rankOf } from "../identity/peer_ranks.ts";
import type { Dialling, Link } from "./link.ts";
import type { PeerTimes } from "./peer_limits.ts";
import type { Wire } from "./wire.ts";

/** The dependencies of a dialler. */
export type DiallerOptions = {
  readonly times: Pick<
    PeerTimes,
    "retryMinMillis" | "retryMaxMillis" | "movedMillis"
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
  /** In [0, 1): spreads the pauses. */
  random(): number;
};

/** Dials one node at one address until it is stopped. */
export class Dialler implements Dialling {
  readonly address: Address;
  readonly #link: Link;
  readonly #options: DiallerOptions;
  readonly #stopping = new AbortController();
  /** Dials in a row that failed. */
  #failures = 0;
  /** When a dial last succeeded, or dialling began, by performance.now(). */
  #reachedMillis = performance.now();
  #wake: (() => void) | undefined;

  constructor(
    link: Link,
    { address, ...options }: DiallerOptions & { readonly address: Address },
  ) {
    this.address = address;
    this.#link = link;
    this.#options = options;
  }

  get isFailing(): boolean {
    return this.#failures > 0;
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
    const { times: { retryMaxMillis }, open, use } = this.#options;
    const { signal } = this.#stopping;
    const link = this.#link;
    while (!signal.aborted) {
      const failures = this.#failures + 1;
      const wire = await open(link.id, { address: this.address, signal });
      if (signal.aborted) wire?.close();
      else if (wire !== undefined) {
        this.#failures = 0;
        const upMillis = this.#reachedMillis = performance.now();
        await use(wire, link);
        // A connection that ends at once counts as a failure: otherwise two nodes under one
        // id, each replacing the other, would dial without a pause.
        if (performance.now() - upMillis > retryMaxMillis) continue;
      }
      if (!signal.aborted) {
        this.#failures = failures;
        await this.#noteMove();
      }
      link.dropIfCut();
      if (!signal.aborted) await this.#pause();
    }
    link.dropIfCut();
  }

  /**
   * A member that reaches this node, and has not been reached for long, may have moved.
   * `moved` hears of it only once the member answers at the address that it advertises, on
   * the disk that is known.
   */
  async #noteMove(): Promise<void> {
    const { times: { movedMillis }, open, moved } = this.#options;
    const { id, accepted, advertised } = this.#link;
    const missedMillis = performance.now() - this.#reachedMillis;
    if (accepted === undefined || missedMillis < movedMillis) return;
    const members = this.#options.members();
    // Any other node could make this one dial an address of its choice.
    if (rankOf(id, accepted.proof, members) !== "known") return;
    const disk = members.incarnationOf(id);
    if (disk === "") return;
    const host = parseAddress(accepted.remote)?.host ?? "";
    const text = completedAddress(advertised, host);
    const address = parseAddress(text);
    if (address === undefined || address.port === 0) return;
    if (text === formatAddress(this.address)) return;
    const { signal } = this.#stopping;
    const wire = await open(id, { address, signal });
    wire?.close();
    if (wire?.proof.isOn(disk)) moved(id, text);
  }

  /** Twice as long after each failure, and spread so that nodes do not dial in step. */
  async #pause(): Promise<void> {
    const { times: { retryMinMillis, retryMaxMillis }, random } = this.#options;
    const backoff = retryMinMillis * 2 ** Math.min(this.#failures - 1, 20);
    const millis = Math.min(backoff, retryMaxMillis) * (0.5 + random() / 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, millis);
    await promise;
    clearTimeout(timer);
  }
}
