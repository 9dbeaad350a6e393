// A leader's snapshot while its chunks arrive at a follower, in memory only: a restart begins
// it again. It belongs to no term: another leader that offers the same snapshot goes on with
// it. It is taken in place of the log when all of it is there (`follower.ts`).
//
// Memory is reserved as bytes arrive, at most 32 times as much: few bytes must not reserve
// much (PITFALLS 33), and copying many at once would hold up the tickets of this node.

import { checksumOf } from "../../base/checksum.ts";
import type { InstallSnapshot, SnapshotHead, Term } from "./types.ts";

/** Each time that so many checksums were wrong, the leader is refused. */
export const wrongChecksumsMax = 3;
/** How much more memory than has arrived may be reserved. */
const growth = 32;

/** The chunks of one snapshot, as far as they have come. */
export class IncomingSnapshot {
  readonly head: SnapshotHead;
  /** All of it came, and this version cannot restore it: it is not collected again. */
  isUnfit = false;
  /** Of the newest of its chunks: a chunk of another snapshot sent before that comes late. */
  #term: Term;
  #sequence: number;
  #data = new Uint8Array(0);
  #arrivedBytes = 0;
  #checksum = 0;
  #wrongChecksums = 0;

  constructor({ snapshot, term, sequence }: InstallSnapshot) {
    this.head = snapshot;
    this.#term = term;
    this.#sequence = sequence;
  }

  /** Bytes that are here, from the first on without a gap: the offset wanted next. */
  get arrivedBytes(): number {
    return this.#arrivedBytes;
  }

  /** Bytes of memory held. */
  get reservedBytes(): number {
    return this.#data.length;
  }

  get isComplete(): boolean {
    return this.#arrivedBytes === this.head.bytes;
  }

  /** All of its data, once it is complete. */
  get data(): Uint8Array {
    return this.#data;
  }

  /** Whether `message` carries a chunk of this very snapshot. */
  isOf({ snapshot }: InstallSnapshot): boolean {
    const { index, term, configurationIndex, bytes, checksum } = this.head;
    return snapshot.index === index && snapshot.term === term &&
      snapshot.configurationIndex === configurationIndex &&
      snapshot.bytes === bytes && snapshot.checksum === checksum;
  }

  /** Whether `message` was sent before a chunk of this snapshot that has come, in its term. */
  isNewerThan({ term, sequence }: InstallSnapshot): boolean {
    return term === this.#term && sequence < this.#sequence;
  }

  /** Takes a chunk, as far as it goes on where the last one ended. */
  take({ term, sequence, offset, chunk }: InstallSnapshot): void {
    this.#sequence = term === this.#term
      ? Math.max(this.#sequence, sequence)
      : sequence;
    this.#term = term;
    const from = this.#arrivedBytes;
    const endBytes = offset + chunk.length;
    if (offset > from || endBytes <= from) return;
    const fresh = chunk.subarray(from - offset);
    this.#reserve(endBytes);
    this.#data.set(fresh, from);
    this.#checksum = checksumOf(fresh, this.#checksum);
    this.#arrivedBytes = endBytes;
  }

  /** How often all of it came with a wrong checksum. */
  get wrongChecksums(): number {
    return this.#wrongChecksums;
  }

  /** Whether all that came has the announced checksum; if not, it begins again. */
  verify(): boolean {
    if (this.#checksum === this.head.checksum) return true;
    this.#wrongChecksums++;
    this.#drop();
    return false;
  }

  /** It is complete, and cannot be restored. */
  refuse(): void {
    this.isUnfit = true;
    this.#drop();
  }

  #drop(): void {
    this.#data = new Uint8Array(0);
    this.#arrivedBytes = this.#checksum = 0;
  }

  /** Sizes are the whole divided by powers of 32, so that the last copy is a small one. */
  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#data.length) return;
    let size = this.head.bytes;
    while (size / growth >= neededBytes) size = Math.ceil(size / growth);
    const data = new Uint8Array(size);
    data.set(this.#data.subarray(0, this.#arrivedBytes));
    this.#data = data;
  }
}
