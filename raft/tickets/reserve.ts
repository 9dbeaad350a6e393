// The reserve: the numbers that this leader has in hand, committed and not given yet. It takes
// them from the log ahead of demand, as many as were given lately, so that under load a take
// waits for no disk. While demand is low it takes exactly what is asked for.
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
import {
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

/** Ticks over which demand is averaged. */
const paceTicks = 4;
/** Numbers taken ahead at most. */
const aheadMax = 2 ** 20;

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

/** The reserve of one node, empty while it does not lead. */
export class Reserve {
  readonly #raft: Raft;
  readonly #paceMin: number;
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
  /** The entry under way that takes more numbers, and how many. */
  #taking: { readonly index: Index; readonly count: number } | undefined;
  /** The entry under way that gives numbers back, and how many. */
  #returning: { readonly index: Index; readonly count: number } | undefined;
  /** The sequence has no numbers left to take. */
  #exhausted = false;
  /** The node stops: no further claim is made. */
  #closing = false;
  /** Numbers given in this tick … */
  #given = 0;
  /** … and in each of the last `paceTicks` before it. */
  readonly #pace: number[] = Array.from({ length: paceTicks }, () => 0);
  /** Numbers that were taken in this process and will never be given. */
  burnt = 0n;

  /** Below `paceMin` numbers a tick nothing is taken ahead, so that a crash burns nothing. */
  constructor(raft: Raft, paceMin: number) {
    this.#raft = raft;
    this.#paceMin = paceMin;
  }

  /** Numbers in the reserve, or in an uncommitted entry that takes or returns some. */
  get size(): number {
    return this.#left + (this.#taking?.count ?? 0) +
      (this.#returning?.count ?? 0);
  }

  /** How many numbers to take ahead of demand: as many as a tick uses. */
  get ahead(): number {
    const average = this.#pace.reduce((sum, given) => sum + given) / paceTicks;
    const pace = Math.ceil(Math.max(this.#given, average));
    if (this.#closing) return 0;
    return pace < this.#paceMin ? 0 : Math.min(pace, aheadMax);
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
    const claim = { count, asker, round: this.#raft.confirm(asker) };
    this.#claims.push(claim);
    this.#wanted += count;
    this.#gather(this.ahead);
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
    const isAlone = this.#claims.length === 1 && asker === undefined;
    if (this.#left < count && !this.#exhausted) return undefined;
    this.#claims.shift();
    this.#wanted -= count;
    return { claim, settlement: this.#give(count + (isAlone ? spare : 0)) };
  }

  /** Takes more numbers from the log if few are left, as a new claim would. */
  takeAhead(): void {
    this.#followTerm();
    if (this.#isGiving) this.#gather(this.ahead);
  }

  /**
   * Lends up to `max` numbers, at least 1, if no claim waits for any. Returns `"later"` if the
   * reserve is empty and an entry under way brings more, `undefined` if nothing can be lent.
   */
  lend(max: number): Range | "later" | undefined {
    this.#followTerm();
    if (!this.#isGiving || this.#claims.length > 0) return undefined;
    const { confirmedRound } = this.#raft;
    assert(this.#raft.confirm() <= confirmedRound, "only a sole voter lends");
    if (this.#left > 0) return this.#give(max);
    return this.#taking === undefined ? undefined : "later";
  }

  /** The next `count` numbers, or as many as there are. */
  #give(count: number): Range {
    const given = Math.min(this.#left, count);
    this.#given += given;
    this.#next += BigInt(given);
    return { last: this.#next - 1n, count: given };
  }

  /** The machine applied `entry`, which took the numbers `given`, if it took any. */
  applied({ index }: Entry, given: Range | undefined): void {
    this.#followTerm(); // an entry at that index may be another leader's
    if (index === this.#returning?.index) this.#returning = undefined;
    if (given !== undefined && index === this.#taking?.index) {
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

  /** Numbers that were lent come back unused. */
  putBack({ last, count }: Range): void {
    this.#followTerm();
    // If later numbers were given meanwhile, these would be out of order: they burn.
    if (last + 1n === this.#next) this.#next -= BigInt(count);
    else this.burnt += BigInt(count);
  }

  /** A tick has passed. Averages demand anew; if it is low, returns the reserve to the log. */
  tick(): void {
    this.#pace.shift();
    this.#pace.push(this.#given);
    this.#given = 0;
    if (this.ahead === 0) this.giveBack();
  }

  /** Takes the numbers that claims lack. To be called after every input, at the end. */
  pump(): void {
    this.#followTerm();
    this.#gather(this.#wanted > this.#left ? this.ahead : 0);
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
    if (this.#taking ?? this.#returning) return false;
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

  /** Numbers in the reserve. */
  get #left(): number {
    return Number(this.#end - this.#next + 1n);
  }

  /** Numbers and claims of another term are lost. */
  #followTerm(): void {
    const { role, currentTerm } = this.#raft;
    const term = role === "leader" ? currentTerm : 0;
    if (term === this.#term) return;
    this.#term = term;
    this.burnt += BigInt(this.size);
    this.#next = 1n;
    this.#end = 0n;
    this.#taking = this.#returning = undefined;
    this.#exhausted = false;
    this.stop();
  }

  /** Burns the reserve; the next number is `first`. */
  #drop(first: bigint): void {
    this.burnt += BigInt(this.#left);
    this.#next = first;
  }

  /** Proposes an entry that takes what claims lack, and `ahead` more; one at a time. */
  #gather(ahead: number): void {
    if (this.#taking !== undefined || this.#exhausted) return;
    const missing = this.#wanted - this.#left;
    if (missing <= 0 && this.#left - this.#wanted >= ahead / 2) return;
    const count = Math.max(missing, 0) + ahead;
    const index = this.#raft.propose(encodeTake(ticketSequence, count));
    if (index !== undefined) this.#taking = { index, count };
  }
}
