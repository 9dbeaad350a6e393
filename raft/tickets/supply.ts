// How a leader's hands get numbers from the log, and give them back: by entries that take or
// return numbers, each of which may serve many sequences. One at a time takes numbers, as a
// disk has one save at a time; those that a hand needs meanwhile gather for the next.
//
//   a hand is touched ──▶ gathered into an entry, if it needs numbers ──▶ applied
//
// Not here: claims, and commands of theirs (`reserve.ts`).

import { assert, present } from "../../base/assert.ts";
import { int64Max, type Range } from "../../base/range.ts";
import type { SequenceRefusal } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Index } from "../core/types.ts";
import type { Gap } from "./gap.ts";
import { type Hand, partOf, type Waiting } from "./hand.ts";
import type { Holdings } from "./holdings.ts";
import type { Outcome } from "./machine.ts";
import {
  countThatFits,
  encodeBatch,
  type SequenceOperation,
} from "./machine_codec.ts";

/** A sequence that is careful stays so from here on, where 2^63 - 1 and 2^64 - 1 are near. */
const carefulMin = int64Max - 2n ** 32n;

/** What an entry under way takes for one hand. */
type Taking = {
  readonly hand: Hand;
  readonly count: number;
  readonly isCapped: boolean;
  /** The claim that lacks exactly these numbers, beside `left` in hand. */
  readonly exactFor: Waiting | undefined;
  readonly left: number;
  /** Ticks for which the entry before, which was none of the hand's, held it up. */
  readonly waitedTicks: number;
};

/** What an entry under way gives back of one hand. */
type Returning = { readonly hand: Hand; readonly count: number };

/** A hand whose entry is applied, and the claims on it that are refused. */
export type Supplied = {
  readonly hand: Hand;
  readonly claims: readonly Waiting[];
  readonly reason: SequenceRefusal;
};

/** The dependencies of a supply. */
export type SupplyOptions = {
  /** Sequences that there may be: each entry that takes numbers says it. */
  readonly sequencesMax: number;
  /** `count` numbers burn. */
  readonly burn: (count: number, gap: Gap) => void;
};

/** The numbers that one leader takes from the log, and returns. */
export class Supply {
  readonly #raft: Raft;
  readonly #hands: Holdings;
  readonly #options: SupplyOptions;
  /** The entry under way that takes numbers, and what it takes. */
  #taking:
    | { readonly index: Index; readonly takings: readonly Taking[] }
    | undefined;
  /** Ticks that began since it was proposed. */
  #takingTicks = 0;
  /** The one before it, and the ticks that it took, if it was applied in this tick. */
  #last: Index = 0;
  #lastTicks = 0;
  /** Entries under way that give numbers back. */
  readonly #returning = new Map<Index, readonly Returning[]>();
  /** Hands that may need more numbers. */
  #touched: Hand[] = [];

  constructor(raft: Raft, hands: Holdings, options: SupplyOptions) {
    this.#raft = raft;
    this.#hands = hands;
    this.#options = options;
  }

  /** To be called when the numbers of `hand` have changed, or what its claims ask for. */
  touch(hand: Hand): void {
    this.#hands.changed(hand);
    if (hand.isListed) return;
    hand.isListed = true;
    this.#touched.push(hand);
  }

  /**
   * Proposes an entry that takes what the claims on the touched hands lack, and more ahead of
   * demand, as far as a crash may burn it, if less than half of that is left.
   */
  gather(isGiving: boolean): void {
    if (this.#taking !== undefined || this.#touched.length === 0) return;
    let takings: Taking[] | undefined;
    for (const hand of this.#touched) {
      hand.isListed = false;
      const taking = this.#needOf(hand, isGiving);
      if (taking === undefined) continue;
      (takings ??= []).push(taking);
      hand.taking = taking.count;
      this.#hands.changed(hand); // the bounds are over all of them
    }
    while (this.#touched.length > 0) this.#touched.pop();
    if (takings !== undefined) this.#propose(takings);
  }

  #propose(takings: Taking[]): void {
    const operations = takings.map(
      ({ hand, count, isCapped }): SequenceOperation => {
        return { type: "take", name: hand.name, count, isCapped };
      },
    );
    const fits = countThatFits(operations);
    const command = encodeBatch(operations.slice(0, fits), this.#options);
    const index = this.#raft.propose(command);
    for (const { hand } of takings.splice(index === undefined ? 0 : fits)) {
      hand.taking = 0;
      this.touch(hand);
    }
    if (index === undefined) return;
    this.#taking = { index, takings };
    this.#takingTicks = 0;
  }

  #needOf(hand: Hand, isGiving: boolean): Taking | undefined {
    const { isCareful, isBarred, left } = hand;
    const count = isCareful
      ? hand.frontLacks
      : this.#countFor(hand, isGiving && !isBarred ? hand.demand.ahead : 0);
    if (count === 0) return undefined;
    return {
      hand,
      count,
      isCapped: hand.isCapped,
      exactFor: count === hand.frontLacks ? hand.front : undefined,
      left,
      waitedTicks: hand.entry === this.#last ? 0 : this.#lastTicks,
    };
  }

  #countFor(hand: Hand, ahead: number): number {
    const missing = hand.wanted - hand.left;
    const low = hand.isLow ? ahead : ahead / 2;
    hand.isLow = false;
    if (missing <= 0 && hand.unasked >= low) return 0;
    return Math.max(missing, 0) + this.#hands.within(hand, ahead);
  }

  /**
   * Returns all that `hands` have to the log; false if that cannot be done now. From then on it
   * is not ours: the next leader may have that entry, or not.
   */
  giveBack(hands: readonly Hand[]): boolean {
    const operations = hands.map(({ name, next, left }): SequenceOperation => {
      const to = next - 1n;
      return { type: "return", name, from: to + BigInt(left), to };
    });
    for (let from = 0, fits = 0; from < hands.length; from += fits) {
      fits = countThatFits(operations, from);
      const command = operations.slice(from, from + fits);
      const index = this.#raft.propose(encodeBatch(command, this.#options));
      if (index === undefined) return false;
      const returns = hands.slice(from, from + fits).map((hand) => {
        const { left: count } = hand;
        hand.returning += count;
        hand.left = 0;
        this.touch(hand);
        return { hand, count };
      });
      this.#returning.set(index, returns);
    }
    return true;
  }

  /**
   * The machine has applied the entry at `index`. Returns each hand that it took numbers for,
   * with the claims that get none; nothing if it is not of this supply.
   */
  applied(index: Index, outcomes: readonly Outcome[]): Supplied[] {
    for (const { hand, count } of this.#returning.get(index) ?? []) {
      hand.returning -= count;
      this.touch(hand);
    }
    this.#returning.delete(index);
    if (this.#taking?.index !== index) return [];
    const { takings } = this.#taking;
    const ticks = this.#takingTicks;
    const supplied = takings.map((taking, at) =>
      this.#supplied(taking, present(outcomes[at]))
    );
    for (const { hand } of takings) hand.entry = index;
    this.#taking = undefined;
    [this.#last, this.#lastTicks] = [index, ticks];
    return supplied;
  }

  #supplied(taking: Taking, outcome: Outcome): Supplied {
    const { hand } = taking;
    hand.taking = 0;
    this.touch(hand);
    if (outcome.type === "refused") {
      hand.isCareful = true;
      const { reason } = outcome;
      return { hand, claims: refusedBy(reason, taking), reason };
    }
    assert(outcome.type === "taken", `a take is ${outcome.type}`);
    if (hand.next < carefulMin) hand.isCareful = false;
    hand.demand.took(this.#takingTicks + taking.waitedTicks);
    this.#took(hand, outcome);
    return { hand, claims: [], reason: "exhausted" };
  }

  #took(hand: Hand, range: Range): void {
    const inHand = hand.took(range);
    this.#hands.changed(hand);
    if (inHand === undefined) return;
    const { name } = hand;
    this.#options.burn(inHand.count, { cause: "overtaken", name, inHand });
  }

  /** A tick has passed. */
  tick(): void {
    this.#takingTicks++;
    this.#lastTicks = 0;
  }

  /** The term is over: none of its entries is waited for. */
  clear(): void {
    this.#taking = undefined;
    this.#returning.clear();
    this.#touched = [];
  }
}

/** The claims that get nothing because the state refuses `taking`. */
function refusedBy(
  reason: SequenceRefusal,
  { hand, exactFor, left }: Taking,
): Waiting[] {
  if (reason !== "exhausted" && reason !== "above-int64") {
    // There is no such sequence for those either that have asked since.
    return hand.takers.filter((claim) => partOf(claim, hand).count > 0);
  }
  const isExact = exactFor !== undefined && hand.front === exactFor &&
    hand.left === left;
  return isExact ? [exactFor] : [];
}
