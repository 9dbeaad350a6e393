// One other node as seen from here: the connections that lead to it, and the frames that wait
// for it. One write at a time is under way on each connection; frames that come meanwhile
// gather and leave in the next one. Not here: opening and closing connections (`peers.ts`,
// `dialler.ts`).

import type { Address } from "../../base/address.ts";
import type { NodeId } from "../core/types.ts";
import type { Wire } from "./wire.ts";

/** Bytes that wait for one node or are being written to it; above that, frames are dropped. */
export const queueBytesMax = 8 * 1024 * 1024;

/** Counted since the start. `sent`, `dropped` and `received` are messages; a write has many. */
export type Counters = {
  sent: number;
  dropped: number;
  received: number;
  writes: number;
};

/** The dialling of one node, as `dialler.ts` does it. */
export interface Dialling {
  /** The last dial failed. */
  readonly isFailing: boolean;
  /** A connection is up that leads to the configured address. */
  readonly isThere: boolean;
  /**
   * The configuration has `address` for the node. Whether this dialler dials it, or goes on
   * with a connection that leads there; otherwise another dialler is needed.
   */
  aims(address: Address): boolean;
  /** Dials at once instead of after the present pause. */
  wake(): void;
  /** Dials no more; a connection that is open stays. */
  stop(): void;
}

/** One other node: its connections, and the frames that wait for it. */
export class Link {
  readonly id: NodeId;
  /** `undefined`: this node does not dial the other one. */
  dialling: Dialling | undefined;
  dialled: Wire | undefined;
  accepted: Wire | undefined;
  /** Where the other node wants to be dialled, as it said on the accepted connection. */
  advertised = "";
  /** Where a hint says that the other node is; empty: none does. */
  hinted = "";
  #queue: Uint8Array[] = [];
  /** Bytes in the queue and being written; <= queueBytesMax. */
  #bytes = 0;
  readonly #counters: Counters;
  readonly #drained: (link: Link) => void;

  /** `drained` runs whenever frames have left, or were dropped. */
  constructor(
    id: NodeId,
    { counters, drained }: {
      readonly counters: Counters;
      readonly drained: (link: Link) => void;
    },
  ) {
    this.id = id;
    this.#counters = counters;
    this.#drained = drained;
  }

  /** The connection to send on. */
  get wire(): Wire | undefined {
    return this.dialled ?? this.accepted;
  }

  /** All connections that there are. */
  get wires(): Wire[] {
    return [this.dialled, this.accepted].filter((wire) => wire !== undefined);
  }

  /** Nothing waits, and nothing is being written. */
  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /**
   * Whether to keep a message: a connection is there, or about to be. After a failed dial it
   * is not: the messages would arrive late, old and all at once.
   */
  get isOpen(): boolean {
    if (this.wire !== undefined) return true;
    return this.dialling !== undefined && !this.dialling.isFailing;
  }

  /** Queues `frame` for the next flush; false when the queue is full. */
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
      this.#drained(this);
    });
  }

  /** Writes `bytes` to an idle `wire` of this link before the queue, which follows. */
  async write(wire: Wire, bytes: Uint8Array): Promise<void> {
    this.#counters.writes++;
    await wire.write(bytes);
    this.flush();
  }

  /** Drops the queue when no connection is there or about to be. */
  dropIfCut(): void {
    if (this.isOpen) return;
    this.#drop();
    this.#drained(this);
  }

  /**
   * Closes connections to another incarnation of the node than that of `wire`, and drops what
   * waited for it: an answer to one incarnation must not reach the next (PITFALLS 17).
   */
  settleOn({ proof: { mark } }: Wire): void {
    for (const other of this.wires) {
      if (other.proof.mark === mark) continue;
      other.close();
      this.#drop();
      this.remove(other);
    }
  }

  /** `wire` has ended, or is of no use any more. */
  remove(wire: Wire): void {
    if (this.dialled === wire) this.dialled = undefined;
    if (this.accepted === wire) this.accepted = undefined;
  }

  #drop(): void {
    this.#counters.dropped += this.#queue.length;
    for (const frame of this.#queue) this.#bytes -= frame.length;
    this.#queue = [];
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
