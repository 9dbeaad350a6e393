// The numbers that this leader has in hand: committed, and not given to anybody yet. It
// takes them from the log ahead of who asks, as many as were given lately, so that under
// load a take waits for no disk; while little is asked it takes exactly what is asked.
//
//   asked ──▶ a majority says that we lead, and there are numbers ──▶ given
//
// A number is unique because the log gives it to one reserve, of one term; it is in order
// because nothing is given before a majority has confirmed, after it was asked for, that
// nobody leads in a later term (`core/confirmation.ts`). At the end of the term the
// rest burns: whoever leads next begins behind it.

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
 * What became of a take that was asked of this leader: its numbers, fewer than it asked for
 * only if there are no more; or none, because the term in which it was asked is over.
 */
export type Settlement = Range | "leadership-lost";

/** Ticks over which the pace is taken. */
const paceTicks = 4;
/** Taken ahead at most. */
const aheadMax = 2 ** 20;

/** A take that was asked of this leader, and is not settled yet. */
export type Claim = {
  readonly count: number;
  /** The node that asks, in the term that we lead; `undefined` for our own clients. */
  readonly asker: NodeId | undefined;
  /** The round of confirmations that must be over before it is settled. */
  readonly round: number;
};

export type Settled = {
  readonly claim: Claim;
  readonly settlement: Settlement;
};

export class Reserve {
  readonly #raft: Raft;
  readonly #paceMin: number;
  /** In which this node gathers and gives, as its leader; 0: in none. */
  #term: Term = 0;
  /** In hand: `next` to `end`. */
  #next = 1n;
  #end = 0n;
  /** First come, first served. */
  #claims: Claim[] = [];
  /** What those want in all. */
  #wanted = 0;
  /** Claims of a term that is over, which nobody has been told of yet. */
  #lost: Claim[] = [];
  /** The entry under way that takes more, and how much. */
  #taking: { readonly index: Index; readonly count: number } | undefined;
  /** The entry under way that gives some back, and how many. */
  #returning: { readonly index: Index; readonly count: number } | undefined;
  /** There is no number left to take. */
  #exhausted = false;
  #closing = false;
  /** Given in this tick, and in those before it. */
  #given = 0;
  #pace: number[] = Array.from({ length: paceTicks }, () => 0);
  /** Numbers that were taken and will never be given, in this life. */
  burnt = 0n;

  /** Below `paceMin` numbers a tick none are taken ahead: a crash burns nothing then. */
  constructor(raft: Raft, paceMin: number) {
    this.#raft = raft;
    this.#paceMin = paceMin;
  }

  /** Numbers in hand, or on their way to or from it. */
  get size(): number {
    return this.#left + (this.#taking?.count ?? 0) +
      (this.#returning?.count ?? 0);
  }

  /** How many numbers are worth having in hand: a tick's worth. */
  get ahead(): number {
    const average = this.#pace.reduce((sum, given) => sum + given) / paceTicks;
    const pace = Math.ceil(Math.max(this.#given, average));
    if (this.#closing) return 0;
    return pace < this.#paceMin ? 0 : Math.min(pace, aheadMax);
  }

  /**
   * Asks for `count` tickets; `asker` is the node that does, `undefined` for this node's own
   * clients. `settleNext` returns the claim once it is settled. `undefined` if this node
   * gives none now.
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
   * Settles the oldest claim, if that can be now; to be called until it returns `undefined`,
   * with each answered before the next call. `spare`: how many numbers may go out beyond
   * those that our own clients asked for.
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
    // A claim that waits must not be given later numbers than what is lent.
    const isAlone = this.#claims.length === 1 && asker === undefined;
    if (this.#left < count && !this.#exhausted) return undefined;
    this.#claims.shift();
    this.#wanted -= count;
    return { claim, settlement: this.#give(count + (isAlone ? spare : 0)) };
  }

  /** A refill is about to be asked for: takes more from the log, if little is left. */
  takeAhead(): void {
    this.#followTerm();
    if (this.#isGiving) this.#gather(this.ahead);
  }

  /**
   * Gives up to `max` numbers that nobody asked for, to be lent. `"later"` if there are none
   * in hand and some are on their way; `undefined` if there are none to be had.
   */
  lend(max: number): Range | "later" | undefined {
    this.#followTerm();
    if (!this.#isGiving || this.#claims.length > 0) return undefined;
    const { confirmedRound } = this.#raft;
    assert(this.#raft.confirm() <= confirmedRound, "only a sole voter lends");
    if (this.#left > 0) return this.#give(max);
    return this.#taking === undefined ? undefined : "later";
  }

  /** The next `count` numbers, or as many as are in hand. */
  #give(count: number): Range {
    const given = Math.min(this.#left, count);
    this.#given += given;
    this.#next += BigInt(given);
    return { last: this.#next - 1n, count: given };
  }

  /** The machine applied `entry`, which took `given`, if it took any. */
  applied({ index }: Entry, given: Range | undefined): void {
    this.#followTerm(); // what we have not proposed in this term is not awaited
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

  /** These numbers, which were given, were not used. */
  putBack({ last, count }: Range): void {
    this.#followTerm();
    // Otherwise others have been given since, here or by another leader.
    if (last + 1n === this.#next) this.#next -= BigInt(count);
    else this.burnt += BigInt(count);
  }

  tick(): void {
    this.#pace.shift();
    this.#pace.push(this.#given);
    this.#given = 0;
    if (this.ahead === 0) this.giveBack();
  }

  /** Takes more if that is needed; to be called after every input, when all is settled. */
  pump(): void {
    this.#followTerm();
    this.#gather(this.#wanted > this.#left ? this.ahead : 0);
    if (this.#closing) this.giveBack();
  }

  /** From now on it gives what was asked for before, and the rest back. */
  close(): void {
    this.#closing = true;
    this.giveBack();
  }

  /** Nobody is going to ask: what is in hand goes back into the log. False if it cannot. */
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
    // From here on they are not ours: another may lead with that entry, or without.
    this.#end = to;
    this.#exhausted = false;
    assert(this.#left === 0, "nothing that was given comes back");
    return true;
  }

  /** The node ends, or its term has: no claim will get anything. */
  stop(): void {
    this.#lost.push(...this.#claims.splice(0));
    this.#wanted = 0;
  }

  get #isGiving(): boolean {
    const { role, transferTarget } = this.#raft;
    return role === "leader" && transferTarget === undefined && !this.#closing;
  }

  get #left(): number {
    return Number(this.#end - this.#next + 1n);
  }

  /** What was gathered in another term is nobody's. */
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

  /** Numbers below `first` are not to be given any more. */
  #drop(first: bigint): void {
    this.burnt += BigInt(this.#left);
    this.#next = first;
  }

  /** Takes what is missing, and `ahead` more; one entry at a time. */
  #gather(ahead: number): void {
    if (this.#taking !== undefined || this.#exhausted) return;
    const missing = this.#wanted - this.#left;
    if (missing <= 0 && this.#left - this.#wanted >= ahead / 2) return;
    const count = Math.max(missing, 0) + ahead;
    const index = this.#raft.propose(encodeTake(ticketSequence, count));
    if (index !== undefined) this.#taking = { index, count };
  }
}
