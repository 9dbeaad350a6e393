// The takes of this node's own clients. They are answered in the order in which they came.
//
//   waiting ──▶ claimed ───▶ answered              (this node leads)
//      │  └───▶ forwarded ─▶ answered              (another node leads)
//      └ no leader is known, a leader is handing over, or a recalled loan is on its way back
//
// On a node that belongs to no cluster nothing waits: every take is refused at once.
//
// A take is forwarded to the leader of one term, with an id, and sent again with the same id
// when no answer comes; `served_takes.ts`, at the other end, executes it once. When that term
// is over, the outcome is unknown: the take is refused, and its numbers, if it has any, burn.
// The dispenser decides whether to ask again.

import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Forwarding, FromNode, Refusal } from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId, Take, TakeResponse, Term } from "../core/types.ts";
import type { Lending } from "./lending.ts";
import type { Gap } from "./gap.ts";
import { lastTicket } from "./machine.ts";
import type { Claim, Reserve, Settled } from "./reserve.ts";

type OwnTake = {
  readonly count: number;
  state: "waiting" | Claim | Forwarded;
  /** Sent to the isolate when all takes before it have been answered. */
  outcome: Range | Refusal | undefined;
};

type Forwarded = {
  readonly message: Take;
  /** Ticks since it was sent last. */
  ticks: number;
  /** Ticks since the term that it was sent for is known to be over. */
  overTicks: number;
};

/**
 * Ticks for which a take waits for the answer of a leader that has handed over. That leader
 * answers all its takes, but a message of its successor may overtake the answer.
 */
const answerTicks = 2;

/** The dependencies of a node's own takes. */
export type OwnTakesOptions = {
  readonly forward: Forwarding;
  /** An integer, at least 0 and below `below`. */
  readonly random: (below: number) => number;
  readonly post: (message: FromNode) => void;
  readonly send: (message: Take) => void;
  /** Whether there is a connection to node `id`. */
  readonly reaches: (id: NodeId) => boolean;
  /** Where the leader serves clients; empty when that is not known. */
  readonly leaderClient: () => string;
  /** Whether this node belongs to no cluster. */
  readonly isOut: () => boolean;
  /** Is told of numbers that may have burnt. */
  readonly burnt?: (gap: Gap) => void;
};

/** The takes of all isolates that serve this node's clients. */
export class OwnTakes {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #options: OwnTakesOptions;
  /** The oldest first. */
  readonly #queue: OwnTake[] = [];
  /** Names this process, so that an answer to a former one does not fit. */
  readonly #process: number;
  #lastId = 0;
  /** The leader, and its term, that refused a take: it is asked again in the next tick. */
  #refusedBy: { readonly id: NodeId; readonly term: Term } | undefined;

  constructor(
    raft: Raft,
    { reserve, lending }: {
      readonly reserve: Reserve;
      readonly lending: Lending;
    },
    options: OwnTakesOptions,
  ) {
    this.#raft = raft;
    this.#reserve = reserve;
    this.#lending = lending;
    this.#options = options;
    this.#process = options.random(2 ** 31) * 2 ** 21 + options.random(2 ** 21);
  }

  /** Whether a take waits for its answer. */
  get isWaiting(): boolean {
    return this.#queue.length > 0;
  }

  /** An isolate asks for `count` tickets. */
  ask(count: number): void {
    const take: OwnTake = { count, state: "waiting", outcome: undefined };
    this.#queue.push(take);
    this.#advance(take);
  }

  /** Refuses `count` tickets, when all takes before them have been answered. */
  refuse(count: number): void {
    this.#queue.push({ count, state: "waiting", outcome: "not-leader" });
  }

  /** The reserve has settled the claim of a take. */
  settled({ claim, settlement }: Settled): void {
    const take = this.#queue.find(({ state }) => state === claim);
    assert(take !== undefined, "a claim that nobody made is settled");
    take.outcome = settlement;
    const isLost = settlement === "leadership-lost";
    if (!isLost && settlement.count > take.count) this.#lending.lent();
    // At once: the loan in this answer may be recalled in the next moment.
    this.#answerSettled();
  }

  /** The node to which a take was forwarded answers. */
  answered({ from, process, id, given, last, count }: TakeResponse): void {
    const take = this.#queue.find(({ state }) =>
      isForwarded(state) && state.message.id === id && state.message.to === from
    );
    if (process !== this.#process || take?.outcome !== undefined) return;
    if (take === undefined || !isForwarded(take.state)) return;
    const isSound = count <= take.count && BigInt(count) <= last;
    if (given && isSound) take.outcome = { last, count };
    else {
      const { to, term } = take.state.message;
      this.#refusedBy = { id: to, term };
      take.outcome = "leadership-lost";
    }
  }

  /** Sends each take again that has waited for an election timeout. */
  tick(): void {
    this.#refusedBy = undefined;
    for (const { state, outcome } of this.#queue) {
      if (outcome !== undefined || !isForwarded(state)) continue;
      if (this.#isOver(state.message)) {
        state.overTicks++;
        continue;
      }
      if (++state.ticks < this.#raft.options.electionTicks) continue;
      // It was lost, or its answer was. If it only takes long, a second one does no harm.
      state.ticks = 0;
      this.#options.send(state.message);
    }
  }

  /** Carries each take as far as it goes now, and answers those that are settled, in order. */
  pump(): void {
    for (const take of this.#queue) this.#advance(take);
    this.#answerSettled();
  }

  /** The node ends: every take is answered now. */
  stop(): void {
    for (const take of this.#queue.splice(0)) {
      this.#answer(take.count, take.outcome ?? "leadership-lost");
    }
  }

  #answerSettled(): void {
    for (let take; (take = this.#queue[0]) !== undefined;) {
      if (take.outcome === undefined) return;
      this.#queue.shift();
      this.#answer(take.count, take.outcome);
    }
  }

  #advance(take: OwnTake): void {
    if (take.outcome !== undefined) return;
    if (take.state === "waiting") this.#begin(take);
    else if (isForwarded(take.state) && this.#isLost(take.state)) {
      const { to: leader, count } = take.state.message;
      this.#options.burnt?.({ cause: "unanswered", count, leader });
      take.outcome = "leadership-lost";
    }
  }

  #isLost({ message, overTicks }: Forwarded): boolean {
    if (!this.#isOver(message)) return false;
    return overTicks >= answerTicks || !this.#options.reaches(message.to);
  }

  #begin(take: OwnTake): void {
    // Its numbers would be above those of the loan, which the isolate may still deal.
    if (this.#lending.isRecalling) return;
    const { forward } = this.#options;
    const claim = this.#reserve.ask(take.count, undefined);
    if (claim !== undefined) take.state = claim;
    else if (forward === "no") take.outcome = "not-leader";
    else if (this.#raft.role === "leader") return; // it is handing over
    else if (this.#options.isOut()) take.outcome = "no-cluster";
    else if (forward === "moved") {
      const movedTo = this.#options.leaderClient();
      if (movedTo !== "") take.outcome = { movedTo };
    } else this.#forward(take);
  }

  #forward(take: OwnTake): void {
    const { id: from, leaderId: to, currentTerm: term } = this.#raft;
    if (to === undefined || to === from) return;
    const refuser = this.#refusedBy;
    if (refuser?.id === to && refuser.term === term) return;
    const message: Take = {
      type: "Take",
      from,
      to,
      term,
      process: this.#process,
      id: ++this.#lastId,
      count: take.count,
    };
    take.state = { message, ticks: 0, overTicks: 0 };
    this.#options.send(message);
  }

  /**
   * Whether the term that a take was sent for is over: another node leads, or the same one
   * in another term; or this node is outside and will hear of no leader. While no leader is
   * known the answer may still come, from a leader that committed the take.
   */
  #isOver({ to, term }: Take): boolean {
    const { leaderId, currentTerm } = this.#raft;
    if (this.#options.isOut()) return true;
    return leaderId !== undefined && (leaderId !== to || currentTerm !== term);
  }

  #answer(wanted: number, outcome: Range | Refusal): void {
    const { post } = this.#options;
    if (typeof outcome === "string" || "movedTo" in outcome) {
      return post({ type: "refused", count: wanted, reason: outcome });
    }
    const { last, count } = outcome;
    if (count > 0) post({ type: "taken", last, count });
    if (count >= wanted) return;
    const reason = last === lastTicket ? "exhausted" : "leadership-lost";
    post({ type: "refused", count: wanted - count, reason });
  }
}

function isForwarded(state: OwnTake["state"]): state is Forwarded {
  return typeof state === "object" && "message" in state;
}
