// Finds commands in received bytes: RESP arrays and inline lines, as a Redis 7
// server reads them, in place and without copying. Knows neither commands nor
// sockets. Redis's protocol page: redis.io/docs/latest/develop/reference/protocol-spec
//
//   command = "*" count CRLF count × ("$" length CRLF length × byte CRLF)
//           | words (LF | CRLF)          ; `inline.ts` splits them
//
// Use: `feed()` the bytes that came, call `next()` until it says "more". The result depends
// on the bytes alone, never on how they were cut into packets. Commands are found where
// the bytes lie; the rest of an unfinished one is copied, and so are the bytes that follow it.
// An argument is a pair of offsets, good until the next call of `next()` or `feed()`.
//
// Stricter than Redis: smaller limits; CR must be followed by LF and a bulk by CRLF.

import { assert } from "../../base/assert.ts";
import { ArgumentOffsets } from "./argument_offsets.ts";
import { splitLine } from "./inline.ts";
import { allocate, free } from "./slabs.ts";

/** The arguments of one command, its name included. */
export const argumentsMax = 1024;
/** The bytes of one argument of an array. */
export const bulkBytesMax = 64 * 1024;
/** The bytes of an inline command, and of the line with a count or length. */
export const lineBytesMax = 64 * 1024;
/**
 * The bytes of one whole array. Without this limit a client could hold 64 MiB, 1,024 bulks
 * of 64 KiB, with a command that it never finishes.
 */
export const commandBytesMax = 256 * 1024;

/** The smallest buffer for the rest of a command: many come byte by byte. */
const restBytesMin = 64;
/** To compare fewer bytes one by one costs less than a view of all. */
const viewBytesMin = 512;
/** What came in buffers at least so large goes back to the system as soon as it was read. */
const returnedBytesMin = 8 * 1024;
const none = new Uint8Array(0);

/** The result of `next()`: a command, nothing whole yet, or bytes that break the protocol. */
export type ParseResult = "command" | "more" | "error";

const CR = 13, LF = 10, ZERO = 48, STAR = 42, DOLLAR = 36, MINUS = 45;

/**
 * The commands of one connection.
 *
 * @example
 * parser.feed(bytes);
 * while (parser.next() === "command") run(parser.text(0));
 */
export class RespParser {
  // 0 <= start <= next <= end <= bytes.length
  #bytes = none;
  /** On `#bytes`, made when it is needed. */
  #view: DataView | undefined;
  /** `#bytes` came from `allocate`, and has room behind `#end`. */
  #isOwn = false;
  /** The first byte of the current command. */
  #start = 0;
  /** The first byte that is not yet understood. */
  #next = 0;
  /** After the last byte received. */
  #end = 0;

  /** How far from `#next` the search for the end of a line has come. */
  #searched = 0;
  /** Arguments of the array still to come. */
  #missing = 0;
  /** The length of the bulk at `#next`; -1 before its header has come. */
  #bulkBytes = -1;
  /** The command from `#start` to `#next` was handed out. */
  #whole = false;
  /** Quotes were decoded in place: the bytes are no longer those received. */
  #decoded = false;
  #error: string | undefined;

  readonly #offsets = new ArgumentOffsets();

  /** Why `next()` said "error": Redis's text, without its `ERR `. */
  get error(): string {
    assert(this.#error !== undefined, "no protocol error to tell");
    return `Protocol error: ${this.#error}`;
  }

  /** How many arguments the command has, its name included. */
  get count(): number {
    return this.#offsets.count;
  }

  /** Bytes that it keeps in memory, whatever of them is in use. */
  get reservedBytes(): number {
    return this.#bytes.length + this.#offsets.reservedBytes;
  }

  /** Whether a command has begun whose rest has not come. */
  get isPartial(): boolean {
    return !this.#whole && this.#start < this.#end;
  }

  /** Gives all memory back: nothing is read any more. */
  release(): void {
    this.#drop();
    this.#whole = false;
    this.#offsets.release();
  }

  /** The number of bytes in argument `index`. */
  size(index: number): number {
    return this.#offsets.to(index) - this.#offsets.from(index);
  }

  /** Argument `index` where it lies: copy it to keep it. */
  bytes(index: number): Uint8Array {
    return this.#bytes.subarray(
      this.#start + this.#offsets.from(index),
      this.#start + this.#offsets.to(index),
    );
  }

  /** Argument `index` as UTF-8; U+FFFD stands for bytes that are none. */
  text(index: number): string {
    return decoder.decode(this.bytes(index));
  }

  /** Whether argument `index` is `word`, which is lower case ASCII, in upper or lower case. */
  is(index: number, word: string): boolean {
    if (this.size(index) !== word.length) return false;
    const from = this.#start + this.#offsets.from(index);
    for (let i = 0; i < word.length; i++) {
      const byte = this.#bytes[from + i] ?? 0;
      const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (lower !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Finds the next command; after "error" there is never another. */
  next(): ParseResult {
    this.#begin();
    while (this.#error === undefined && this.#next < this.#end) {
      if (!this.#advance() || this.#error !== undefined) break;
      if (this.#offsets.count > 0 && this.#missing === 0) {
        this.#whole = true;
        return "command";
      }
      if (this.#missing === 0) this.#start = this.#next; // an empty line or array has no reply
    }
    this.#keepRest();
    return this.#error === undefined ? "more" : "error";
  }

  /**
   * Steps over the copies of the current command that directly follow it, `most` of them
   * at most, and counts them. This makes a pipeline of TICKETs cheap: four bytes a
   * comparison, no parsing. The arguments stay readable.
   */
  repeats(most = Infinity): number {
    assert(this.#whole, "no command to repeat");
    if (this.#decoded) return 0;
    const bytes = this.#bytes;
    const size = this.#next - this.#start;
    let at = this.#next;
    const end = Math.min(this.#end, at + most * size);
    if (at + size > end) return 0;
    if (end - at >= viewBytesMin) {
      const view = this.#view ??= new DataView(
        bytes.buffer,
        bytes.byteOffset,
        bytes.length,
      );
      while (
        at + 4 <= end && view.getInt32(at) === view.getInt32(at - size)
      ) at += 4;
    }
    while (at < end && bytes[at] === bytes[at - size]) at++;
    const count = Math.floor((at - this.#next) / size);
    this.#next += count * size;
    return count;
  }

  /** Takes `bytes`, which came next, and reads them where they lie: they are nobody else's. */
  feed(bytes: Uint8Array<ArrayBuffer>): void {
    this.#begin();
    if (this.#start === this.#end) {
      this.#drop();
      this.#use(bytes);
      this.#end = bytes.length;
      return;
    }
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = undefined;
  }

  /** Holds no bytes any more. */
  #drop(): void {
    this.#giveBack();
    this.#isOwn = false;
    this.#bytes = none;
    this.#view = undefined;
    this.#start = this.#next = this.#end = 0;
  }

  #giveBack(): void {
    const { buffer, byteLength } = this.#bytes;
    if (this.#isOwn) free(this.#bytes);
    // The collector would leave it for as long as little else is allocated.
    else if (
      byteLength >= returnedBytesMin && byteLength === buffer.byteLength
    ) buffer.transfer(0);
  }

  /** Of the bytes that came it keeps those alone that no command was found in. */
  #keepRest(): void {
    if (this.#start === this.#end) this.#drop();
    else if (!this.#isOwn) this.#makeRoom(0);
  }

  /**
   * Makes room for `more` bytes behind the rest of the current command, in a buffer of its
   * own. It grows for bytes that came: those that a client only announces reserve nothing
   * (CVE-2021-32675).
   */
  #makeRoom(more: number): void {
    const bytes = this.#bytes;
    if (this.#isOwn && this.#end + more <= bytes.length) return;
    const live = this.#end - this.#start;
    if (this.#isOwn && live + more <= bytes.length) {
      bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const spare = this.#isOwn ? live : 0; // it comes in many pieces
      const room = allocate(
        Math.max(restBytesMin, live + Math.max(more, spare)),
      );
      room.set(bytes.subarray(this.#start, this.#end));
      this.#giveBack();
      this.#isOwn = true;
      this.#use(room);
    }
    this.#next -= this.#start;
    this.#start = 0;
    this.#end = live;
  }

  #begin(): void {
    if (!this.#whole) return;
    this.#whole = false;
    this.#decoded = false;
    this.#start = this.#next;
    this.#offsets.clear();
  }

  /** One step; false when more bytes are needed for it. */
  #advance(): boolean {
    if (this.#missing > 0) return this.#bulk();
    return this.#bytes[this.#next] === STAR ? this.#array() : this.#inline();
  }

  #array(): boolean {
    const count = this.#number("mbulk", "invalid multibulk length");
    if (count === undefined) return this.#error !== undefined;
    if (!(count <= argumentsMax)) return this.#fail("invalid multibulk length");
    this.#missing = Math.max(count, 0);
    return true;
  }

  #bulk(): boolean {
    if (this.#bulkBytes < 0 && !this.#bulkHeader()) return false;
    if (this.#error !== undefined) return true;
    const bytes = this.#bytes, end = this.#end;
    const to = this.#next + this.#bulkBytes;
    if (
      (to < end && bytes[to] !== CR) || (to + 1 < end && bytes[to + 1] !== LF)
    ) return this.#fail("expected CRLF after a bulk");
    if (to + 2 > end) return false;
    this.#offsets.add(this.#next - this.#start, to - this.#start);
    this.#missing--;
    this.#bulkBytes = -1;
    this.#next = to + 2;
    return true;
  }

  #bulkHeader(): boolean {
    const first = this.#bytes[this.#next] ?? 0;
    if (first !== DOLLAR) {
      return this.#fail(`expected '$', got '${String.fromCharCode(first)}'`);
    }
    const length = this.#number("bulk", "invalid bulk length");
    if (length === undefined) return this.#error !== undefined;
    if (!(length >= 0 && length <= bulkBytesMax)) {
      return this.#fail("invalid bulk length");
    }
    if (this.#next - this.#start + length > commandBytesMax) {
      return this.#fail(`too big command, over ${commandBytesMax} bytes`);
    }
    this.#bulkBytes = length;
    return true;
  }

  /**
   * Reads the line of a count or length and steps over it. NaN when it is no number;
   * `undefined` while the line is not complete, or when `#error` says what is wrong.
   */
  #number(what: "mbulk" | "bulk", invalid: string): number | undefined {
    const cr = this.#find(CR, `too big ${what} count string`);
    if (cr === undefined || cr + 1 === this.#end) return undefined;
    if (this.#bytes[cr + 1] !== LF) {
      this.#fail(invalid);
      return undefined;
    }
    const value = this.#integer(this.#next + 1, cr);
    this.#stepTo(cr + 2);
    return value;
  }

  /** The integer in a stretch of bytes as Redis's string2ll reads it, or NaN. */
  #integer(from: number, to: number): number {
    const bytes = this.#bytes;
    const negative = bytes[from] === MINUS;
    const first = negative ? from + 1 : from;
    if (first === to || to - first > 19) return NaN;
    if (bytes[first] === ZERO) return to - from === 1 ? 0 : NaN;
    let value = 0;
    for (let at = first; at < to; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  #inline(): boolean {
    const newline = this.#find(LF, "too big inline request");
    if (newline === undefined) return this.#error !== undefined;
    const crlf = newline > this.#next && this.#bytes[newline - 1] === CR;
    const split = splitLine(this.#bytes, {
      from: this.#next,
      to: crlf ? newline - 1 : newline,
      start: this.#start,
      words: this.#offsets,
      wordsMax: argumentsMax,
    });
    if (split === "too many words") return this.#fail("too big inline request");
    if (split === "unbalanced quotes") {
      return this.#fail("unbalanced quotes in request");
    }
    this.#decoded = split === "decoded";
    this.#stepTo(newline + 1);
    return true;
  }

  /** Finds the byte that ends the line at `#next`, going on where it left off. */
  #find(byte: number, tooBig: string): number | undefined {
    const bytes = this.#bytes;
    const limit = Math.min(this.#end, this.#next + lineBytesMax + 1);
    let at = this.#next + this.#searched;
    while (at < limit && bytes[at] !== byte) at++;
    if (at - this.#next > lineBytesMax) this.#fail(tooBig);
    this.#searched = at - this.#next;
    return at < limit ? at : undefined;
  }

  #stepTo(next: number): void {
    this.#next = next;
    this.#searched = 0;
  }

  #fail(error: string): true {
    this.#error = error;
    return true;
  }
}

const decoder = new TextDecoder();
