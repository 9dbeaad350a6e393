// The claims of a leader that are not settled, listed by what they wait for, so that no input
// has to look at all of them. Each is looked at when it may be its turn: once its round of
// confirmations is over, and from then on whenever something that it waited for has happened.
// Not here: whether it can be settled then (`reserve.ts`).
//
//   unconfirmed ──▶ listed ──▶ looked at ──▶ settled
//                     ▲            └─▶ waits: for others, numbers, or an entry of this term
//                     └───────────────────┘

import type { Claim } from "./claim.ts";
import type { Hand, Waiting } from "./hand.ts";

/** The claims of one leader. */
export class PendingClaims {
  /** How many there are of this term. */
  #count = 0;
  /** Those of them that stand in no hand. */
  readonly #loose = new Set<Waiting>();
  /** Those of them whose round is not over, the oldest first. */
  #unconfirmed: Waiting[] = [];
  /** Those that wait for an entry of this term, or for the end of a hand-over. */
  #early: Waiting[] = [];
  /** Those that may be settled now. */
  #listed: Waiting[] = [];
  /** How many of them have been looked at. */
  #looked = 0;
  /** Claims of a term that is over. */
  readonly #lost: Claim[] = [];

  /** Whether any claim is not settled. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#lost.length === 0;
  }

  /** `claim` was made; rounds up to `confirmedRound` are over. */
  add(claim: Waiting, confirmedRound: number): void {
    this.#count++;
    if (claim.hands.length === 0) this.#loose.add(claim);
    if (claim.round > confirmedRound) this.#unconfirmed.push(claim);
    else this.list(claim);
  }

  /** `claim` stands in no hand any more, and is not settled. */
  loosen(claim: Waiting): void {
    claim.hands = [];
    this.#loose.add(claim);
  }

  /** `claim` may be settled now. */
  list(claim: Waiting | undefined): void {
    if (claim === undefined || claim.isListed) return;
    claim.isListed = true;
    this.#listed.push(claim);
  }

  /** `claim` is to be looked at again when there is an entry of this term. */
  postpone(claim: Waiting): void {
    this.#early.push(claim);
  }

  /** Lists the claims whose round is over. */
  confirm(confirmedRound: number): void {
    let count = 0;
    for (const claim of this.#unconfirmed) {
      if (claim.round > confirmedRound) break;
      count++;
      this.list(claim);
    }
    if (count > 0) this.#unconfirmed.splice(0, count);
  }

  /** Lists the claims that were postponed. */
  resume(): void {
    if (this.#early.length === 0) return;
    for (const claim of this.#early.splice(0)) this.list(claim);
  }

  /** The next claim to look at: the one that was listed first. */
  next(): Waiting | undefined {
    const claim = this.#listed[this.#looked];
    if (claim === undefined) return undefined;
    claim.isListed = false;
    this.#looked++;
    if (this.#looked < this.#listed.length) return claim;
    // At once: nobody asks for more when no claim waits. Not by its length, which would give
    // the memory back each time.
    while (this.#looked > 0) {
      this.#listed.pop();
      this.#looked--;
    }
    return claim;
  }

  /** `claim` is settled. */
  settled(claim: Waiting): void {
    this.#count--;
    if (claim.hands.length === 0) this.#loose.delete(claim);
  }

  /** The next claim whose term is over; it is settled with this. */
  nextLost(): Claim | undefined {
    return this.#lost.length === 0 ? undefined : this.#lost.shift();
  }

  /** The term is over: no claim gets anything, and none of those in `hands`. */
  lose(hands: Iterable<Hand>): void {
    const all = new Set<Claim>(this.#loose);
    for (const hand of hands) for (const claim of hand.claims) all.add(claim);
    this.#lost.push(...all);
    this.#count = 0;
    this.#loose.clear();
    this.#unconfirmed = [];
    this.#early = [];
    this.#listed = [];
    this.#looked = 0;
  }
}
