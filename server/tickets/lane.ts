// The requests of an isolate's clients for one sequence: gathers them into one take and deals
// the numbers, first come, first served. Knows neither isolates nor sockets, and has no clock
// but `tick()`. Not here: which lanes there are, and what they share (`dispenser.ts`).
//
// One take is under way at most; requests that come meanwhile join the next. A take brings all
// its numbers in one range, so that a block in it is contiguous, or nothing. If the state refuses
// a take of several requests, the lane is careful until nothing waits: it asks for each by
// itself, so that each gets an answer of its own. When the leader of a take is lost, the take
// is posted again with all that waits: the numbers that the first may have taken burn.
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
import { int64Max, type Range } from "../../base/range.ts";
import {
  noLeaderText,
  overflowText,
  refusalText,
  stoppingText,
} from "./refusals.ts";
import { Loan } from "./loan.ts";

/** How often `tick()` is to be called in the time that a request may wait. */
export const ticksPerTimeout = 20;

/** Tickets of one take: no more cross the wire (`takeCountMax` of `raft/core/limits.ts`). */
export const takeTicketsMax = 2 ** 21;

/** A client that asks for tickets of one sequence. */
export interface TicketClient {
  /**
   * The tickets of a `Range`, as scalars: there is one call for each client and answer. Those of
   * a run come in order, in parts; those of a block in one call.
   */
  granted(last: bigint, count: number): void;
  /** `text` is a RESP error that says why. */
  refused(count: number, text: string): void;
}

/** What a client asks for. */
export type TicketRequest = {
  /** At least 1. */
  readonly count: number;
  /** Whether the tickets are one block, in a row and with one reply, or a run of single ones. */
  readonly isBlock: boolean;
  /** None of them may be above 2^63 - 1. */
  readonly isCapped: boolean;
};

/** What all lanes of an isolate share. */
export type LaneShare = {
  /** Asks the node; for each lane one request is under way at most. */
  readonly requests: TakeRequests;
  /** Where the node finds the next take when it answers the last; needs no turn of ours. */
  readonly offers?: TakeOffers | undefined;
  /** Whether a take is posted again when its leader is lost, until its time is up. */
  readonly asksAgain: boolean;
  /** Milliseconds that a request may wait, for the text that says that they are over. */
  readonly timeoutMillis: number;
  /** Parts of that time that have passed since the start. */
  ticks: number;
  /** Tickets that the askers of all lanes wait for. */
  waiting: number;
  /** Replies that they wait for: a block is one. */
  replies: number;
  /** How many askers wait. */
  askers: number;
  isClosed: boolean;
  /** Requests of a lane begin to wait, or none waits any more. */
  readonly waits: (lane: Lane, isWaiting: boolean) => void;
  /** Calls `post` of a lane at the end of the turn. */
  readonly wake: (lane: Lane) => void;
};

/**
 * After a refusal of a take of several requests. Capped: each capped one by itself, the others
 * together. Each: each one, and each ticket of a run, by itself.
 */
type Care = "none" | "capped" | "each";

type Asker = {
  readonly client: TicketClient;
  count: number;
  readonly isBlock: boolean;
  readonly isCapped: boolean;
  /** The tick in which it asked; rises along the queue. */
  readonly since: number;
};

/** Takes the place of a client that went away or whose time was up. */
const nobody: TicketClient = { granted() {}, refused() {} };

/** One sequence, in an isolate that serves clients. */
export class Lane {
  readonly name: string;
  readonly #share: LaneShare;
  readonly #askers = new Fifo<Asker>();
  /** The request that the node has not yet answered. */
  #underWay: "nothing" | "take" | "refill" = "nothing";
  /** Tickets that all askers wait for. */
  #waiting = 0;
  /** Of those, the ones in no take yet: `0 <= toPost <= waiting`. */
  #toPost = 0;
  /** Of those, the ones that the node may take along: `0 <= offered <= toPost`. */
  #offered = 0;
  /** A capped asker may be among those in no take yet. */
  #isCapped = false;
  /** Askers for blocks, and capped ones. */
  #special = 0;
  /** How the first `careLeft` tickets are asked for. */
  #care: Care = "none";
  #careLeft = 0;
  /** Given to nobody while an asker waits whom it cannot serve: goes back with its take. */
  readonly #loan = new Loan();
  #isWoken = false;

  constructor(name: string, share: LaneShare) {
    this.name = name;
    this.#share = share;
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a request to the node is under way. */
  get isAsking(): boolean {
    return this.#underWay !== "nothing";
  }

  /** Whether it may be forgotten. */
  get isIdle(): boolean {
    return this.#waiting === 0 && this.#underWay === "nothing" &&
      this.#loan.count === 0 && !this.#isWoken;
  }

  /** Asks for tickets. Numbers that are lent are granted within the call. */
  take(client: TicketClient, request: TicketRequest): void {
    const { count, isBlock, isCapped } = request;
    if (this.#share.isClosed) return client.refused(count, stoppingText);
    const lent = this.#waiting > 0 ? 0 : this.#lendable(request);
    if (lent < 0) return client.refused(count, overflowText);
    const { last } = this.#loan.take(lent);
    if (lent < count) this.#ask(client, { isBlock, isCapped }, count - lent);
    if (lent > 0) client.granted(last, lent);
    this.#wake();
  }

  /**
   * How many tickets of a request the loan can serve, those from `from` on; -1 if they are too
   * high for it.
   */
  #lendable({ count, isBlock, isCapped }: TicketRequest, from = 0): number {
    const there = Math.min(count, this.#loan.count - from);
    if (there === 0 || (isBlock && there < count)) return 0;
    if (!isCapped) return there;
    const fit = this.#loan.fit(from + there, int64Max) - from;
    // The end of a run that is too high asks the node, whose answer is for it alone.
    return fit <= 0 || (isBlock && fit < count) ? -1 : fit;
  }

  #ask(
    client: TicketClient,
    { isBlock, isCapped }: Omit<TicketRequest, "count">,
    count: number,
  ): void {
    const share = this.#share;
    if (this.#waiting === 0) share.waits(this, true);
    const last = this.#askers.last;
    const joins = !isBlock && last?.client === client &&
      last.since === share.ticks && last.isCapped === isCapped;
    if (joins) last.count += count;
    else {
      const since = share.ticks;
      this.#askers.push({ client, count, isBlock, isCapped, since });
      share.askers++;
      if (isBlock || isCapped) this.#special++;
    }
    if (isCapped) this.#isCapped = true;
    this.#waiting += count;
    this.#toPost += count;
    share.waiting += count;
    share.replies += isBlock ? 1 : count;
    this.#offer();
  }

  /**
   * The node gave the tickets of a `Range` to the take under way: as many as that asked for, or
   * more.
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
    this.#post();
  }

  /** Of `count` tickets, `due` are for the take that was under way. */
  #deal(last: bigint, count: number, due: number): void {
    assert(
      0 < count && BigInt(count) <= last,
      `${count} tickets up to ${last}`,
    );
    const spare = count - due;
    if (spare > 0) this.#loan.add({ last, count: spare });
    // Clients that asked after the take was posted come before those that will be served
    // from the loan.
    const early = this.#servable(due);
    this.#toPost -= early;
    const end = early > 0 ? this.#loan.take(early).last : last - BigInt(spare);
    let left = due + early;
    if (left === 0) return this.#post();
    this.#answer(left, ({ client }, part) => {
      left -= part;
      client.granted(end - BigInt(left), part);
    });
  }

  /** How many tickets, of those in no take yet, the loan can serve; `due` stand before them. */
  #servable(due: number): number {
    const most = Math.min(this.#loan.count, this.#toPost);
    if (this.#special === 0) return most;
    let early = 0;
    let skipped = 0;
    for (let at = 0; early < most; at++) {
      const asker = this.#askerAt(at);
      const skip = Math.min(due - skipped, asker.count);
      skipped += skip;
      const count = asker.count - skip;
      if (count === 0) continue;
      const part = Math.max(0, this.#lendable({ ...asker, count }, early));
      early += part;
      if (part < count) break;
    }
    return early;
  }

  /** The node gives nothing for the take under way. */
  refused(reason: Refusal): void {
    this.#withdraw();
    const count = this.#posted;
    this.#settleTake(count);
    const isLost = reason === "leadership-lost" || reason === "not-leader";
    if (isLost && this.#share.asksAgain && !this.#share.isClosed) {
      return this.#askAgain(count);
    }
    const isOfNumbers = reason === "exhausted" || reason === "above-int64";
    if (!isOfNumbers) return this.#refuse(count, reason);
    if (this.#isOne(count)) {
      return this.#refuse(this.#withSameAnswer(count, reason), reason);
    }
    if (this.#care !== "each") {
      this.#care = reason === "exhausted" ? "each" : "capped";
    }
    this.#careLeft = this.#waiting;
    this.#askAgain(count);
  }

  #refuse(count: number, reason: Refusal): void {
    const { name } = this;
    this.#answer(count, ({ client, isBlock, isCapped }, part) => {
      const text = isCapped && reason === "exhausted"
        ? overflowText
        : refusalText(reason, { name, count: isBlock ? part : 1 });
      client.refused(part, text);
    });
  }

  /** Whether the first `count` tickets are one block, or one ticket of a run. */
  #isOne(count: number): boolean {
    const { isBlock, count: own } = this.#askerAt(0);
    return count === 1 || (isBlock && own === count);
  }

  /**
   * How many tickets get the refusal that the first `count` got: if not even one could be given,
   * the requests behind it need not ask.
   */
  #withSameAnswer(count: number, reason: Refusal): number {
    if (count > 1) return count;
    let same = 0;
    for (let at = 0; at < this.#askers.size; at++) {
      const asker = this.#askerAt(at);
      if (reason !== "exhausted" && !asker.isCapped) break;
      same += asker.count;
    }
    this.#toPost -= Math.max(0, same - count);
    return Math.max(same, count); // nobody is not capped
  }

  /** The node recalls the loan: returns the part that was not dealt. */
  recall(): Range {
    return this.#loan.empty();
  }

  /** A part of the time that requests may wait has passed: refuses those whose time is up. */
  tick(): void {
    const { ticks, timeoutMillis } = this.#share;
    // A request may have come at the very end of its tick.
    this.#refuseUntil(ticks - ticksPerTimeout - 1, noLeaderText(timeoutMillis));
  }

  /** The process ends: all that wait are told so. */
  close(): void {
    this.#refuseUntil(this.#share.ticks, stoppingText);
  }

  /** Refuses all requests that came in tick `since` or before. */
  #refuseUntil(since: number, text: string): void {
    this.#withdraw();
    const told: Asker[] = [];
    let late = 0;
    for (let asker; (asker = this.#askers.first) !== undefined;) {
      if (asker.since > since) break;
      this.#shift();
      late += asker.count;
      if (asker.client !== nobody) told.push(asker);
    }
    // The numbers that are under way for them must go to nobody else.
    const posted = Math.min(late, this.#posted);
    if (posted > 0) this.#unshiftNobody(posted, since);
    this.#toPost -= late - posted;
    this.#leave(late - posted);
    this.#offer();
    for (const { client, count, isBlock } of told) {
      this.#share.replies -= isBlock ? 1 : count;
      client.refused(count, text);
    }
  }

  /** `count` tickets of a take that is over are to be posted again. */
  #askAgain(count: number): void {
    this.#toPost += count;
    if (this.#special > 0) this.#isCapped = true;
    // For those whose time was up nothing needs to be posted again.
    const asker = this.#askers.first;
    if (asker?.client === nobody) {
      const dropped = Math.min(asker.count, count);
      asker.count -= dropped;
      this.#toPost -= dropped;
      if (asker.count === 0) this.#shift();
      this.#leave(dropped);
    }
    this.#wake();
  }

  #answer(count: number, give: (asker: Asker, part: number) => void): void {
    const isCareful = this.#care !== "none";
    this.#leave(count);
    // First, so that the node works on the next take while these clients are written to.
    if (!isCareful) this.#post();
    while (count > 0) {
      const asker = this.#askerAt(0);
      const part = Math.min(asker.count, count);
      assert(!asker.isBlock || part === asker.count, "half a block answered");
      asker.count -= part;
      count -= part;
      if (asker.client !== nobody) {
        this.#share.replies -= asker.isBlock ? 1 : part;
      }
      // Before giving: a client that asks again at once must not join what is answered.
      if (asker.count === 0) this.#shift();
      if (part > 0) give(asker, part);
    }
    if (isCareful) this.#post(); // which needs to know whose turn it is
  }

  #askerAt(index: number): Asker {
    const asker = this.#askers.at(index);
    assert(asker !== undefined, "tickets that nobody asked for");
    return asker;
  }

  #shift(): void {
    const asker = this.#askers.shift();
    this.#share.askers--;
    if (asker?.isBlock || asker?.isCapped) this.#special--;
  }

  #unshiftNobody(count: number, since: number): void {
    const [isBlock, isCapped] = [false, false];
    this.#askers.unshift({ client: nobody, count, isBlock, isCapped, since });
    this.#share.askers++;
  }

  /** `count` tickets wait no longer. */
  #leave(count: number): void {
    if (count === 0) return;
    this.#waiting -= count;
    this.#share.waiting -= count;
    this.#careLeft = Math.max(0, this.#careLeft - count);
    if (this.#careLeft === 0) this.#care = "none";
    if (this.#waiting === 0) this.#share.waits(this, false);
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
    // Of more, the node has taken the others along: they are the take under way now.
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
    if (this.#isWoken || !this.#mayPost()) return;
    this.#isWoken = true;
    this.#share.wake(this);
  }

  /** To be called at the end of the turn in which the lane has asked for it (`LaneShare`). */
  endTurn(): void {
    this.#isWoken = false;
    this.#post();
  }

  /** Posts a take of all that waits, or a refill if the loan is low, if it may. */
  #post(): void {
    if (!this.#mayPost()) return this.#offer();
    if (this.#toPost > 0) return this.#postTake();
    this.#underWay = "refill";
    this.#share.requests.refill(this.name);
  }

  #postTake(): void {
    const { name } = this;
    const isCareful = this.#care !== "none";
    const count = isCareful || this.#toPost > takeTicketsMax
      ? this.#leadingCount()
      : this.#toPost;
    const isCapped = isCareful ? this.#askerAt(0).isCapped : this.#isCapped;
    this.#toPost -= count;
    if (this.#toPost === 0) this.#isCapped = false;
    this.#underWay = "take";
    const rest = this.#loan.empty().count;
    this.#share.requests.take({ name, count, isCapped, rest });
  }

  /** How many tickets the next take asks for, if those are not all that wait. */
  #leadingCount(): number {
    const first = this.#askerAt(0);
    const isCareful = this.#care !== "none";
    if (this.#care === "each" || (isCareful && first.isCapped)) {
      return first.isBlock ? first.count : 1;
    }
    let count = 0;
    for (let at = 0; at < this.#askers.size; at++) {
      const asker = this.#askerAt(at);
      if (isCareful && asker.isCapped) break;
      const left = takeTicketsMax - count;
      if (asker.count > left) return count + (asker.isBlock ? 0 : left);
      count += asker.count;
    }
    return count;
  }

  /** Lets the node take along what waits for the next take, while one is under way. */
  #offer(): void {
    const { offers, isClosed } = this.#share;
    const count = this.#toPost - this.#offered;
    const isOpen = this.#underWay === "take" && this.#care === "none";
    if (offers === undefined || !isOpen || isClosed || count === 0) return;
    if (this.#toPost > takeTicketsMax) return; // more than one take
    const { name } = this;
    const isOffered = offers.offer({ name, count, isCapped: this.#isCapped });
    if (isOffered) this.#offered = this.#toPost;
  }

  /** Ends the offer: what the node has taken along counts as posted. */
  #withdraw(): void {
    if (this.#offered === 0) return;
    const left = this.#share.offers?.withdraw(this.name) ?? 0;
    this.#toPost -= this.#offered - left;
    this.#offered = 0;
    if (this.#toPost === 0) this.#isCapped = false;
  }

  #mayPost(): boolean {
    const isWanted = this.#toPost > 0 || this.#loan.isLow;
    return isWanted && this.#underWay === "nothing" && !this.#share.isClosed;
  }
}
