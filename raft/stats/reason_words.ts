// The reasons that the core keeps (`core/reasons.ts`) as words for the log: why a node stood for
// election, found a leader or lost its office. Ticks become milliseconds here. Each text is
// the part of one line, without its level; `change_log.ts` writes the lines.

import { spanText } from "../../base/duration.ts";
import type { Raft } from "../core/raft.ts";
import type { HandOverCause, Loss } from "../core/reasons.ts";
import type { NodeId } from "../core/types.ts";

/** The scale and the names that the core does not know. */
export type ReasonOptions = {
  /** Milliseconds a tick. */
  readonly tickMillis: number;
  /** Where the log is kept, in words: a directory, or Deno KV. */
  readonly diskName: string;
};

/** Puts the reasons of one node into words. */
export class ReasonWords {
  readonly #raft: Raft;
  readonly #options: ReasonOptions;

  constructor(raft: Raft, options: ReasonOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /** `node 2 at 10.0.0.2:12001`; without an address if the members do not name it. */
  name(id: NodeId): string {
    const address = this.#raft.membership.find(id)?.address;
    return address === undefined ? `node ${id}` : `node ${id} at ${address}`;
  }

  time(ticks: number): string {
    return spanText(ticks * this.#options.tickMillis);
  }

  /** The election timeout before chance lengthens it, as `--election` sets it. */
  get electionTimeout(): string {
    return `election timeout ${this.time(this.#raft.options.electionTicks)}`;
  }

  /** Why this node stands for election, or would: completes "because …". */
  get standing(): string {
    const { id, membership: { voters }, reasons } = this.#raft;
    const { askedBy, leaderId, silentTicks } = reasons;
    if (askedBy !== undefined) {
      return `${this.name(askedBy)}, the leader, asked it to take over`;
    }
    if (voters.length === 1 && voters[0] === id) return "it is the only voter";
    const time = this.time(silentTicks);
    if (leaderId === undefined) {
      return `it has heard no leader in the ${time} since its start`;
    }
    if (leaderId === id) {
      return `it knows no leader in the ${time} since it lost its leadership`;
    }
    return `${this.name(leaderId)}, the leader, was silent for ${time} ` +
      `(${this.electionTimeout})`;
  }

  /** The end of a line that says that this node was elected. */
  get election(): string {
    const { id, membership: { voters }, reasons } = this.#raft;
    if (voters.length === 1 && voters[0] === id) return "as the only voter";
    const granted = this.#answered(true).map((id) => `node ${id}`);
    return `with the votes of ${granted.join(", ")}, ` +
      `after ${this.time(reasons.unledTicks)} without a leader`;
  }

  /** The end of a line that says which leader this node follows. */
  get following(): string {
    const { id, reasons } = this.#raft;
    const { leaderId, formerLeaderId: former, unledTicks } = reasons;
    const time = this.time(unledTicks);
    if (former === undefined) {
      return `the first that it hears, ${time} after its start`;
    }
    if (former === leaderId) return `which was silent for ${time}`;
    return former === id
      ? `${time} after this node lost its leadership`
      : `${time} after ${this.name(former)}, the leader before, was last heard`;
  }

  /** The voters' answers to the candidacy that ended without a leader. */
  get unelected(): string {
    const { id, membership: { voters }, reasons } = this.#raft;
    const votes = reasons.candidacy?.votes;
    const refused = this.#answered(false);
    const silent = voters.filter((voter) => voter !== id && !votes?.has(voter));
    const parts = [
      ...refused.length === 0 ? [] : [
        `${
          this.#names(refused)
        } refused (hears a leader, or has newer entries)`,
      ],
      ...silent.length === 0 ? [] : [`${this.#names(silent)} did not answer`],
    ];
    return parts.join("; ");
  }

  /** Why this node lost its office. */
  loss(loss: Loss): string {
    switch (loss.type) {
      case "silence": {
        const silent = loss.silent.map(({ id, ticks, hasAnswered }) =>
          `${this.name(id)} was silent for ${this.time(ticks)}` +
          (hasAnswered ? "" : ", since the election")
        );
        return `no majority answers: ${silent.join("; ")} ` +
          `(${this.electionTimeout})`;
      }
      case "later-term": {
        const act = loss.leads ? "leads" : "is in";
        return `${this.name(loss.from)} ${act} term ${this.#raft.currentTerm}`;
      }
      case "handed-over":
        return `handed over to ${this.name(loss.to)}, ` +
          `because ${this.#handOver(loss.cause)}`;
      case "disk":
        return `${this.unfinishedWrite(loss.ticks)}, and no voter took over`;
      case "left":
        return loss.isMember
          ? "this node has no vote any more"
          : "this node was removed from the cluster";
      default:
        return loss satisfies never;
    }
  }

  /** A write that has been under way for `ticks`. */
  unfinishedWrite(ticks: number): string {
    return `a write to ${this.#options.diskName} has not finished for ` +
      this.time(ticks);
  }

  #handOver(cause: HandOverCause): string {
    switch (cause) {
      case "asked":
        return "RAFT.TRANSFER asked for it";
      case "stop":
        return "this node stops";
      case "vote-taken":
        return "this node is to lose its vote";
      case "disk":
        return this.unfinishedWrite(this.#raft.saveElapsed);
      default:
        return cause satisfies never;
    }
  }

  /** The voters that granted, or refused, their vote to the candidacy that ended last. */
  #answered(granted: boolean): NodeId[] {
    const votes = this.#raft.reasons.candidacy?.votes ?? new Map();
    return [...votes].filter(([, vote]) => vote === granted).map(([id]) => id);
  }

  #names(ids: readonly NodeId[]): string {
    return ids.map((id) => this.name(id)).join(", ");
  }
}
