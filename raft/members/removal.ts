// Whether this node belongs to its cluster, as far as it can know: a leader tells it
// (NotMember), or its own log does. A log that is still being read tells of removals that
// were undone long ago, and a joining node reads of times in which it was no member:
// neither is a removal. Reads the core, and remembers what it saw since this process began.
//
// A node that belongs to no cluster refuses its clients at once, because waiting would not
// help them. A member that merely knows no leader, as during an election, lets them wait.

import { findServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";

/** Election timeouts without a leader, after which a node believes that it is forgotten. */
const forgottenAfter = 4;

/** Notices that its cluster has removed this node. */
export class Removal {
  readonly #raft: Raft;
  readonly #incarnation: string;
  readonly #joins: boolean;
  /** Since this process began, a committed configuration has named this very disk. */
  #wasMember = false;
  /** `noticeRemoval()` has returned true. */
  #noticed = false;
  /** Ticks since a leader was known. */
  #leaderlessTicks = 0;

  /**
   * `incarnation` is that of this node's data directory. `joins`: while it is no member,
   * the node asks to become one (--join).
   */
  constructor(
    raft: Raft,
    { incarnation, joins }: { incarnation: string; joins: boolean },
  ) {
    this.#raft = raft;
    this.#incarnation = incarnation;
    this.#joins = joins;
  }

  /** It belongs to no cluster, as far as it can know: no leader will give it tickets. */
  get isOut(): boolean {
    return this.#isRemoved || this.#isForgotten;
  }

  /** It is out, and has not been a member since this process began. */
  get mustAskToJoin(): boolean {
    return this.isOut && !this.#wasMember;
  }

  /** Clients can be served: with tickets, before long, or with a refusal at once. */
  get isSettled(): boolean {
    const { leaderId, membership, id } = this.#raft;
    if (leaderId !== undefined) return true;
    const { voters } = membership;
    // No other server can become leader: this one does in a moment.
    const isSole = voters.length === 1 && voters[0] === id;
    const hasBeenMember = membership.hasNamed(id, this.#incarnation);
    return (hasBeenMember && !isSole) || this.isOut;
  }

  tick(): void {
    if (this.#raft.leaderId === undefined) this.#leaderlessTicks++;
    else this.#leaderlessTicks = 0;
  }

  /** To be called after each input; true once, when the node has been removed. */
  noticeRemoval(): boolean {
    this.#wasMember ||= this.#isMember;
    if (this.#noticed || !this.#isRemoved) return false;
    if (this.#joins && !this.#wasMember) return false;
    return this.#noticed = true;
  }

  /**
   * A leader says so. Or the newest configuration does, it is committed, and this node has
   * read all that was committed: no later configuration can name it again.
   */
  get #isRemoved(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const isCommitted = 0 < membership.currentIndex &&
      membership.currentIndex <= log.commitIndex;
    return removed ||
      (isUpToDate && isCommitted && membership.find(id) === undefined);
  }

  /**
   * No configuration that it has names this disk, and no leader sends it anything. Either
   * it is about to join, or it was added and removed before it heard of either, or another
   * disk has taken its id: no leader knows it.
   */
  get #isForgotten(): boolean {
    const { membership, id, options } = this.#raft;
    return this.#leaderlessTicks >= forgottenAfter * options.electionTicks &&
      !membership.hasNamed(id, this.#incarnation);
  }

  /** By the committed configuration only: an uncommitted one may be rolled back. */
  get #isMember(): boolean {
    const { removed, isUpToDate, membership, log, id } = this.#raft;
    const { configuration } = membership.at(log.commitIndex);
    return isUpToDate && !removed &&
      findServer(configuration, id)?.incarnation === this.#incarnation;
  }
}
