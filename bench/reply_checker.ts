// What the load makes of one connection's replies: it counts the tickets in the bytes as they
// come, and the faults among them. A ticket is answered by one line or by several: integers,
// simple strings of digits, or lines that are known word for word. Knows no socket and no clock.

import { assert } from "../base/assert.ts";

/**
 * `rises`: above the one before it; a number: at least that; `line`: exactly that line; `any`:
 * any line that is no error.
 */
export type Expected = "rises" | "any" | number | { readonly line: string };

const newline = 0x0a;
const carriageReturn = 0x0d;
const [colon, plus] = [0x3a, 0x2b];
const [zero, nine] = [0x30, 0x39];
/** Of a line that is a fault, for the message. */
const faultBytesMax = 200;

export class ReplyChecker {
  readonly #expected: readonly Expected[];
  /** The line of a ticket's reply that is being read. */
  #at = 0;
  #isLineStart = true;
  #isNumber = false;
  #value = 0;
  #last = -1;
  /** The line so far, if it is none of a number. */
  #fault = "";
  #faults = 0;
  #firstFault: string | undefined;

  /** `expected`: the lines that answer one ticket, in order. */
  constructor(expected: readonly Expected[]) {
    assert(expected.length > 0, "a ticket has a reply");
    this.#expected = expected;
  }

  /** Error replies, and numbers that are not as expected. */
  get faults(): number {
    return this.#faults;
  }

  get firstFault(): string | undefined {
    return this.#firstFault;
  }

  /** The number of tickets whose last line ends in `bytes`, good or not. */
  feed(bytes: Uint8Array): number {
    let tickets = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#isNumber && byte >= zero && byte <= nine) {
        this.#value = this.#value * 10 + (byte - zero);
      } else if (byte === newline) {
        if (this.#endLine()) tickets++;
      } else if (this.#isLineStart) {
        this.#isLineStart = false;
        this.#isNumber = this.#expectsNumber &&
          (byte === colon || byte === plus);
        if (!this.#isNumber) this.#fault = String.fromCharCode(byte);
      } else if (byte !== carriageReturn) {
        this.#isNumber = false;
        if (this.#fault.length < faultBytesMax) {
          this.#fault += String.fromCharCode(byte);
        }
      }
    }
    return tickets;
  }

  get #expectsNumber(): boolean {
    const expected = this.#expected[this.#at]!;
    return expected === "rises" || typeof expected === "number";
  }

  /** Whether it was the last one of a ticket. */
  #endLine(): boolean {
    const expected = this.#expected[this.#at]!;
    if (typeof expected === "object") {
      if (this.#fault !== expected.line) this.#addFault(this.#fault);
    } else if (expected === "any") {
      if (this.#fault.startsWith("-")) this.#addFault(this.#fault);
    } else if (!this.#isNumber) {
      this.#addFault(this.#fault);
    } else if (expected === "rises") {
      if (this.#value <= this.#last) {
        this.#addFault(`${this.#value} after ${this.#last}`);
      }
      this.#last = this.#value;
    } else if (this.#value < expected) {
      this.#addFault(`${this.#value} where at least ${expected} was expected`);
    }
    this.#isLineStart = true;
    this.#isNumber = false;
    this.#value = 0;
    this.#fault = "";
    this.#at = (this.#at + 1) % this.#expected.length;
    return this.#at === 0;
  }

  #addFault(text: string): void {
    this.#faults++;
    this.#firstFault ??= text;
  }
}
