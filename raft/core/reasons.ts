// Why a node stood for election, found a leader or lost its office, as values: people read them
// in the log, and no rule of the protocol does. Times are ticks that this node counted: it
// counts one tick for a standstill of its process, however long that was. Not here: the words
// (`raft/stats/reason_words.ts`).

import type { Message, NodeId } from "./types.ts";

/** Why a leader hands over: a command, its own stop, the loss of its vote, or its disk. */
export type HandOverCause = "asked" | "stop" | "vote-taken" | "disk";

/** A voter whose answers a leader missed. */
export type SilentVoter = {
  readonly id: NodeId;
  /** Ticks since it last answered, or since this leader was elected. */
  readonly ticks: number;
  /** It has answered since then. */
  readonly hasAnswered: boolean;
};

/** Why a node leads no more. */
export type Loss =
  /** Fewer than a majority answered within an election timeout. */
  | { readonly type: "silence"; readonly silent: readonly SilentVoter[] }
  /** `from` is in a later term; `leads`: it leads that term. */
  | {
    readonly type: "later-term";
    readonly from: NodeId;
    readonly leads: boolean;
  }
  | {
    readonly type: "handed-over";
    readonly to: NodeId;
    readonly cause: HandOverCause;
  }
  /** A save has been under way for `ticks`, and no other voter took over. */
  | { readonly type: "disk"; readonly ticks: number }
  /** Its removal, or the loss of its vote, is committed; `isMember`: it was not removed. */
  | { readonly type: "left"; readonly isMember: boolean };

/** A candidacy that has ended: who answered, and whether the answer was a vote. */
export type Candidacy = {
  readonly role: "preCandidate" | "candidate";
  readonly votes: ReadonlyMap<NodeId, boolean>;
};

/** What led to the present state of one node. */
export class Reasons {
  /** The leader known last, which may be this node; `undefined` before any. */
  leaderId: NodeId | undefined;
  /** The leader known before that one. */
  formerLeaderId: NodeId | undefined;
  /** Ticks since a leader was heard, or since this node led; since the start before either. */
  silentTicks = 0;
  /** `silentTicks` as it was when the leader known last was found. */
  unledTicks = 0;
  /** The leader that asked this node to stand for election, if one did. */
  askedBy: NodeId | undefined;
  /** The candidacy that ended last. */
  candidacy: Candidacy | undefined;
  /** Why this node lost its office; `undefined` while it leads, and before it did. */
  loss: Loss | undefined;
  /** The hand-over that this leader has begun; `isTold`: the successor was told to stand. */
  handOver:
    | { readonly to: NodeId; readonly cause: HandOverCause; isTold: boolean }
    | undefined;

  /** `id` leads, as this node has just learnt. */
  found(id: NodeId): void {
    this.formerLeaderId = this.leaderId;
    this.leaderId = id;
    this.unledTicks = this.silentTicks;
    this.silentTicks = 0;
  }

  /** This node, `id`, leads from now on. */
  elected(id: NodeId): void {
    this.found(id);
    this.loss = this.handOver = undefined;
  }

  /** `message`, of a later term, has ended this node's leadership. */
  lostBy({ type, from }: Message): void {
    const { handOver } = this;
    const leads = type === "AppendEntries" || type === "InstallSnapshot" ||
      type === "Confirm";
    // The voters of the successor are in its term as well; a rival stands or leads itself.
    const isRival = from !== handOver?.to &&
      (leads || type === "RequestVote");
    this.loss ??= handOver?.isTold && !isRival
      ? { type: "handed-over", to: handOver.to, cause: handOver.cause }
      : { type: "later-term", from, leads };
  }

  /** `to` was told to stand. */
  told(to: NodeId): void {
    if (this.handOver?.to === to) this.handOver.isTold = true;
  }
}
