// A set of whole numbers as merged intervals: a hundred million tickets take only as much memory
// as there are gaps between them. Fast for numbers that mostly come at the end.

import { assert } from "../../base/assert.ts";

/** Numbers up to 2^53 - 1. */
export class IntervalSet {
  // firsts[i] <= lasts[i], and lasts[i] + 1 < firsts[i + 1]
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  #size = 0;

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  /** How many intervals hold them. */
  get intervals(): number {
    return this.#firsts.length;
  }

  /** Adds `first` to `last`, and returns the smallest of them that was there before. */
  add(first: number, last: number): number | undefined {
    assert(first <= last, "an interval is not empty");
    // The intervals that touch it: `from` to `to - 1`.
    const from = this.#firstEndingAtOrAfter(first - 1);
    let to = from;
    let repeated: number | undefined;
    let covered = 0;
    let newFirst = first;
    let newLast = last;
    for (; to < this.#firsts.length && this.#firsts[to]! <= last + 1; to++) {
      const [start, end] = [this.#firsts[to]!, this.#lasts[to]!];
      const common = Math.min(end, last) - Math.max(start, first) + 1;
      if (common > 0) {
        repeated ??= Math.max(start, first);
        covered += common;
      }
      newFirst = Math.min(newFirst, start);
      newLast = Math.max(newLast, end);
    }
    if (to === from + 1) {
      this.#firsts[from] = newFirst;
      this.#lasts[from] = newLast;
    } else {
      this.#firsts.splice(from, to - from, newFirst);
      this.#lasts.splice(from, to - from, newLast);
    }
    this.#size += last - first + 1 - covered;
    return repeated;
  }

  #firstEndingAtOrAfter(number: number): number {
    let low = 0;
    let high = this.#lasts.length;
    // Nearly always it is the end.
    if (high > 0 && this.#lasts[high - 1]! < number) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lasts[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
