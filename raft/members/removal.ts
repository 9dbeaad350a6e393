// Whether this node belongs to its cluster, as far as it can know: told by a leader, or
// read in its own log. A log that is read up tells of removals long undone, and a node
// that joins reads of times in which it was no member; neither is a removal. Reads the
// core, and remembers what it saw in this life.
//
// A node that belongs to no cluster turns its clients away at once, for waiting would not
// help them; one that merely knows no leader, as in an election, lets them wait.

import { findServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";

/** Election timeouts after which a node that no leader has called on is taken for forgotten. */
const forgottenAfter = 4;

export class RemovalWatch {
  readonly #raft: Raft;
  readonly #incarnation: string;
  readonly #joins: boolean;
  /** In this life a leader has held this very disk for a member. */
  #wasMember = false;
  #told = false;
  /** Ticks since a leader was known. */
  #leaderlessTicks = 0;

  /** `joins`: while it is no member, the node asks to become one (--join). */
  constructor(
    raft: Raft,
    { incarnation, joins }: { incarnation: string; joins: boolean },
  ) {
    this.#raft = raft;
    this.#incarnation = incarnation;
    this.#joins = joins;
  }

  /** It belongs to no cluster, as far as it can know: nobody is going to give it tickets. */
  get isOut(): boolean {
    return this.#isRemoved || this.#isForgotten;
  }

  /** … and it never did in this life: to be let in, it must ask. */
  get isOutside(): boolean {
    return this.isOut && !this.#wasMember;
  }

  /** Clients can be told something: numbers, before long, or that there will be none. */
  get isSettled(): boolean {
    const { leaderId, membership, id } = this.#raft;
    if (leaderId !== undefined) return true;
    const { voters } = membership;
    // Nobody else could become leader: it leads in a moment.
    const isSole = voters.length === 1 && voters[0] === id;
    const hasBeenMember = membership.hasNamed(id, this.#incarnation);
    return (hasBeenMember && !isSole) || this.isOut;
  }

  tick(): void {
    if (this.#raft.leaderId === undefined) this.#leaderlessTicks++;
    else this.#leaderlessTicks = 0;
  }

  /** To be called after each input; true once, when the node has been removed. */
  look(): boolean {
    this.#wasMember ||= this.#isMember;
    if (this.#told || !this.#isRemoved) return false;
    if (this.#joins && !this.#wasMember) return false;
    return this.#told = true;
  }

  /**
   * A leader says so, or the newest configuration does, is committed, and there is no
   * later one that a leader has committed and that could name this node again.
   */
  get #isRemoved(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const isCommitted = 0 < membership.currentIndex &&
      membership.currentIndex <= log.commitIndex;
    return removed ||
      (isUpToDate && isCommitted && membership.find(id) === undefined);
  }

  /**
   * Nothing that it has says that this disk was ever a member's, and no leader calls on it:
   * it is about to join, or was let in and taken out again before it heard of either, or
   * another disk has taken its place. Nobody who leads knows it.
   */
  get #isForgotten(): boolean {
    const { membership, id, options } = this.#raft;
    return this.#leaderlessTicks >= forgottenAfter * options.electionTicks &&
      !membership.hasNamed(id, this.#incarnation);
  }

  /** Of what is decided: what is not may never be, or be undone before it is. */
  get #isMember(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const { configuration } = membership.at(log.commitIndex);
    return isUpToDate && !removed &&
      findServer(configuration, id)?.incarnation === this.#incarnation;
  }
}
