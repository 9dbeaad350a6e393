// Numbers that go out to the one isolate which serves clients, beyond what it asked for, so
// that it can give them by itself: while this node is all of its cluster nobody else
// could be asked for tickets, or lead. Before that changes they are recalled, and until
// they have come back, or were given, no other number leaves this node.

import type { FromNode } from "../channel/messages.ts";
import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Raft } from "../core/raft.ts";
import type { Reserve } from "./reserve.ts";

export class Lending {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #post: (message: FromNode) => void;
  /** Whether there is one isolate alone. */
  readonly #isAllowed: boolean;
  #state: "none" | "out" | "recalled" = "none";
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

  /** How many numbers may be lent now. */
  get spare(): number {
    const { membership, log, id } = this.#raft;
    const { servers } = membership.current;
    const isAlone = servers.length === 1 && servers[0]!.id === id &&
      membership.currentIndex <= log.commitIndex;
    const isAllowed = this.#isAllowed && isAlone && !this.isRecalling;
    return isAllowed ? this.#reserve.ahead : 0;
  }

  /** Until what is out has come back. */
  get isRecalling(): boolean {
    return this.#state === "recalled";
  }

  /** Lends more, once there are numbers in hand, or none. */
  refill(): void {
    assert(!this.#isRefillWanted, "one refill is under way");
    this.#isRefillWanted = true;
    this.#reserve.takeAhead();
    this.pump();
  }

  /** Answers the refill that waits, if it can be now; to be called after every input. */
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

  /** Some went out. */
  lent(): void {
    assert(!this.isRecalling, "nothing is lent while it is recalled");
    this.#state = "out";
  }

  /** True once nothing is out; to be asked again after it has come back. */
  recall(): boolean {
    if (this.#state === "out") {
      this.#state = "recalled";
      this.#post({ type: "recall" });
    }
    return this.#state === "none";
  }

  /** What is left of what was out came back. */
  returned(rest: Range): void {
    this.#state = "none";
    if (rest.count > 0) this.#reserve.putBack(rest);
  }

  /** What is hardly asked for is not left out. */
  tick(): void {
    if (this.#reserve.ahead === 0) this.recall();
  }
}
