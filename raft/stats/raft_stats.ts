// RAFT.STATS is put together here: the original's 18 pairs (`hashicorp_stats.ts`), then
// ticketd's own (`ticketd_stats.ts`). Keeps for them what no other part keeps: when a
// leader was last heard, and how many leaders there were. Answers also the other questions
// that change nothing. Not here: the status that the node sends unasked (`status_feed.ts`).

import type { AdminAnswer, AdminCommand } from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type { Term } from "../core/types.ts";
import { hashicorpStatsOf, stateOf, timeText } from "./hashicorp_stats.ts";
import { type TicketdStatsInput, ticketdStatsOf } from "./ticketd_stats.ts";

/** Where the figures come from. */
export type RaftStatsOptions = Omit<TicketdStatsInput, "leadersSeen"> & {
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Admin commands that change nothing. */
type Question = Extract<
  AdminCommand["type"],
  "cluster" | "configuration" | "last-contact" | "stats"
>;

/** Answers the questions about one node that change nothing. */
export class RaftStats {
  readonly #raft: Raft;
  readonly #options: RaftStatsOptions;
  /** When a leader was last heard, in milliseconds since 1970. */
  #heardMillis: number | undefined;
  #leadersSeen = 0;
  /** The term of the leader counted last: a term has one leader at most. */
  #leaderTerm: Term = 0;

  constructor(raft: Raft, options: RaftStatsOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /** A message of the leader has come. */
  leaderHeard(): void {
    this.#heardMillis = this.#options.now();
  }

  /** Counts a new leader, and a disk that has begun to hang. */
  look(): void {
    const { leaderId, currentTerm, isStalled } = this.#raft;
    this.#options.diskLatency.watch(isStalled);
    if (leaderId === undefined || currentTerm === this.#leaderTerm) return;
    this.#leaderTerm = currentTerm;
    this.#leadersSeen++;
  }

  /** Answers RAFT.CLUSTER, RAFT.CONFIGURATION, RAFT.LASTCONTACT or RAFT.STATS as of now. */
  answer(question: Question): AdminAnswer {
    switch (question) {
      case "cluster":
        return { type: "text", text: this.#options.cluster };
      case "configuration": {
        const { servers } = this.#raft.membership.current;
        return { type: "servers", servers };
      }
      case "last-contact":
        return { type: "text", text: timeText(this.#lastContact) };
      case "stats":
        return { type: "pairs", pairs: this.#pairs() };
      default:
        return question satisfies never;
    }
  }

  #pairs(): [string, string][] {
    const raft = this.#raft;
    return [
      ...hashicorpStatsOf(raft, {
        state: stateOf(raft.role),
        now: this.#options.now(),
        lastContact: this.#lastContact,
      }),
      ...ticketdStatsOf(raft, {
        ...this.#options,
        leadersSeen: this.#leadersSeen,
      }),
    ];
  }

  /** Milliseconds since 1970; `undefined` on the leader, and before any was heard. */
  get #lastContact(): number | undefined {
    return this.#raft.role === "leader" ? undefined : this.#heardMillis;
  }
}
