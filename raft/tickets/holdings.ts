// The hands of one leader by name, and how many numbers all of them hold together: the bounds
// of what a crash may burn are over all sequences, and nothing may scan 10,000 hands for them
// after each input. Not here: what a hand does (`hand.ts`), or when (`reserve.ts`).

import type { DemandOptions } from "./demand.ts";
import { Hand } from "./hand.ts";

/** Numbers that nobody asks for, of all sequences together, that a leader holds at most … */
export const unaskedMax = 2 ** 22;
/** … and sequences of which it holds any. */
export const stockedMax = 4096;

/** The hands of one leader. */
export class Holdings {
  readonly #options: DemandOptions;
  readonly #hands = new Map<string, Hand>();
  /** The one that was looked for last: it often is again. */
  #found: Hand | undefined;
  #size = 0;
  #unasked = 0;
  /** Hands that hold numbers which nobody asks for. */
  #stocked = 0;

  constructor(options: DemandOptions) {
    this.#options = options;
  }

  /** Numbers in all hands, or in uncommitted entries that take or return some. */
  get size(): number {
    return this.#size;
  }

  /** Numbers, at most, that were taken or lent and that nobody asks for. */
  get unasked(): number {
    return this.#unasked;
  }

  /** Sequences that have a hand. */
  get count(): number {
    return this.#hands.size;
  }

  get all(): Iterable<Hand> {
    return this.#hands.values();
  }

  find(name: string): Hand | undefined {
    if (this.#found?.name === name) return this.#found;
    return this.#found = this.#hands.get(name);
  }

  /** The hand of sequence `name`, a new one if there is none. */
  of(name: string): Hand {
    const known = this.find(name);
    if (known !== undefined) return known;
    const fresh = new Hand(name, this.#options);
    this.#hands.set(name, fresh);
    return this.#found = fresh;
  }

  /** To be called when the numbers of `hand` have changed, or what its claims ask for. */
  changed(hand: Hand): void {
    const { counted, size, unasked } = hand;
    this.#size += size - counted.size;
    this.#unasked += unasked - counted.unasked;
    this.#stocked += Math.sign(unasked) - Math.sign(counted.unasked);
    counted.size = size;
    counted.unasked = unasked;
  }

  /** How many of `ahead` numbers `hand` may take beyond those that are asked for. */
  within(hand: Hand, ahead: number): number {
    if (hand.counted.unasked === 0 && this.#stocked >= stockedMax) return 0;
    const own = hand.demand.aheadMax - hand.unasked;
    return Math.max(0, Math.min(ahead, own, unaskedMax - this.#unasked));
  }

  /** Drops a hand that is idle. */
  drop(hand: Hand): void {
    this.changed(hand);
    this.#hands.delete(hand.name);
    this.#found = undefined;
  }

  clear(): void {
    this.#hands.clear();
    this.#found = undefined;
    this.#size = this.#unasked = this.#stocked = 0;
  }
}
