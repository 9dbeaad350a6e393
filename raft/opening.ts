// When clients of this process are served. The main isolate hears `ready` once a client can be
// served, or refused with a reason; a node that is to found a cluster needs that earlier, because
// the others ask it for its draft through the client port. Takes that come before there is a node
// to give them to wait here, in their order. Not here: how a node gets into a cluster
// (`resume_or_join.ts`, `joining.ts`).
//
//   start ──▶ open, takes wait (while it founds) ──▶ ready      or at once: start ──▶ ready

import type { DoorId, TakeRequest } from "./channel/messages.ts";
import type { Logger } from "../base/logger.ts";

/** Milliseconds for which a client waits in the kernel's queue while the node joins. */
const startMillis = 5_000;

/** The dependencies of an opening. */
export type OpeningOptions = {
  /** Tells the main isolate `ready`. */
  readonly open: () => void;
  /** Gives a take that has waited to the node, or refuses it if there is none. */
  readonly take: (door: DoorId, request: TakeRequest) => void;
  readonly log: Logger;
};

/** The way of one process to its clients. */
export class Opening {
  readonly #options: OpeningOptions;
  /** Main was told that clients can be served. */
  #isOpen = false;
  /** … and their takes are no longer held back. */
  #isReady = false;
  /** Takes, in their order, while the node waits for others to found a cluster with. */
  #held: (readonly [DoorId, TakeRequest])[] = [];
  /** Runs out when clients have waited for `ready` long enough. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;

  constructor(options: OpeningOptions) {
    this.#options = options;
  }

  /** Whether clients are served, and their takes no longer held back. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Keeps a take until clients are served; false if they are. */
  holds(door: DoorId, request: TakeRequest): boolean {
    if (!this.#isOpen || this.#isReady) return false;
    this.#held.push([door, request]);
    return true;
  }

  /**
   * Serves clients before there is a node, so that the others can ask for this one's draft.
   * TICKETs wait as at any start, and are refused when they have waited long enough.
   */
  openEarly(isJoined: () => boolean): void {
    this.#open();
    this.limit(isJoined);
  }

  /**
   * Serves clients after a while even if no cluster lets this node in: a client that is
   * kept waiting would not turn to another node. Not for a member that is slow to start:
   * its clients may wait.
   */
  limit(isJoined: () => boolean): void {
    this.#timer ??= setTimeout(() => {
      if (isJoined() || this.#isReady || this.#hasEnded) return;
      this.#options.log(
        "info",
        this.#isOpen
          ? "has no cluster yet: gives clients no tickets"
          : "no cluster has let this node in yet: serves clients, and gives them no tickets",
      );
      this.serve();
    }, startMillis);
  }

  /** A client can be served, or refused with a reason. */
  serve(): void {
    if (this.#isReady || this.#hasEnded) return;
    this.#release();
    this.#open();
  }

  /** The process is to stop: nothing waits any more. */
  stop(): void {
    if (this.#isOpen) this.#release();
  }

  /** The process ends. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  #open(): void {
    if (this.#isOpen || this.#hasEnded) return;
    this.#isOpen = true;
    this.#options.open();
  }

  #release(): void {
    this.#isReady = true;
    for (const held of this.#held.splice(0)) this.#options.take(...held);
  }
}
