// How long the disk takes for a save, from handing it over until it is durable, and how
// often the disk hung. People look at it; nothing is decided by it. Reads no clock:
// `saver.ts` measures.

/** The average is taken over this many saves, the newest ones. */
export const savesAveraged = 128;

/** The figures of one disk since the process began. */
export class DiskLatency {
  /** Whole microseconds of the newest save; 0 before any. */
  lastMicros = 0;
  /** Whole microseconds of the longest save; 0 before any. */
  maxMicros = 0;
  /** How often the disk began to hang. */
  stalls = 0;
  /** A ring of the newest saves. */
  readonly #micros = new Float64Array(savesAveraged);
  #saves = 0;
  #isStalled = false;

  /** Whole microseconds of the newest saves on average; 0 before any. */
  get averageMicros(): number {
    const count = Math.min(this.#saves, savesAveraged);
    if (count === 0) return 0;
    // Added up anew, as RAFT.STATS asks rarely: a running sum would gather errors.
    const sum = this.#micros.reduce((sum, micros) => sum + micros, 0);
    return Math.round(sum / count);
  }

  /** A save took `micros`, in microseconds. */
  saved(micros: number): void {
    const whole = Math.max(0, Math.round(micros));
    this.lastMicros = whole;
    this.maxMicros = Math.max(this.maxMicros, whole);
    this.#micros[this.#saves++ % savesAveraged] = whole;
  }

  /** To be called after every input. Counts how often the disk began to hang. */
  watch(isStalled: boolean): void {
    if (isStalled && !this.#isStalled) this.stalls++;
    this.#isStalled = isStalled;
  }
}
