// One node of the Raft protocol as a function of its inputs. It has no clock, socket,
// file or source of chance: time comes as `tick()`, chance through `options.random`, a
// finished disk write through `saved()`.
//
//   in:  step(message)  tick()  propose(data)  changeMembership(…)  saved(number) …
//   out: takeMessages()   may be sent now: whatever they promise is durable
//        takeSave()       make durable, then call saved(save.number)
//        takeSnapshot()   replaces the machine's state, before any entry taken later
//        takeCommitted()  apply in order, each once
//
// This file holds the state, the one switch over messages and the rules that all roles
// share; `election.ts` and `replication.ts` hold the two halves of the protocol,
// `leadership.ts` what a leader does beside them, `confirmation.ts` how it makes sure.

import { assert, unreachable } from "../../base/assert.ts";
import {
  askUnconfirmed,
  onConfirm,
  onConfirmResponse,
  roundFor,
  sendConfirms,
} from "./confirmation.ts";
import {
  inquire,
  onNotMember,
  onPreVote,
  onPreVoteResponse,
  onRequestVote,
  onRequestVoteResponse,
  onTimeoutNow,
  preCampaign,
} from "./election.ts";
import {
  catchUpLearners,
  checkQuorum,
  handOver,
  syncProgress,
  tickTransfer,
} from "./leadership.ts";
import { faultOf } from "./faults.ts";
import { Log } from "./log.ts";
import { configurationFault, Membership, votersChanged } from "./membership.ts";
import type { ChangeRefusal, RaftOptions, Role } from "./options.ts";
import type { Progress } from "./progress.ts";
import {
  advanceCommit,
  appendToOwnLog,
  broadcastHeartbeats,
  onAppendEntries,
  onAppendEntriesResponse,
  onInstallSnapshot,
  sendAppends,
} from "./replication.ts";
import { Saves } from "./saves.ts";
import type {
  Configuration,
  Entry,
  Fault,
  HardState,
  Index,
  Message,
  NodeId,
  Save,
  Saved,
  Snapshot,
  Term,
} from "./types.ts";

/** The type by which `election.ts` and `replication.ts` know the node. */
export class Raft {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: Log;
  readonly membership: Membership;
  readonly saves: Saves;

  // Persistent: part of the next save as soon as it changes.
  currentTerm: Term;
  votedFor: NodeId | undefined;

  // Volatile, of every role.
  role: Role = "follower";
  leaderId: NodeId | undefined;
  /** A leader said that we are no member; cleared when one sends appends again. */
  removed = false;
  /**
   * All that its leader had committed, when last heard, is committed here: no
   * configuration that was decided then is still on its way. Of this life alone.
   */
  isUpToDate = false;
  /** Of its leader's messages in this term: what came late tells of an older time. */
  newestSequence = 0;
  /** Ticks since a leader was heard, a vote was given or an election began. */
  electionElapsed = 0;
  electionTimeout = 0;
  /** Ticks that the oldest save has been under way. */
  saveElapsed = 0;

  // Volatile, of a candidate in either round.
  votes = new Map<NodeId, boolean>();

  // Volatile, of the leader.
  progress = new Map<NodeId, Progress>();
  /** Of all messages to followers in this run; dates their answers. */
  lastSequence = 0;
  heartbeatElapsed = 0;
  /** Of this term: the last round of confirmation that began, and that a majority answered. */
  lastRound = 0;
  confirmedRound = 0;
  /** Somebody waits for the round after the last. */
  roundWanted = false;
  /** Leadership is being handed to this voter; nothing is proposed meanwhile. */
  transferTarget: NodeId | undefined;
  transferElapsed = 0;

  readonly #incarnation: string;
  #outbox: Message[] = [];
  #restored: Snapshot | undefined;

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

  // Inputs.

  /** One unit of logical time passed. */
  tick(): void {
    this.saveElapsed = this.saves.underWay ? this.saveElapsed + 1 : 0;
    if (this.role === "leader") return this.#tickLeader();
    // Its time begins with its own vote: with a disk slower than that it would begin one
    // term after the other and win none.
    if (this.role === "candidate" && !this.votes.has(this.id)) return;
    if (++this.electionElapsed < this.electionTimeout) return;
    if (this.isElectable) return preCampaign(this);
    this.leaderId = undefined; // without a vote, or removed: it can only wait for one
    if (!this.isStalled && !this.removed) inquire(this);
  }

  /**
   * A message arrived; from whom was verified, how late or how often was not. Returns why
   * it is refused, if it is. `isClaim`: as in {@linkcode faultOf}.
   */
  step(message: Message, { isClaim = false } = {}): Fault | undefined {
    if (message.to !== this.id || message.from === this.id) return undefined;
    const fault = faultOf(this, message, isClaim);
    if (fault === undefined) this.#obey(message);
    return fault;
  }

  #obey(message: Message): void {
    switch (message.type) {
      case "PreVote":
        return onPreVote(this, message);
      case "RequestVote":
        return onRequestVote(this, message);
      case "PreVoteResponse":
        return onPreVoteResponse(this, message);
      case "RequestVoteResponse":
        return onRequestVoteResponse(this, message);
      case "AppendEntries":
        return onAppendEntries(this, message);
      case "AppendEntriesResponse":
        return onAppendEntriesResponse(this, message);
      case "InstallSnapshot":
        return onInstallSnapshot(this, message);
      case "Confirm":
        return onConfirm(this, message);
      case "ConfirmResponse":
        return onConfirmResponse(this, message);
      case "TimeoutNow":
        return onTimeoutNow(this, message);
      case "NotMember":
        return onNotMember(this, message);
      default:
        unreachable(message);
    }
  }

  /** Appends a command; its index, or `undefined` when this node takes none. */
  propose(data: Uint8Array): Index | undefined {
    if (this.role !== "leader" || this.transferTarget !== undefined) {
      return undefined;
    }
    const index = this.log.lastIndex + 1;
    appendToOwnLog(this, {
      type: "command",
      index,
      term: this.currentTerm,
      data,
    });
    return index;
  }

  /**
   * What this node would answer as the leader, it may answer once `confirmedRound` has
   * reached the round returned, if it has led without a break until then. `asker`: the
   * node that asks, and held this one for the leader of this term when it asked.
   */
  confirm(asker?: NodeId): number {
    assert(this.role === "leader", "only a leader can be confirmed");
    return roundFor(this, asker);
  }

  /**
   * Appends a configuration that differs from the present one by at most one voter;
   * returns its index.
   */
  changeMembership(configuration: Configuration): Index | ChangeRefusal {
    if (this.role !== "leader" || this.transferTarget !== undefined) {
      return "not-leader";
    }
    if (this.membership.currentIndex > this.log.commitIndex) return "pending";
    // Until then a change of a former leader may still surface and make two
    // configurations that share no majority (ongaro, raft-dev 2015).
    if (this.log.termAt(this.log.commitIndex) !== this.currentTerm) {
      return "not-ready";
    }
    assert(
      configurationFault(configuration) === undefined,
      "the configuration is sound",
    );
    assert(
      votersChanged(this.membership.current, configuration) <= 1,
      "one voter changes at a time",
    );
    const index = this.log.lastIndex + 1;
    appendToOwnLog(this, {
      type: "configuration",
      index,
      term: this.currentTerm,
      configuration,
    });
    return index;
  }

  /** Hands leadership to `target`, or to the most caught-up voter; false if it cannot. */
  transferLeadership(target?: NodeId): boolean {
    return this.role === "leader" && handOver(this, target);
  }

  /** Node `id` has another disk now: what was to be answered to the one before is not for it. */
  forget(id: NodeId): void {
    this.#outbox = this.#outbox.filter(({ to }) => to !== id);
    this.saves.release(id);
  }

  /** Save `number` is durable. */
  saved(number: number): void {
    this.saveElapsed = 0;
    for (const message of this.saves.saved(number)) {
      // The own vote counts like any other: once it is on disk.
      if (message.to === this.id) {
        assert(
          message.type === "RequestVoteResponse",
          "only votes go to oneself",
        );
        onRequestVoteResponse(this, message);
      } else this.#outbox.push(message);
    }
    if (this.role === "leader") advanceCommit(this);
  }

  /** The machine's state after the last applied entry replaces the log up to there. */
  compact(data: Uint8Array): void {
    assert(
      this.#restored === undefined,
      "the machine has taken the snapshot that it is to compact after",
    );
    const { configuration, index } = this.membership.at(this.log.lastApplied);
    this.log.compact({ configuration, configurationIndex: index, data });
    this.membership.compact(this.log.snapshot.index);
    this.saves.snapshotChanged();
  }

  // Outlets.

  takeMessages(): Message[] {
    // Appends and rounds are made here, not when something is proposed: whatever came meanwhile
    // leaves in one message.
    if (this.role === "leader") {
      sendAppends(this);
      sendConfirms(this);
    }
    const messages = this.#outbox;
    this.#outbox = [];
    return messages;
  }

  takeSave(): Save | undefined {
    return this.saves.take(this.log, this.hardState);
  }

  takeSnapshot(): Snapshot | undefined {
    const snapshot = this.#restored;
    this.#restored = undefined;
    return snapshot;
  }

  takeCommitted(): Entry[] {
    return this.log.takeCommitted();
  }

  get hardState(): HardState {
    return { currentTerm: this.currentTerm, votedFor: this.votedFor };
  }

  /** A save has been under way for an election timeout: this disk can carry no cluster. */
  get isStalled(): boolean {
    return this.saveElapsed >= this.options.electionTicks;
  }

  /**
   * May this node stand for election? Also when its latest configuration leaves it out,
   * until that is committed: nobody else may have the entry (thesis 4.2.2, figure 4.6).
   * It does not count its own vote then. A configuration that names another disk is of
   * before this one came, and whoever it names may be no majority any more.
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

  // What election and replication share.

  /** Sends what promises nothing. */
  send(message: Message): void {
    this.#outbox.push(message);
  }

  /** Sends what promises that all of the present state is durable, once it is. */
  sendWhenDurable(message: Message): void {
    if (this.saves.hold(message, this.log)) return;
    assert(message.to !== this.id, "an own vote changes the hard state");
    this.#outbox.push(message);
  }

  becomeFollower(term: Term, leaderId: NodeId | undefined): void {
    assert(term >= this.currentTerm, "terms never fall");
    if (term > this.currentTerm) this.setHardState(term, undefined);
    this.role = "follower";
    this.leaderId = leaderId;
    this.newestSequence = 0;
    this.transferTarget = undefined;
    this.progress.clear();
    this.resetElection();
  }

  becomeLeader(): void {
    assert(this.role === "candidate", "only a candidate becomes leader");
    this.role = "leader";
    this.leaderId = this.id;
    this.heartbeatElapsed = 0;
    this.lastRound = this.confirmedRound = 0;
    this.roundWanted = false;
    this.transferTarget = undefined;
    this.progress.clear();
    syncProgress(this, this.membership.current);
    // Paper 8, thesis 6.4: only an entry of the own term can be counted, and only once
    // it is committed does the leader know what was before it.
    appendToOwnLog(this, {
      type: "noop",
      index: this.log.lastIndex + 1,
      term: this.currentTerm,
    });
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

  /** A follower takes `snapshot` in place of its whole state. */
  restore(snapshot: Snapshot): void {
    this.log.restore(snapshot);
    this.membership.restore(
      snapshot.configurationIndex,
      snapshot.configuration,
    );
    this.saves.truncated(1);
    this.saves.snapshotChanged();
    this.#restored = snapshot;
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

  #tickLeader(): void {
    if (++this.heartbeatElapsed >= this.options.heartbeatTicks) {
      this.heartbeatElapsed = 0;
      broadcastHeartbeats(this);
    }
    askUnconfirmed(this);
    tickTransfer(this);
    catchUpLearners(this);
    checkQuorum(this);
  }

  #drawElectionTimeout(): void {
    const { electionTicks, random } = this.options;
    // Nobody could object to the only voter, so it need not wait for anybody.
    const alone = this.membership.isVoter(this.id) &&
      this.membership.voters.length === 1;
    this.electionTimeout = alone ? 1 : electionTicks + random(electionTicks);
  }
}
