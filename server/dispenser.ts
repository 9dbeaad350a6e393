// Gathers the TICKETs of all connections into one take and hands the numbers out,
// first come, first served. Knows neither isolates nor sockets, and has no clock:
// the simulator runs it as it stands.
//
// At most `takesInFlightMax` takes are under way; whatever is asked meanwhile joins
// the next. The answers to takes come in the order of the takes, and numbers go to
// the front of the queue, so which take an asker belonged to is never needed.
//
// A client that went away keeps its place: its numbers are given to it and burn. To
// pass them on would be to give, late, a number that a dead connection may have sent.

import type { Refusal } from "../raft/channel.ts";
import { assert } from "../raft/core/assert.ts";
import { Fifo } from "./fifo.ts";

/** Wider only where a benchmark says so (FACTS: one is simplest and gathers most). */
export const takesInFlightMax = 1;

/** What may wait; connections stop reading long before, each at its own limit. */
export const ticketsWaitingMax = 2 ** 31;

/** One request may be answered in parts, and the last part be a refusal. */
export interface TicketClient {
  /** Tickets `last - count + 1` to `last`. */
  granted(last: bigint, count: number): void;
  refused(count: number, reason: Refusal): void;
}

type Asker = { readonly client: TicketClient; count: number };

export class Dispenser {
  readonly #post: (count: number) => void;
  readonly #defer: (task: () => void) => void;
  readonly #askers = new Fifo<Asker>();
  /** The part of each take in flight that is not yet answered. */
  readonly #posted = new Fifo<{ count: number }>();
  /** Sum over the askers; its part not yet posted: `0 <= toPost <= waiting`. */
  #waiting = 0;
  #toPost = 0;
  #deferred = false;

  /**
   * `post` sends a take; `defer` runs a task at the end of the turn, so that one take
   * holds what all connections read in it.
   */
  constructor(
    options: {
      readonly post: (count: number) => void;
      readonly defer: (task: () => void) => void;
    },
  ) {
    this.#post = options.post;
    this.#defer = options.defer;
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  take(client: TicketClient, count: number): void {
    assert(count > 0, `${count} tickets asked for`);
    assert(
      this.#waiting + count <= ticketsWaitingMax,
      `over ${ticketsWaitingMax} tickets waiting: connections must read less`,
    );
    const last = this.#askers.last;
    if (last?.client === client) last.count += count;
    else this.#askers.push({ client, count });
    this.#waiting += count;
    this.#toPost += count;
    this.#wake();
  }

  /** The node gave tickets `last - count + 1` to `last` to the oldest take. */
  taken(last: bigint, count: number): void {
    assert(BigInt(count) <= last, `${count} tickets up to ${last}`);
    let left = count;
    this.#answer(count, (client, part) => {
      left -= part;
      client.granted(last - BigInt(left), part);
    });
  }

  /** The node will not give `count` tickets of the oldest take. */
  refused(count: number, reason: Refusal): void {
    this.#answer(count, (client, part) => client.refused(part, reason));
  }

  #answer(
    count: number,
    give: (client: TicketClient, part: number) => void,
  ): void {
    const take = this.#posted.first;
    assert(
      take !== undefined && count > 0 && count <= take.count,
      `${count} tickets answered, ${take?.count ?? 0} were asked for`,
    );
    take.count -= count;
    this.#waiting -= count;
    while (count > 0) {
      const asker = this.#askers.first;
      assert(asker !== undefined, "tickets posted that nobody asked for");
      const part = Math.min(asker.count, count);
      asker.count -= part;
      count -= part;
      // Before giving: an asker that asks again at once must not join what is done.
      if (asker.count === 0) this.#askers.shift();
      give(asker.client, part);
    }
    if (take.count > 0) return;
    this.#posted.shift();
    this.#wake();
  }

  #wake(): void {
    if (this.#deferred || !this.#mayPost()) return;
    this.#deferred = true;
    this.#defer(() => {
      this.#deferred = false;
      if (!this.#mayPost()) return;
      const count = this.#toPost;
      this.#toPost = 0;
      this.#posted.push({ count });
      this.#post(count);
    });
  }

  #mayPost(): boolean {
    return this.#toPost > 0 && this.#posted.size < takesInFlightMax;
  }
}
