// The requests of an isolate's clients for one sequence: gathers them into one take and deals
// the numbers, first come, first served. Knows neither isolates nor sockets, and has no clock
// but `tick()`. Not here: which lanes there are, and what they share (`dispenser.ts`).
//
// One take is under way at most; requests that come meanwhile join the next. A take brings all
// its numbers in one range, so that a block in it is contiguous, or nothing. If the state refuses
// a take of several requests, the lane is careful until nothing waits: it asks for each by
// itself, so that each gets an answer of its own. When the leader of a take is lost, the take
// is posted again with all that waits: the numbers that the first may have taken burn.

import type {
  Refusal,
  TakeOffers,
  TakeRequests,
} from "../../raft/channel/messages.ts";
import { assert } from "../../base/assert.ts";
import { int64Max, type Range } from "../../base/range.ts";
import {
  noLeaderText,
  overflowText,
  refusalText,
  stoppingText,
} from "./refusals.ts";
import { type Asker, type AskerCounts, Askers } from "./askers.ts";
import { Care, isOfNumbers, isOwnAnswer, withSameAnswer } from "./care.ts";
import { Loan } from "./loan.ts";
import type { TicketClient, TicketRequest } from "./ticket_request.ts";

/** How often `tick()` is to be called in the time that a request may wait. */
export const ticksPerTimeout = 20;

/** Tickets of one take: no more cross the wire (`takeCountMax` of `raft/core/limits.ts`). */
export const takeTicketsMax = 2 ** 21;

/** What all lanes of an isolate share. */
export type LaneShare = AskerCounts & {
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
  isClosed: boolean;
  /** Requests of a lane begin to wait. */
  readonly waits: (lane: Lane) => void;
  /** Calls `post` of a lane at the end of the turn. */
  readonly wake: (lane: Lane) => void;
};

/** One sequence, in an isolate that serves clients. */
export class Lane {
  readonly name: string;
  readonly #share: LaneShare;
  readonly #askers: Askers;
  /** The request that the node has not yet answered. */
  #underWay: "nothing" | "take" | "refill" = "nothing";
  /** Tickets that askers wait for, and that are in no take yet: `0 <= toPost <= waiting`. */
  #toPost = 0;
  /** Of those, the ones that the node may take along: `0 <= offered <= toPost`. */
  #offered = 0;
  /** A capped asker may be among those in no take yet. */
  #isCapped = false;
  readonly #care = new Care();
  /** Given to nobody while an asker waits whom it cannot serve: goes back with its take. */
  readonly #loan = new Loan();
  #isWoken = false;
  /** For the dispenser: it is in the list of those that wait, or did. */
  isListed = false;

  constructor(name: string, share: LaneShare) {
    this.name = name;
    this.#share = share;
    this.#askers = new Askers(share);
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#askers.waiting;
  }

  /** Whether a request to the node is under way. */
  get isAsking(): boolean {
    return this.#underWay !== "nothing";
  }

  /** Whether it may be forgotten. */
  get isIdle(): boolean {
    return this.waiting === 0 && this.#underWay === "nothing" &&
      this.#loan.count === 0 && !this.#isWoken;
  }

  /** Asks for tickets. Numbers that are lent are granted within the call. */
  take(client: TicketClient, request: TicketRequest): void {
    const { count, isBlock, isCapped } = request;
    if (this.#share.isClosed) return client.refused(count, stoppingText);
    const lent = this.waiting > 0 ? 0 : this.#lendable(request);
    if (lent < 0) return client.refused(count, overflowText);
    if (lent === 0) this.#ask(client, request);
    else {
      const { last } = this.#loan.take(lent);
      const left = count - lent;
      if (left > 0) this.#ask(client, { count: left, isBlock, isCapped });
      client.granted(last, lent);
    }
    this.#wake();
  }

  /**
   * Takes the tickets of a request from the loan, if all of them can be had at once; the last of
   * them. `undefined` if not, and nothing is done.
   */
  takeLent(request: TicketRequest): bigint | undefined {
    const { count } = request;
    const mayTake = !this.#share.isClosed && this.waiting === 0;
    if (!mayTake || this.#lendable(request) < count) return undefined;
    const { last } = this.#loan.take(count);
    this.#wake();
    return last;
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

  #ask(client: TicketClient, request: TicketRequest): void {
    if (this.waiting === 0) this.#share.waits(this);
    this.#askers.add(client, request, this.#share.ticks);
    if (request.isCapped) this.#isCapped = true;
    this.#toPost += request.count;
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
    const end = early > 0
      ? this.#loan.take(early).last
      : spare > 0
      ? last - BigInt(spare)
      : last;
    let left = due + early;
    if (left === 0) return this.#post();
    this.#answer(left, ({ client }, part) => {
      left -= part;
      client.granted(left > 0 ? end - BigInt(left) : end, part);
    });
  }

  /** How many tickets, of those in no take yet, the loan can serve; `due` stand before them. */
  #servable(due: number): number {
    const most = Math.min(this.#loan.count, this.#toPost);
    if (!this.#askers.areSpecial || most === 0) return most;
    let early = 0;
    let skipped = 0;
    for (let at = 0; early < most; at++) {
      const asker = this.#askers.at(at);
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
    if (!isOfNumbers(reason)) return this.#refuse(count, reason);
    if (!isOwnAnswer(this.#askers.first, { count, reason })) {
      this.#care.begin(reason, this.waiting);
      return this.#askAgain(count);
    }
    const same = withSameAnswer(this.#askers, { count, reason });
    this.#toPost -= same - count;
    this.#refuse(same, reason);
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
    const posted = this.#posted;
    const { late, count } = this.#askers.takeUntil(since, posted);
    const gone = count - Math.min(count, posted);
    this.#toPost -= gone;
    this.#care.settle(gone);
    this.#offer();
    for (const { client, count } of late) client.refused(count, text);
  }

  /** `count` tickets of a take that is over are to be posted again. */
  #askAgain(count: number): void {
    this.#toPost += count;
    if (this.#askers.areSpecial) this.#isCapped = true;
    // For those whose time was up nothing needs to be posted again.
    const dropped = this.#askers.dropNobody(count);
    this.#toPost -= dropped;
    this.#care.settle(dropped);
    this.#wake();
  }

  #answer(count: number, give: (asker: Asker, part: number) => void): void {
    // A take of a part of what waits depends on whose turn it is then.
    const isPart = this.#care.isTaken || this.#toPost > takeTicketsMax;
    this.#askers.settle(count);
    this.#care.settle(count);
    // First, so that the node works on the next take while these clients are written to.
    if (!isPart) this.#post();
    this.#askers.deal(count, give);
    if (isPart) this.#post();
  }

  /** Tickets that the take under way is still to bring. */
  get #posted(): number {
    return this.waiting - this.#toPost;
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
    const isCareful = this.#care.isTaken;
    const count = isCareful || this.#toPost > takeTicketsMax
      ? this.#care.nextTake(this.#askers, takeTicketsMax)
      : this.#toPost;
    const isCapped = isCareful ? this.#askers.first.isCapped : this.#isCapped;
    this.#toPost -= count;
    if (this.#toPost === 0) this.#isCapped = false;
    this.#underWay = "take";
    const rest = this.#loan.count;
    if (rest > 0) this.#loan.empty();
    else this.#loan.endRefills();
    this.#share.requests.take({ name, count, isCapped, rest });
  }

  /** Lets the node take along what waits for the next take, while one is under way. */
  #offer(): void {
    const { offers, isClosed } = this.#share;
    const count = this.#toPost - this.#offered;
    const isOpen = this.#underWay === "take" && !this.#care.isTaken;
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
