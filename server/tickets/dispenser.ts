// Gathers the TICKETs of all connections of an isolate into one take and deals the numbers,
// first come, first served. Knows neither isolates nor sockets, and has no clock but
// `tick()`: the simulator runs it as it stands.
//
// One take is under way at most; requests that come meanwhile join the next. Numbers go to
// the oldest requests, so it does not matter which take a request belonged to. When
// the leader of a take is lost, the take is posted again with all that waits: the numbers
// that the first may have taken burn.
//
// A client that went away, or whose time was up, keeps its place while a take for it is
// under way: its numbers burn. Another client may have received higher ones meanwhile.

import type {
  Refusal,
  TakeAnswers,
  TakeOffers,
  TakeRequests,
} from "../../raft/channel/messages.ts";
import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Range } from "../../base/range.ts";
import { noLeaderText, refusalText, stoppingText } from "./refusals.ts";
import { Loan } from "./loan.ts";

/** Tickets that may wait, of all connections; each stops reading at a limit of its own. */
export const ticketsWaitingMax = 2 ** 21;
/** Requests that may wait, of all connections. */
export const askersMax = 2 ** 17;

/** How often `tick()` is to be called in the time that a request may wait. */
export const ticksPerTimeout = 20;

/** A client that asks for tickets. It is told in order, in parts, which it gets or is refused. */
export interface TicketClient {
  /** The tickets of a `Range`, as scalars: there is one call for each client and answer. */
  granted(last: bigint, count: number): void;
  /** `text` is a RESP error that says why. */
  refused(count: number, text: string): void;
}

/** The dependencies of a dispenser. */
export type DispenserOptions = {
  /** Asks the node; one request is under way at most. */
  readonly requests: TakeRequests;
  /** Where the node finds the next take when it answers the last; needs no turn of ours. */
  readonly offers?: TakeOffers | undefined;
  /** Runs a task at the end of the turn: one take holds what all connections read in it. */
  readonly defer: (task: () => void) => void;
  /** Whether a take is posted again when its leader is lost, until its time is up. */
  readonly asksAgain: boolean;
  /** Milliseconds that a request may wait, for the text that says that they are over. */
  readonly timeoutMillis: number;
  /** Numbers dealt from now on might be wrong: the process must end. */
  readonly broken?: (error: unknown) => void;
};

type Asker = {
  readonly client: TicketClient;
  count: number;
  /** The tick in which it asked; rises along the queue. */
  readonly since: number;
};

/** Takes the place of a client that went away or whose time was up. */
const nobody: TicketClient = { granted() {}, refused() {} };

/** The dispenser of one isolate that serves clients. */
export class Dispenser implements TakeAnswers {
  readonly #options: DispenserOptions;
  readonly #askers = new Fifo<Asker>();
  /** The request that the node has not yet answered in full. */
  #underWay: "nothing" | "take" | "refill" = "nothing";
  /** Tickets that all askers wait for. */
  #waiting = 0;
  /** Of those, the ones in no take yet: `0 <= toPost <= waiting`. */
  #toPost = 0;
  /** Of those, the ones that the node may take along: `0 <= offered <= toPost`. */
  #offered = 0;
  /** Empty while any asker waits. */
  readonly #loan = new Loan();
  #ticks = 0;
  #beganToWait: () => void = () => {};
  #deferred = false;
  #closed = false;

  constructor(options: DispenserOptions) {
    this.#options = options;
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `began` when requests begin to wait. Until none waits, `tick()` is to be called. */
  onWait(began: () => void): void {
    this.#beganToWait = began;
  }

  /** Whether `count` more tickets may be asked for; if not, the client is to be told BUSY. */
  hasRoom(count: number): boolean {
    return this.#waiting + count <= ticketsWaitingMax &&
      this.#askers.size < askersMax;
  }

  /**
   * Asks for `count` tickets, 1 or more, for which there is room. Numbers that are lent are
   * granted within the call.
   *
   * @throws whatever went wrong, once `broken` has been told
   */
  take(client: TicketClient, count: number): void {
    try {
      assert(count > 0, `${count} tickets asked for`);
      assert(this.hasRoom(count), `no room for ${count} tickets more`);
      if (this.#closed) return client.refused(count, stoppingText);
      const lent = this.#loan.take(count);
      if (lent.count < count) this.#ask(client, count - lent.count);
      if (lent.count > 0) client.granted(lent.last, lent.count);
      this.#wake();
    } catch (error) {
      // A client guards itself: what fails here is common to all, and may deal a number twice.
      this.#options.broken?.(error);
      throw error;
    }
  }

  #ask(client: TicketClient, count: number): void {
    this.#loan.empty(); // it is; this clears its low-water mark, so that it wants no refill
    if (this.#waiting === 0) this.#beganToWait();
    const last = this.#askers.last;
    if (last?.client === client && last.since === this.#ticks) {
      last.count += count;
    } else this.#askers.push({ client, count, since: this.#ticks });
    this.#waiting += count;
    this.#toPost += count;
    this.#offer();
  }

  /**
   * The node gave the tickets of a `Range` to the take under way: as many as that asked for,
   * a part of them, or more.
   */
  taken(last: bigint, count: number): void {
    this.#withdraw();
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
    // Clients that asked meanwhile are in no take yet.
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
      // Clients that asked after the take was posted, even within these calls, come before
      // those that will be served from the loan.
      this.#withdraw();
      const early = Math.min(spare, this.#toPost);
      this.#toPost -= early;
      spare -= early;
      due += early;
      if (due > 0) this.#answer(due, give);
      due = 0;
    } while (spare > 0 && this.#toPost > 0);
    if (spare > 0) this.#loan.add({ last, count: spare });
  }

  /** The node gives nothing for `count` tickets of the take under way. */
  refused(count: number, reason: Refusal): void {
    this.#withdraw();
    const isLost = reason === "leadership-lost" || reason === "not-leader";
    if (isLost && this.#options.asksAgain && !this.#closed) {
      return this.#askAgain(count);
    }
    const text = refusalText(reason);
    this.#settleTake(count);
    this.#answer(count, (client, part) => client.refused(part, text));
  }

  /** The node recalls the loan: returns the part that was not dealt. */
  recall(): Range {
    return this.#loan.empty();
  }

  /**
   * One part in `ticksPerTimeout` of the time that requests may wait has passed. A request
   * is told that its time is up at most one part late.
   */
  tick(): void {
    this.#ticks++;
    const { timeoutMillis } = this.#options;
    // A request may have come at the very end of its tick.
    this.#refuseUntil(
      this.#ticks - ticksPerTimeout - 1,
      noLeaderText(timeoutMillis),
    );
  }

  /** The process ends: all that wait are told so, and nothing more is posted. */
  close(): void {
    this.#closed = true;
    this.#refuseUntil(this.#ticks, stoppingText);
  }

  /** Refuses all requests that came in tick `since` or before. */
  #refuseUntil(since: number, text: string): void {
    this.#withdraw();
    const told: Asker[] = [];
    let late = 0;
    for (let asker; (asker = this.#askers.first) !== undefined;) {
      if (asker.since > since) break;
      this.#askers.shift();
      late += asker.count;
      if (asker.client !== nobody) told.push(asker);
    }
    // The numbers that are under way for them must go to nobody else.
    const posted = Math.min(late, this.#posted);
    if (posted > 0) {
      this.#askers.unshift({ client: nobody, count: posted, since });
    }
    this.#waiting -= late - posted;
    this.#toPost -= late - posted;
    this.#offer();
    for (const { client, count } of told) client.refused(count, text);
  }

  #askAgain(count: number): void {
    this.#settleTake(count);
    this.#toPost += count;
    // For those whose time was up nothing needs to be posted again.
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
    // First, so that the node works on the next take while these clients are written to.
    this.#postAll();
    while (count > 0) {
      const asker = this.#askers.first;
      assert(asker !== undefined, "tickets posted that nobody asked for");
      const part = Math.min(asker.count, count);
      asker.count -= part;
      count -= part;
      // Before giving: a client that asks again at once must not join what is answered.
      if (asker.count === 0) this.#askers.shift();
      if (part > 0) give(asker.client, part);
    }
  }

  /** Tickets that the take under way is still to bring. */
  get #posted(): number {
    return this.#waiting - this.#toPost;
  }

  /** `count` tickets of the take under way are answered, given or refused. */
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

  /** Posts a take of all that waits, or a refill if the loan is low, if it may. */
  #postAll(): void {
    if (!this.#mayPost()) return this.#offer();
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

  /** Lets the node take along what waits for the next take, while one is under way. */
  #offer(): void {
    const { offers } = this.#options;
    const count = this.#toPost - this.#offered;
    const isOpen = this.#underWay === "take" && !this.#closed;
    if (offers === undefined || !isOpen || count === 0) return;
    this.#offered = this.#toPost;
    offers.offer(count);
  }

  /** Ends the offer: what the node has taken along counts as posted. */
  #withdraw(): void {
    if (this.#offered === 0) return;
    const left = this.#options.offers?.withdraw() ?? 0;
    this.#toPost -= this.#offered - left;
    this.#offered = 0;
  }

  #mayPost(): boolean {
    const isWanted = this.#toPost > 0 || this.#loan.isLow;
    return isWanted && this.#underWay === "nothing" && !this.#closed;
  }
}
