// What clients of a run were given of each sequence, by the checkers of tickets
// (`tests/torture/range_checker.ts`), one a sequence; and the sums of all. Numbers that may be
// used up without an answer are counted for all sequences together.

import { type Line, RangeChecker } from "../torture/range_checker.ts";

export class Sequences {
  readonly #checkers = new Map<string, RangeChecker>();
  #unknown = 0;

  /** The names of which anything was asked. */
  get names(): Iterable<string> {
    return this.#checkers.keys();
  }

  of(name: string): RangeChecker {
    const known = this.#checkers.get(name);
    if (known !== undefined) return known;
    const fresh = new RangeChecker();
    this.#checkers.set(name, fresh);
    return fresh;
  }

  /** Tickets that were answered. */
  get answered(): number {
    let sum = 0;
    for (const { answered } of this.#checkers.values()) sum += answered;
    return sum;
  }

  /** The most numbers that may be used up without an answer. */
  get unknown(): number {
    return this.#unknown;
  }

  /** `count` numbers may be used up without an answer. */
  unanswered(count: number): void {
    this.#unknown += count;
  }

  /** The first violation of any rule in any sequence. */
  get violation(): string | undefined {
    for (const [name, { violations }] of this.#checkers) {
      for (const text of violations.values()) return `${name}: ${text}`;
    }
    return undefined;
  }
}

/** One connection of a client: its numbers rise in each sequence. */
export class Lines {
  readonly #sequences: Sequences;
  readonly #lines = new Map<string, Line>();

  constructor(sequences: Sequences) {
    this.#sequences = sequences;
  }

  of(name: string): Line {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const fresh = this.#sequences.of(name).line();
    this.#lines.set(name, fresh);
    return fresh;
  }
}
