// The reserve: the numbers that this leader has in hand, committed and not given yet. It takes
// them from the log ahead of demand (`demand.ts` says how many), so that a take waits for no
// disk. Without steady demand it takes exactly what is asked for.
//
//   claimed ──▶ a majority confirms that this node leads, and there are numbers ──▶ settled
//
// A number is unique because the log gives it to the reserve of one term. It is in order
// because a claim is settled only when a majority has confirmed, after the claim was made,
// that no node leads in a later term (`core/confirmation.ts`). At the end of the term the
// rest burns: the next leader's numbers begin above it.

import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Raft } from "../core/raft.ts";
import type { Entry, Index, NodeId, Term } from "../core/types.ts";
import { Demand, type DemandOptions } from "./demand.ts";
import type { Gap } from "./gap.ts";
import {
  encodeRaise,
  encodeReturn,
  encodeTake,
  lastTicket,
  ticketSequence,
} from "./machine.ts";

/**
 * The result of a claim: its numbers, fewer than it asked for only if the sequence has no
 * more; or none, because the term in which it was made is over.
 */
export type Settlement = Range | "leadership-lost";

/** A request for `count` tickets to this leader. */
export type Claim = {
  readonly count: number;
  /** The node that asks, in the term of this leader; `undefined` for our own clients. */
  readonly asker: NodeId | undefined;
  /** The round of confirmations that must be over before it is settled. */
  readonly round: number;
};

/** A settled claim, and the result that its asker is to be told. */
export type Settled = {
  readonly claim: Claim;
  readonly settlement: Settlement;
};

/** An entry under way that takes numbers. */
type Taking = {
  readonly index: Index;
  readonly count: number;
  /** Ticks that began since it was proposed. */
  ticks: number;
};

/** The dependencies of a reserve. */
export type ReserveOptions = DemandOptions & {
  /** Is told of numbers that burn. */
  readonly burnt?: (gap: Gap) => void;
};

/** The reserve of one node, empty while it does not lead. */
export class Reserve {
  readonly #raft: Raft;
  readonly #demand: Demand;
  readonly #tellBurnt: ((gap: Gap) => void) | undefined;
  /** The term in which this node leads; 0 while it does not. */
  #term: Term = 0;
  /** The reserve holds `next` to `end`: `next <= end + 1`. */
  #next = 1n;
  #end = 0n;
  /** The oldest first. */
  readonly #claims: Claim[] = [];
  /** Numbers that all claims ask for. */
  #wanted = 0;
  /** Claims of a term that is over, not settled yet. */
  readonly #lost: Claim[] = [];
  #taking: Taking | undefined;
  /** The entry under way that gives numbers back, and how many. */
  #returning: { readonly index: Index; readonly count: number } | undefined;
  /** The entry under way after which no number up to `to` is given. */
  #raising: { readonly index: Index; readonly to: bigint } | undefined;
  /** The sequence has no numbers left to take. */
  #exhausted = false;
  /** The node stops: no further claim is made. */
  #closing = false;
  /** Numbers that were lent last, at once … */
  #lentLast = 0;
  /** … and all that are lent and may not be used yet. */
  #lent = 0;
  /** Ticks since it was last known how many that are. */
  #lentTicks = 0;
  /** Numbers that were taken in this process and will never be given. */
  burnt = 0n;

  constructor(raft: Raft, options: ReserveOptions) {
    this.#raft = raft;
    this.#demand = new Demand(options);
    this.#tellBurnt = options.burnt;
  }

  /** Numbers in the reserve, or in an uncommitted entry that takes or returns some. */
  get size(): number {
    return this.#left + (this.#taking?.count ?? 0) +
      (this.#returning?.count ?? 0);
  }

  /** How many numbers to take ahead of demand. */
  get ahead(): number {
    return this.#closing ? 0 : this.#demand.ahead;
  }

  /**
   * Numbers, at most, that were taken or lent and that nobody asks for: a crash burns them,
   * beside those that it interrupts. Never more than `aheadMax`.
   */
  get unasked(): number {
    const inHand = this.#left + (this.#taking?.count ?? 0) - this.#wanted;
    return Math.max(0, inHand) + this.#lent;
  }

  /** Numbers, at most, that are lent and not used yet; for checkers. */
  get lent(): number {
    return this.#lent;
  }

  /** Whether a claim waits to be settled. */
  get isClaimed(): boolean {
    return this.#claims.length > 0 || this.#lost.length > 0;
  }

  /**
   * Claims `count` tickets for node `asker`, or for this node's own clients if that is
   * `undefined`. `settleNext` returns the claim once it is settled. Returns `undefined` if
   * this node gives none now: it does not lead, hands over, or stops.
   */
  ask(count: number, asker: NodeId | undefined): Claim | undefined {
    if (!this.#isGiving) return undefined;
    this.#followTerm();
    // Our own clients' isolate asks when it has used its loan up.
    if (asker === undefined) this.#noteLent(0);
    this.#demand.asked(count);
    const claim = { count, asker, round: this.#raft.confirm(asker) };
    this.#claims.push(claim);
    this.#wanted += count;
    this.#gather();
    return claim;
  }

  /**
   * Settles the oldest claim, if that can be done now. To be called until it returns
   * `undefined`, each time after the last claim was answered. A claim of our own clients gets
   * up to `spare` numbers more than it asks for, as a loan, if no other claim waits.
   */
  settleNext(spare: number): Settled | undefined {
    this.#followTerm();
    const lost = this.#lost.shift();
    if (lost !== undefined) {
      return { claim: lost, settlement: "leadership-lost" };
    }
    const claim = this.#claims[0];
    if (claim === undefined || claim.round > this.#raft.confirmedRound) {
      return undefined;
    }
    const { count, asker } = claim;
    // The next claim would get numbers above the loan, which the isolate still deals.
    const mayLend = this.#claims.length === 1 && asker === undefined &&
      this.#raising === undefined;
    if (this.#left < count && !this.#exhausted) return undefined;
    this.#claims.shift();
    this.#wanted -= count;
    const settlement = this.#give(count + (mayLend ? spare : 0));
    if (settlement.count > count) this.#lend(settlement.count - count);
    return { claim, settlement };
  }

  /**
   * Less than half is left of what was lent last. Takes more numbers from the log if few are
   * left here, as a new claim would.
   */
  refillAsked(): void {
    this.#followTerm();
    this.#noteLent(Math.max(0, Math.floor(this.#lentLast / 2) - 1));
    this.#gather(1);
  }

  /**
   * Lends up to `max` numbers, at least 1, if no claim waits for any. Returns `"later"` if the
   * reserve is empty and an entry under way brings more, `undefined` if nothing can be lent.
   */
  lend(max: number): Range | "later" | undefined {
    this.#followTerm();
    if (!this.#isGiving || this.#claims.length > 0) return undefined;
    // The isolate would deal numbers that the raise forbids.
    if (this.#raising !== undefined) return undefined;
    const { confirmedRound } = this.#raft;
    assert(this.#raft.confirm() <= confirmedRound, "only a sole voter lends");
    if (this.#left === 0) {
      return this.#taking === undefined ? undefined : "later";
    }
    const range = this.#give(max);
    this.#lend(range.count);
    return range;
  }

  #lend(count: number): void {
    this.#lentLast = count;
    if (this.#lent === 0) this.#lentTicks = 0;
    this.#lent += count;
  }

  /** At most `count` of the numbers lent are not used yet. */
  #noteLent(count: number): void {
    const used = this.#lent - count;
    if (used > 0) this.#demand.used(used, this.#lentTicks);
    this.#lentTicks = 0;
    this.#lent = Math.min(this.#lent, count);
  }

  /** The next `count` numbers, or as many as there are. */
  #give(count: number): Range {
    const given = Math.min(this.#left, count);
    this.#next += BigInt(given);
    return { last: this.#next - 1n, count: given };
  }

  /** The machine applied `entry`, which took the numbers `given`, if it took any. */
  applied({ index }: Entry, given: Range | undefined): void {
    this.#followTerm(); // an entry at that index may be another leader's
    if (index === this.#returning?.index) this.#returning = undefined;
    if (index === this.#raising?.index) this.#raised(this.#raising.to);
    if (given !== undefined && index === this.#taking?.index) {
      this.#demand.took(this.#taking.ticks);
      this.#taking = undefined;
      this.#gathered(given);
    }
  }

  #gathered({ last, count }: Range): void {
    const first = last - BigInt(count) + 1n;
    assert(first > this.#end, `${first} comes after ${this.#end}`);
    if (first !== this.#end + 1n) this.#drop(first);
    this.#end = last;
    this.#exhausted = last === lastTicket;
  }

  /**
   * The last number that was given or lent, or is passed over, where `taken` is the last that
   * the machine took: all that are given from now on are above it. Entries of former terms
   * must be applied.
   */
  last(taken: bigint): bigint {
    this.#followTerm();
    // A return under way sets the machine back to the number before `next`.
    const isInHand = this.#left > 0 || this.#returning !== undefined;
    return isInHand ? this.#next - 1n : taken;
  }

  /**
   * Proposes an entry after which no number up to `to` is given, unless one like that is under
   * way or this node gives nothing now. The loan must have come back: it may hold some of these.
   */
  raise(to: bigint): void {
    this.#followTerm();
    if (!this.#isGiving || this.#raising !== undefined) return;
    const index = this.#raft.propose(encodeRaise(ticketSequence, to));
    if (index !== undefined) this.#raising = { index, to };
  }

  /** The machine has passed over all numbers up to `to`: those in hand burn. */
  #raised(to: bigint): void {
    this.#raising = undefined;
    if (to < this.#next) return;
    const lastDropped = to < this.#end ? to : this.#end;
    this.burnt += lastDropped - this.#next + 1n;
    this.#next = to + 1n;
    if (this.#end < to) this.#end = to;
  }

  /** Numbers that were lent come back unused. */
  putBack({ last, count }: Range): void {
    this.#followTerm();
    this.#lent = 0;
    // If later numbers were given meanwhile, these would be out of order: they burn.
    if (last + 1n === this.#next) this.#next -= BigInt(count);
    else this.#burn(count, { cause: "returned-late", lent: { last, count } });
  }

  /** A tick has passed. Without steady demand, returns the reserve to the log. */
  tick(): void {
    if (this.#taking !== undefined) this.#taking.ticks++;
    this.#lentTicks++;
    this.#demand.tick({ isWaitedFor: this.isClaimed, isLent: this.#lent > 0 });
    if (this.ahead === 0) this.giveBack();
  }

  /** Takes the numbers that are lacking. To be called after every input, at the end. */
  pump(): void {
    this.#followTerm();
    this.#gather();
    if (this.#closing) this.giveBack();
  }

  /** The node stops: settles the claims that exist, and returns the rest to the log. */
  close(): void {
    this.#closing = true;
    this.giveBack();
  }

  /** Returns the reserve to the log. False if it is empty, or that cannot be done now. */
  giveBack(): boolean {
    this.#followTerm();
    if (this.#left === 0 || this.#claims.length > 0) return false;
    // Behind a raise the return would take the machine below the number raised to.
    if (this.#taking ?? this.#returning ?? this.#raising) return false;
    const to = this.#next - 1n;
    const count = this.#left;
    const command = encodeReturn(ticketSequence, { from: this.#end, to });
    const index = this.#raft.propose(command);
    if (index === undefined) return false;
    this.#returning = { index, count };
    // From here on these numbers are not ours: the next leader may have that entry, or not.
    this.#end = to;
    this.#exhausted = false;
    assert(this.#left === 0, "nothing that was given comes back");
    return true;
  }

  /** The node ends, or its term has ended: no claim gets anything. */
  stop(): void {
    this.#lost.push(...this.#claims.splice(0));
    this.#wanted = 0;
  }

  get #isGiving(): boolean {
    const { role, transferTarget } = this.#raft;
    return role === "leader" && transferTarget === undefined && !this.#closing;
  }

  /** The numbers in the reserve. */
  get inHand(): Range {
    return { last: this.#end, count: this.#left };
  }

  /** How many they are. */
  get #left(): number {
    return Number(this.#end - this.#next + 1n);
  }

  /** Numbers and claims of another term are lost. */
  #followTerm(): void {
    const { role, currentTerm } = this.#raft;
    const term = role === "leader" ? currentTerm : 0;
    if (term === this.#term) return;
    this.#term = term;
    const { size, inHand } = this;
    const uncommitted = size - inHand.count;
    if (size > 0) {
      this.#burn(size, { cause: "leadership-lost", inHand, uncommitted });
    }
    this.#next = 1n;
    this.#end = 0n;
    this.#taking = this.#returning = this.#raising = undefined;
    this.#exhausted = false;
    this.stop();
  }

  /** Burns the reserve; the next number is `first`. */
  #drop(first: bigint): void {
    const { inHand } = this;
    const { count } = inHand;
    if (count > 0) this.#burn(count, { cause: "overtaken", inHand });
    this.#next = first;
  }

  #burn(count: number, gap: Gap): void {
    this.burnt += BigInt(count);
    this.#tellBurnt?.(gap);
  }

  /**
   * Proposes an entry that takes what claims lack, and more ahead of demand, as far as a crash
   * may burn it, if less than the part `low` of that is left; one entry at a time.
   */
  #gather(low = 1 / 2): void {
    if (this.#taking !== undefined || this.#exhausted) return;
    const ahead = this.#isGiving ? this.ahead : 0;
    const missing = this.#wanted - this.#left;
    if (missing <= 0 && this.unasked >= ahead * low) return;
    const { aheadMax } = this.#demand;
    const more = Math.min(ahead, Math.max(0, aheadMax - this.unasked));
    const count = Math.max(missing, 0) + more;
    if (count === 0) return;
    const index = this.#raft.propose(encodeTake(ticketSequence, count));
    if (index !== undefined) this.#taking = { index, count, ticks: 0 };
  }
}
