// The loan: numbers of the reserve that the main isolate may give to clients by itself, beyond
// those that it asked for. That is safe while this node is all of its cluster and main alone
// serves clients: no other node can be asked for tickets, or lead. Before that changes, the
// loan is recalled. Until it has come back, no other number leaves this node.
//
// The messages are `lent`, `nothing-lent`, `recall` and `returned` (`channel/messages.ts`).
// Main keeps its end of the loan in `server/tickets/loan.ts`.

import type { FromNode } from "../channel/messages.ts";
import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Raft } from "../core/raft.ts";
import type { Reserve } from "./reserve.ts";

/** Lends numbers of the reserve to the main isolate, and recalls them. */
export class Lending {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #post: (message: FromNode) => void;
  /** Whether main alone serves clients. */
  readonly #isAllowed: boolean;
  /** Where the loan is, as far as this isolate knows. */
  #state: "none" | "lent" | "recalled" = "none";
  /** A refill was asked for, and is not answered. */
  #isRefillWanted = false;

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

  /** How many numbers may be lent now; 0 if none. */
  get spare(): number {
    const { membership, log, id } = this.#raft;
    const { servers } = membership.current;
    const isAlone = servers.length === 1 && servers[0]?.id === id &&
      membership.currentIndex <= log.commitIndex;
    const isAllowed = this.#isAllowed && isAlone && !this.isRecalling;
    return isAllowed ? this.#reserve.ahead : 0;
  }

  /** Whether main has numbers on loan, or may have. */
  get isOut(): boolean {
    return this.#state !== "none";
  }

  /** Whether a recall waits for its answer. */
  get isRecalling(): boolean {
    return this.#state === "recalled";
  }

  /** Main asks for more. It is answered at once, or as soon as the reserve has numbers. */
  refill(): void {
    assert(!this.#isRefillWanted, "one refill is under way");
    this.#isRefillWanted = true;
    this.#reserve.refillAsked();
    this.pump();
  }

  /** Answers the refill that waits, if it can be. To be called after every input. */
  pump(): void {
    if (!this.#isRefillWanted) return;
    const { spare } = this;
    const range = spare > 0 ? this.#reserve.lend(spare) : undefined;
    if (range === "later") return;
    this.#isRefillWanted = false;
    if (range === undefined) return this.#post({ type: "nothing-lent" });
    this.lent();
    this.#post({ type: "lent", ...range });
  }

  /** Numbers were lent. */
  lent(): void {
    assert(!this.isRecalling, "nothing is lent while it is recalled");
    this.#state = "lent";
  }

  /** Recalls the loan. Returns true if nothing is lent; if not, call again after `returned`. */
  recall(): boolean {
    if (this.#state === "lent") {
      this.#state = "recalled";
      this.#post({ type: "recall" });
    }
    return this.#state === "none";
  }

  /** `rest` came back: the part of the loan that no client was given. */
  returned(rest: Range): void {
    this.#state = "none";
    if (rest.count > 0) this.#reserve.putBack(rest);
  }

  /** A tick has passed. Recalls the loan when demand is low, because a crash would burn it. */
  tick(): void {
    if (this.#reserve.ahead === 0) this.recall();
  }
}
