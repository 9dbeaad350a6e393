// How many numbers a leader takes from the log ahead of demand. An asker that asks again as
// soon as it is answered must not wait for a disk each time, however slow that is. The rate
// cannot tell: a slow disk keeps it low (PITFALLS 46). So takes are counted that follow each
// other without a pause. A person who types TICKET pauses, and gets exactly what is asked for.
//
//   takes with pauses between ◀──▶ `takesMin` and more between two pauses: steady
//
// A pause is a tick in which nobody asks, nobody is answered by the log, and nobody waits at
// its end. Demand that was steady also ends when `paceTicks` pass in which nobody asks. Not
// here: the numbers themselves (`reserve.ts`). Time is counted in ticks; there is no clock.

import { present } from "../../base/assert.ts";

/** Ticks over which demand is averaged; it is over when nobody has asked in any of them. */
const paceTicks = 4;
const noPace: readonly number[] = Array.from({ length: paceTicks }, () => 0);
/** Ticks that numbers taken ahead are to last: half of them outlast an fsync that is late … */
const lastingTicksMin = 2;
/** … and, at most, one that is always slow. */
const lastingTicksMax = 4;

/** The settings of a demand. */
export type DemandOptions = {
  /** Takes without a pause, at least 1, from which on numbers are taken ahead. */
  readonly takesMin: number;
  /** Numbers taken ahead at most, which is what a crash may burn; 0: never any. */
  readonly aheadMax: number;
};

/** The demand for one leader's numbers. */
export class Demand {
  readonly #options: DemandOptions;
  /** Takes since the last pause. */
  #takes = 0;
  #isSteady = false;
  /** The log has answered somebody in this tick, who may ask again in the next. */
  #isAnswered = false;
  /** Numbers asked for in this tick … */
  #asked = 0;
  /** … and in each of the last `paceTicks` before it. */
  readonly #pace = noPace.slice();
  /** The average of those. */
  #average = 0;
  /** Ticks that began while the log worked on the last entry that took numbers. */
  #entryTicks = 0;

  constructor(options: DemandOptions) {
    this.#options = options;
  }

  /**
   * Numbers to take ahead: as many as are asked for in twice the time of an entry, because
   * more are taken when half of them are left.
   */
  get ahead(): number {
    if (!this.#isSteady) return 0;
    const pace = Math.ceil(Math.max(this.#asked, this.#average));
    const ticks = Math.max(lastingTicksMin, 2 * this.#entryTicks);
    return Math.min(
      pace * Math.min(ticks, lastingTicksMax),
      this.#options.aheadMax,
    );
  }

  /** Nobody has asked for a while: a new demand would be as good as this one. */
  get isOver(): boolean {
    return !this.#isSteady && this.#takes === 0 && this.#asked === 0 &&
      this.#average === 0;
  }

  /** Numbers that may be on hand beyond those asked for. */
  get aheadMax(): number {
    return this.#options.aheadMax;
  }

  /** A take asks for `count` numbers. */
  asked(count: number): void {
    this.#asked += count;
    this.#takes++;
    if (this.#takes >= this.#options.takesMin) this.#isSteady = true;
  }

  /**
   * `count` numbers of a loan were used since `ticks` ticks ago: all in this one would look like
   * a burst, and the next loan would be larger each time.
   */
  used(count: number, ticks: number): void {
    const before = Math.min(Math.max(0, ticks - 1), paceTicks);
    const part = count / (before + 1);
    this.#pace.forEach((asked, at) => {
      if (at >= paceTicks - before) this.#pace[at] = asked + part;
    });
    this.#average = averageOf(this.#pace);
    this.asked(part);
  }

  /** An entry that took numbers is committed, in the `ticks`th tick after its proposal. */
  took(ticks: number): void {
    this.#entryTicks = ticks;
    this.#isAnswered = true;
  }

  /**
   * A tick has passed. `isWaitedFor`: somebody still waits for numbers. `isLent`: some are lent,
   * and nobody tells how much of a loan is used.
   */
  tick({ isWaitedFor = false, isLent = false } = {}): void {
    const isPause = this.#asked === 0 && !this.#isAnswered;
    if (isPause && !isWaitedFor && !isLent) this.#pause();
    this.#isAnswered = false;
    const pace = this.#pace;
    for (let at = 1; at < paceTicks; at++) pace[at - 1] = present(pace[at]);
    pace[paceTicks - 1] = this.#asked;
    this.#asked = 0;
    this.#average = averageOf(pace);
    if (this.#average === 0) this.#isSteady = false;
  }

  /** Too few takes since the last pause are no program's: what is in hand may go back. */
  #pause(): void {
    const { takesMin } = this.#options;
    if (0 < this.#takes && this.#takes < takesMin) this.#isSteady = false;
    this.#takes = 0;
  }
}

function averageOf(pace: readonly number[]): number {
  let sum = 0;
  for (const asked of pace) sum += asked;
  return sum / pace.length;
}
