// Warnings about other nodes and callers, which must not fill the log, however often a node or
// a port scanner tries. A node gets one until its fault changes, all unknown callers together
// one in a while. Other log lines do not come through here.

import type { Logger } from "../../base/logger.ts";

/** Subjects that are remembered; a caller can invent any number of ids. */
const subjectsMax = 256;

/** The warnings of one node's raft port. */
export class Warnings {
  readonly #log: Logger;
  readonly #pauseMillis: number;
  /** By subject, the gist of the last warning about it. */
  readonly #gists = new Map<string, string>();
  #throttledMillis = -Infinity;
  #keptBack = 0;

  /** `pauseMillis` lies between two throttled warnings. */
  constructor(log: Logger, { pauseMillis }: { readonly pauseMillis: number }) {
    this.#log = log;
    this.#pauseMillis = pauseMillis;
  }

  /** Warns about `subject`, unless the last warning about it had the same gist. */
  once(subject: string, text: string, { gist = text } = {}): void {
    if (this.#gists.get(subject) === gist) return;
    if (this.#gists.size >= subjectsMax) this.#gists.clear();
    this.#gists.set(subject, gist);
    this.#log("warning", text);
  }

  /** `subject` is well: the next warning about it is given, whatever its gist. */
  forget(subject: string): void {
    this.#gists.delete(subject);
  }

  /** Warns unless it did so shortly before; says then how many warnings it kept back. */
  throttled(text: string): void {
    const now = performance.now();
    if (now - this.#throttledMillis < this.#pauseMillis) {
      this.#keptBack++;
      return;
    }
    const kept = this.#keptBack;
    this.#throttledMillis = now;
    this.#keptBack = 0;
    const more = kept === 0 ? "" : ` (${kept} more such lines were kept back)`;
    this.#log("warning", text + more);
  }
}
