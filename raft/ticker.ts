// A node's logical time, made of real time. Waking up is most of what an idle node costs, so
// a node that has nothing to do for some ticks sleeps through them. They are counted when the
// sleep is over, or before an input that comes meanwhile: the node decides the same as
// without sleep. An input may shorten the sleep: a node that was elected has heartbeats to
// send.
//
// A timer that fires late waits once more, so that messages that came while the process
// stood still are heard before any timeout runs out (PITFALLS 2), and counts as one tick. The
// tick in which a timeout may run out is counted by the timer alone, never before an input.

/** The node, as its ticker sees it. */
export type Sleeper = {
  /** `count` ticks have passed, 1 or more; nothing is due in those before the last. */
  tick(count: number): void;
  /** Ticks, at least 1, after which it must be woken if nothing comes before. */
  restTicks(): number;
  /** The timer was late by `millis`, more than a tick: the process stood still. */
  stoodStill?(millis: number): void;
};

/** Real time: a monotonic clock in milliseconds, and timers. */
export type Clock = {
  now(): number;
  /** Runs `run` once. */
  later(run: () => void, millis: number): Timer;
  /** Runs `run` again and again. */
  every(run: () => void, millis: number): Timer;
  cancel(timer: Timer): void;
};

type Timer = ReturnType<typeof setTimeout>;

/** Ticks for one node. */
export class Ticker {
  readonly #sleeper: Sleeper;
  readonly #tickMillis: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  /** Milliseconds after which the timer fires again by itself; 0 if it does not. */
  #periodMillis = 0;
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
   * To be called before an input: how many ticks were slept through until now, but for the
   * last. Nothing is due in them; the node counts them with the input. 0 if the process stood
   * still: the input may have waited as long as the timer.
   */
  catchUp(): number {
    if (this.#ticks === 1) return 0;
    const leftMillis = this.#dueMillis - this.#clock.now();
    const left = Math.max(1, 1 + Math.floor(leftMillis / this.#tickMillis));
    const passed = Math.max(0, this.#ticks - left);
    this.#ticks -= passed;
    return -leftMillis > this.#tickMillis ? 0 : passed;
  }

  /** To be called after an input: the node may have to be woken earlier than before it. */
  cutShort(): void {
    if (this.#ticks === 1 || this.#isStopped) return;
    const spare = this.#ticks - this.#sleeper.restTicks();
    if (spare <= 0) return;
    this.#ticks -= spare;
    this.#dueMillis -= spare * this.#tickMillis;
    this.#wakeOnceAfter(Math.max(0, this.#dueMillis - this.#clock.now()));
  }

  /** Milliseconds by which the timer is late now; 0 if it is not. */
  get lateMillis(): number {
    if (this.#isStopped) return 0;
    return Math.max(0, this.#clock.now() - this.#dueMillis);
  }

  /** No tick comes after it. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #sleep(ticks: number): void {
    const millis = ticks * this.#tickMillis;
    this.#ticks = ticks;
    this.#dueMillis = this.#clock.now() + millis;
    // A timer that repeats costs a third less than one that is made anew each time.
    if (this.#periodMillis === millis) return;
    this.#cancel();
    this.#periodMillis = millis;
    this.#timer = this.#clock.every(() => this.#wake(), millis);
  }

  #wake(): void {
    const lateMillis = this.#clock.now() - this.#dueMillis;
    if (lateMillis <= this.#tickMillis) return this.#count(this.#ticks);
    this.#sleeper.stoodStill?.(lateMillis);
    this.#ticks = 1;
    this.#dueMillis = this.#clock.now() + 1;
    this.#wakeOnceAfter(1, () => this.#count(1));
  }

  #wakeOnceAfter(millis: number, run = () => this.#wake()): void {
    this.#cancel();
    this.#timer = this.#clock.later(run, millis);
  }

  #cancel(): void {
    this.#periodMillis = 0;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
  }

  #count(ticks: number): void {
    this.#sleeper.tick(ticks);
    // A tick may end the node, and with it the ticker.
    if (!this.#isStopped) this.#sleep(this.#sleeper.restTicks());
  }
}

/** The clock and timers of this process. */
export const realClock: Clock = {
  now: () => performance.now(),
  later: (run: () => void, millis: number) => setTimeout(run, millis),
  every: (run: () => void, millis: number) => setInterval(run, millis),
  cancel: clearTimeout,
};
