// Standstills of the process: times in which nothing ran, because somebody stopped it, the machine
// was suspended, or it got no CPU. The node's timer is late then (`ticker.ts`). The others
// may elect another leader meanwhile, and whatever was under way seems to have taken long:
// so log lines about either ask here. It decides nothing.

import { spanText } from "../../base/duration.ts";
import type { Logger } from "../../base/logger.ts";

/** The dependencies of a node's standstills. */
export type StandstillOptions = {
  readonly log: Logger;
  /** Microseconds of a monotonic clock. */
  readonly micros: () => number;
  /** Milliseconds by which the node's timer is late now; 0 if it is not. */
  readonly lateMillis: () => number;
  /** Milliseconds without a leader before an election, at least. */
  readonly electionMillis: number;
};

/** The standstills of one process. */
export class Standstill {
  readonly #options: StandstillOptions;
  #millis = 0;
  /** When the last one was noticed, by the clock. */
  #endMicros = -Infinity;

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  /** The node's timer was late by `millis`. A line tells it from an election timeout on. */
  ended(millis: number): void {
    const { electionMillis, log, micros } = this.#options;
    this.#millis = millis;
    this.#endMicros = micros();
    if (millis < electionMillis) return;
    log(
      "warning",
      `this process stood still for ${spanText(millis)} (election timeout ` +
        `${spanText(electionMillis)}): it was stopped, the machine was ` +
        `suspended, CPU or memory ran short, or its disk blocked it`,
    );
  }

  /**
   * Milliseconds of the last standstill, if it ended after `sinceMicros` or has just ended; 0 if
   * it was shorter than half an election timeout, which is too short to matter.
   */
  since(sinceMicros: number): number {
    const { electionMillis, lateMillis } = this.#options;
    const noticed = this.#endMicros >= sinceMicros ? this.#millis : 0;
    const longest = Math.max(noticed, lateMillis());
    return longest < electionMillis / 2 ? 0 : longest;
  }
}
