// A notice in the log of a cluster of two voters: it survives no loss, which people do not expect
// of two nodes. Once for each time that the committed members become so, and after a while
// only, because a third is often on its way. It decides nothing.

import type { Logger } from "../../base/logger.ts";
import type { Raft } from "../core/raft.ts";

/** The dependencies of the notice. */
export type VoterNoticeOptions = {
  readonly log: Logger;
  /** Ticks for which there must be two voters, and no learner, before it is told. */
  readonly delayTicks: number;
};

/** Watches the voters of one node's cluster. */
export class VoterNotice {
  readonly #raft: Raft;
  readonly #options: VoterNoticeOptions;
  /** Ticks for which there have been two voters. */
  #ticks = 0;
  #isTold = false;

  constructor(raft: Raft, options: VoterNoticeOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /** A tick has passed. */
  tick(): void {
    const { membership, log, id } = this.#raft;
    // By a committed configuration only: another may be rolled back.
    if (membership.currentIndex > log.commitIndex) return;
    if (membership.voters.length !== 2) {
      this.#ticks = 0;
      this.#isTold = false;
      return;
    }
    if (this.#isTold || membership.find(id) === undefined) return;
    const { servers } = membership.current;
    const isGrowing = servers.some(({ suffrage }) => suffrage === "learner");
    this.#ticks = isGrowing ? 0 : this.#ticks + 1;
    if (this.#ticks < this.#options.delayTicks) return;
    this.#isTold = true;
    this.#options.log(
      "warning",
      `the cluster has two voters, ${membership.voters.join(" and ")}: when ` +
        `either is away, nobody gets a ticket; start a third node with --join`,
    );
  }
}
