// The trace of a run: a line for each event that is worth one. Only its hash is kept. The
// same seed gives the same hash on every machine; otherwise the run depends on something
// outside it.

import type { Micros } from "./clock.ts";

export class Trace {
  /** Lines so far. */
  events = 0;
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  readonly #print: ((line: string) => void) | undefined;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** `line` happened at the moment `at`. */
  add(at: Micros, line: string): void {
    this.events++;
    this.#mix(at);
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.#print?.(`${(at / 1000).toFixed(3).padStart(12)} ms  ${line}`);
  }

  /** 16 hex digits. */
  get hash(): string {
    const hex = (half: number) => half.toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  /** FNV-1a of 32 bits, and beside it the same with another multiplier. */
  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193) >>> 0;
    this.#high = Math.imul(this.#high ^ value, 0x85ebca6b) >>> 0;
    this.#high ^= this.#high >>> 13;
    this.#high >>>= 0;
  }
}
