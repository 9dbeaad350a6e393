// Gathers the TICKETs of all connections into one take and hands the numbers out,
// first come, first served. Knows neither isolates nor sockets, and has no clock but
// `tick()`: the simulator runs it as it stands.
//
// At most `takesInFlightMax` takes are under way; whatever is asked meanwhile joins the
// next. The answers to takes come in the order of the takes, and numbers go to the front
// of the queue, so which take an asker belonged to is never needed. A take whose leader
// was lost is asked again, with all that waits: the numbers that the first may have taken
// are nobody's.
//
// A client that went away, or whose time was up, keeps its place while a take for it is
// under way: its numbers are given to it and burn. To pass them on would be to give,
// late, a number below one that somebody else has received meanwhile.

import type { Refusal } from "../../raft/channel/messages.ts";
import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Range } from "../../base/range.ts";
import { noLeaderText, refusalText, stoppingText } from "./refusals.ts";
import { Loan } from "./loan.ts";

/** Wider only where a benchmark says so (FACTS: one is simplest and gathers most). */
export const takesInFlightMax = 1;

/** What may wait, of all connections; each stops reading at a limit of its own. */
export const ticketsWaitingMax = 2 ** 21;
export const askersMax = 2 ** 17;

/** To be called so often in the time that a request may wait: it is late by one at most. */
export const ticksPerTimeout = 20;

/** One request may be answered in parts, and the last part be a refusal. */
export interface TicketClient {
  /** The tickets of a `Range`, as scalars: there is one call for each client and answer. */
  granted(last: bigint, count: number): void;
  /** `text` says why, as a RESP error. */
  refused(count: number, text: string): void;
}

export type DispenserOptions = {
  /** Sends a take. */
  readonly post: (count: number) => void;
  /**
   * Runs a task at the end of the turn, so that one take holds what all connections read
   * in it.
   */
  readonly defer: (task: () => void) => void;
  /** Whether to ask again when a leader is lost, until the request's time is up. */
  readonly asksAgain: boolean;
  /** How long a request may wait, for `tick()` and for the client to read. */
  readonly timeoutMillis: number;
};

type Asker = {
  readonly client: TicketClient;
  count: number;
  /** By ticks: when it asked. Never falls from the front of the queue to its end. */
  readonly since: number;
};

/** Who asked has been told something else, or has no use for it. */
const nobody: TicketClient = { granted() {}, refused() {} };

export class Dispenser {
  readonly #options: DispenserOptions;
  readonly #askers = new Fifo<Asker>();
  /** The part of each take in flight that is not yet answered. */
  readonly #posted = new Fifo<{ count: number }>();
  /** Sum over the askers; its part not yet posted: `0 <= toPost <= waiting`. */
  #waiting = 0;
  #toPost = 0;
  /** What answers brought beyond what was asked for; empty while anybody waits. */
  readonly #loan = new Loan();
  #ticks = 0;
  #deferred = false;
  #closed = false;

  constructor(options: DispenserOptions) {
    this.#options = options;
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether `count` tickets more may be asked for; if not, the client is to be told. */
  hasRoom(count: number): boolean {
    return this.#waiting + count <= ticketsWaitingMax &&
      this.#askers.size < askersMax;
  }

  take(client: TicketClient, count: number): void {
    assert(count > 0, `${count} tickets asked for`);
    assert(this.hasRoom(count), `no room for ${count} tickets more`);
    if (this.#closed) return client.refused(count, stoppingText);
    const run = this.#loan.take(count);
    if (run.count < count) this.#ask(client, count - run.count);
    if (run.count > 0) client.granted(run.last, run.count);
    this.#wake();
  }

  #ask(client: TicketClient, count: number): void {
    this.#loan.empty(); // it is, and asks for no more by itself
    const last = this.#askers.last;
    if (last?.client === client && last.since === this.#ticks) {
      last.count += count;
    } else this.#askers.push({ client, count, since: this.#ticks });
    this.#waiting += count;
    this.#toPost += count;
  }

  /**
   * The node gave the tickets of a `Range` to the oldest take: as many as that asked for, a
   * part of them, or more.
   */
  taken(last: bigint, count: number): void {
    assert(BigInt(count) <= last, `${count} tickets up to ${last}`);
    let left = count;
    const give = (client: TicketClient, part: number) => {
      left -= part;
      client.granted(last - BigInt(left), part);
    };
    let spare = this.#settlePosted(count);
    let due = count - spare;
    do {
      // Who came after the take was posted, even in these calls, comes before any stock.
      const early = Math.min(spare, this.#toPost);
      this.#toPost -= early;
      spare -= early;
      due += early;
      if (due > 0) this.#answer(due, give);
      due = 0;
    } while (spare > 0 && this.#toPost > 0);
    this.#loan.add({ last, count: spare });
    // Who came while none were to be had has not been asked for yet.
    this.#postAll();
  }

  /** The node will not give `count` tickets of the oldest take. */
  refused(count: number, reason: Refusal): void {
    const posted = this.#posted.first?.count ?? -1;
    assert(count <= posted, `${count} tickets refused, of ${posted}`);
    const isLost = reason === "leadership-lost" || reason === "not-leader";
    if (isLost && this.#options.asksAgain && !this.#closed) {
      return this.#askAgain(count);
    }
    const text = refusalText(reason);
    this.#settlePosted(count);
    this.#answer(count, (client, part) => client.refused(part, text));
  }

  /** Gives back what it was lent. */
  recall(): Range {
    return this.#loan.empty();
  }

  /** A part of the time that requests may wait has passed (`ticksPerTimeout`). */
  tick(): void {
    this.#ticks++;
    const { timeoutMillis } = this.#options;
    // Who asked in a tick may have done so at its very end.
    this.#turnAway(
      this.#ticks - ticksPerTimeout - 1,
      noLeaderText(timeoutMillis),
    );
  }

  /** The process ends: who waits is told so, and nothing is asked of the node any more. */
  close(): void {
    this.#closed = true;
    this.#turnAway(this.#ticks, stoppingText);
  }

  /** Tells all who asked before or in tick `since` that they get nothing. */
  #turnAway(since: number, text: string): void {
    const told: Asker[] = [];
    let late = 0;
    for (let asker; (asker = this.#askers.first) !== undefined;) {
      if (asker.since > since) break;
      this.#askers.shift();
      late += asker.count;
      if (asker.client !== nobody) told.push(asker);
    }
    // Of what is under way for them, somebody must take the numbers.
    const posted = Math.min(late, this.#waiting - this.#toPost);
    if (posted > 0) {
      this.#askers.unshift({ client: nobody, count: posted, since });
    }
    this.#waiting -= late - posted;
    this.#toPost -= late - posted;
    for (const { client, count } of told) client.refused(count, text);
  }

  #askAgain(count: number): void {
    this.#settlePosted(count);
    this.#toPost += count;
    // Nobody waits for these any more, and no number of theirs is under way.
    const asker = this.#askers.first;
    if (asker?.client === nobody) {
      const dropped = Math.min(asker.count, count);
      asker.count -= dropped;
      this.#waiting -= dropped;
      this.#toPost -= dropped;
      if (asker.count === 0) this.#askers.shift();
    }
    this.#wake();
  }

  #answer(
    count: number,
    give: (client: TicketClient, part: number) => void,
  ): void {
    this.#waiting -= count;
    // First of all: the node works on the next take while these clients are written to.
    this.#postAll();
    while (count > 0) {
      const asker = this.#askers.first;
      assert(asker !== undefined, "tickets posted that nobody asked for");
      const part = Math.min(asker.count, count);
      asker.count -= part;
      count -= part;
      // Before giving: an asker that asks again at once must not join what is done.
      if (asker.count === 0) this.#askers.shift();
      if (part > 0) give(asker.client, part);
    }
  }

  /**
   * `count` tickets of the oldest take are answered, one way or the other; how many of
   * them it did not ask for.
   */
  #settlePosted(count: number): number {
    const take = this.#posted.first;
    assert(
      take !== undefined && (count > 0 || take.count === 0),
      `${count} tickets answered, ${take?.count ?? 0} were asked for`,
    );
    take.count -= count;
    if (take.count > 0) return 0;
    this.#posted.shift();
    return -take.count;
  }

  #wake(): void {
    if (this.#deferred || !this.#mayPost()) return;
    this.#deferred = true;
    this.#options.defer(() => {
      this.#deferred = false;
      this.#postAll();
    });
  }

  /** All that waits becomes a take, if one more may be under way. */
  #postAll(): void {
    if (!this.#mayPost()) return;
    const count = this.#toPost;
    this.#toPost = 0;
    this.#posted.push({ count });
    this.#options.post(count);
  }

  #mayPost(): boolean {
    const isWanted = this.#toPost > 0 || this.#loan.isLow;
    return isWanted && this.#posted.size < takesInFlightMax &&
      !this.#closed;
  }
}
