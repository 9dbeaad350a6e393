// Takes on their way through this leader's log, whoever asked for them: from the proposal
// to the commit, or to the end of the term in which they were proposed. Each is settled
// exactly once. Knows neither askers nor the machine's numbers.

import { assert } from "./core/assert.ts";
import type { Raft } from "./core/raft.ts";
import type { Entry, Index, Term } from "./core/types.ts";
import { encodeTake, type Given, ticketSequence } from "./machine.ts";

/**
 * What became of a take. One of a term that we lead no more may yet be committed, by
 * another leader; nobody is told its numbers: they are burnt, not given twice.
 */
export type Outcome = Given | "leadership-lost";

type Proposal = {
  readonly term: Term;
  readonly settle: (outcome: Outcome) => void;
};

export class Proposals {
  readonly #raft: Raft;
  readonly #proposals = new Map<Index, Proposal>();

  constructor(raft: Raft) {
    this.#raft = raft;
  }

  /** Proposes to take `count` tickets; false when this node proposes nothing now. */
  propose(count: number, settle: (outcome: Outcome) => void): boolean {
    const index = this.#raft.propose(encodeTake(ticketSequence, count));
    if (index === undefined) return false;
    assert(!this.#proposals.has(index), `${index} is proposed twice`);
    this.#proposals.set(index, { term: this.#raft.currentTerm, settle });
    return true;
  }

  /** The machine applied `entry`, which gave `given`. */
  applied({ index, term }: Entry, given: Given): void {
    const proposal = this.#proposals.get(index);
    if (proposal?.term !== term) return;
    this.#proposals.delete(index);
    proposal.settle(given);
  }

  /** Settles what this node can give no more; to be called after every input. */
  pump(): void {
    if (this.#proposals.size === 0) return;
    const { role, currentTerm } = this.#raft;
    for (const [index, { term, settle }] of this.#proposals) {
      if (role === "leader" && term === currentTerm) return; // all of one term
      this.#proposals.delete(index);
      settle("leadership-lost");
    }
  }

  /** The node ends: whatever waits is settled now. */
  stop(): void {
    for (const { settle } of this.#proposals.values()) {
      settle("leadership-lost");
    }
    this.#proposals.clear();
  }
}
