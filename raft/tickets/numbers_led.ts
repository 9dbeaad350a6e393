// The leader's half of the commands about numbers: TICKET.LAST, TICKET.RAISE and RAFT.BACKUP.
// Not here: which node is asked, and for how long (`numbers_asked.ts`).
//
// Each is answered when three things are true at one moment. Together they make the answer
// linearizable (thesis 6.4):
//
//  1. An entry of this term is applied: every entry of a former leader is then applied, too.
//  2. A round of confirmations that began after the question shows that no later leader had
//     given a number by then.
//  3. No number is lent (a backup names the last that was taken, so it need not wait for this).
//
// A raise is an entry in the log, unless the next number is above `to` already. It is answered
// by the same look at the next number, after its entry has been applied.

import type { NumberCommand } from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type { Term } from "../core/types.ts";
import type { Lending } from "./lending.ts";
import { type Machine, ticketSequence } from "./machine.ts";
import type { NumberAnswer } from "./number_codec.ts";
import type { Reserve } from "./reserve.ts";

/** A command, and the round of confirmations, of one term, that its answer waits for. */
export type NumberQuestion = {
  readonly command: NumberCommand;
  round: { readonly number: number; readonly term: Term } | undefined;
  /** A raise has been proposed for it. */
  isProposed: boolean;
};

/** The parts of a leader that know the numbers. */
export type NumbersLedOptions = {
  readonly machine: Machine;
  readonly reserve: Reserve;
  readonly lending: Lending;
  /** The cluster's id: 32 hex digits. */
  readonly cluster: string;
  /** A raise has passed over numbers, up to `to`. */
  readonly raised: (to: bigint) => void;
};

/** Answers the commands about numbers while this node leads. */
export class NumbersLed {
  readonly #raft: Raft;
  readonly #options: NumbersLedOptions;

  constructor(raft: Raft, options: NumbersLedOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /**
   * Carries `question` as far as it goes now; the answer, once there is one. To be called
   * after every input, while this node leads, when all committed entries have been applied.
   */
  advance(question: NumberQuestion): NumberAnswer | undefined {
    const isConfirmed = this.#isConfirmed(question);
    if (!this.#hasAppliedOwnEntry) return undefined;
    const { command } = question;
    switch (command.type) {
      case "last":
        return this.#isLoanBack && isConfirmed
          ? { type: "number", number: this.#last }
          : undefined;
      case "raise":
        if (!this.#isLoanBack) return undefined;
        if (this.#last >= command.to) {
          if (!isConfirmed) return undefined;
          if (question.isProposed) this.#options.raised(command.to);
          return { type: "ok" };
        }
        question.isProposed = true;
        this.#options.reserve.raise(command.to);
        return undefined;
      case "backup":
        return isConfirmed
          ? { type: "pairs", pairs: this.#backup() }
          : undefined;
      default:
        return command satisfies never;
    }
  }

  #isConfirmed(question: NumberQuestion): boolean {
    const { currentTerm: term, confirmedRound } = this.#raft;
    if (question.round?.term !== term) {
      question.round = { number: this.#raft.confirm(), term };
    }
    return question.round.number <= confirmedRound;
  }

  get #hasAppliedOwnEntry(): boolean {
    const { log, currentTerm } = this.#raft;
    return log.termAt(log.lastApplied) === currentTerm;
  }

  /** The isolate may deal numbers of a loan after the answer, and they are below it. */
  get #isLoanBack(): boolean {
    return this.#options.lending.recall();
  }

  get #last(): bigint {
    const { machine, reserve } = this.#options;
    return reserve.last(machine.last(ticketSequence));
  }

  /**
   * The state after the last applied entry, as key and value. `members` and `sequences` tell
   * how many pairs follow them: id and "suffrage address", name and last number.
   */
  #backup(): readonly (readonly [string, string])[] {
    const { membership, log } = this.#raft;
    const { machine: { sequences }, cluster } = this.#options;
    const { configuration: { servers } } = membership.at(log.lastApplied);
    return [
      ["format", "1"],
      ["cluster", cluster],
      ["index", `${log.lastApplied}`],
      ["term", `${log.termAt(log.lastApplied)}`],
      ["members", `${servers.length}`],
      ...servers.map(({ id, suffrage, address }) =>
        [id, `${suffrage} ${address}`] as const
      ),
      ["sequences", `${sequences.length}`],
      ...sequences.map(([name, last]) => [name, `${last}`] as const),
    ];
  }
}
