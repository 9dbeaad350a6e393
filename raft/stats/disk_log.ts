// Log lines about a slow disk: a write that has not finished for an election timeout, and one
// that took longer than that, with its directory, its time and its bytes. Each kind at most
// once a minute, because a disk that is slow once is slow for every write. It decides
// nothing: a leader hands over by `core/leadership.ts`.

import { Writer } from "../../base/bytes.ts";
import { spanText } from "../../base/duration.ts";
import type { Logger } from "../../base/logger.ts";
import { writeChange } from "../core/save_codec.ts";
import type { Save } from "../core/types.ts";
import type { Standstill } from "./standstill.ts";

/** Milliseconds between two lines of a kind. */
const pauseMillis = 60_000;

/** The dependencies of a disk's log lines. */
export type DiskLogOptions = {
  readonly log: Logger;
  /** Microseconds of a monotonic clock. */
  readonly micros: () => number;
  /** Where the log is kept, in words: a directory, or Deno KV. */
  readonly diskName: string;
  /** Milliseconds without a leader before an election, at least. */
  readonly electionMillis: number;
  readonly standstill: Pick<Standstill, "since">;
};

/** The lines about one node's disk. */
export class DiskLog {
  readonly #options: DiskLogOptions;
  #isStalled = false;
  #stallMillis = -Infinity;
  #slowMillis = -Infinity;
  /** Slow writes since the last line about one. */
  #keptBack = 0;

  constructor(options: DiskLogOptions) {
    this.#options = options;
  }

  /** To be called after every input: whether a write has lasted an election timeout now. */
  watch(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    if (!isStalled || this.#now - this.#stallMillis < pauseMillis) return;
    this.#stallMillis = this.#now;
    const { diskName, electionMillis, log } = this.#options;
    log(
      "warning",
      `a write to ${diskName} has not finished for ` +
        `${spanText(electionMillis)}, an election timeout: this node ` +
        `cannot lead before it does`,
    );
  }

  /** `save` is durable, `tookMicros` microseconds after it was handed over. */
  saved(save: Save, tookMicros: number): void {
    const { diskName, electionMillis, log, micros, standstill } = this.#options;
    if (tookMicros < electionMillis * 1000) return;
    // While the process stood still, the disk may long have been done.
    const millis = tookMicros / 1000 - standstill.since(micros() - tookMicros);
    if (millis < electionMillis) return;
    if (this.#now - this.#slowMillis < pauseMillis) {
      this.#keptBack++;
      return;
    }
    this.#slowMillis = this.#now;
    const kept = this.#keptBack;
    this.#keptBack = 0;
    log(
      "warning",
      `a write of ${bytesOf(save)} bytes to ${diskName} took ` +
        `${spanText(millis)} (election timeout ` +
        `${spanText(electionMillis)})` +
        (kept === 0 ? "" : `; ${kept} more took that long since the last line`),
    );
  }

  get #now(): number {
    return this.#options.micros() / 1000;
  }
}

function bytesOf(save: Save): number {
  const writer = new Writer();
  writeChange(writer, save);
  return writer.length;
}
