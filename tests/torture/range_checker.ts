// Decides, while tickets come in, whether ticketd keeps its promises: the rules of
// `../checker.ts`, exactly, in memory that grows with the gaps and not with the tickets.
//
// Exact without any history, because whoever asks and whoever reads is this one thread:
// the order of the calls is real time. A request may only be answered with numbers above
// all that were read before it was sent, and that is one number, known when it is sent.

import { IntervalSet } from "./interval_set.ts";

/** What one connection was told last: replies rise on it. */
export class Line {
  readonly id: number;
  last = 0;

  constructor(id: number) {
    this.id = id;
  }
}

type Rule = "not unique" | "not in real-time order" | "not rising";

export class RangeChecker {
  /** The first violation of each rule. */
  readonly violations = new Map<Rule, string>();
  readonly #given = new IntervalSet();
  #lines = 0;
  #largest = 0;
  #answered = 0;
  #repeated = 0;
  #lost = 0;
  /** Asked, and neither answered nor refused with nothing done. */
  #unknown = 0;

  /** Tickets that were answered, repeated ones included. */
  get answered(): number {
    return this.#answered;
  }

  /** Those that had been given before. */
  get repeated(): number {
    return this.#repeated;
  }

  /** The most acknowledged numbers at once that a later answer knew nothing of. */
  get lost(): number {
    return this.#lost;
  }

  get largest(): number {
    return this.#largest;
  }

  /** The most numbers that may have been used up without anybody being told. */
  get unknown(): number {
    return this.#unknown;
  }

  get intervals(): number {
    return this.#given.intervals;
  }

  line(): Line {
    return new Line(++this.#lines);
  }

  /** To be called just before a request is sent; its answers must be above this. */
  asks(): number {
    return this.#largest;
  }

  /** `line` was just told `first` to `last`, which it asked for at `floor`. */
  answers(
    line: Line,
    { first, last, floor }: { first: number; last: number; floor: number },
  ): void {
    const size = this.#given.size;
    const repeated = this.#given.add(first, last);
    const count = last - first + 1;
    this.#answered += count;
    this.#repeated += count - (this.#given.size - size);
    const told = `${first} to ${last} (connection ${line.id})`;
    if (repeated !== undefined) {
      this.#violated("not unique", `${repeated} in ${told} was given before`);
    }
    if (first <= floor) {
      this.#lost = Math.max(this.#lost, floor - first + 1);
      this.#violated(
        "not in real-time order",
        `${told} was asked for after ${floor} had been read`,
      );
    }
    if (first <= line.last) {
      this.#violated("not rising", `${told} came after ${line.last}`);
    }
    line.last = last;
    this.#largest = Math.max(this.#largest, last);
  }

  /** Nobody will say what became of `count` tickets that were asked for. */
  unanswered(count: number): void {
    this.#unknown += count;
  }

  /**
   * `last` is the newest number of all, nothing is under way, and all that was asked
   * went through this checker: so no more numbers are used up than were asked for.
   */
  close(): string[] {
    const { answered, unknown, largest } = this;
    const faults = [...this.violations].map(([rule, text]) =>
      `${rule}: ${text}`
    );
    if (largest > answered + unknown) {
      faults.push(
        `the last number is ${largest}, but only ${answered} were given and at most ` +
          `${unknown} can have been used up`,
      );
    }
    return faults;
  }

  #violated(rule: Rule, text: string): void {
    if (!this.violations.has(rule)) this.violations.set(rule, text);
  }
}
