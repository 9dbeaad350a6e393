// The log line of a raise: it makes the largest gap that there can be, and any client may ask
// for it. At most one line a second, because a client may ask as often as it likes; the line
// names the sequence that was raised last, and tells how many others were. Decides nothing.

import type { Logger } from "../../base/logger.ts";

/** Tells that a leader has passed over numbers. */
export class RaiseLog {
  readonly #log: Logger;
  readonly #pauseTicks: number;
  /** Raised to, by sequence, and not told yet. */
  readonly #raised = new Map<string, bigint>();
  /** Of these, the one that was raised last: the map may be too large to look for it. */
  #last: string | undefined;
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

  /** No number of sequence `name` up to `to` is given any more, because a client asked so. */
  raised(name: string, to: bigint): void {
    const before = this.#raised.get(name) ?? 0n;
    this.#raised.set(name, to > before ? to : before);
    this.#last = name;
    this.#tell();
  }

  tick(): void {
    if (this.#ticksLeft > 0) this.#ticksLeft--;
    this.#tell();
  }

  #tell(): void {
    const name = this.#last;
    if (name === undefined || this.#ticksLeft > 0) return;
    const to = this.#raised.get(name);
    const { size } = this.#raised;
    const others = size - 1;
    const othersText = others === 0
      ? ""
      : `, and raised ${others} other sequence${others === 1 ? "" : "s"}`;
    this.#log(
      "info",
      `gives numbers of ${name} above ${to}, because a client asked so: those up to ` +
        `there that no client has got are burnt${othersText}`,
    );
    this.#raised.clear();
    this.#last = undefined;
    this.#ticksLeft = this.#pauseTicks;
  }
}
