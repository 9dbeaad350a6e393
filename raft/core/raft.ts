// One node of the Raft protocol as a function of its inputs. It has no clock, socket,
// file or source of chance: time comes as `tick()`, chance through `options.random`, a
// finished disk write through `saved()`.
//
//   in:  step(message)  tick()  propose(data)  changeMembership(…)  saved(number) …
//   out: takeMessages()   may be sent now: all that they promise is durable
//        takeSave()       make durable, then call saved(save.number)
//        takeSnapshot()   replaces the machine's state, before any entry taken later
//        takeCommitted()  apply in order, each once
//
// This file holds inputs, outlets and the one switch over messages. `raft_state.ts` holds
// the state; `election.ts`, `leadership.ts`, `member_changes.ts`, `replication.ts`,
// `follower.ts` and `confirmation.ts` say what a node does in its role.

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
import { faultOf } from "./faults.ts";
import { onAppendEntries, onInstallSnapshot } from "./follower.ts";
import { checkQuorum, handOver, tickTransfer } from "./leadership.ts";
import {
  appendToOwnLog,
  catchUpLearners,
  changeMembership,
} from "./member_changes.ts";
import type { ChangeRefusal } from "./options.ts";
import type { Progress } from "./progress.ts";
import { RaftState } from "./raft_state.ts";
import { dropKept, keepForFollowers } from "./retention.ts";
import type { HandOverCause } from "./reasons.ts";
import {
  advanceCommit,
  onAppendEntriesResponse,
  onInstallSnapshotResponse,
  sendAppends,
  tickHeartbeat,
} from "./replication.ts";
import type {
  Compacted,
  Configuration,
  Entry,
  Fault,
  Index,
  Message,
  NodeId,
  Save,
  Snapshot,
} from "./types.ts";

const nothing: readonly Message[] = [];
const noFollowers: ReadonlyMap<NodeId, Progress> = new Map();

/** One node: give it inputs, and empty its outlets after each of them. */
export class Raft extends RaftState {
  // Readings of a leader, for other folders; in any other role those of a fresh leader.

  /** The leader's knowledge of each follower; empty in any other role. */
  get progress(): ReadonlyMap<NodeId, Progress> {
    return this.leader?.progress ?? noFollowers;
  }

  /** The last round of confirmations that a majority has answered in this term. */
  get confirmedRound(): number {
    return this.leader?.confirmedRound ?? 0;
  }

  /** The voter that leadership is being handed to. */
  get transferTarget(): NodeId | undefined {
    return this.leader?.transferTarget;
  }

  // Inputs.

  /** One unit of logical time passed. */
  tick(): void {
    this.saveElapsed = this.saves.underWay ? this.saveElapsed + 1 : 0;
    dropKept(this);
    if (this.role === "leader") return this.#tickLeader();
    this.reasons.silentTicks++;
    // A candidate's time begins with its own vote. With a disk slower than the election
    // timeout it would otherwise begin one term after the other and win none.
    const { candidate } = this;
    if (candidate?.role === "candidate" && !candidate.votes.has(this.id)) {
      return;
    }
    if (++this.electionElapsed < this.electionTimeout) return;
    if (this.isElectable) return preCampaign(this);
    this.leaderId = undefined; // without a vote, or removed, it can only wait for one
    if (!this.isStalled && !this.removed) inquire(this);
  }

  /**
   * A message arrived. Its sender is verified; it may come late, or more than once. Returns
   * why it is refused, or `undefined` if it is not; a refused message has no effect, but for
   * the last chunk of a snapshot that is refused as a whole: its sender is followed.
   * `isClaim`: as in {@linkcode faultOf}.
   */
  step(message: Message, { isClaim = false } = {}): Fault | undefined {
    if (message.to !== this.id || message.from === this.id) return undefined;
    const fault = faultOf(this, message, { isClaim });
    if (fault !== undefined) return fault;
    const { leader: office } = this;
    const unfit = this.#obey(message) ?? undefined;
    if (office !== undefined && this.leader === undefined) {
      this.reasons.lostBy(message);
    }
    return unfit;
  }

  /** Returns why the snapshot that `message` completes is refused. */
  #obey(message: Message): Fault | void {
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
      case "InstallSnapshotResponse":
        return onInstallSnapshotResponse(this, message);
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
    const { leader } = this;
    if (leader === undefined || leader.transferTarget !== undefined) {
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
   * Asks for a proof that this node still leads (thesis 6.4, ReadIndex). Returns a round:
   * once `confirmedRound` has reached it, without a change of role in between, the node may
   * answer as the leader that it was when this was called. `asker`: the node that the answer
   * is for, if it took this one for the leader of this term when it asked.
   */
  confirm(asker?: NodeId): number {
    return roundFor(this, asker);
  }

  /**
   * Appends a configuration that differs from the present one by at most one voter;
   * returns its index, or why it was not appended.
   */
  changeMembership(configuration: Configuration): Index | ChangeRefusal {
    return changeMembership(this, configuration);
  }

  /** Hands leadership to `target`, or to the most caught-up voter; false if it cannot. */
  transferLeadership(
    target?: NodeId,
    cause: HandOverCause = "asked",
  ): boolean {
    return handOver(this, { target, cause });
  }

  /** Node `id` has another disk now; answers meant for the former one are dropped. */
  forget(id: NodeId): void {
    this.outbox = this.outbox.filter(({ to }) => to !== id);
    this.saves.release(id);
  }

  /** Save `number` is durable. */
  saved(number: number): void {
    this.saveElapsed = 0;
    for (const message of this.saves.saved(number)) {
      // A candidate's own vote counts like any other: once it is on disk.
      if (message.to === this.id) {
        assert(
          message.type === "RequestVoteResponse",
          "only votes go to oneself",
        );
        onRequestVoteResponse(this, message);
      } else this.outbox.push(message);
    }
    advanceCommit(this);
  }

  /** Something has changed that no save has taken. */
  get isDirty(): boolean {
    return this.saves.isDirty(this.log);
  }

  /**
   * The machine's state `data` after the last applied entry replaces the log up to there. All
   * that changed must be in a save. Returns what the disk holds once those saves are done, with
   * the new snapshot; nothing waits for that to be durable. A leader keeps entries in memory
   * that its followers still need (`retention.ts`).
   */
  compact(data: Uint8Array): Compacted {
    assert(
      this.restored === undefined,
      "the machine has taken the snapshot that it is to compact after",
    );
    assert(!this.isDirty, "what a compaction drops is in a save");
    const { configuration, index } = this.membership.at(this.log.lastApplied);
    const keptIndex = keepForFollowers(this);
    this.log.compact({
      ...{ configuration, configurationIndex: index, data, keptIndex },
    });
    const { snapshot } = this.log;
    this.membership.compact(snapshot.index);
    const entries = this.log.slice(snapshot.index + 1);
    return { hardState: this.hardState, snapshot, entries };
  }

  // Outlets.

  /** All that may be sent now. */
  takeMessages(): readonly Message[] {
    // Appends and rounds begin here, not with each proposal: all proposals since the last
    // call share one message.
    sendAppends(this);
    sendConfirms(this);
    const messages = this.outbox;
    if (messages.length === 0) return nothing;
    this.outbox = [];
    return messages;
  }

  /** The changes to be made durable next, or `undefined` if there are none. */
  takeSave(): Save | undefined {
    return this.saves.take(this.log, this.hardState);
  }

  /** A leader's snapshot for the machine, once. */
  takeSnapshot(): Snapshot | undefined {
    const snapshot = this.restored;
    this.restored = undefined;
    return snapshot;
  }

  /** The entries that became committed since the last call. */
  takeCommitted(): Entry[] {
    return this.log.takeCommitted();
  }

  #tickLeader(): void {
    tickHeartbeat(this);
    askUnconfirmed(this);
    tickTransfer(this);
    catchUpLearners(this);
    checkQuorum(this);
  }
}
