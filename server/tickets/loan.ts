// The loan: tickets that the node has lent to this isolate, which may give them to clients
// without asking. Not here: which client gets them. The dispenser sees to it that no client
// waits while there are any, so that they are given in order. `raft/tickets/lending.ts` is
// the node's end.

import type { Range } from "../../base/range.ts";

/** The tickets lent to one isolate. */
export class Loan {
  #last = 0n;
  #count = 0;
  /** The low-water mark: half of what came last, or 0 while no refill is wanted. */
  #low = 0;

  /** Fewer tickets are left than the low-water mark: a refill is wanted. */
  get isLow(): boolean {
    return this.#count < this.#low;
  }

  /** Tickets that come after all that were added before. */
  add({ last, count }: Range): void {
    this.#low = Math.floor(count / 2);
    // The tickets left lie right before these, or may not be given any more.
    const isNext = this.#last === last - BigInt(count);
    this.#count = isNext ? this.#count + count : count;
    this.#last = last;
  }

  /** The node lends no more: no refill is wanted until tickets are added. */
  endRefills(): void {
    this.#low = 0;
  }

  /** Takes the next `count` tickets, or as many as there are. */
  take(count: number): Range {
    const taken = Math.min(this.#count, count);
    this.#count -= taken;
    return { last: this.#last - BigInt(this.#count), count: taken };
  }

  /** Takes all that is left; no refill is wanted until tickets are added. */
  empty(): Range {
    this.endRefills();
    return this.take(this.#count);
  }
}
