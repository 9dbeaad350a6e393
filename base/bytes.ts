// A writer and a reader of the fields of which every format of ticketd consists, on disk and
// between nodes. What the fields mean stands where the formats do (raft/core/save_codec.ts and
// others). A value that does not fit is our bug, an InvariantError of the writer. Bytes that do
// not fit are a fault of the disk or of another node, a DecodeError of the reader.
//
//   u8 u32 u64      little-endian; a u64 is at most 2^53 - 1
//   big64           u64 of the whole range, a BigInt
//   bool            u8, 0 or 1
//   id, text        length u8 · UTF-8; an id is 1 to 64 of [A-Za-z0-9._-]
//   data            length u32 · bytes

import { InvariantError, present } from "./assert.ts";

/** The longest text, in bytes of UTF-8: its length field is one byte. */
export const textBytesMax = 255;

/** Bytes that are not ours, or damaged: an ordinary fault, not a bug. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

const idPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether `text` can be a node's id: such a text can name a folder, too. */
export function isNodeId(text: string): boolean {
  return idPattern.test(text);
}

/** Whether `text` fits a text field. To be checked before an address is accepted. */
export function isShortText(text: string): boolean {
  return text.isWellFormed() && utf8.encode(text).length <= textBytesMax;
}

const utf8 = new TextEncoder();
// A byte order mark is kept: without it, two encodings would mean one value.
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that `bytes` are in UTF-8, a byte order mark included; `undefined` if they are none. */
export function utf8In(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Not `assert`: its message would be composed for every field. */
function unfit(what: string, value: unknown): never {
  throw new InvariantError(`not a ${what}: ${JSON.stringify(value)}`);
}

/**
 * A buffer that grows, and is reused from value to value. Each field's method appends it. `u8`
 * and `u32` trust their callers; the others throw an {@linkcode InvariantError} if the value
 * does not fit.
 *
 * @example A record with its length in front
 * ```ts
 * writer.reset();
 * const at = writer.skip(4);
 * writer.id("node-1");
 * writer.u64(42);
 * writer.setU32(at, writer.length - at - 4);
 * file.append(writer.written);
 * ```
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** `bytes` is how many it holds before it grows: the size, where a large one is known. */
  constructor(bytes = 4096) {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written since `reset`: where the next field begins. */
  get length(): number {
    return this.#length;
  }

  /** The bytes written since `reset`: a view, valid until the next write or reset. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The same from byte `from` on, in pieces: one here. */
  pieces(from = 0): Uint8Array[] {
    return [this.written.subarray(from)];
  }

  /** The same as a copy, to keep. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets what was written, and keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  /** Leaves `count` bytes to be filled in later, and returns where they begin. */
  skip(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#length = needed;
    return at;
  }

  u8(value: number): void {
    const at = this.skip(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.skip(4);
    this.#view.setUint32(at, value, true);
  }

  /** Fills in a u32 for which `skip` has left room. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** In two halves, which takes a third of the time of a BigInt. */
  u64(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) unfit("u64", value);
    const at = this.skip(8);
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, value / 0x1_0000_0000, true);
  }

  /** The whole range of 64 bits. */
  big64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) unfit("big64", String(value));
    const at = this.skip(8);
    this.#view.setBigUint64(at, value, true);
  }

  id(id: string): void {
    if (!isNodeId(id)) unfit("node id", id);
    const at = this.skip(1 + id.length);
    this.#bytes[at] = id.length;
    for (let i = 0; i < id.length; i++) {
      this.#bytes[at + 1 + i] = id.charCodeAt(i);
    }
  }

  text(text: string): void {
    if (this.#asciiText(text)) return;
    if (!isShortText(text)) unfit("short text", text);
    const bytes = utf8.encode(text);
    this.u8(bytes.length);
    this.raw(bytes);
  }

  /** Most texts are ASCII, and short: an encoder would take ten times as long. */
  #asciiText(text: string): boolean {
    const { length } = text;
    if (length > textBytesMax) return false;
    const at = this.skip(1 + length);
    this.#bytes[at] = length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#length = at;
        return false;
      }
      this.#bytes[at + 1 + i] = code;
    }
    return true;
  }

  /** Bytes with their length in front, at most `bytesMax` of them. */
  data(data: Uint8Array, bytesMax: number): void {
    if (data.length > bytesMax) unfit(`length up to ${bytesMax}`, data.length);
    this.u32(data.length);
    this.raw(data);
  }

  /** Bytes without their length. */
  raw(bytes: Uint8Array): void {
    const at = this.skip(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/**
 * Reads fields from the front of `bytes`. Every read throws a {@linkcode DecodeError} if the
 * bytes end, or hold no such field.
 *
 * @example The record that {@linkcode Writer} shows
 * ```ts
 * const reader = new Reader(bytes);
 * const record = reader.data(recordBytesMax);
 * const fields = new Reader(record);
 * const entry = { id: fields.id(), count: fields.u64() };
 * fields.end();
 * ```
 */
export class Reader {
  /** All bytes, for a format that is read in place: `skip` tells where in it a field lies. */
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that are not yet read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /**
   * Refuses what was read last, for a reason that the field's type does not know.
   *
   * @throws {DecodeError} always, with `reason` and the place
   */
  fail(reason: string): never {
    const place = `before byte ${this.#at} of ${this.#bytes.length}`;
    throw new DecodeError(`${reason}, ${place}`);
  }

  /** Makes sure that nothing is left. */
  end(): void {
    if (this.left > 0) this.fail(`${this.left} bytes too many`);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  u64(): number {
    const at = this.skip(8);
    const high = this.view.getUint32(at + 4, true);
    if (high > 0x1f_ffff) this.fail("a number above 2^53 - 1");
    return high * 0x1_0000_0000 + this.view.getUint32(at, true);
  }

  /** The whole range of 64 bits. */
  big64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) this.fail(`${value} is no boolean`);
    return value === 1;
  }

  id(): string {
    return this.idOrNone() ?? this.fail("an empty node id");
  }

  /** An id, or `undefined` for one of length 0. */
  idOrNone(): string | undefined {
    const length = this.u8();
    if (length === 0) return undefined;
    const at = this.skip(length);
    // Faster than a TextDecoder, because ids are short and ASCII.
    let id = "";
    for (let i = at; i < at + length; i++) {
      id += String.fromCharCode(this.view.getUint8(i));
    }
    if (!isNodeId(id)) this.fail(`${JSON.stringify(id)} is no node id`);
    return id;
  }

  text(): string {
    const ascii = this.#asciiText();
    if (ascii !== undefined) return ascii;
    const length = this.u8();
    const at = this.skip(length);
    if (length === 0) return "";
    return utf8In(this.#bytes.subarray(at, at + length)) ??
      this.fail("a text that is not UTF-8");
  }

  /** Faster than a TextDecoder, because most texts are short; `undefined`: it is another text. */
  #asciiText(): string | undefined {
    const from = this.#at + 1;
    const end = from + (this.#bytes[this.#at] ?? 0);
    if (from > this.#bytes.length || end > this.#bytes.length) return undefined;
    let text = "";
    for (let i = from; i < end; i++) {
      const byte = present(this.#bytes[i]);
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    this.#at = end;
    return text;
  }

  /** A copy of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const at = this.skip(length);
    return this.#bytes.slice(at, at + length);
  }

  /**
   * A copy of bytes with their length in front, at most `bytesMax` of them: the buffer that is
   * read from may be reused while an entry is kept.
   */
  data(bytesMax: number): Uint8Array {
    const length = this.u32();
    if (length > bytesMax) this.fail(`${length} bytes, above ${bytesMax}`);
    const at = this.skip(length);
    return this.#bytes.slice(at, at + length);
  }

  /** Passes over `count` bytes, and returns where they begin. */
  skip(count: number): number {
    const at = this.#at;
    if (count > this.left) this.fail(`${count - this.left} bytes missing`);
    this.#at = at + count;
    return at;
  }
}
