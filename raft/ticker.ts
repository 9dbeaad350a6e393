// A node's logical time, made of real time. Waking up is half of what an idle node costs, so a
// node that has nothing to do for some ticks sleeps through them. They are counted when they
// are over, or before a message that comes meanwhile is heard: the node decides the same as
// without sleep.
//
// A timer that fires late waits once more, so that messages that came while the process
// stood still are heard before any timeout runs out (PITFALLS 2), and counts as one tick.

/** The node, as its ticker sees it. */
export type Sleeper = {
  tick(): void;
  /** Ticks, at least 1, after which it must be woken if nothing comes before. */
  readonly restTicks: number;
};

/** Real time: a monotonic clock in milliseconds, and a timer. */
export type Clock = {
  now(): number;
  later(run: () => void, millis: number): Timer;
  cancel(timer: Timer): void;
};

type Timer = ReturnType<typeof setTimeout>;

/** Ticks for one node. */
export class Ticker {
  readonly #sleeper: Sleeper;
  readonly #tickMillis: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  /** When the timer is due, in milliseconds of the clock. */
  #dueMillis = 0;
  /** How many ticks the timer stands for. */
  #ticks = 1;
  #isStopped = false;

  /** Ticks every `tickMillis` milliseconds from now on. */
  constructor(sleeper: Sleeper, tickMillis: number, clock: Clock) {
    this.#sleeper = sleeper;
    this.#tickMillis = tickMillis;
    this.#clock = clock;
    this.#sleep(1);
  }

  /**
   * To be called before a message is heard: counts the ticks that were slept through
   * until now. Counts none of them if the process stood still: the message may have waited
   * as long as the timer.
   */
  heard(): void {
    if (this.#ticks === 1) return;
    const leftMillis = this.#dueMillis - this.#clock.now();
    if (leftMillis < 0) {
      this.#ticks = 1;
      return;
    }
    for (; leftMillis < (this.#ticks - 1) * this.#tickMillis; this.#ticks--) {
      this.#sleeper.tick();
    }
  }

  /** No tick comes after it. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
  }

  #sleep(ticks: number): void {
    const millis = ticks * this.#tickMillis;
    this.#ticks = ticks;
    this.#dueMillis = this.#clock.now() + millis;
    this.#timer = this.#clock.later(() => this.#wake(), millis);
  }

  #wake(): void {
    const lateMillis = this.#clock.now() - this.#dueMillis;
    if (lateMillis <= this.#tickMillis) return this.#count(this.#ticks);
    this.#timer = this.#clock.later(() => this.#count(1), 1);
  }

  #count(ticks: number): void {
    for (let i = 0; i < ticks; i++) this.#sleeper.tick();
    // A tick may end the node, and with it the ticker.
    if (!this.#isStopped) this.#sleep(this.#sleeper.restTicks);
  }
}
