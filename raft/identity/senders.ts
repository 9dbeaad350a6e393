// Whether this node may take a message from whoever sent it: by what its sender is to this
// node (`ranks.ts`), what part it has by the configurations that may be in force, and who
// leads. What the message says is weighed in the core afterwards (`core/faults.ts`).
//
//   known      everything that its part allows: to lead and to ask for votes, a voter's
//   unproved   what a follower says: answers of our term, and PreVote
//   claimant   what it takes to catch up, from whom alone we hear: PreVote, RequestVote,
//              AppendEntries, InstallSnapshot, as long as nobody known is heard to lead
//   outsider   PreVote, so that it can be told; while we see it off, its answers, too
//   stranger   nothing
//
// A claim is listened to at all, for a node may have missed that the member which leads
// now was added. It becomes leaderless by itself then; one that hears its leader, and so
// every leader and every node that is alone, need not listen to anybody else. Two nodes
// that both missed a change are no majority: the change was committed without them.

import { findServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type {
  Configuration,
  Fault,
  NodeId,
  PeerMessage,
} from "../core/types.ts";
import type { Logger } from "../../base/logger.ts";
import { type Members, type PeerProof, type Rank, rankOf } from "./ranks.ts";

export type Verdict =
  /** To be taken; `isClaim` as the core knows it. */
  | { readonly type: "heard"; readonly isClaim: boolean }
  /** Late, or said while there is better to listen to: no harm in it. */
  | { readonly type: "dropped" }
  /** No honest node says it: no more is to be heard of this one. */
  | { readonly type: "refused"; readonly fault: Fault };

const heard: Verdict = { type: "heard", isClaim: false };
const claimed: Verdict = { type: "heard", isClaim: true };
const dropped: Verdict = { type: "dropped" };

function refused(fault: Fault): Verdict {
  return { type: "refused", fault };
}

/** Nodes of which we remember the life, or what was said. */
const idsMax = 256;

export type SendersOptions = {
  /** Whether the machine can apply all that `message` brings. */
  readonly canApply: (message: PeerMessage) => boolean;
  readonly log: Logger;
};

export class Senders implements Members {
  readonly #raft: Raft;
  /** By id the mark of the life that was met last. */
  readonly #lives = new Map<NodeId, string>();
  /** Of whom was said that we do not believe that we are no member. */
  readonly #doubted = new Set<NodeId>();
  readonly #canApply: SendersOptions["canApply"];
  readonly #log: Logger;
  /** We follow it on its claim alone. */
  #claimedLeader: NodeId | undefined;

  constructor(raft: Raft, { canApply, log }: SendersOptions) {
    this.#raft = raft;
    this.#canApply = canApply;
    this.#log = log;
  }

  // What the configurations say.

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

  /** The newest first; what is not committed may be taken back. */
  get #inForce(): readonly Configuration[] {
    const { membership, log } = this.#raft;
    return membership.since(log.commitIndex);
  }

  /** Whether node `id`, met as `mark`, lives on another disk than when it was met last. */
  isNewIncarnation(id: NodeId, mark: string): boolean {
    if (this.#lives.get(id) === mark) return false;
    if (this.#lives.size >= idsMax) this.#lives.clear();
    this.#lives.set(id, mark);
    return true;
  }

  judge(message: PeerMessage, proof: PeerProof): Verdict {
    // What cannot be applied must not come into the log: this node could not go on.
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
      case "ConfirmResponse":
      case "Take": // which says that we lead, as a confirmation does
        return this.#countsAs(message.from, proof) ? heard : dropped;
      default:
        return heard;
    }
  }

  /**
   * Answers are counted by id, for the disk that the newest configuration names. A former
   * one, which an older configuration still makes known, would vote a second time, and
   * acknowledge what the present one does not have.
   */
  #countsAs(id: NodeId, proof: PeerProof): boolean {
    const disk = this.incarnationOf(id);
    return disk === "" || proof.isOn(disk);
  }

  /**
   * It has a vote; or may have been given one since, by a configuration that we do not
   * know; or leads already, and goes on until it is decided that it shall not (thesis
   * 4.2.2).
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

  /** Of two that say that they lead in one term, the one that we know does. */
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

  /** To believe it would end this node. */
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
      case "ConfirmResponse":
        // A later term would depose us on the word of nobody in particular.
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
    // By its claim, too: it may have come under the id of a leader that is known.
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
        // Votes are by id: one that another life of the node was given counts for that.
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
