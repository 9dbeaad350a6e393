// The log of a node that waits to join: at once whatever is new about an address of --join, and
// once a minute all of it. Keeps what was met at each address last, for the error when joining
// is given up. Not here: the words (`join_obstacles.ts`).

import type { Logger } from "../../base/logger.ts";
import { type Obstacle, obstacleText } from "./join_obstacles.ts";

/** Milliseconds between two lines that say nothing new. */
const repeatMillis = 60_000;
/** Lines about something new in that time: a server may answer differently each time. */
const newsMax = 20;

/** The log of one wait. */
export class JoinLog {
  readonly #log: Logger;
  /** When the wait began, by the clock. */
  readonly #sinceMillis: number;
  /** By address of --join, what was met at each address behind it, when it was asked last. */
  readonly #met = new Map<string, Map<string, Obstacle>>();
  /** The same of the address that is asked now, when it was asked before. */
  #before: ReadonlyMap<string, Obstacle> = new Map();
  /** All that was told since the last line about everything. */
  readonly #told = new Set<string>();
  readonly #now: () => number;
  #repeatedMillis: number;

  /** `now` is the clock, in milliseconds. */
  constructor(
    { log, sinceMillis, now = () => performance.now() }: {
      readonly log: Logger;
      readonly sinceMillis: number;
      readonly now?: () => number;
    },
  ) {
    this.#log = log;
    this.#sinceMillis = sinceMillis;
    this.#now = now;
    this.#repeatedMillis = now();
  }

  /** What was met last, by address. */
  get obstacles(): ReadonlyMap<string, Obstacle> {
    return new Map([...this.#met.values()].flatMap((met) => [...met]));
  }

  /** `address` of --join is asked now. */
  asks(address: string): void {
    this.#before = this.#met.get(address) ?? new Map();
    this.#met.set(address, new Map());
  }

  /**
   * At `at`, an address behind `address` of --join, there is an obstacle. `isCut`: the time for
   * joining was over before `at` could answer; what was met there before tells more.
   */
  met(
    address: string,
    { at, obstacle, isCut }: {
      readonly at: string;
      readonly obstacle: Obstacle;
      readonly isCut: boolean;
    },
  ): void {
    const before = this.#before.get(at);
    if (isCut && before !== undefined) {
      this.#met.get(address)?.set(at, before);
      return;
    }
    this.#met.get(address)?.set(at, obstacle);
    const text = `waiting to join through ${at}: ${obstacleText(obstacle)}`;
    if (this.#told.has(text) || this.#told.size >= newsMax) return;
    this.#told.add(text);
    this.#log(levelOf(obstacle), text);
  }

  /** Every address was asked. */
  asked(): void {
    const now = this.#now();
    if (now - this.#repeatedMillis < repeatMillis) return;
    this.#repeatedMillis = now;
    this.#told.clear();
    const seconds = Math.round((now - this.#sinceMillis) / 1000);
    const lines = [...this.obstacles].map(([at, obstacle]) => {
      const text = obstacleText(obstacle);
      this.#told.add(`waiting to join through ${at}: ${text}`);
      return `${at}: ${text}`;
    });
    this.#log(
      "warning",
      `still waiting to join, after ${seconds} s; ${lines.join("; ")}`,
    );
  }
}

/** Some obstacles pass by themselves, the others want somebody. */
function levelOf({ type }: Obstacle): "info" | "warning" {
  return ["unreachable", "silent", "refusal"].includes(type)
    ? "info"
    : "warning";
}
