// Gathers the TICKETs of all connections into one take and hands the numbers out,
// first come, first served. Knows neither isolates nor sockets, and has no clock but
// `tick()`: the simulator runs it as it stands.
//
// One take is under way at most; whatever is asked meanwhile joins the next. Numbers go to
// the front of the queue, so which take an asker belonged to is never needed. A take whose
// leader was lost is asked again, with all that waits: the numbers that the first may have
// taken are nobody's.
//
// A client that went away, or whose time was up, keeps its place while a take for it is
// under way: its numbers are given to it and burn. To pass them on would be to give,
// late, a number below one that somebody else has received meanwhile.

import type {
  Refusal,
  TakeAnswers,
  TakeRequests,
} from "../../raft/channel/messages.ts";
import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Range } from "../../base/range.ts";
import { noLeaderText, refusalText, stoppingText } from "./refusals.ts";
import { Loan } from "./loan.ts";

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
  /** Asks the node; one request is under way at most. */
  readonly requests: TakeRequests;
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

export class Dispenser implements TakeAnswers {
  readonly #options: DispenserOptions;
  readonly #askers = new Fifo<Asker>();
  /** What the node has been asked and has not yet answered in full. */
  #underWay: "nothing" | "take" | "refill" = "nothing";
  /**
   * Sum over the askers; its part not yet posted: `0 <= toPost <= waiting`. The take under
   * way is still to bring the rest.
   */
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
   * The node gave the tickets of a `Range` to the take under way: as many as that asked for,
   * a part of them, or more.
   */
  taken(last: bigint, count: number): void {
    const due = Math.min(count, this.#posted);
    this.#settleTake(due);
    this.#deal(last, count, due);
  }

  /** The node lends the tickets of a `Range`, for which it was asked. */
  lent(last: bigint, count: number): void {
    this.#settleRefill();
    this.#deal(last, count, 0);
  }

  /** The node lends no more. */
  nothingLent(): void {
    this.#settleRefill();
    this.#loan.endRefills();
    // Nobody has asked yet for those who came meanwhile.
    this.#postAll();
  }

  /** Of `count` tickets, `due` are for the take that was under way. */
  #deal(last: bigint, count: number, due: number): void {
    assert(
      0 < count && BigInt(count) <= last,
      `${count} tickets up to ${last}`,
    );
    let left = count;
    const give = (client: TicketClient, part: number) => {
      left -= part;
      client.granted(last - BigInt(left), part);
    };
    let spare = count - due;
    do {
      // Who came after the take was posted, even in these calls, comes before any stock.
      const early = Math.min(spare, this.#toPost);
      this.#toPost -= early;
      spare -= early;
      due += early;
      if (due > 0) this.#answer(due, give);
      due = 0;
    } while (spare > 0 && this.#toPost > 0);
    if (spare > 0) this.#loan.add({ last, count: spare });
  }

  /** The node will not give `count` tickets of the oldest take. */
  refused(count: number, reason: Refusal): void {
    const isLost = reason === "leadership-lost" || reason === "not-leader";
    if (isLost && this.#options.asksAgain && !this.#closed) {
      return this.#askAgain(count);
    }
    const text = refusalText(reason);
    this.#settleTake(count);
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
    const posted = Math.min(late, this.#posted);
    if (posted > 0) {
      this.#askers.unshift({ client: nobody, count: posted, since });
    }
    this.#waiting -= late - posted;
    this.#toPost -= late - posted;
    for (const { client, count } of told) client.refused(count, text);
  }

  #askAgain(count: number): void {
    this.#settleTake(count);
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

  get #posted(): number {
    return this.#waiting - this.#toPost;
  }

  /** `count` tickets of the take under way are answered, one way or the other. */
  #settleTake(count: number): void {
    const posted = this.#posted;
    assert(
      this.#underWay === "take" && 0 < count && count <= posted,
      `${count} tickets answered, ${posted} were asked for`,
    );
    if (count === posted) this.#underWay = "nothing";
  }

  #settleRefill(): void {
    assert(
      this.#underWay === "refill",
      "a refill answered, and none asked for",
    );
    this.#underWay = "nothing";
  }

  #wake(): void {
    if (this.#deferred || !this.#mayPost()) return;
    this.#deferred = true;
    this.#options.defer(() => {
      this.#deferred = false;
      this.#postAll();
    });
  }

  /** All that waits becomes a take, or a loan that is low a refill, unless one is under way. */
  #postAll(): void {
    if (!this.#mayPost()) return;
    const { requests } = this.#options;
    const count = this.#toPost;
    if (count > 0) {
      this.#toPost = 0;
      this.#underWay = "take";
      requests.take(count);
    } else {
      this.#underWay = "refill";
      requests.refill();
    }
  }

  #mayPost(): boolean {
    const isWanted = this.#toPost > 0 || this.#loan.isLow;
    return isWanted && this.#underWay === "nothing" && !this.#closed;
  }
}
