// How long the disk takes for a save, from the moment it was handed over to the moment
// it is durable, and how often it hung. For people to look at: nothing is decided by it.
// Reads no clock: who asks the disk says when.

/** The average is taken over this many saves. */
export const savesAveraged = 128;

export class DiskLatency {
  /** Of the newest save; 0 before any, as the other two. */
  lastMicros = 0;
  maxMicros = 0;
  /** How often the disk was found not to answer. */
  stalls = 0;
  /** The newest saves; the oldest makes room for the next. */
  readonly #micros = new Float64Array(savesAveraged);
  #saves = 0;
  #stalled = false;

  get averageMicros(): number {
    const count = Math.min(this.#saves, savesAveraged);
    if (count === 0) return 0;
    // Added up anew, as RAFT.STATS asks rarely: a running sum would gather errors.
    const sum = this.#micros.reduce((sum, micros) => sum + micros, 0);
    return Math.round(sum / count);
  }

  /** A save took `micros`. */
  saved(micros: number): void {
    const whole = Math.max(0, Math.round(micros));
    this.lastMicros = whole;
    this.maxMicros = Math.max(this.maxMicros, whole);
    this.#micros[this.#saves++ % savesAveraged] = whole;
  }

  /** Told often whether the disk hangs, it counts how often that began. */
  watch(stalled: boolean): void {
    if (stalled && !this.#stalled) this.stalls++;
    this.#stalled = stalled;
  }
}
