// Tickets that the node has lent to this isolate, to be given without asking. Not here: who
// gets them. The dispenser sees to it that no client waits while there are any, so that
// they go out in order.

import type { Range } from "../../base/range.ts";

export class Loan {
  #last = 0n;
  #count = 0;
  #low = 0;

  /** Less than half is left of what came last: time to ask for more. */
  get isLow(): boolean {
    return this.#count < this.#low;
  }

  /** Tickets that come after all that were added before. */
  add({ last, count }: Range): void {
    this.#low = Math.floor(count / 2);
    // What was left is right before these, or it is not ours any more.
    const isNext = this.#last === last - BigInt(count);
    this.#count = isNext ? this.#count + count : count;
    this.#last = last;
  }

  /** The node lends no more: it is not low again until some are added. */
  endRefills(): void {
    this.#low = 0;
  }

  /** Takes the next `count` tickets, or as many as there are. */
  take(count: number): Range {
    const taken = Math.min(this.#count, count);
    this.#count -= taken;
    return { last: this.#last - BigInt(this.#count), count: taken };
  }

  /** Takes all that is left, and is not low any more. */
  empty(): Range {
    this.endRefills();
    return this.take(this.#count);
  }
}
