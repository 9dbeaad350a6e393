// Which messages this node takes from another node: by the rank of the sender
// (`peer_ranks.ts`), its suffrage in the configurations that may be in force, and the present
// leader. Whether the content of a message makes sense is checked in the core afterwards
// (`core/faults.ts`).
//
//   known      all messages that its suffrage allows; only voters lead and ask for votes
//   unproved   the messages of a follower: PreVote, and answers up to our term
//   claimant   PreVote, RequestVote, AppendEntries, InstallSnapshot, from which this node
//              catches up; only while it hears no leader that it knows
//   outsider   PreVote, which is answered; answers, too, while this leader still sends to it
//   stranger   nothing
//
// Claimants are heard because this node may have missed the change that added its leader; it
// becomes leaderless then. A node that leads, hears its leader or is alone needs no claimant.
// Two nodes that missed one change are no majority: the others committed it without them.

import { findServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type {
  Configuration,
  Fault,
  NodeId,
  PeerMessage,
} from "../core/types.ts";
import type { Logger } from "../../base/logger.ts";
import {
  type Members,
  type PeerProof,
  type Rank,
  rankOf,
} from "./peer_ranks.ts";

/** The judgement on a message of another node. */
export type Verdict =
  /** Step the core with it; `isClaim`: the sender is a claimant (`core/faults.ts`). */
  | { readonly type: "heard"; readonly isClaim: boolean }
  /** Ignore it: late, or of a node that is not needed now. An honest node may send it. */
  | { readonly type: "dropped" }
  /** No honest node sends it: close the connection. `fault` completes "it sent …". */
  | { readonly type: "refused"; readonly fault: Fault };

const heard: Verdict = { type: "heard", isClaim: false };
const claimed: Verdict = { type: "heard", isClaim: true };
const dropped: Verdict = { type: "dropped" };

function refused(fault: Fault): Verdict {
  return { type: "refused", fault };
}

/** Ids that are remembered: those that were met, and those that a warning was about. */
const idsMax = 256;

/** The dependencies of {@linkcode SenderRights}. */
export type SenderRightsOptions = {
  /** Whether the machine can apply every command and snapshot in `message`. */
  readonly canApply: (message: PeerMessage) => boolean;
  readonly log: Logger;
};

/** Judges senders, and tells other folders the members that the configurations name. */
export class SenderRights implements Members {
  readonly #raft: Raft;
  /** By id, the mark of the incarnation that was met last. */
  readonly #marks = new Map<NodeId, string>();
  /** Ids whose NotMember was disbelieved, with a warning. */
  readonly #doubted = new Set<NodeId>();
  readonly #canApply: SenderRightsOptions["canApply"];
  readonly #log: Logger;
  /** The claimant that this node follows, if it follows one. */
  #claimedLeader: NodeId | undefined;

  constructor(raft: Raft, { canApply, log }: SenderRightsOptions) {
    this.#raft = raft;
    this.#canApply = canApply;
    this.#log = log;
  }

  // The members, by the configurations.

  get configurationIndex(): number {
    return this.#raft.membership.currentIndex;
  }

  get decidedIndex(): number {
    const { membership, log } = this.#raft;
    return membership.at(log.commitIndex).index;
  }

  incarnationOf(id: NodeId): string {
    return this.#raft.membership.find(id)?.incarnation ?? "";
  }

  disksOf(id: NodeId): string[] {
    return this.#inForce.flatMap((configuration) =>
      findServer(configuration, id)?.incarnation ?? []
    );
  }

  /** The committed configuration and all later ones, newest first: any may be in force. */
  get #inForce(): readonly Configuration[] {
    const { membership, log } = this.#raft;
    return membership.since(log.commitIndex);
  }

  /** Whether node `id`, met now with `mark`, was not met before, or last on another disk. */
  isNewIncarnation(id: NodeId, mark: string): boolean {
    if (this.#marks.get(id) === mark) return false;
    if (this.#marks.size >= idsMax) this.#marks.clear();
    this.#marks.set(id, mark);
    return true;
  }

  /** Whether to take `message` from a sender that gave `proof` in its handshake. */
  judge(message: PeerMessage, proof: PeerProof): Verdict {
    // Once committed, an entry that it cannot apply would end this node.
    if (!this.#canApply(message)) {
      return refused(`${message.type} that this version cannot apply`);
    }
    const rank = rankOf(message.from, proof, this);
    switch (rank) {
      case "known":
        this.#preferKnown(message);
        return this.#byMember(message, proof);
      case "unproved":
        return this.#byFollower(message, rank);
      case "claimant":
        return this.#byClaimant(message);
      case "outsider":
        return this.#byOutsider(message, rank);
      case "stranger":
        return refused(`${message.type}, and is no member`);
      default:
        return rank satisfies never;
    }
  }

  #byMember(message: PeerMessage, proof: PeerProof): Verdict {
    switch (message.type) {
      case "RequestVote":
      case "AppendEntries":
      case "InstallSnapshot":
      case "Confirm":
      case "TimeoutNow":
      case "NotMember":
        return this.#mayLead(message.from, proof)
          ? heard
          : refused(`${message.type}, and has no vote`);
      case "PreVoteResponse":
      case "RequestVoteResponse":
      case "AppendEntriesResponse":
      case "InstallSnapshotResponse":
      case "ConfirmResponse":
      case "Take": // it confirms that this node leads, as a ConfirmResponse does
        return this.#countsAs(message.from, proof) ? heard : dropped;
      default:
        return heard;
    }
  }

  /**
   * Whether answers count: only those from the disk that the newest configuration names. A
   * former disk, still known by an older configuration, would vote a second time under its
   * id, and acknowledge entries that the present disk does not have.
   */
  #countsAs(id: NodeId, proof: PeerProof): boolean {
    const disk = this.incarnationOf(id);
    return disk === "" || proof.isOn(disk);
  }

  /**
   * Whether it is a voter; or may be one by a configuration that this node does not know; or
   * leads already, and goes on until its removal is committed (thesis 4.2.2).
   */
  #mayLead(id: NodeId, { since }: PeerProof): boolean {
    const { membership } = this.#raft;
    if (membership.isVoter(id)) return true;
    const wasVoter = this.#inForce.some((configuration) =>
      findServer(configuration, id)?.suffrage === "voter"
    );
    return wasVoter || since > this.decidedIndex ||
      this.#raft.leaderId === id;
  }

  /** A known leader replaces a claimant that this node follows in the same term. */
  #preferKnown({ type, from, ...message }: PeerMessage): void {
    if (from === this.#claimedLeader) this.#claimedLeader = undefined;
    const { leaderId, currentTerm } = this.#raft;
    const leads = type === "AppendEntries" || type === "InstallSnapshot";
    const isRival = leads && "term" in message &&
      message.term === currentTerm && leaderId !== undefined;
    if (isRival && leaderId === this.#claimedLeader) {
      this.#raft.becomeFollower(currentTerm, undefined);
    }
  }

  /** NotMember from a claimant is not believed: it would end this node. */
  #doubt(id: NodeId): void {
    if (this.#doubted.has(id)) return;
    if (this.#doubted.size >= idsMax) this.#doubted.clear();
    this.#doubted.add(id);
    this.#log(
      "warning",
      `node ${id}, which this node does not know, says that this node is no ` +
        `member: if it was removed while it was away, stop it`,
    );
  }

  #byFollower(message: PeerMessage, rank: Rank): Verdict {
    switch (message.type) {
      case "PreVote":
        return heard;
      case "PreVoteResponse":
      case "RequestVoteResponse":
      case "AppendEntriesResponse":
      case "InstallSnapshotResponse":
      case "ConfirmResponse":
        // A later term would depose this node at the word of an unproved node.
        return message.term <= this.#raft.currentTerm ? heard : dropped;
      case "Take":
      case "TakeResponse":
      case "Forward":
      case "ForwardResponse":
        return dropped;
      default:
        return refused(`${message.type}, and is ${rank}`);
    }
  }

  #byClaimant(message: PeerMessage): Verdict {
    const { hearsLeader, leaderId, currentTerm, votedFor } = this.#raft;
    const { from } = message;
    // Followed as a claimant: it may have connected under the id of a leader that is known.
    const isFollowed = leaderId === from && this.#claimedLeader === from;
    if (hearsLeader && !isFollowed) return dropped;
    switch (message.type) {
      case "AppendEntries":
      case "InstallSnapshot":
        this.#claimedLeader = from;
        return claimed;
      case "PreVote":
        return claimed;
      case "RequestVote": {
        // Votes are by id: this one was given to another incarnation of the node.
        const isSecond = message.term === currentTerm && votedFor === from;
        return isSecond ? dropped : claimed;
      }
      case "NotMember":
        this.#doubt(from);
        return dropped;
      default:
        return dropped;
    }
  }

  #byOutsider(message: PeerMessage, rank: Rank): Verdict {
    if (message.type === "PreVote") return heard;
    const { progress } = this.#raft;
    if (progress.has(message.from)) return this.#byFollower(message, rank);
    return refused(`${message.type}, and is no member any more`);
  }
}
