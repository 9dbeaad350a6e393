// Tickets that the node has lent to this isolate, to be given without asking. Knows nobody
// who gets them: the dispenser sees to it that nobody waits while there are any, so that
// they go out in their order.

import type { Range } from "../../base/range.ts";

export class Loan {
  #last = 0n;
  #count = 0;
  #low = 0;

  /** Half of what came last is used up, or more: time to ask for more. */
  get isLow(): boolean {
    return this.#count < this.#low;
  }

  /** Tickets that come after all that were added before. */
  add({ last, count }: Range): void {
    this.#low = Math.floor(count / 2);
    // What was left comes right before these, or is nobody's.
    const isNext = this.#last === last - BigInt(count);
    this.#count = isNext ? this.#count + count : count;
    this.#last = last;
  }

  /** There is no more to be had: it is not low again until some are added. */
  endRefills(): void {
    this.#low = 0;
  }

  /** The next `count`, or as many as there are. */
  take(count: number): Range {
    const taken = Math.min(this.#count, count);
    this.#count -= taken;
    return { last: this.#last - BigInt(this.#count), count: taken };
  }

  /** All that is left; there will be no more. */
  empty(): Range {
    this.endRefills();
    return this.take(this.#count);
  }
}
