// The log line of a raise: it makes the largest gap that there can be, and any client may ask
// for it. At most one line a second, because a client may ask as often as it likes; the line
// names the highest number. Decides nothing.

import type { Logger } from "../../base/logger.ts";

/** Tells that a leader has passed over numbers. */
export class RaiseLog {
  readonly #log: Logger;
  readonly #pauseTicks: number;
  /** Raised to, and not told yet. */
  #to: bigint | undefined;
  /** Ticks until the next line may come. */
  #ticksLeft = 0;

  /** `pauseTicks`: between two lines, at least. */
  constructor(
    log: Logger,
    { pauseTicks }: { readonly pauseTicks: number },
  ) {
    this.#log = log;
    this.#pauseTicks = pauseTicks;
  }

  /** No number up to `to` is given any more, because a client asked so. */
  raised(to: bigint): void {
    if (this.#to === undefined || to > this.#to) this.#to = to;
    this.#tell();
  }

  tick(): void {
    if (this.#ticksLeft > 0) this.#ticksLeft--;
    this.#tell();
  }

  #tell(): void {
    if (this.#to === undefined || this.#ticksLeft > 0) return;
    this.#log(
      "info",
      `gives numbers above ${this.#to}, because a client sent TICKET.RAISE: those up to ` +
        "there that no client has got are burnt",
    );
    this.#to = undefined;
    this.#ticksLeft = this.#pauseTicks;
  }
}
