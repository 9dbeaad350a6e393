// Finds commands in received bytes: RESP arrays and inline lines, as a Redis 7
// server reads them, in place and without copying. Knows neither commands nor
// sockets. Redis's protocol page: redis.io/docs/latest/develop/reference/protocol-spec
//
//   command = "*" count CRLF count × ("$" length CRLF length × byte CRLF)
//           | words (LF | CRLF)          ; words split as Redis's sdssplitargs does
//
// Use: read into `space()`, tell `filled(n)`, call `next()` until it says "more".
// The outcome depends on the bytes alone, never on how they were cut into packets.
// An argument is a pair of offsets, good until the next call of `space()`.
//
// Stricter than Redis: smaller limits; CR must be followed by LF and a bulk by CRLF.
// Looser: in an inline command NUL is a byte like any other.

import { assert } from "../../base/assert.ts";
import { allocate, free } from "./slabs.ts";

export const argumentsMax = 1024;
export const bulkBytesMax = 64 * 1024;
/** Of an inline command, and of the line of a count or length. */
export const lineBytesMax = 64 * 1024;
/**
 * Of one whole array. Without it, 1,024 bulks of 64 KiB would let each client hold
 * 64 MiB with a command that is never finished.
 */
export const commandBytesMax = 256 * 1024;

/** An idle connection costs this much. */
const bufferBytesMin = 2 * 1024;
/** A buffer grows beyond this only for one long command. */
const readBytesMax = 64 * 1024;

/** Of an argument: where it begins and ends. */
const offsetBytes = 16;
/** Those of a longer command are forgotten with it. */
const offsetsKept = 64;

export type Outcome = "command" | "more" | "error";

const CR = 13, LF = 10, SPACE = 32, TAB = 9, ZERO = 48;
const STAR = 42, DOLLAR = 36, MINUS = 45, QUOTE = 34, APOSTROPHE = 39;
const BACKSLASH = 92, LETTER_X = 120;

export class RespParser {
  // 0 <= start <= next <= end <= bytes.length
  #bytes = new Uint8Array(bufferBytesMin);
  #view = new DataView(this.#bytes.buffer);
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
  /** Of the bulk at `#next`; -1 while its header is awaited. */
  #bulkBytes = -1;
  /** The command from `#start` to `#next` was handed out. */
  #whole = false;
  /** Quotes were decoded in place: the bytes are no longer those received. */
  #decoded = false;
  #error: string | undefined;

  #count = 0;
  /** Offsets from `#start`, so that moving the bytes leaves them good. */
  #from: number[] = [];
  #to: number[] = [];

  #lastRead = 0;
  #lastSpace = bufferBytesMin;

  /** Why `next()` said "error": Redis's text, without its `ERR `. */
  get error(): string {
    assert(this.#error !== undefined, "no protocol error to tell");
    return `Protocol error: ${this.#error}`;
  }

  /** How many arguments the command has, its name included. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that it keeps in memory, whatever of them is in use. */
  get reservedBytes(): number {
    return this.#bytes.length + this.#from.length * offsetBytes;
  }

  /** Whether a command has begun whose rest has not come. */
  get isPartial(): boolean {
    return !this.#whole && this.#start < this.#end;
  }

  /** Gives all memory back: nothing is read any more. */
  release(): void {
    free(this.#bytes);
    this.#use(new Uint8Array(0));
    this.#start = this.#next = this.#end = 0;
    this.#whole = false;
    this.#count = 0;
    this.#forgetOffsets();
  }

  /** The number of bytes in argument `index`. */
  size(index: number): number {
    return this.#to[index]! - this.#from[index]!;
  }

  /** Argument `index` where it lies: copy it to keep it. */
  bytes(index: number): Uint8Array {
    return this.#bytes.subarray(
      this.#start + this.#from[index]!,
      this.#start + this.#to[index]!,
    );
  }

  text(index: number): string {
    return decoder.decode(this.bytes(index));
  }

  /** Is argument `index` this word of lower case ASCII, in whatever case it came? */
  is(index: number, word: string): boolean {
    if (this.size(index) !== word.length) return false;
    const from = this.#start + this.#from[index]!;
    for (let i = 0; i < word.length; i++) {
      const byte = this.#bytes[from + i]!;
      const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (lower !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Finds the next command; after "error" there is never another. */
  next(): Outcome {
    this.#begin();
    while (this.#error === undefined && this.#next < this.#end) {
      if (!this.#advance() || this.#error !== undefined) break;
      if (this.#count > 0 && this.#missing === 0) {
        this.#whole = true;
        return "command";
      }
      if (this.#missing === 0) this.#start = this.#next; // an empty one: nothing to say
    }
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
    const bytes = this.#bytes, view = this.#view;
    const size = this.#next - this.#start;
    let at = this.#next;
    const end = Math.min(this.#end, at + most * size);
    while (
      at + 4 <= end && view.getInt32(at) === view.getInt32(at - size)
    ) at += 4;
    while (at < end && bytes[at] === bytes[at - size]) at++;
    const count = Math.floor((at - this.#next) / size);
    this.#next += count * size;
    return count;
  }

  /** Where the next bytes are to be read into; ends the life of all arguments. */
  space(): Uint8Array {
    this.#begin();
    const live = this.#end - this.#start;
    const bytes = this.#bytes;
    const size = this.#bestSize(live);
    if (size !== bytes.length) {
      this.#use(allocate(size));
      this.#bytes.set(bytes.subarray(this.#start, this.#end));
      free(bytes);
    } else if (live > 0 && this.#start > 0) {
      bytes.copyWithin(0, this.#start, this.#end);
    }
    this.#next -= this.#start;
    this.#start = 0;
    this.#end = live;
    this.#lastSpace = size - live;
    return live === 0 ? this.#bytes : this.#bytes.subarray(live);
  }

  /** So many bytes were read into what `space()` gave. */
  filled(count: number): void {
    assert(count <= this.#lastSpace, `${count} bytes in ${this.#lastSpace}`);
    this.#lastRead = count;
    this.#end += count;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Grows when the last read filled its space or a long command needs more, shrinks
   * by halves while reads stay small. What a client announces reserves nothing: only
   * bytes that came make it grow (CVE-2021-32675).
   */
  #bestSize(live: number): number {
    let size = this.#bytes.length;
    if (this.#lastRead === this.#lastSpace && size < readBytesMax) size *= 4;
    else if (live === 0 && this.#lastRead * 8 <= size) size /= 2;
    while (live * 2 > size) size *= 2;
    if (live * 2 <= readBytesMax) size = Math.min(size, readBytesMax);
    return Math.max(size, bufferBytesMin);
  }

  #begin(): void {
    if (!this.#whole) return;
    this.#whole = false;
    this.#decoded = false;
    this.#start = this.#next;
    this.#count = 0;
    // Or 10,000 clients that once sent a long command would keep 160 MB for ever.
    if (this.#from.length > offsetsKept) this.#forgetOffsets();
  }

  #forgetOffsets(): void {
    this.#from = [];
    this.#to = [];
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
    this.#argument(this.#next, to);
    this.#missing--;
    this.#bulkBytes = -1;
    this.#next = to + 2;
    return true;
  }

  #bulkHeader(): boolean {
    const first = this.#bytes[this.#next]!;
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
   * Reads the line of a count or length and steps over it. NaN: not a number;
   * undefined: the line is not complete, or `#error` says what is wrong with it.
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
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  #inline(): boolean {
    const newline = this.#find(LF, "too big inline request");
    if (newline === undefined) return this.#error !== undefined;
    const crlf = newline > this.#next && this.#bytes[newline - 1] === CR;
    this.#words(this.#next, crlf ? newline - 1 : newline);
    this.#stepTo(newline + 1);
    return true;
  }

  /** Splits a line into arguments, decoding quotes where they stand. */
  #words(from: number, to: number): void {
    const bytes = this.#bytes;
    let at = from;
    for (;;) {
      while (at < to && isSpace(bytes[at]!)) at++;
      if (at === to) return;
      if (this.#count === argumentsMax) {
        this.#fail("too big inline request");
        return;
      }
      const begin = at;
      while (at < to && !endsWord(bytes[at]!) && !isQuote(bytes[at]!)) at++;
      if (at < to && isQuote(bytes[at]!)) {
        at = this.#quoted(begin, at, to);
        if (at < 0) return;
      } else this.#argument(begin, at);
    }
  }

  /**
   * Decodes the quoted rest of the word that began at `begin`, from the quote at
   * `quote` to the closing one, which must end the word. Decoded text is never
   * longer than its source. Returns where to go on, or -1 after an error.
   */
  #quoted(begin: number, quote: number, to: number): number {
    const bytes = this.#bytes;
    const mark = bytes[quote]!;
    this.#decoded = true;
    let put = quote;
    for (let at = quote + 1; at < to; at++) {
      let byte = bytes[at]!;
      if (byte === mark) {
        if (at + 1 < to && !isSpace(bytes[at + 1]!)) break;
        this.#argument(begin, put);
        return at + 1;
      }
      if (byte === BACKSLASH && at + 1 < to) {
        if (mark === APOSTROPHE) {
          if (bytes[at + 1] === APOSTROPHE) byte = bytes[++at]!;
        } else if (bytes[at + 1] === LETTER_X && isHex(bytes, at + 2, to)) {
          byte = hexValue(bytes[at + 2]!) * 16 + hexValue(bytes[at + 3]!);
          at += 3;
        } else byte = unescaped(bytes[++at]!);
      }
      bytes[put++] = byte;
    }
    this.#fail("unbalanced quotes in request");
    return -1;
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

  #argument(from: number, to: number): void {
    this.#from[this.#count] = from - this.#start;
    this.#to[this.#count] = to - this.#start;
    this.#count++;
  }

  #fail(error: string): true {
    this.#error = error;
    return true;
  }
}

const decoder = new TextDecoder();

/** C's isspace. */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR);
}

/** Narrower than isspace, as in sdssplitargs: VT and FF may stand within a word. */
function endsWord(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LF || byte === CR;
}

function isQuote(byte: number): boolean {
  return byte === QUOTE || byte === APOSTROPHE;
}

function isHex(bytes: Uint8Array, at: number, to: number): boolean {
  return at + 2 <= to && hexValue(bytes[at]!) >= 0 &&
    hexValue(bytes[at + 1]!) >= 0;
}

function hexValue(byte: number): number {
  return "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
}

/** What a backslash makes of the byte after it, within double quotes. */
function unescaped(byte: number): number {
  const which = "nrtba".indexOf(String.fromCharCode(byte));
  return which < 0 ? byte : "\n\r\t\b\x07".charCodeAt(which);
}
