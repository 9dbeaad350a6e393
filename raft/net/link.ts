// One other node as seen from here: the connections that lead to it, and what waits to
// be sent. One write at a time on each connection; what comes meanwhile gathers and
// leaves with the next. Who opens and closes connections is `peers.ts`.

import type { Address } from "../../base/address.ts";
import type { NodeId } from "../core/types.ts";
import type { Wire } from "./wire.ts";

/** Waiting for one node, what is being written included; above it frames are dropped. */
export const queueBytesMax = 8 * 1024 * 1024;

/** Since the start; one write carries a whole batch. */
export type Counters = {
  sent: number;
  dropped: number;
  received: number;
  writes: number;
};

export class Link {
  readonly id: NodeId;
  /** Where to dial it; `undefined`: it is not for us to dial. */
  address: Address | undefined;
  dialled: Wire | undefined;
  accepted: Wire | undefined;
  /** Where it wants to be dialled, as it said on the accepted connection. */
  claims = "";
  /** When a dial last succeeded, or the address was given (`performance.now()`). */
  reachedMillis = 0;
  /** Dials in a row that came to nothing. */
  failures = 0;
  /** Ends the dialling, and with it the pause between two dials. */
  dialling: AbortController | undefined;
  wake: (() => void) | undefined;
  #queue: Uint8Array[] = [];
  /** In the queue and being written; <= queueBytesMax. */
  #bytes = 0;
  readonly #counters: Counters;
  readonly #settled: (link: Link) => void;

  /** `settled` runs whenever something has left, or never will. */
  constructor(
    id: NodeId,
    { counters, settled }: {
      counters: Counters;
      settled: (link: Link) => void;
    },
  ) {
    this.id = id;
    this.#counters = counters;
    this.#settled = settled;
  }

  /** The connection to send on. */
  get wire(): Wire | undefined {
    return this.dialled ?? this.accepted;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /**
   * Whether it is worth keeping a message: a connection is there, or about to be.
   * After a failed dial it is not; what waits would arrive late, old and all at once.
   */
  get isOpen(): boolean {
    if (this.wire !== undefined) return true;
    return this.address !== undefined && this.failures === 0;
  }

  /** Keeps `frame` for the next flush; false when there is no room for it. */
  keep(frame: Uint8Array): boolean {
    if (this.#bytes + frame.length > queueBytesMax) return false;
    this.#queue.push(frame);
    this.#bytes += frame.length;
    return true;
  }

  /** Begins to write all that waits, in one piece, unless a write is under way. */
  flush(): void {
    const { wire } = this;
    if (wire === undefined || wire.busy || this.#queue.length === 0) return;
    const batch = joined(this.#queue);
    this.#counters.sent += this.#queue.length;
    this.#queue = [];
    void this.write(wire, batch).then(() => {
      this.#bytes -= batch.length;
      this.#settled(this);
    });
  }

  /** Writes `bytes` out of turn to an idle `wire` of this link, then what gathered. */
  async write(wire: Wire, bytes: Uint8Array): Promise<void> {
    this.#counters.writes++;
    await wire.write(bytes);
    this.flush();
  }

  /** Gives up what waits when nothing leads there any more. */
  dropIfCut(): void {
    if (this.isOpen) return;
    this.drop();
    this.#settled(this);
  }

  /** What waits was for another life of the node. */
  drop(): void {
    this.#counters.dropped += this.#queue.length;
    for (const frame of this.#queue) this.#bytes -= frame.length;
    this.#queue = [];
  }

  stopDialling(): void {
    this.dialling?.abort();
    this.wake?.();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
