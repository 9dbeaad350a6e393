// The clients that wait in one lane, in the order in which they asked, and how many tickets each
// is still to get. Not here: which of these tickets are asked for, and when (`lane.ts`).
//
// A client that went away, or whose time was up, is replaced by nobody while a take for it is
// under way: its numbers must go to no other client, which may have received higher ones.

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import type { TicketClient, TicketRequest } from "./ticket_request.ts";

/** A client, and what it waits for. */
export type Asker = {
  readonly client: TicketClient;
  count: number;
  readonly isBlock: boolean;
  readonly isCapped: boolean;
  /** The tick in which it asked; rises along the queue. */
  readonly since: number;
};

/** What waits in all lanes of an isolate. */
export type AskerCounts = {
  /** Tickets that askers wait for. */
  waiting: number;
  /** Replies that they wait for: a block is one. */
  replies: number;
  /** How many askers wait. */
  askers: number;
};

/** Takes the place of a client that went away or whose time was up. */
const nobody: TicketClient = { granted() {}, refused() {} };

/** The queue of one lane. */
export class Askers {
  readonly #counts: AskerCounts;
  readonly #queue = new Fifo<Asker>();
  #waiting = 0;
  #special = 0;

  constructor(counts: AskerCounts) {
    this.#counts = counts;
  }

  /** Tickets that all of them wait for. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether some wait for a block, or are capped. */
  get areSpecial(): boolean {
    return this.#special > 0;
  }

  /** The first; there must be one. */
  get first(): Asker {
    return this.at(0);
  }

  /** How many there are. */
  get size(): number {
    return this.#queue.size;
  }

  /** The one that stands at `index`, from 0 on. */
  at(index: number): Asker {
    const asker = this.#queue.at(index);
    assert(asker !== undefined, "tickets that nobody asked for");
    return asker;
  }

  add(
    client: TicketClient,
    { count, isBlock, isCapped }: TicketRequest,
    since: number,
  ): void {
    const last = this.#queue.last;
    const joins = last?.client === client && last.since === since &&
      !isBlock && !last.isBlock && last.isCapped === isCapped;
    if (joins) last.count += count;
    else {
      this.#queue.push({ client, count, isBlock, isCapped, since });
      this.#counts.askers++;
      if (isBlock || isCapped) this.#special++;
    }
    this.#waiting += count;
    this.#counts.waiting += count;
    this.#counts.replies += isBlock ? 1 : count;
  }

  /** The first `count` tickets wait no longer; `deal` must follow. */
  settle(count: number): void {
    this.#waiting -= count;
    this.#counts.waiting -= count;
  }

  /** Calls `give` with each of those that wait for the first `count` tickets, and its part. */
  deal(count: number, give: (asker: Asker, part: number) => void): void {
    while (count > 0) {
      const asker = this.first;
      const part = Math.min(asker.count, count);
      assert(!asker.isBlock || part === asker.count, "half a block answered");
      asker.count -= part;
      count -= part;
      if (asker.client !== nobody) {
        this.#counts.replies -= asker.isBlock ? 1 : part;
      }
      // Before giving: a client that asks again at once must not join what is answered.
      if (asker.count === 0) this.#shift();
      if (part > 0) give(asker, part);
    }
  }

  /**
   * Takes out those that came in tick `since` or before, and returns them, and how many tickets
   * they waited for. Nobody waits in their place for the first `posted` of these.
   */
  takeUntil(
    since: number,
    posted: number,
  ): { readonly late: readonly Asker[]; readonly count: number } {
    const late: Asker[] = [];
    let count = 0;
    for (let asker; (asker = this.#queue.first) !== undefined;) {
      if (asker.since > since) break;
      this.#shift();
      count += asker.count;
      if (asker.client === nobody) continue;
      late.push(asker);
      this.#counts.replies -= asker.isBlock ? 1 : asker.count;
    }
    const kept = Math.min(count, posted);
    this.settle(count - kept);
    if (kept > 0) {
      const asker = { client: nobody, count: kept, since };
      this.#queue.unshift({ ...asker, isBlock: false, isCapped: false });
      this.#counts.askers++;
    }
    return { late, count };
  }

  /** Of the first `count` tickets, drops those for which nobody waits; returns how many. */
  dropNobody(count: number): number {
    const asker = this.#queue.first;
    if (asker?.client !== nobody) return 0;
    const dropped = Math.min(asker.count, count);
    asker.count -= dropped;
    this.settle(dropped);
    if (asker.count === 0) this.#shift();
    return dropped;
  }

  #shift(): void {
    const asker = this.#queue.shift();
    this.#counts.askers--;
    if (asker?.isBlock || asker?.isCapped) this.#special--;
  }
}
