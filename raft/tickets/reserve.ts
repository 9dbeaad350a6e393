// The reserve: the numbers that this leader has in hand, committed and not given yet, of all
// sequences that are asked for, and the claims on them. It takes numbers from the log ahead of
// demand (`demand.ts` says how many), so that a claim waits for no disk. Without steady demand
// it takes exactly what is asked for. One entry at a time takes numbers, for all hands.
//
//   asked ──▶ a majority confirms that this node leads ──▶ first in all its hands, which have
//             the numbers, or its command is applied ──▶ settled, as a whole
//
// A number is unique because the log gives it to the reserve of one term. It is in order
// because a claim is settled only when a majority has confirmed, after the claim was made,
// that no node leads in a later term (`core/confirmation.ts`). At the end of the term the
// rest burns: the next leader's numbers begin above it. Not here: one sequence (`hand.ts`).

import { assert, present } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { SequenceRefusal } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Entry, Index, Term } from "../core/types.ts";
import type {
  Claim,
  ClaimRequest,
  Judge,
  LastOf,
  Loans,
  Settled,
  Settlement,
} from "./claim.ts";
import type { DemandOptions } from "./demand.ts";
import type { Gap, Lost } from "./gap.ts";
import { isLoanBack, loanMax, resultOf } from "./give.ts";
import { type Hand, type Waiting, waitingOf } from "./hand.ts";
import { Holdings } from "./holdings.ts";
import type { Machine, Outcome } from "./machine.ts";
import { PendingClaims } from "./pending_claims.ts";
import { Supply } from "./supply.ts";

/** The dependencies of a reserve. */
export type ReserveOptions = DemandOptions & {
  readonly machine: Pick<Machine, "last">;
  /** Sequences that there may be: each command that takes numbers says it. */
  readonly sequencesMax: number;
  /** Is told of numbers that burn. */
  readonly burnt?: (gap: Gap) => void;
};

/** The reserve of one node, empty while it does not lead. */
export class Reserve {
  readonly #raft: Raft;
  readonly #options: ReserveOptions;
  readonly #hands: Holdings;
  readonly #supply: Supply;
  /** The term in which this node leads; 0 while it does not. */
  #term: Term = 0;
  /** An entry of that term is applied: the machine's state is then no former leader's. */
  #isTermApplied = false;
  readonly #claims = new PendingClaims();
  /** Those whose command is in the log, by its index. */
  readonly #proposed = new Map<Index, Waiting>();
  readonly #lastOf: LastOf = (name) => this.lastOf(name);
  /** The node stops: no further claim is made. */
  #closing = false;
  /** Numbers that were taken in this process and will never be given. */
  burnt = 0n;

  constructor(raft: Raft, options: ReserveOptions) {
    this.#raft = raft;
    this.#options = options;
    const hands = this.#hands = new Holdings(options);
    const burn = (count: number, gap: Gap) => this.#burn(count, gap);
    this.#supply = new Supply(raft, hands, { ...options, burn });
  }

  /** The hands of all sequences that are asked for; for checkers, which change nothing. */
  get hands(): Omit<Holdings, "of" | "changed" | "within" | "drop" | "clear"> {
    return this.#hands;
  }

  /** Numbers in the reserve, or in an uncommitted entry that takes or returns some. */
  get size(): number {
    return this.#hands.size;
  }

  /** Whether a claim waits to be settled. */
  get isClaimed(): boolean {
    return !this.#claims.isEmpty;
  }

  /** How many numbers of sequence `name` to take ahead of demand. */
  aheadOf(name: string): number {
    const hand = this.#hands.find(name);
    return hand === undefined || this.#closing ? 0 : hand.demand.ahead;
  }

  /**
   * The last number of sequence `name` that was given or lent, or is passed over: all that are
   * given from now on are above it. 0n before the first; `undefined` if there is no such
   * sequence. Entries of former terms must be applied.
   */
  lastOf(name: string): bigint | undefined {
    const hand = this.#hands.find(name);
    // A return under way sets the machine back to the number before `next`.
    const isInHand = hand !== undefined &&
      (hand.left > 0 || hand.returning > 0);
    return isInHand ? hand.next - 1n : this.#options.machine.last(name);
  }

  /**
   * Makes a claim. `settleNext` returns it once it is settled. Returns `undefined` if this
   * node gives nothing now: it does not lead, hands over, or stops.
   */
  ask(request: ClaimRequest): Claim | undefined {
    if (!this.#isGiving) return undefined;
    this.#followTerm();
    const { parts } = request;
    const hands: Hand[] = [];
    for (let at = 0; at < parts.length; at++) {
      hands.push(this.#hands.of(present(parts[at]).name));
    }
    const round = this.#raft.confirm(request.asker);
    const claim = waitingOf(request, { hands, round });
    for (let at = 0; at < parts.length; at++) {
      const hand = present(hands[at]);
      const { count } = present(parts[at]);
      if (count > 0) hand.demand.asked(count);
      hand.push(claim, count);
      this.#supply.touch(hand);
    }
    this.#claims.add(claim, this.#raft.confirmedRound);
    return claim;
  }

  /**
   * Settles one claim, if that can be done now. To be called until it returns `undefined`,
   * each time after the last claim was answered. A claim of our own clients gets up to as many
   * numbers more as `loans` may lend, if no other claim waits for that sequence.
   */
  settleNext(loans: Loans): Settled | undefined {
    this.#followTerm();
    const claims = this.#claims;
    const lost = claims.nextLost();
    if (lost !== undefined) {
      return { claim: lost, settlement: { type: "lost" } };
    }
    claims.confirm(this.#raft.confirmedRound);
    if (this.#isStateOurs) claims.resume();
    for (let claim; (claim = claims.next()) !== undefined;) {
      const settlement = this.#settle(claim, loans);
      if (settlement === undefined) continue;
      this.#leaveHands(claim);
      claims.settled(claim);
      return { claim, settlement };
    }
    return undefined;
  }

  /** The result of `claim`, if it can be settled now. If not, it is listed again in time. */
  #settle(claim: Waiting, loans: Loans): Settlement | undefined {
    const { hands, kind } = claim;
    if (claim.round > this.#raft.confirmedRound) return undefined;
    if (claim.verdict !== undefined) return claim.verdict;
    for (const hand of hands) if (hand.front !== claim) return undefined;
    if (claim.isProposed) return undefined;
    if (claim.isReader && !this.#isStateOurs) {
      this.#claims.postpone(claim);
      return undefined;
    }
    // The isolate may deal numbers of a loan after the answer, and they are below it.
    if (kind !== "own" && !isLoanBack(claim, loans)) return undefined;
    const refusal = this.#judge(claim);
    if (refusal !== undefined) return { type: "refused", ...refusal };
    if (claim.command !== undefined) {
      // Or commands that were given up would hold up all behind them, for a commit each.
      if (claim.isWanted?.() === false) return { type: "lost" };
      this.#propose(claim);
      return undefined;
    }
    return resultOf(claim, { loans, lastOf: this.#lastOf });
  }

  /** Why `claim` is refused by its judge, which is asked once. */
  #judge(claim: Waiting): ReturnType<Judge> {
    if (claim.judge === undefined || claim.isJudged) return undefined;
    const refusal = claim.judge(this.#lastOf);
    if (refusal !== undefined) return refusal;
    claim.isJudged = true;
    for (const hand of claim.hands) {
      hand.judged(claim);
      this.#supply.touch(hand);
    }
    return undefined;
  }

  /**
   * Puts the command of `claim` into the log, behind the return of what its hands have: so its
   * numbers follow on those that were given. Until it is applied they give and take nothing.
   */
  #propose(claim: Waiting): void {
    const { hands, command } = claim;
    // What is under way would be taken before the command, and given after it.
    if (hands.some(({ taking }) => taking > 0)) return;
    const isReturned = this.#supply.giveBack(
      hands.filter(({ left }) => left > 0),
    );
    const index = isReturned ? this.#raft.propose(present(command)) : undefined;
    if (index === undefined) return this.#claims.postpone(claim);
    claim.isProposed = true;
    this.#proposed.set(index, claim);
  }

  /** The machine applied `entry`, with these outcomes. */
  applied({ index }: Entry, outcomes: readonly Outcome[]): void {
    this.#followTerm(); // an entry at that index may be another leader's
    const claim = this.#proposed.get(index);
    if (claim !== undefined) {
      this.#proposed.delete(index);
      claim.verdict = { type: "applied", outcomes };
      return this.#claims.list(claim);
    }
    for (
      const { hand, claims, reason } of this.#supply.applied(index, outcomes)
    ) {
      for (const claim of claims) this.#refuse(claim, hand, reason);
      this.#claims.list(hand.front);
    }
  }

  /** `claim` gets nothing. It is told when its round is over: the state might be outdated. */
  #refuse(claim: Waiting, hand: Hand, reason: SequenceRefusal): void {
    if (claim.verdict !== undefined) return; // by another sequence of the entry
    const at = claim.hands.indexOf(hand);
    claim.verdict = { type: "refused", reason, at };
    this.#leaveHands(claim);
    this.#claims.loosen(claim);
    this.#claims.list(claim);
  }

  /** `claim` stands in no hand's way any more. */
  #leaveHands(claim: Waiting): void {
    for (const hand of claim.hands) {
      hand.remove(claim);
      this.#supply.touch(hand);
      this.#claims.list(hand.front);
    }
  }

  // Loans.

  /** At most `count` of the numbers lent of sequence `name` are not used yet. */
  noteLent(name: string, count: number): void {
    const hand = this.#hands.find(name);
    if (hand === undefined || hand.lent === 0) return;
    hand.noteLent(count);
    this.#supply.touch(hand);
    this.#claims.list(hand.front);
  }

  /**
   * Less than half is left of what was lent last of sequence `name`. Takes more numbers from the
   * log if few are left here, as a new claim would.
   */
  refillAsked(name: string): void {
    this.#followTerm();
    const hand = this.#hands.find(name);
    if (hand === undefined) return;
    hand.noteLent(Math.max(0, Math.floor(hand.lentLast / 2) - 1));
    hand.isLow = true;
    this.#supply.touch(hand);
    this.#supply.gather(this.#isGiving);
  }

  /**
   * Lends up to `max` numbers of sequence `name`, at least 1, if no claim waits for any. Returns
   * `"later"` if none is in hand and an entry brings more, `undefined` if nothing can be lent.
   */
  lend(name: string, max: number): Range | "later" | undefined {
    this.#followTerm();
    const hand = this.#hands.find(name);
    if (!this.#isGiving || hand === undefined) return undefined;
    if (hand.length > 0 || hand.next > loanMax) return undefined;
    const { confirmedRound } = this.#raft;
    assert(this.#raft.confirm() <= confirmedRound, "only a sole voter lends");
    if (hand.left === 0) {
      this.#supply.gather(this.#isGiving);
      // A hand that is still listed waits for the entry of others.
      return hand.taking > 0 || hand.isListed ? "later" : undefined;
    }
    const count = Math.min(hand.left, max);
    const last = hand.give(count);
    hand.lend(count);
    this.#supply.touch(hand);
    return { last, count };
  }

  /** What is left of the loan of sequence `name` comes back unused: `rest`, maybe none. */
  returned(name: string, rest: Range): void {
    this.#followTerm();
    const hand = this.#hands.find(name);
    // If later numbers were given meanwhile, these would be out of order: they burn.
    const isBack = hand?.putBack(rest) ?? false;
    const isLate = rest.count > 0 && !isBack;
    if (isLate) {
      this.#burn(rest.count, { cause: "returned-late", name, lent: rest });
    }
    if (hand === undefined) return;
    hand.noteLent(0); // all that did not come back was given
    this.#supply.touch(hand);
    this.#claims.list(hand.front);
  }

  // Time, and the end.

  /** A tick has passed. Without steady demand, returns the numbers in hand to the log. */
  tick(): void {
    this.#followTerm();
    this.#supply.tick();
    const unwanted: Hand[] = [];
    for (const hand of this.#hands.all) {
      hand.tick();
      if (hand.isIdle) this.#hands.drop(hand);
      else if (hand.isReturnable && this.aheadOf(hand.name) === 0) {
        unwanted.push(hand);
      }
    }
    this.#supply.giveBack(unwanted);
  }

  /** Takes the numbers that are lacking. To be called after every input, at the end. */
  pump(): void {
    this.#followTerm();
    this.#supply.gather(this.#isGiving);
    if (this.#closing) this.giveBack();
  }

  /** The node stops: settles the claims that exist, and returns the rest to the log. */
  close(): void {
    this.#closing = true;
    this.giveBack();
  }

  /** Returns what nobody waits for to the log. False if there is none, or not now. */
  giveBack(): boolean {
    this.#followTerm();
    const hands = [...this.#hands.all].filter(({ isReturnable }) =>
      isReturnable
    );
    return hands.length > 0 && this.#supply.giveBack(hands);
  }

  /** The node ends, or its term has ended: no claim gets anything. */
  stop(): void {
    this.#claims.lose(this.#hands.all);
    this.#proposed.clear();
    for (const hand of this.#hands.all) {
      hand.forget();
      this.#supply.touch(hand);
    }
  }

  get #isGiving(): boolean {
    const { role, transferTarget } = this.#raft;
    return role === "leader" && transferTarget === undefined && !this.#closing;
  }

  /** Whether an entry of this term is applied, and with it all of former ones. */
  get #isStateOurs(): boolean {
    if (this.#isTermApplied) return true;
    const { log, currentTerm } = this.#raft;
    return this.#isTermApplied = log.termAt(log.lastApplied) === currentTerm;
  }

  /** Numbers and claims of another term are lost. */
  #followTerm(): void {
    const { role, currentTerm } = this.#raft;
    const term = role === "leader" ? currentTerm : 0;
    if (term === this.#term) return;
    this.#term = term;
    this.#isTermApplied = false;
    this.stop();
    const { size } = this;
    if (size > 0) {
      const lost = [...this.#hands.all].filter((hand) => hand.size > 0)
        .map(({ name, inHand, taking, returning }): Lost => ({
          name,
          inHand,
          uncommitted: taking + returning,
        }));
      this.#burn(size, { cause: "leadership-lost", lost });
    }
    this.#hands.clear();
    this.#supply.clear();
  }

  #burn(count: number, gap: Gap): void {
    this.burnt += BigInt(count);
    this.#options.burnt?.(gap);
  }
}
