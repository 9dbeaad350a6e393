// The bytes of a machine's state: they grow, numbers in them change, and a snapshot of them costs
// no copy. A copy of 14 MB touches new memory, which may stop the tickets for 40 ms. So a
// snapshot takes the bytes as they are, and the state goes on in new memory, into which it is
// copied chunk by chunk: each before its first change, and some with each command. Until then
// what has not changed is read from the snapshot. Not here: what the bytes mean
// (`sequence_table.ts`).

import { present } from "../../base/assert.ts";

/** A page of memory: a batch of hundreds of names that lie apart must not copy all there is. */
const chunkBytes = 4096;
/** Chunks that each command copies: a fifth of a millisecond, where memory is slow. */
const chunksAtOnce = 16;
/** Chunks that each tick copies: a megabyte, some milliseconds where memory is slow. */
const chunksInTick = 256;
const lastBytes = 8;

/**
 * Bytes from 0 to `length`. All but the head and the numbers that `setLast` changes stay as they
 * were appended.
 */
export class StateBytes {
  #own: Uint8Array<ArrayBuffer>;
  #ownView: DataView;
  #length: number;
  /** Bytes of a snapshot, which others may hold as well: they never change. */
  #shared: Uint8Array | undefined;
  #sharedView: DataView | undefined;
  /** Bytes below this are those of the snapshot. 0: there is none. */
  #sharedLength = 0;
  /** For each chunk below `#sharedLength`, whether it is copied into `#own`. */
  #isCopied = new Uint8Array(0);
  /** All chunks before this one are copied. */
  #chunk = 0;

  /** @param bytes are kept, and must not change any more */
  constructor(bytes: Uint8Array) {
    this.#length = bytes.length;
    this.#own = new Uint8Array(0);
    this.#ownView = new DataView(this.#own.buffer);
    this.#goOnBehind(bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** A view of the bytes up to the first number, to read them. */
  get head(): DataView {
    return this.#isCopied[0] === 0 ? present(this.#sharedView) : this.#ownView;
  }

  /** The same, to change them. */
  get ownHead(): DataView {
    this.#copy(0);
    return this.#ownView;
  }

  /** A view in which the bytes that begin at `begin` lie at `begin`; not for numbers. */
  viewAt(begin: number): DataView {
    return begin < this.#sharedLength
      ? present(this.#sharedView)
      : this.#ownView;
  }

  lastAt(place: number): bigint {
    if (place >= this.#sharedLength) {
      return this.#ownView.getBigUint64(place, true);
    }
    // A number across two chunks that has changed has had both copied.
    const isOwn = present(this.#isCopied[chunkOf(place)]) &
      (this.#isCopied[chunkOf(place + lastBytes - 1)] ?? 1);
    const view = isOwn ? this.#ownView : present(this.#sharedView);
    return view.getBigUint64(place, true);
  }

  setLast(place: number, last: bigint): void {
    if (place < this.#sharedLength) {
      this.#copy(chunkOf(place));
      this.#copy(chunkOf(place + lastBytes - 1));
    }
    this.#ownView.setBigUint64(place, last, true);
  }

  /** Appends room for `count` bytes, to be filled in by `set` and `setLast`; where it begins. */
  append(count: number): number {
    const begin = this.#length;
    if (begin + count > this.#own.length) {
      // The memory so far is as a snapshot, unless there is none yet.
      if (this.#own.length > 0) this.#shareOwn();
      this.#open(begin + count);
    }
    this.#length = begin + count;
    return begin;
  }

  /** Fills in bytes that were appended since the last snapshot. */
  set(at: number, bytes: Uint8Array): void {
    this.#own.set(bytes, at);
  }

  /** Removes what was appended behind `length`, which no snapshot has seen. */
  cut(length: number): void {
    this.#length = length;
    // Memory may have grown since, which is as a snapshot of what is cut off.
    this.#sharedLength = Math.min(this.#sharedLength, length);
  }

  /** All bytes as they are now, which do not change any more. */
  snapshot(): Uint8Array {
    // Without a change since the last one, that is it.
    return this.#own.length === 0 ? present(this.#shared) : this.#shareOwn();
  }

  /**
   * Whether chunks are left to copy since the first change after a snapshot: the next snapshot
   * would have to copy all of them at once.
   */
  get isCopying(): boolean {
    return this.#shared !== undefined && this.#own.length > 0;
  }

  /** A tick has passed: copies many more chunks, if it has begun. */
  tick(): void {
    if (this.isCopying) this.copySome(chunksInTick);
  }

  /** Copies some more chunks, if any are left. */
  copySome(count = chunksAtOnce): void {
    if (this.#shared === undefined) return;
    const end = this.#chunk + count;
    for (; this.#chunk < end; this.#chunk++) {
      if (this.#chunk === this.#isCopied.length) return this.#forget();
      this.#copy(this.#chunk);
    }
  }

  /** All is copied: the snapshot is of no use any more. */
  #forget(): void {
    this.#shared = undefined;
    this.#sharedView = undefined;
    this.#sharedLength = 0;
  }

  /** Goes on in new memory, which is opened at the first change. */
  #goOnBehind(bytes: Uint8Array): void {
    const { buffer, byteOffset, length } = bytes;
    this.#shared = bytes;
    this.#sharedView = new DataView(buffer, byteOffset, length);
    this.#sharedLength = length;
    this.#isCopied = new Uint8Array(Math.ceil(length / chunkBytes));
    this.#chunk = 0;
    this.#own = new Uint8Array(0);
  }

  #shareOwn(): Uint8Array {
    this.#copyAll();
    const bytes = this.#own.subarray(0, this.#length);
    this.#goOnBehind(bytes);
    return bytes;
  }

  /** Opens memory for at least `count` bytes, and for some that will be appended. */
  #open(count: number): void {
    const room = Math.max(1024, Math.floor(this.#length / 4));
    this.#own = new Uint8Array(Math.max(count, this.#length + room));
    this.#ownView = new DataView(this.#own.buffer);
  }

  #copyAll(): void {
    while (this.#shared !== undefined) this.copySome();
  }

  #copy(chunk: number): void {
    if (this.#isCopied[chunk] !== 0) return;
    if (this.#own.length === 0) this.#open(this.#length);
    const at = chunk * chunkBytes;
    const end = Math.min(at + chunkBytes, this.#sharedLength);
    if (at < end) this.#own.set(present(this.#shared).subarray(at, end), at);
    this.#isCopied[chunk] = 1;
  }
}

function chunkOf(place: number): number {
  return Math.floor(place / chunkBytes);
}
