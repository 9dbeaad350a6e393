// A snapshot on its way to one follower, as its leader knows it: which bytes were sent, which
// are known to be there, and what to send next. Sends nothing itself (`replication.ts`).
//
//   arrivedBytes <= sentBytes <= head.bytes
//
// The first chunk goes alone: its answer says how much the follower holds of this snapshot
// already. Then chunks go without waiting, a few at a time, each in a message with a number
// of its own. Nothing repeats them by a timer: a later answer shows that one was lost, be it
// the answer to a later chunk or to a heartbeat.

import { checksumOf } from "../../base/checksum.ts";
import type { Snapshot, SnapshotHead } from "./types.ts";

/** Chunks under way to one follower at most: with their size they bound what waits for it. */
export const chunksInFlightMax = 8;

/** One part of a snapshot's data. */
export type Chunk = {
  /** Of its first byte. */
  readonly offset: number;
  /** A view of the snapshot's data. */
  readonly bytes: Uint8Array;
};

/** What a leader says of `snapshot` with each chunk. */
export function headOf(snapshot: Snapshot): SnapshotHead {
  const { data, ...place } = snapshot;
  return { ...place, bytes: data.length, checksum: checksumOf(data) };
}

/** One snapshot for one follower. */
export class OutgoingSnapshot {
  readonly snapshot: Snapshot;
  readonly head: SnapshotHead;
  /** Bytes from the beginning that the follower holds, by its last answer. */
  #arrivedBytes = 0;
  #sentBytes = 0;
  /** It has answered a chunk since the last turn back. */
  #isAnswered = false;
  #firstSequence: number | undefined;
  /** The chunks under way, in the order in which they were sent. */
  #inFlight: { readonly sequence: number; readonly endBytes: number }[] = [];

  constructor(snapshot: Snapshot, head: SnapshotHead) {
    this.snapshot = snapshot;
    this.head = head;
  }

  /** Another chunk may be sent now. */
  get hasRoom(): boolean {
    return this.#inFlight.length < (this.#isAnswered ? chunksInFlightMax : 1);
  }

  /** The chunk to send next; `undefined` when all are under way. */
  next(bytesMax: number): Chunk | undefined {
    const offset = this.#sentBytes;
    // A snapshot without data goes in one chunk without bytes.
    const isSent = offset === this.head.bytes &&
      (offset > 0 || this.#inFlight.length > 0);
    if (isSent) return undefined;
    const bytes = this.snapshot.data.subarray(offset, offset + bytesMax);
    return { offset, bytes };
  }

  /** `chunk` has left in message `sequence`. */
  sent({ offset, bytes }: Chunk, sequence: number): void {
    this.#firstSequence ??= sequence;
    this.#sentBytes = offset + bytes.length;
    this.#inFlight.push({ sequence, endBytes: this.#sentBytes });
  }

  /**
   * After the chunk in message `sequence` came, the follower held the first `heldBytes` bytes.
   * If it lacks some before that chunk's end, all from there on is sent again. An answer that
   * comes late may tell that more is there, and nothing else.
   */
  answered(sequence: number, heldBytes: number): void {
    // It holds all and has not taken it: only a liar says so.
    const held = heldBytes < this.head.bytes ? heldBytes : 0;
    const chunk = this.#inFlight.find((sent) => sent.sequence === sequence);
    if (chunk !== undefined) this.#isAnswered = true;
    if (held < (chunk?.endBytes ?? 0)) return this.#turnBack(held);
    if (chunk === undefined && !this.#isOwn(sequence)) return;
    this.#arrivedBytes = Math.max(this.#arrivedBytes, held);
    this.#sentBytes = Math.max(this.#sentBytes, held);
    this.#inFlight = this.#inFlight.filter((sent) =>
      sent.sequence > sequence && sent.endBytes > held
    );
  }

  /**
   * The follower has answered message `sequence`, which was a heartbeat. If an earlier chunk
   * has no answer, it is lost, or its answer is: all that is not known to have arrived is sent
   * again.
   */
  overtaken(sequence: number): void {
    const [oldest] = this.#inFlight;
    if (oldest === undefined || oldest.sequence > sequence) return;
    this.#isAnswered = false;
    this.#turnBack(this.#arrivedBytes);
  }

  /** Whether message `sequence` was sent since this snapshot began. */
  #isOwn(sequence: number): boolean {
    return this.#firstSequence !== undefined && sequence >= this.#firstSequence;
  }

  #turnBack(arrivedBytes: number): void {
    this.#arrivedBytes = this.#sentBytes = arrivedBytes;
    this.#inFlight = [];
  }
}
