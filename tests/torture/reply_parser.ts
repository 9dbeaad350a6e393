// Reads the replies to TICKETs as ranges of consecutive numbers: millions a second, without an
// object for each. It can resume at any byte. Anything that is neither `+NUMBER` nor `-TEXT`
// throws. A torture run does not reach numbers beyond 2^53.
//
//   replies = ("+" digit+ CR LF | "-" text CR LF)*

import { assert } from "../../base/assert.ts";

/** Hears the replies in their order. */
export interface ReplySink {
  /** `+first` to `+last` came, with nothing between them. */
  given(first: number, last: number): void;
  /** `-text` came. */
  refused(text: string): void;
}

type Placement = "start" | "number" | "text" | "end";

const cr = 13;
const lf = 10;
const plus = 43;
const minus = 45;
const zero = 48;
const latin1 = new TextDecoder("latin1");

/** The replies of one connection. */
export class ReplyParser {
  readonly #sink: ReplySink;
  #place: Placement = "start";
  #isNumber = false;
  #number = 0;
  #digits = 0;
  #text: number[] = [];

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /**
   * Parses the next bytes. A range ends with `bytes`, so that each is told when it is read.
   *
   * @throws {SyntaxError} on anything that is no reply to TICKET
   */
  feed(bytes: Uint8Array): void {
    let first = 0;
    let last = 0;
    const flush = () => {
      if (first > 0) this.#sink.given(first, last);
      first = 0;
    };
    for (let at = 0; at < bytes.length;) {
      switch (this.#place) {
        case "start":
          this.#begin(bytes[at++]!);
          break;
        case "number":
          at = this.#digitsFrom(bytes, at);
          break;
        case "text":
          at = this.#textFrom(bytes, at);
          break;
        case "end":
          expect(bytes[at++] === lf, "a line ends with CR LF");
          this.#place = "start";
          if (this.#isNumber) {
            if (first > 0 && this.#number === last + 1) last++;
            else {
              flush();
              first = last = this.#number;
            }
          } else {
            flush();
            this.#sink.refused(latin1.decode(new Uint8Array(this.#text)));
          }
      }
    }
    flush();
  }

  #begin(byte: number): void {
    expect(byte === plus || byte === minus, `reply type ${byte}`);
    this.#isNumber = byte === plus;
    this.#place = this.#isNumber ? "number" : "text";
    this.#number = this.#digits = 0;
    this.#text.length = 0;
  }

  #digitsFrom(bytes: Uint8Array, from: number): number {
    let at = from;
    let number = this.#number;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    this.#number = number;
    this.#digits += at - from;
    if (at === bytes.length) return at;
    expect(bytes[at] === cr, `byte ${bytes[at]} in a number`);
    expect(
      this.#digits > 0 && number > 0 && Number.isSafeInteger(number),
      `ticket ${number}`,
    );
    this.#place = "end";
    return at + 1;
  }

  #textFrom(bytes: Uint8Array, from: number): number {
    const end = bytes.indexOf(cr, from);
    const part = bytes.subarray(from, end < 0 ? bytes.length : end);
    this.#text.push(...part);
    assert(this.#text.length <= 1024, "an error of more than 1 KiB");
    if (end < 0) return bytes.length;
    this.#place = "end";
    return end + 1;
  }
}

function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new SyntaxError(`no reply to TICKET: ${what}`);
}
