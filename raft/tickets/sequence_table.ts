// The sequences of one machine, kept as the bytes of its snapshot, so that a snapshot of 100,000
// names costs nothing (`state_bytes.ts`). An open hash table finds a name in these bytes. Not
// here: what operations do (`machine.ts`).
//
//   state    = version u8 = 2 · policy u8 · count u32 · sequence*   in order of creation
//   sequence = name text · last big64
//   policy   = 0: any | 1: created
//
// Version 1 has no policy, and is else the same; it is still read. A name is that of a sequence
// (`base/sequence_name.ts`) and stands there once. Sequences are never removed, but for those
// of a group that is refused: nobody has seen them.

import { assert, present } from "../../base/assert.ts";
import { DecodeError, Reader } from "../../base/bytes.ts";
import type { Policy } from "../channel/operations.ts";
import { NameBytes } from "./name_bytes.ts";
import { StateBytes } from "./state_bytes.ts";

const version = 2;
const policies: readonly Policy[] = ["any", "created"];
/** Bytes before the first sequence: version, policy and count. */
const headBytes = 6;
const policyAt = 1;
const countAt = 2;
/** Bytes of a sequence beside its name: the length before, the number behind it. */
const sequenceBytes = 9;

/**
 * Sequences and their last numbers. `find` and `add` return where a last number lies in the
 * bytes; that place is valid until the table is cut.
 */
export class SequenceTable {
  readonly #bytes: StateBytes;
  #size = 0;
  /** Where each sequence begins, in order of creation; places behind `#size` are unused. */
  #begins: Uint32Array;
  /** 1 + the position of a sequence, or 0; a power of two, more than twice `#size`. */
  #slots: Int32Array;

  /** A table of no sequence, unless `bytes` hold some that are read next. */
  constructor(bytes: Uint8Array = emptyState(), count = 0) {
    this.#bytes = new StateBytes(bytes);
    this.#begins = new Uint32Array(Math.max(16, count));
    this.#slots = new Int32Array(slotsFor(count));
  }

  /**
   * The table whose state is `state`; that of no bytes is one of no sequence. The bytes are
   * kept, and must not change any more.
   *
   * @throws {DecodeError} on bytes that are no state; an {@linkcode InvariantError} on those
   * of a newer version
   */
  static of(state: Uint8Array): SequenceTable {
    if (state.length === 0) return new SequenceTable();
    const found = present(state[0]);
    assert(
      !isNewerState(state),
      `format ${found} in the log is newer than this ticketd, which knows ${version}`,
    );
    if (found === 0) throw new DecodeError("format 0");
    const bytes = found === version ? state : inNewVersion(state);
    const reader = new Reader(bytes);
    reader.u8();
    if (reader.u8() >= policies.length) reader.fail("an unknown policy");
    const count = reader.u32();
    // Few bytes must not reserve much memory (PITFALLS 33).
    if (count > reader.left / sequenceBytes) reader.fail(`${count} sequences`);
    const table = new SequenceTable(bytes, count);
    table.#readSequences(count);
    return table;
  }

  get size(): number {
    return this.#size;
  }

  get policy(): Policy {
    return present(policies[this.#bytes.head.getUint8(policyAt)]);
  }

  set policy(policy: Policy) {
    this.#bytes.ownHead.setUint8(policyAt, policies.indexOf(policy));
  }

  /** The state's bytes as they are now, which do not change any more. */
  state(): Uint8Array {
    return this.#bytes.snapshot();
  }

  /** Does a part of the work that `state` has put off. */
  goOn(): void {
    this.#bytes.copySome();
  }

  /** Whether `state` would have much to do now, which it has put off. */
  get isBehind(): boolean {
    return this.#bytes.isCopying;
  }

  /** A tick has passed: does a larger part of that work. */
  tick(): void {
    this.#bytes.tick();
  }

  /** Where the last number of `name` lies; `undefined` if there is no such sequence. */
  find(name: NameBytes): number | undefined {
    const position = present(this.#slots[this.#slotOf(name)]) - 1;
    if (position < 0) return undefined;
    return present(this.#begins[position]) + 1 + name.length;
  }

  /** Adds a sequence that is not there yet, with the last number 0; where that lies. */
  add(name: NameBytes): number {
    if (2 * (this.#size + 1) >= this.#slots.length) this.#spread();
    const slot = this.#slotOf(name);
    const { view: { buffer, byteOffset }, at, length } = name;
    const begin = this.#bytes.append(length + sequenceBytes);
    const place = begin + 1 + length;
    this.#bytes.set(begin, Uint8Array.of(length));
    this.#bytes.set(
      begin + 1,
      new Uint8Array(buffer, byteOffset + at, length),
    );
    this.#bytes.setLast(place, 0n);
    this.#enter(slot, begin);
    this.#bytes.ownHead.setUint32(countAt, this.#size, true);
    return place;
  }

  /** The last number that lies at `place`. */
  lastAt(place: number): bigint {
    return this.#bytes.lastAt(place);
  }

  setLast(place: number, last: bigint): void {
    this.#bytes.setLast(place, last);
  }

  /** Removes the newest sequences until `size` are left. */
  cut(size: number): void {
    while (this.#size > size) {
      const begin = present(this.#begins[this.#size - 1]);
      // No name behind it was entered later, so that no search passes over its slot.
      this.#slots[this.#slotOf(this.#nameAt(begin))] = 0;
      this.#size--;
      this.#bytes.cut(begin);
    }
    this.#bytes.ownHead.setUint32(countAt, this.#size, true);
  }

  /** The sequences at positions `from` up to `to`, in order of creation. */
  sequences(from: number, to: number): (readonly [string, bigint])[] {
    const sequences: (readonly [string, bigint])[] = [];
    for (let i = from; i < Math.min(to, this.#size); i++) {
      const begin = present(this.#begins[i]);
      const name = this.#nameAt(begin);
      sequences.push([`${name}`, this.lastAt(name.at + name.length)]);
    }
    return sequences;
  }

  #readSequences(count: number): void {
    const { length } = this.#bytes;
    let begin = headBytes;
    for (let left = count; left > 0; left--) {
      const end = begin < length
        ? begin + this.#lengthAt(begin) + sequenceBytes
        : begin + sequenceBytes;
      if (end > length) throw new DecodeError(`${end - length} bytes missing`);
      const name = this.#nameAt(begin);
      const slot = this.#slotOf(name);
      if (this.#slots[slot] !== 0) {
        throw new DecodeError(`sequence ${name} stands there twice`);
      }
      this.#enter(slot, begin);
      begin = end;
    }
    if (begin < length) {
      throw new DecodeError(`${length - begin} bytes too many`);
    }
  }

  /** The next position is that of the sequence that begins at `begin`. */
  #enter(slot: number, begin: number): void {
    if (this.#size === this.#begins.length) {
      const begins = new Uint32Array(2 * this.#size);
      begins.set(this.#begins);
      this.#begins = begins;
    }
    this.#begins[this.#size++] = begin;
    this.#slots[slot] = this.#size;
  }

  #nameAt(begin: number): NameBytes {
    const view = this.#bytes.viewAt(begin);
    return new NameBytes(view, begin + 1, view.getUint8(begin));
  }

  #lengthAt(begin: number): number {
    return this.#bytes.viewAt(begin).getUint8(begin);
  }

  /** The slot that holds `name`, or the free one in which it belongs. */
  #slotOf(name: NameBytes): number {
    const mask = this.#slots.length - 1;
    for (let slot = name.hash & mask;; slot = (slot + 1) & mask) {
      const position = present(this.#slots[slot]) - 1;
      if (position < 0) return slot;
      const begin = present(this.#begins[position]);
      const view = this.#bytes.viewAt(begin);
      const isAsLong = view.getUint8(begin) === name.length;
      if (isAsLong && name.isAt(view, begin + 1)) return slot;
    }
  }

  /** Enters all sequences in their order into a larger table. */
  #spread(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let i = 0; i < this.#size; i++) {
      this.#slots[this.#slotOf(this.#nameAt(present(this.#begins[i])))] = i + 1;
    }
  }
}

/** Whether a later ticketd wrote the state, in a version that this one does not know. */
export function isNewerState(state: Uint8Array): boolean {
  return (state[0] ?? 0) > version;
}

function emptyState(): Uint8Array {
  return Uint8Array.of(version, 0, 0, 0, 0, 0);
}

/** The bytes of a state of the former version, with the policy of then. */
function inNewVersion(state: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(state.length + 1);
  bytes[0] = version;
  bytes.set(state.subarray(1), countAt);
  return bytes;
}

/** The smallest power of two above twice `count`, which leaves room for one more. */
function slotsFor(count: number): number {
  return 2 ** Math.max(6, Math.ceil(Math.log2(2 * count + 3)));
}
