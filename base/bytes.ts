// A writer and a reader of little-endian fields; what the fields mean stands in
// `save_codec.ts`. The writer asserts (a value that does not fit is our bug), the reader
// throws DecodeError (bytes that do not fit are a fault of the world).
//
//   u8 u32 u64      little-endian; a u64 is at most 2^53 - 1
//   big64           u64 of the whole range, a BigInt
//   bool            u8, 0 or 1
//   id, text        length u8 · UTF-8; an id is 1 to 64 of [A-Za-z0-9._-]
//   data            length u32 · bytes

import { InvariantError } from "./assert.ts";

/** Of a text, as UTF-8: its length is one byte. */
export const textBytesMax = 255;

/** Bytes that are not ours, or damaged: an ordinary fault of the world. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

const idPattern = /^[A-Za-z0-9._-]{1,64}$/;

export function isNodeId(text: string): boolean {
  return idPattern.test(text);
}

/** Whether `text` can be encoded: the check for whoever lets an address in. */
export function isShortText(text: string): boolean {
  return text.isWellFormed() && utf8.encode(text).length <= textBytesMax;
}

const utf8 = new TextEncoder();
// A byte order mark is kept: dropping it would let two encodings mean one value.
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Not `assert`: its message would be put together for every field that fits. */
function unfit(what: string, value: unknown): never {
  throw new InvariantError(`not a ${what}: ${JSON.stringify(value)}`);
}

/** A growing buffer, reused from value to value: `reset`, write, then take `written`. */
export class Writer {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written since `reset`: a view, good until the next one. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of it, to keep. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  /** Leaves `count` bytes to be filled in later; returns where they begin. */
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

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Two halves: a third of the time that BigInt takes. */
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
    if (!isShortText(text)) unfit("short text", text);
    const bytes = utf8.encode(text);
    this.u8(bytes.length);
    this.raw(bytes);
  }

  data(data: Uint8Array, bytesMax: number): void {
    if (data.length > bytesMax) unfit(`length up to ${bytesMax}`, data.length);
    this.u32(data.length);
    this.raw(data);
  }

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

/** Reads from the front; every read throws {@linkcode DecodeError} on what is not there. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  fail(reason: string): never {
    const place = `before byte ${this.#at} of ${this.#bytes.length}`;
    throw new DecodeError(`${reason}, ${place}`);
  }

  end(): void {
    if (this.left > 0) this.fail(`${this.left} bytes too many`);
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  u64(): number {
    const at = this.#skip(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > 0x1f_ffff) this.fail("a number above 2^53 - 1");
    return high * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  /** The whole range of 64 bits. */
  big64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) this.fail(`${value} is no boolean`);
    return value === 1;
  }

  id(): string {
    return this.idOrNone() ?? this.fail("an empty node id");
  }

  idOrNone(): string | undefined {
    const length = this.u8();
    if (length === 0) return undefined;
    const at = this.#skip(length);
    // Ids are short and ASCII: this is quicker than a TextDecoder.
    let id = "";
    for (let i = at; i < at + length; i++) {
      id += String.fromCharCode(this.#view.getUint8(i));
    }
    if (!isNodeId(id)) this.fail(`${JSON.stringify(id)} is no node id`);
    return id;
  }

  text(): string {
    const length = this.u8();
    const at = this.#skip(length);
    if (length === 0) return "";
    try {
      return utf8Strict.decode(this.#bytes.subarray(at, at + length));
    } catch {
      return this.fail("a text that is not UTF-8");
    }
  }

  /** A copy of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.slice(at, at + length);
  }

  /** A copy: receive buffers are reused, while entries live on. */
  data(bytesMax: number): Uint8Array {
    const length = this.u32();
    if (length > bytesMax) this.fail(`${length} bytes, above ${bytesMax}`);
    const at = this.#skip(length);
    return this.#bytes.slice(at, at + length);
  }

  #skip(count: number): number {
    const at = this.#at;
    if (count > this.left) this.fail(`${count - this.left} bytes missing`);
    this.#at = at + count;
    return at;
  }
}
