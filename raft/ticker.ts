// A node's logical time, made of real time. Half of what an idle node costs is being woken,
// so a node that has nothing to do for some ticks sleeps through them, and counts them at
// their end, or before it hears what came meanwhile. What it decides is the same.
//
// A timer that comes late waits once more, so that messages that came while this process
// stood still are heard before any timeout runs out (PITFALLS 2), and counts as one tick.

export type Sleeper = {
  tick(): void;
  /** Ticks, at least 1, until it must be woken if nothing comes before. */
  readonly restTicks: number;
};

/** What a ticker needs of the world: monotonic milliseconds, and a timer. */
export type Clock = {
  now(): number;
  later(run: () => void, millis: number): Timer;
  cancel(timer: Timer): void;
};

type Timer = ReturnType<typeof setTimeout>;

export class Ticker {
  readonly #sleeper: Sleeper;
  readonly #millis: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  /** When the timer is due, and how many ticks it stands for. */
  #due = 0;
  #ticks = 1;
  #stopped = false;

  constructor(sleeper: Sleeper, millis: number, clock: Clock) {
    this.#sleeper = sleeper;
    this.#millis = millis;
    this.#clock = clock;
    this.#sleep(1);
  }

  /**
   * A message came: what was slept through before it is counted before it is heard, or not
   * at all, if this process stood still.
   */
  heard(): void {
    if (this.#ticks === 1) return;
    const left = this.#due - this.#clock.now();
    if (left < 0) {
      this.#ticks = 1;
      return;
    }
    for (; left < (this.#ticks - 1) * this.#millis; this.#ticks--) {
      this.#sleeper.tick();
    }
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
  }

  #sleep(ticks: number): void {
    const millis = ticks * this.#millis;
    this.#ticks = ticks;
    this.#due = this.#clock.now() + millis;
    this.#timer = this.#clock.later(() => this.#wake(), millis);
  }

  #wake(): void {
    const late = this.#clock.now() - this.#due;
    if (late <= this.#millis) return this.#count(this.#ticks);
    this.#timer = this.#clock.later(() => this.#count(1), 1);
  }

  #count(ticks: number): void {
    for (let i = 0; i < ticks; i++) this.#sleeper.tick();
    // A tick may end the node, and the ticker with it.
    if (!this.#stopped) this.#sleep(this.#sleeper.restTicks);
  }
}
