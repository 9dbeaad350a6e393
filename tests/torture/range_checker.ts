// Decides, while tickets come in, whether ticketd keeps its promises: exactly by the rules of
// tests/lib/checker.ts, in memory that grows with the gaps and not with the tickets.
//
// It needs no history, because one thread asks and reads: the order of its calls is real time.
// A request may be answered only with numbers above all that were read before it was sent.
// That is one number, and it is known when the request is sent.

import { IntervalSet } from "./interval_set.ts";

/** One connection, and the last number that it was given: numbers rise on it. */
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
  /** Later answers must be above it, although nobody was given it. */
  #passed = 0;
  #answered = 0;
  #repeated = 0;
  #lost = 0;
  /** Tickets that were asked for and not answered: they may be used up. */
  #unknown = 0;

  /** Tickets that were answered, repeated ones included. */
  get answered(): number {
    return this.#answered;
  }

  /** Answered tickets that had been given before. */
  get repeated(): number {
    return this.#repeated;
  }

  /** The most acknowledged numbers that a later answer fell behind. */
  get lost(): number {
    return this.#lost;
  }

  /** The largest number that was given. */
  get largest(): number {
    return this.#largest;
  }

  /** The most numbers that may be used up without an answer. */
  get unknown(): number {
    return this.#unknown;
  }

  /** How many intervals hold all given numbers. */
  get intervals(): number {
    return this.#given.intervals;
  }

  /** A new connection. */
  line(): Line {
    return new Line(++this.#lines);
  }

  /** To be called just before a request is sent: its answers must be above this number. */
  asks(): number {
    return Math.max(this.#largest, this.#passed);
  }

  /** A client was told that all numbers that are asked for from now on are above `number`. */
  passes(number: number): void {
    this.#passed = Math.max(this.#passed, number);
  }

  /** `line` was just given `first` to `last`, for a request sent when `asks` said `floor`. */
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

  /** `count` tickets that were asked for will never be answered. */
  unanswered(count: number): void {
    this.#unknown += count;
  }

  /**
   * All violations. To be called when no request is under way and all requests went through
   * this checker: then no more numbers may be used up than were asked for.
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
