// The state of one node, and the rules that hold in every role: terms never fall, a term
// has one vote, a promise waits for the disk, and what belongs to a role is dropped with
// it. How a node acts in its role is said by the files that import this one, such as
// `election.ts` and `replication.ts`; inputs and outlets stand in `raft.ts`, which extends it.

import { assert } from "../../base/assert.ts";
import type { IncomingSnapshot } from "./incoming_snapshot.ts";
import { LeaderState } from "./leader_state.ts";
import { Log } from "./log.ts";
import { Membership } from "./membership.ts";
import type { RaftOptions, Role } from "./options.ts";
import { Reasons } from "./reasons.ts";
import { Saves } from "./saves.ts";
import type {
  HardState,
  Message,
  NodeId,
  Saved,
  Snapshot,
  Term,
} from "./types.ts";

/** The state of a node that stands for election: it collects pre-votes, then votes. */
export type Candidate = {
  readonly role: "preCandidate" | "candidate";
  /** Of each server that has answered: whether it granted what was asked for. */
  readonly votes: Map<NodeId, boolean>;
};

const follower = { role: "follower" } as const;

/** One node, as the files of the protocol know it; see {@linkcode Raft} for its inputs. */
export class RaftState {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: Log;
  readonly membership: Membership;
  readonly saves: Saves;

  // Persistent: part of the next save as soon as it changes.
  currentTerm: Term;
  votedFor: NodeId | undefined;

  // Volatile, in every role.
  leaderId: NodeId | undefined;
  /** A leader said that this node is no member; cleared when one sends to it again. */
  removed = false;
  /**
   * All that its leader had committed, as of the last message, is committed here too: no
   * configuration committed by then is still on its way. False after a restart.
   */
  isUpToDate = false;
  /** The highest number among this leader's messages: a lower one comes late. */
  newestSequence = 0;
  /** Ticks since a leader was heard, a vote was given or an election began. */
  electionElapsed = 0;
  /** Ticks that `electionElapsed` may reach; drawn anew each time. */
  electionTimeout = 0;
  /** Ticks that the oldest unfinished save has been under way. */
  saveElapsed = 0;
  /**
   * The number of the last message to any follower. It outlives the term, so that a number
   * names one message of this process: no late answer is taken for one to a later message.
   */
  lastSequence = 0;
  /** The leader's snapshot that arrives; it outlives the leader. */
  incoming: IncomingSnapshot | undefined;
  /** For people: no rule reads it. */
  readonly reasons = new Reasons();

  /** Messages that may be sent now. */
  protected outbox: Message[] = [];
  /** A leader's snapshot that the machine has not taken yet. */
  protected restored: Snapshot | undefined;

  readonly #incarnation: string;
  /** The role and everything that belongs to it: another role is another object. */
  #roleState: typeof follower | Candidate | LeaderState = follower;

  /** A node that starts with `saved`, the content of its disk, which also names it. */
  constructor(options: RaftOptions, saved: Saved) {
    assert(
      options.electionTicks > options.heartbeatTicks &&
        options.heartbeatTicks > 0,
      "an election timeout spans several heartbeats",
    );
    this.id = saved.identity.node;
    this.#incarnation = saved.identity.incarnation;
    this.options = options;
    this.currentTerm = saved.hardState.currentTerm;
    this.votedFor = saved.hardState.votedFor;
    this.log = new Log(saved.snapshot, saved.entries);
    this.saves = new Saves(this.log.lastIndex);
    this.membership = new Membership(
      saved.snapshot.configuration,
      saved.snapshot.configurationIndex,
    );
    for (const entry of saved.entries) {
      if (entry.type === "configuration") {
        this.membership.append(entry.index, entry.configuration);
      }
    }
    this.#drawElectionTimeout();
  }

  // The role.

  get role(): Role {
    return this.#roleState.role;
  }

  /** The state of a leader; `undefined` in any other role. */
  get leader(): LeaderState | undefined {
    return this.#roleState.role === "leader" ? this.#roleState : undefined;
  }

  /** The state of a candidate or pre-candidate; `undefined` in any other role. */
  get candidate(): Candidate | undefined {
    const state = this.#roleState;
    return state.role === "preCandidate" || state.role === "candidate"
      ? state
      : undefined;
  }

  /** Follows `leaderId` in `term`, or waits for a leader if that is undefined. */
  becomeFollower(term: Term, leaderId: NodeId | undefined): void {
    assert(term >= this.currentTerm, "terms never fall");
    this.#endCandidacy();
    if (leaderId !== undefined) this.reasons.found(leaderId);
    if (term > this.currentTerm) this.setHardState(term, undefined);
    this.#roleState = follower;
    this.leaderId = leaderId;
    this.newestSequence = 0;
    this.resetElection();
  }

  /** Begins to count votes, or pre-votes, from these on. */
  becomeCandidate(candidate: Candidate): void {
    this.#endCandidacy();
    this.#roleState = candidate;
    this.leaderId = undefined;
    this.resetElection();
  }

  /** Begins to lead, knowing nothing of any follower. */
  becomeLeader(): void {
    assert(this.role === "candidate", "only a candidate becomes leader");
    this.#endCandidacy();
    this.reasons.elected(this.id);
    this.incoming = undefined;
    this.#roleState = new LeaderState();
    this.leaderId = this.id;
  }

  #endCandidacy(): void {
    if (this.candidate !== undefined) this.reasons.candidacy = this.candidate;
  }

  // Terms, votes and time.

  get hardState(): HardState {
    return { currentTerm: this.currentTerm, votedFor: this.votedFor };
  }

  setHardState(term: Term, votedFor: NodeId | undefined): void {
    assert(
      term > this.currentTerm || this.votedFor === undefined ||
        this.votedFor === votedFor,
      "one vote a term",
    );
    this.currentTerm = term;
    this.votedFor = votedFor;
    this.saves.hardStateChanged();
  }

  resetElection(): void {
    this.electionElapsed = 0;
    this.#drawElectionTimeout();
  }

  /** Leader stickiness: a leader was heard too recently to help another to power. */
  get hearsLeader(): boolean {
    return this.role === "leader" ||
      (this.leaderId !== undefined &&
        this.electionElapsed < this.options.electionTicks);
  }

  /** A save has been under way for an election timeout: this disk can carry no cluster. */
  get isStalled(): boolean {
    return this.saveElapsed >= this.options.electionTicks;
  }

  /**
   * Whether this node may stand for election. It may even when its latest configuration
   * leaves it out, until that is committed, because it may hold the only copy of that entry
   * (thesis 4.2.2, figure 4.6); it does not count its own vote then. It may not by a
   * configuration that names another disk under its id: that is older than this disk, and
   * its voters may be no majority any more.
   */
  get isElectable(): boolean {
    const { membership, log } = this;
    const { incarnation = "" } = membership.find(this.id) ?? {};
    if (incarnation !== "" && incarnation !== this.#incarnation) return false;
    const isLeaving = membership.currentIndex > log.commitIndex &&
      membership.wasVoter(this.id);
    return (membership.isVoter(this.id) || isLeaving) && !this.removed &&
      !this.isStalled;
  }

  // Messages and snapshots.

  /** Sends a message that promises nothing about the disk. */
  send(message: Message): void {
    this.outbox.push(message);
  }

  /** Sends a message that promises the present state, once all of that is durable. */
  sendWhenDurable(message: Message): void {
    if (this.saves.hold(message, this.log)) return;
    assert(message.to !== this.id, "an own vote changes the hard state");
    this.outbox.push(message);
  }

  /** Takes a leader's snapshot in place of the whole log. */
  restore(snapshot: Snapshot): void {
    this.log.restore(snapshot);
    this.membership.restore(
      snapshot.configurationIndex,
      snapshot.configuration,
    );
    this.saves.truncated(1);
    this.saves.snapshotChanged();
    this.restored = snapshot;
    this.incoming = undefined;
  }

  /** Drops the snapshot that arrives, if the log has got as far without it. */
  forgetIncoming(): void {
    const { incoming, log } = this;
    if (incoming === undefined || incoming.head.index > log.commitIndex) return;
    this.incoming = undefined;
  }

  #drawElectionTimeout(): void {
    const { electionTicks, random } = this.options;
    // The only voter waits for nobody: no other could object.
    const alone = this.membership.isVoter(this.id) &&
      this.membership.voters.length === 1;
    this.electionTimeout = alone ? 1 : electionTicks + random(electionTicks);
  }
}
