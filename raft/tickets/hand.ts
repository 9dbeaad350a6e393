// All that a leader keeps about one sequence that is asked for: its numbers in hand, which the
// log has given to this leader and nobody has got yet, the claims on them, and the demand. It
// counts; `reserve.ts` decides when numbers are given, and talks with the log.
//
//   numbers   … given │ next … next + left - 1: in hand │ … in an entry under way
//   claims    the first is settled first; a barrier holds up what is taken for those behind it
//
// A barrier is a claim whose result depends on the log's order: one with a command, or one that
// is to be judged and is not yet. No numbers are taken for it, or for claims behind it.

import { assert, present } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Index } from "../core/types.ts";
import type { Claim, ClaimPart, ClaimRequest, Settlement } from "./claim.ts";
import { Demand, type DemandOptions } from "./demand.ts";

/** A claim that is not settled. */
export type Waiting = Claim & {
  /** One for each of its parts. */
  hands: readonly Hand[];
  /** Its result depends on the machine's state: no former leader's will do. */
  readonly isReader: boolean;
  /** It is in the list of those that may be settled now. */
  isListed: boolean;
  /** It was judged, and may be carried out. */
  isJudged: boolean;
  /** Its command is in the log. */
  isProposed: boolean;
  /** Its result, which it gets as soon as its round is over. */
  verdict: Settlement | undefined;
};

/** The numbers of one sequence in one leader's hand. */
export class Hand {
  readonly name: string;
  readonly demand: Demand;
  /** In hand are `left` numbers from `next` on. */
  next = 1n;
  left = 0;
  /** Numbers in an entry under way that takes, or gives back, some; 0 if there is none. */
  taking = 0;
  returning = 0;
  /** Numbers that the claims before the first barrier ask for. */
  wanted = 0;
  /** Numbers that were lent last, at once … */
  lentLast = 0;
  /** … and all that are lent and may not be used yet. */
  lent = 0;
  /** Ticks since it was last known how many that are. */
  lentTicks = 0;
  /**
   * The log has refused numbers: it is asked for exactly what the first claim lacks, so that
   * near the end no claim is refused for another's sake, and never ahead of demand: it would
   * refuse that again and again.
   */
  isCareful = false;
  /** It is in the list of those that may need numbers; `isLow`: even if it has half of them. */
  isListed = false;
  isLow = false;
  /** The entry that took numbers last. */
  entry: Index = 0;
  /** What the reserve has counted of it. */
  readonly counted = { size: 0, unasked: 0 };
  /** The first is settled first. */
  readonly #claims: Waiting[] = [];
  #barriers = 0;

  constructor(name: string, options: DemandOptions) {
    this.name = name;
    this.demand = new Demand(options);
  }

  /** The claim that is settled next. */
  get front(): Waiting | undefined {
    return this.#claims[0];
  }

  /** All that wait, the first in front. */
  get claims(): readonly Waiting[] {
    return this.#claims;
  }

  /** How many claims wait. */
  get length(): number {
    return this.#claims.length;
  }

  /** Numbers in hand, or in an uncommitted entry that takes or returns some. */
  get size(): number {
    return this.left + this.taking + this.returning;
  }

  /** Numbers, at most, that were taken or lent and that nobody asks for. */
  get unasked(): number {
    return Math.max(0, this.left + this.taking - this.wanted) + this.lent;
  }

  /** The numbers in hand. */
  get inHand(): Range {
    return { last: this.next + BigInt(this.left) - 1n, count: this.left };
  }

  /** Whether a claim waits for which no numbers may be taken now. */
  get isBarred(): boolean {
    return this.#barriers > 0;
  }

  /** Whether it has numbers that nobody waits for, and no entry about them is under way. */
  get isReturnable(): boolean {
    // While more is on its way, a return would make a gap before it.
    return this.left > 0 && this.#claims.length === 0 && this.taking === 0 &&
      this.returning === 0;
  }

  /** Nothing is kept here that a new hand would not have as well. */
  get isIdle(): boolean {
    return this.#claims.length === 0 && this.size === 0 && this.lent === 0 &&
      this.demand.isOver;
  }

  /** Puts `claim`, which asks for `count` numbers, behind all others. */
  push(claim: Waiting, count: number): void {
    this.#claims.push(claim);
    if (isBarrier(claim)) this.#barriers++;
    else if (this.#barriers === 0) this.wanted += count;
  }

  /** Takes out `claim`, wherever it stands. */
  remove(claim: Waiting): void {
    const isFirst = this.#claims[0] === claim;
    if (isFirst) {
      // Most often it is the only one, for which `shift` takes long.
      if (this.#claims.length === 1) this.#claims.pop();
      else this.#claims.shift();
    } else {
      const at = this.#claims.indexOf(claim);
      assert(at > 0, "a claim leaves a hand that it is not in");
      this.#claims.splice(at, 1);
    }
    if (isBarrier(claim)) this.#barriers--;
    else if (isFirst || this.#barriers === 0) {
      this.wanted -= partOf(claim, this).count; // no barrier stood before it
      return;
    }
    this.#countWanted();
  }

  /** `claim` was judged: it is no barrier any more, unless it has a command. */
  judged(claim: Waiting): void {
    if (claim.command === undefined) this.#barriers--;
    this.#countWanted();
  }

  /** The claims, without barriers, for which numbers are taken now. */
  get takers(): Waiting[] {
    const barrier = this.#claims.findIndex(isBarrier);
    const end = barrier < 0 ? this.#claims.length : barrier;
    return this.#claims.slice(0, end);
  }

  /** Numbers that the first claim lacks; 0 if none, or if it is a barrier. */
  get frontLacks(): number {
    const claim = this.front;
    if (claim === undefined || isBarrier(claim)) return 0;
    return Math.max(0, partOf(claim, this).count - this.left);
  }

  /** Whether numbers that are taken for these claims must not be above 2^63 - 1. */
  get isCapped(): boolean {
    for (const claim of this.#claims) {
      if (isBarrier(claim)) return false;
      const { count, isCapped } = partOf(claim, this);
      if (count > 0 && isCapped) return true;
      if (this.isCareful) return false; // they are for this one alone
    }
    return false;
  }

  /** Takes the next `count` numbers, of which there are so many; the last of them. */
  give(count: number): bigint {
    this.left -= count;
    this.next += BigInt(count);
    return this.next - 1n;
  }

  /** The log gave `range`. Returns what burns because it is out of order now. */
  took({ last, count }: Range): Range | undefined {
    const first = last - BigInt(count) + 1n;
    const end = this.next + BigInt(this.left);
    assert(first >= end, `${first} comes after ${end - 1n}`);
    const dropped = first !== end && this.left > 0 ? this.inHand : undefined;
    if (first === end) this.left += count;
    else [this.next, this.left] = [first, count];
    return dropped;
  }

  /** Numbers lent come back unused; false if later ones were given meanwhile. */
  putBack({ last, count }: Range): boolean {
    this.lent = 0;
    if (last + 1n !== this.next) return false;
    this.next -= BigInt(count);
    this.left += count;
    return true;
  }

  /** `count` more numbers are lent. */
  lend(count: number): void {
    this.lentLast = count;
    if (this.lent === 0) this.lentTicks = 0;
    this.lent += count;
  }

  /** At most `count` of the numbers lent are not used yet. */
  noteLent(count: number): void {
    const used = this.lent - count;
    if (used > 0) this.demand.used(used, this.lentTicks);
    this.lentTicks = 0;
    this.lent = Math.min(this.lent, count);
  }

  /** No claim waits any more. */
  forget(): void {
    this.#claims.length = 0;
    this.#barriers = 0;
    this.wanted = 0;
  }

  /** A tick has passed. */
  tick(): void {
    this.lentTicks++;
    this.demand.tick({
      isWaitedFor: this.#claims.length > 0,
      isLent: this.lent > 0,
    });
  }

  /** Looks at all claims before the first barrier: only when barriers have changed. */
  #countWanted(): void {
    this.wanted = this.takers.reduce(
      (sum, claim) => sum + partOf(claim, this).count,
      0,
    );
  }
}

/** The claim that `request` makes, on these hands. */
export function waitingOf(
  { kind, parts, command, judge, isWanted, door }: ClaimRequest,
  { hands, round }: Pick<Waiting, "hands" | "round">,
): Waiting {
  let isReader = command !== undefined || judge !== undefined ||
    parts.length === 0;
  for (const { count } of parts) if (count === 0) isReader = true;
  return {
    kind,
    parts,
    command,
    judge,
    isWanted,
    door,
    round,
    hands,
    isReader,
    isListed: false,
    isJudged: false,
    isProposed: false,
    verdict: undefined,
  };
}

/** What `claim` asks of `hand`. */
export function partOf(claim: Waiting, hand: Hand): ClaimPart {
  return present(
    claim.parts[claim.parts.length === 1 ? 0 : claim.hands.indexOf(hand)],
  );
}

function isBarrier({ command, judge, isJudged }: Waiting): boolean {
  return command !== undefined || (judge !== undefined && !isJudged);
}
