// The tickets asked of this node that are not yet answered, in the order in which they
// were asked, which is that of the answers. A take is proposed at once or refused; it is
// answered when its entry is committed in the term in which it was proposed, or when the
// node leads that term no more. Knows neither clients nor the machine's numbers.

import type { FromNode, Refusal } from "./channel.ts";
import type { Raft } from "./core/raft.ts";
import type { Entry } from "./core/types.ts";
import { encodeTake, type Given, ticketSequence } from "./machine.ts";

/** On its way through the log. `outcome` waits for those asked before it. */
type Take = {
  readonly count: number;
  readonly index: number;
  readonly term: number;
  outcome: Given | Refusal | undefined;
};

export class Takes {
  readonly #raft: Raft;
  readonly #post: (message: FromNode) => void;
  #takes: Take[] = [];

  constructor(raft: Raft, post: (message: FromNode) => void) {
    this.#raft = raft;
    this.#post = post;
  }

  ask(count: number): void {
    const index = this.#raft.propose(encodeTake(ticketSequence, count));
    if (index === undefined) return this.turnAway(count);
    const term = this.#raft.currentTerm;
    this.#takes.push({ count, index, term, outcome: undefined });
  }

  /** Refuses `count` tickets when their turn comes: nothing is proposed for them. */
  turnAway(count: number): void {
    this.#takes.push({ count, index: 0, term: 0, outcome: "not-leader" });
  }

  /** The machine applied `entry`, which gave `given`. */
  applied(entry: Entry, given: Given): void {
    const take = this.#takes.find((take) => take.index >= entry.index);
    if (take?.index === entry.index && take.term === entry.term) {
      take.outcome = given;
    }
  }

  /** Answers from the front, each once, as far as the outcomes are known. */
  settle(): void {
    const leads = this.#raft.role === "leader";
    for (let take; (take = this.#takes[0]) !== undefined; this.#takes.shift()) {
      // A take of a term that we lead no more may yet be committed, by another leader.
      // Nobody is told its numbers: they are burnt, not given twice.
      if (!leads || take.term !== this.#raft.currentTerm) {
        take.outcome ??= "leadership-lost";
      }
      if (take.outcome === undefined) return;
      this.#answer(take.count, take.outcome);
    }
  }

  /** The node ends: whatever waits is answered now. */
  stop(): void {
    for (const take of this.#takes.splice(0)) {
      this.#answer(take.count, take.outcome ?? "leadership-lost");
    }
  }

  #answer(wanted: number, outcome: Given | Refusal): void {
    if (typeof outcome === "string") {
      return this.#post({ type: "refused", count: wanted, reason: outcome });
    }
    const { last, count } = outcome;
    if (count > 0) this.#post({ type: "taken", last, count });
    if (count < wanted) {
      const count = wanted - outcome.count;
      this.#post({ type: "refused", count, reason: "exhausted" });
    }
  }
}
