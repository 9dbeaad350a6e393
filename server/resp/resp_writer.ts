// Appends replies in RESP to one growing buffer that is used again and again. Knows
// neither sockets nor order: `replies.ts` decides which reply is written where.
//
//   "+" text CRLF    "-" text CRLF    ":" integer CRLF    "$" length CRLF bytes CRLF
//   "*" count CRLF, then that many replies       "$-1" CRLF (RESP2), "_" CRLF (RESP3)
//   "%" count CRLF, then that many pairs (RESP3; in RESP2 an array of twice as many)

import { assert } from "../../base/assert.ts";
import { int64Max } from "../../base/range.ts";
import { allocate, free } from "./slabs.ts";

/** The version of RESP that HELLO has chosen; 2 before. */
export type Protocol = 2 | 3;

const CR = 13, LF = 10, SPACE = 32, ZERO = 48, ONE = 49, NINE = 57;
const ticketMax = 2n ** 64n - 1n;
/** Small enough for V8 to keep it inside its own heap: idle clients are many. */
const bufferBytesMin = 64;
/**
 * The largest buffer that an idle writer keeps: two for each of 10,000 clients are 160 MiB.
 * It is smaller than a block of `slabs.ts`, so an idle writer holds none that must be freed.
 */
const idleBytesMax = 8 * 1024;

/**
 * Replies, one after the other, as bytes.
 *
 * @example
 * writer.array(2);
 * writer.simple("OK");
 * writer.integer(7);
 * writer.bytes(); // *2\r\n+OK\r\n:7\r\n
 */
export class RespWriter {
  #bytes = new Uint8Array(bufferBytesMin);
  /** `0 <= length <= bytes.length` */
  #length = 0;
  /** What `bytes()` gave last: most replies are as long as the one before. */
  #view: Uint8Array<ArrayBuffer> | undefined;

  get length(): number {
    return this.#length;
  }

  /** Bytes that it keeps in memory, whatever of them is in use. */
  get reservedBytes(): number {
    return this.#bytes.length;
  }

  /** The bytes written, where they lie: good until the next change. */
  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#view?.length === this.#length) return this.#view;
    return this.#view = this.#bytes.subarray(0, this.#length);
  }

  /** Forgets all bytes; gives memory back by halves after a burst. */
  clear(): void {
    const half = this.#bytes.length >> 1;
    if (half >= 1024 && this.#length * 8 <= this.#bytes.length) {
      this.#replace(allocate(half));
    }
    this.#length = 0;
  }

  /** Forgets all bytes and keeps no large buffer: nothing is written for a while. */
  rest(): void {
    if (this.#bytes.length > idleBytesMax) {
      this.#replace(new Uint8Array(bufferBytesMin));
    }
    this.#length = 0;
  }

  /** Forgets all but the first `length` bytes: the others are of an unfinished reply. */
  truncate(length: number): void {
    assert(length <= this.#length, `${length} bytes of ${this.#length}`);
    this.#length = length;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  simple(text: string): void {
    this.#line("+", text);
  }

  /** `text` begins with its code, as in `ERR syntax error`. */
  error(text: string | Uint8Array): void {
    this.#line("-", text);
  }

  integer(value: number): void {
    this.#line(":", String(value));
  }

  /** An integer between -2^63 and 2^63 - 1. */
  integerBig(value: bigint): void {
    this.#line(":", String(value));
  }

  bulk(value: string | Uint8Array): void {
    if (typeof value === "string" && isAscii(value)) {
      // Most are numbers and short names, for which the encoder costs more than all else.
      this.#line("$", String(value.length));
      this.#text(value);
      return this.#crlf();
    }
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    this.#line("$", String(bytes.length));
    this.append(bytes);
    this.#crlf();
  }

  /** The header of a bulk string; its `bytes` bytes and CRLF follow by `ascii`. */
  bulkHeader(bytes: number): void {
    this.#line("$", String(bytes));
  }

  /** Appends `text` as it is. */
  ascii(text: string): void {
    this.#text(text);
  }

  array(count: number): void {
    this.#line("*", String(count));
  }

  map(count: number, protocol: Protocol): void {
    if (protocol === 3) this.#line("%", String(count));
    else this.array(count * 2);
  }

  null(protocol: Protocol): void {
    this.#line(protocol === 3 ? "_" : "$-1", "");
  }

  /**
   * The `count` numbers that end with `last`, each as a simple string, which has room
   * for uint64, or as a RESP integer, which has not. Converts one BigInt, then counts in
   * decimal where the digits stand: a conversion each would cost ten times as much.
   */
  ticketRun(last: bigint, count: number, prefix: "+" | ":" = "+"): void {
    const first = last - BigInt(count - 1);
    const most = prefix === "+" ? ticketMax : int64Max;
    assert(count > 0 && first > 0n && last <= most, "no such tickets");
    const digits = String(first);
    this.#line(prefix, digits);
    let size = digits.length + 3; // of a line: the prefix, CR and LF
    let left = count - 1;
    while (left > 0) {
      this.#reserve(left * size);
      left = this.#successors(size, left);
      if (left === 0) return;
      this.#oneDigitMore(size++, prefix);
      left--;
    }
  }

  /**
   * Appends up to `count` successors of the line of `size` bytes that was written
   * last. Stops early after 9, 99, 999 …; returns how many are left to write.
   */
  #successors(size: number, count: number): number {
    const bytes = this.#bytes;
    let at = this.#length - size;
    for (; count > 0; count--) {
      let digit = at + size - 3;
      while (bytes[digit] === NINE) digit--;
      if (digit === at) break; // the prefix, which is no digit
      const next = at + size;
      // deno-lint-ignore no-non-null-assertion -- what is read was written before
      for (let i = 0; i < size; i++) bytes[next + i] = bytes[at + i]!;
      // deno-lint-ignore no-non-null-assertion -- the same
      bytes[digit + size]!++;
      for (let i = digit + size + 1; i < next + size - 2; i++) bytes[i] = ZERO;
      at = next;
    }
    this.#length = at + size;
    return count;
  }

  /** After a line of `size` bytes with 9, 99, 999 … the one with 10, 100, 1000 …. */
  #oneDigitMore(size: number, prefix: string): void {
    this.#reserve(size + 1);
    const from = this.#length;
    this.#bytes[from] = prefix.charCodeAt(0);
    this.#bytes[from + 1] = ONE;
    this.#bytes.fill(ZERO, from + 2, from + size - 1);
    this.#length = from + size - 1;
    this.#crlf();
  }

  /** CR and LF within become spaces: a line must not be able to end early. */
  #line(prefix: string, value: string | Uint8Array): void {
    this.#text(prefix);
    const from = this.#length;
    if (typeof value === "string") this.#text(value);
    else this.append(value);
    for (let at = from; at < this.#length; at++) {
      const byte = this.#bytes[at];
      if (byte === CR || byte === LF) this.#bytes[at] = SPACE;
    }
    this.#crlf();
  }

  #text(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) return this.append(encoder.encode(text.slice(i)));
      this.#bytes[this.#length++] = code;
    }
  }

  #crlf(): void {
    this.#reserve(2);
    this.#bytes[this.#length++] = CR;
    this.#bytes[this.#length++] = LF;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const bytes = allocate(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#replace(bytes);
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    free(this.#bytes);
    this.#bytes = bytes;
    this.#view = undefined;
  }
}

const encoder = new TextEncoder();

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 128) return false;
  }
  return true;
}
