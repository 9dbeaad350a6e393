// The loans: numbers of the reserve that the main isolate may give to clients by itself, beyond
// those that it asked for; one loan for each sequence that is asked for steadily. That is safe
// while this node is all of its cluster and main alone serves clients: no other node can be
// asked for tickets, or lead. Before that changes, all loans are recalled. Until the loan of a
// sequence has come back, no other number of it leaves this node.
//
// The messages are `lent`, `nothing-lent`, `recall` and `returned` (`channel/messages.ts`).
// Main keeps its end of the loans in `server/tickets/`.

import type { FromNode } from "../channel/messages.ts";
import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Raft } from "../core/raft.ts";
import type { Loans } from "./claim.ts";
import type { Reserve } from "./reserve.ts";

/** Loans that have ended of which the last number is known. */
const endedMax = 4096;

/** The loan of one sequence, as far as this isolate knows. */
type Loan = {
  /** The last number that was lent. */
  last: bigint;
  /** It is recalled, and not all of it is back. */
  isRecalled: boolean;
};

/** Lends numbers of the reserve to the main isolate, and recalls them. */
export class Lending implements Loans {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #post: (message: FromNode) => void;
  /** Whether main alone serves clients. */
  readonly #isAllowed: boolean;
  /** By sequence: what main has on loan, or may have. */
  readonly #loans = new Map<string, Loan>();
  /** Sequences for which a refill was asked, and is not answered. */
  readonly #refills = new Set<string>();
  /** The last numbers of loans that have ended, the latest behind the others. */
  readonly #ended = new Map<string, bigint>();
  /** Somebody waits until nothing is lent of any sequence: no more is lent until then. */
  #isRecallingAll = false;

  constructor(
    raft: Raft,
    reserve: Reserve,
    { post, isAllowed }: {
      readonly post: (message: FromNode) => void;
      readonly isAllowed: boolean;
    },
  ) {
    this.#raft = raft;
    this.#reserve = reserve;
    this.#post = post;
    this.#isAllowed = isAllowed;
  }

  /** How many numbers of sequence `name` may be lent now; 0 if none. */
  spareOf(name: string): number {
    if (!this.#isAllowed || this.#isRecallingAll) return 0;
    return this.#isAlone && !this.isRecalling(name)
      ? this.#reserve.aheadOf(name)
      : 0;
  }

  get #isAlone(): boolean {
    const { membership, log, id } = this.#raft;
    const { servers } = membership.current;
    return servers.length === 1 && servers[0]?.id === id &&
      membership.currentIndex <= log.commitIndex;
  }

  /** Whether main has numbers on loan, or may have, or waits for some. */
  get isOut(): boolean {
    return this.#loans.size > 0 || this.#refills.size > 0;
  }

  /** Whether a recall of sequence `name` waits for its answer. */
  isRecalling(name: string): boolean {
    return this.#loans.get(name)?.isRecalled ?? false;
  }

  /** Main asks for more. It is answered at once, or as soon as the reserve has numbers. */
  refill(name: string): void {
    assert(!this.#refills.has(name), "one refill is under way");
    this.#refills.add(name);
    this.#reserve.refillAsked(name);
    this.#answerRefill(name);
  }

  /** Answers the refills that wait, as far as it can. To be called after every input. */
  pump(): void {
    for (const name of this.#refills) this.#answerRefill(name);
  }

  #answerRefill(name: string): void {
    const spare = this.spareOf(name);
    const range = spare > 0 ? this.#reserve.lend(name, spare) : undefined;
    if (range === "later") return;
    this.#refills.delete(name);
    if (range === undefined) return this.#post({ type: "nothing-lent", name });
    this.lent(name, range.last);
    this.#post({ type: "lent", name, ...range });
  }

  /** Numbers of sequence `name` were lent, up to `last`. */
  lent(name: string, last: bigint): void {
    assert(!this.isRecalling(name), "nothing is lent while it is recalled");
    this.#loans.set(name, { last, isRecalled: false });
  }

  /**
   * Main asks for numbers of sequence `name`: its loan is used up but for the last `rest`
   * numbers, which come back with this. If it is recalled, main has not heard of that yet, and
   * answers it all the same.
   */
  asked(name: string, rest: number): void {
    const loan = this.#loans.get(name);
    if (loan === undefined && rest === 0) return; // nothing is lent
    // This may have overtaken the answer to the recall, which then brings what was left.
    if (loan?.isRecalled === true && rest === 0) return;
    if (loan?.isRecalled === false) this.#loans.delete(name);
    this.#reserve.noteLent(name, rest);
    if (rest === 0) return;
    // The answer to the recall may have overtaken this.
    const last = loan?.last ?? this.#ended.get(name) ?? 0n;
    this.#reserve.returned(name, { last, count: rest });
  }

  /** Recalls a loan. Returns true if nothing is lent; if not, call again after `returned`. */
  recall(name: string): boolean {
    const loan = this.#loans.get(name);
    if (loan === undefined) return true;
    if (!loan.isRecalled) {
      loan.isRecalled = true;
      this.#post({ type: "recall", name });
    }
    return false;
  }

  /** The same of all loans; none is lent any more until all are back. */
  recallAll(): boolean {
    if (this.#loans.size === 0) return true;
    this.#isRecallingAll = true;
    for (const name of this.#loans.keys()) this.recall(name);
    return false;
  }

  /** `rest` of sequence `name` came back: the part of the loan that no client was given. */
  returned(name: string, rest: Range): void {
    const { last } = this.#loans.get(name) ?? rest;
    this.#loans.delete(name);
    this.#ended.delete(name);
    this.#ended.set(name, last);
    const [oldest = name] = this.#ended.keys();
    if (this.#ended.size > endedMax) this.#ended.delete(oldest);
    this.#reserve.returned(name, rest);
  }

  /** A tick has passed. Recalls loans whose demand is low, because a crash would burn them. */
  tick(): void {
    if (this.#loans.size === 0) this.#isRecallingAll = false;
    for (const [name, { isRecalled }] of this.#loans) {
      if (!isRecalled && this.#reserve.aheadOf(name) === 0) this.recall(name);
    }
  }
}
