// Whether this node belongs to its cluster, as far as it can know: told by a leader, or
// read in its own log. A log that is read up tells of removals long undone, and a node
// that joins reads of times in which it was no member; neither is a removal. Reads the
// core, and remembers what it saw in this life.

import { findServer } from "./core/membership.ts";
import type { Raft } from "./core/raft.ts";

export class Standing {
  readonly #raft: Raft;
  readonly #incarnation: string;
  readonly #joins: boolean;
  /** In this life a leader has held this very disk for a member. */
  #wasMember = false;
  #told = false;

  /** `joins`: while it is no member, the node asks to become one (--join). */
  constructor(
    raft: Raft,
    { incarnation, joins }: { incarnation: string; joins: boolean },
  ) {
    this.#raft = raft;
    this.#incarnation = incarnation;
    this.#joins = joins;
  }

  /** Not in the cluster, and never in this life: to be let in, it must ask. */
  get isOutside(): boolean {
    return this.#isOut && !this.#wasMember;
  }

  /** To be called after each input; true once, when the node has been removed. */
  look(): boolean {
    this.#wasMember ||= this.#isMember;
    if (this.#told || !this.#isOut) return false;
    if (this.#joins && !this.#wasMember) return false;
    return this.#told = true;
  }

  /**
   * A leader says so, or the newest configuration does, is committed, and there is no
   * later one that a leader has committed and that could name this node again.
   */
  get #isOut(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const isCommitted = 0 < membership.currentIndex &&
      membership.currentIndex <= log.commitIndex;
    return removed ||
      (isUpToDate && isCommitted && membership.find(id) === undefined);
  }

  /** Of what is decided: what is not may never be, or be undone before it is. */
  get #isMember(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const { configuration } = membership.at(log.commitIndex);
    return isUpToDate && !removed &&
      findServer(configuration, id)?.incarnation === this.#incarnation;
  }
}
