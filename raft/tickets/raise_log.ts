// The log line of a raise: it makes the largest gap that there can be, and any client may ask
// for it. At most one line a second, because a client may ask as often as it likes, and for as
// many sequences as there are; the line names one of these, and counts the others. Decides
// nothing.

import type { Logger } from "../../base/logger.ts";

/** Tells that a leader has passed over numbers. */
export class RaiseLog {
  readonly #log: Logger;
  readonly #pauseTicks: number;
  /** By sequence, raised to and not told yet. */
  readonly #raises = new Map<string, bigint>();
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

  /** No number of `name` up to `to` is given any more, because a client asked so. */
  raised(name: string, to: bigint): void {
    const before = this.#raises.get(name) ?? 0n;
    this.#raises.set(name, to > before ? to : before);
    this.#tell();
  }

  tick(): void {
    if (this.#ticksLeft > 0) this.#ticksLeft--;
    this.#tell();
  }

  #tell(): void {
    const [first] = this.#raises;
    if (first === undefined || this.#ticksLeft > 0) return;
    const [name, to] = first;
    const others = this.#raises.size - 1;
    const also = others === 0
      ? ""
      : `, and raised ${others} other sequence${others === 1 ? "" : "s"}`;
    this.#log(
      "info",
      `gives numbers of ${name} above ${to}, because a client sent TICKET.RAISE: those up to ` +
        `there that no client has got are burnt${also}`,
    );
    this.#raises.clear();
    this.#ticksLeft = this.#pauseTicks;
  }
}
