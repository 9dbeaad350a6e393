// Warnings about other nodes and callers, which must not fill the log, however often a node or
// a port scanner tries. A subject (a node that this one dials, one that it refuses) gets its
// first warning at once and from then on one in a while, which tells the latest fault and how
// often there was one. All unknown callers together get one in a while. Other log lines do
// not come through here.

import type { Logger } from "../../base/logger.ts";

/** Subjects that are remembered; a caller can invent any number of ids. */
const subjectsMax = 256;

/** How often warnings are given. */
export type WarningsOptions = {
  /** Milliseconds between two throttled warnings. */
  readonly pauseMillis: number;
  /** Milliseconds between two warnings about one subject. */
  readonly faultMillis: number;
  /** Milliseconds of a monotonic clock; performance.now() when left out. */
  readonly now?: () => number;
};

/** What is known of one subject. Times are those of `now`. */
type Subject = {
  /** When a warning was given last, whatever became of the subject since. */
  warnedMillis: number;
  /** When a line said last that it is well. */
  wellMillis: number;
  /** When its present faults began; `undefined` while it is well. */
  sinceMillis: number | undefined;
  /** Faults since then. */
  faults: number;
  /** A warning was given, and no line since has said that it is well. */
  isWarned: boolean;
};

/** The warnings of one node's raft port. */
export class Warnings {
  readonly #log: Logger;
  readonly #options: WarningsOptions;
  readonly #now: () => number;
  /** Those noticed last, in the order in which they were first noticed. */
  readonly #subjects = new Map<string, Subject>();
  #throttledMillis = -Infinity;
  #keptBack = 0;

  constructor(log: Logger, options: WarningsOptions) {
    this.#log = log;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Warns about `subject`, unless it was warned about shortly before. */
  once(subject: string, text: string): void {
    const now = this.#now();
    const known = this.#subject(subject);
    known.sinceMillis ??= now;
    known.faults++;
    if (now - known.warnedMillis < this.#options.faultMillis) return;
    known.warnedMillis = now;
    known.isWarned = true;
    const seconds = Math.round((now - known.sinceMillis) / 1000);
    const often = known.faults === 1
      ? ""
      : `; ${known.faults} times in ${seconds} s`;
    this.#log("warning", text + often);
  }

  /**
   * `subject` is well. Says `text`, if there is one: at once after a warning, otherwise no
   * more often than a warning would be given.
   */
  well(subject: string, text?: string): void {
    if (text === undefined && !this.#subjects.has(subject)) return;
    const now = this.#now();
    const known = this.#subject(subject);
    const isDue = known.isWarned ||
      now - known.wellMillis >= this.#options.faultMillis;
    known.sinceMillis = undefined;
    known.faults = 0;
    known.isWarned = false;
    if (text === undefined || !isDue) return;
    known.wellMillis = now;
    this.#log("info", text);
  }

  /** What is known of `subject` is out of date: the next line about it is given at once. */
  forget(subject: string): void {
    this.#subjects.delete(subject);
  }

  /** Warns unless it did so shortly before; says then how many warnings it kept back. */
  throttled(text: string): void {
    const now = this.#now();
    if (now - this.#throttledMillis < this.#options.pauseMillis) {
      this.#keptBack++;
      return;
    }
    const kept = this.#keptBack;
    this.#throttledMillis = now;
    this.#keptBack = 0;
    const more = kept === 0 ? "" : ` (${kept} more such lines were kept back)`;
    this.#log("warning", text + more);
  }

  #subject(name: string): Subject {
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    const fresh = {
      warnedMillis: -Infinity,
      wellMillis: -Infinity,
      sinceMillis: undefined,
      faults: 0,
      isWarned: false,
    };
    const [oldest] = this.#subjects.keys();
    if (this.#subjects.size >= subjectsMax && oldest !== undefined) {
      this.#subjects.delete(oldest);
    }
    this.#subjects.set(name, fresh);
    return fresh;
  }
}
