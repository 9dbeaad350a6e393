// The tickets that this node's own clients ask for, batch by batch, in the order in which
// they were asked, which is that of the answers.
//
//   waiting ──▶ claimed ───▶ answered                    (this node leads)
//      │  └───▶ forwarded ─▶ answered                    (another does)
//      └ nobody leads, a leader is handing over, or what was lent is awaited
//
// On a node that belongs to no cluster nothing waits: its clients are turned away at once.
//
// A take is sent to the leader of one term, with an id, and sent again with the same id
// when nothing comes back: `served_takes.ts`, at the other end, executes it once. When
// that term is over nobody knows what became of it; it is refused, and its numbers, if
// there are any, are nobody's. Whether to ask anew is the dispenser's to say.

import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { Forwarding, FromNode, Refusal } from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId, Take, TakeResponse, Term } from "../core/types.ts";
import type { Lending } from "./lending.ts";
import { lastTicket } from "./machine.ts";
import type { Claim, Reserve, Settled } from "./reserve.ts";

type OwnTake = {
  readonly count: number;
  state: "waiting" | Claim | Forwarded;
  /** Waits for those asked before it. */
  outcome: Range | Refusal | undefined;
};

type Forwarded = {
  readonly message: Take;
  /** Since it was sent last, and since another was known to lead. */
  ticks: number;
  overTicks: number;
};

/**
 * A leader that has handed over answers all that it was asked, but the news of the next
 * leader may overtake its answer.
 */
const answerTicks = 2;

export type OwnTakesOptions = {
  readonly forward: Forwarding;
  readonly random: (below: number) => number;
  readonly post: (message: FromNode) => void;
  readonly send: (message: Take) => void;
  /** Whether there is a connection to node `id`. */
  readonly reaches: (id: NodeId) => boolean;
  /** Where the leader serves clients; empty when that is not known. */
  readonly leaderClient: () => string;
  /** Whether this node belongs to no cluster. */
  readonly isOut: () => boolean;
};

export class OwnTakes {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #options: OwnTakesOptions;
  #takes: OwnTake[] = [];
  /** Of this process: an answer to a former one must not fit. */
  readonly #process: number;
  #lastId = 0;
  /** Whom we took for a leader, and who says that he is none: not asked again at once. */
  #turnedAwayBy: { readonly id: NodeId; readonly term: Term } | undefined;

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

  get isWaiting(): boolean {
    return this.#takes.length > 0;
  }

  ask(count: number): void {
    const take: OwnTake = { count, state: "waiting", outcome: undefined };
    this.#takes.push(take);
    this.#advance(take);
  }

  /** Refuses `count` tickets when their turn comes: nothing is done for them. */
  turnAway(count: number): void {
    this.#takes.push({ count, state: "waiting", outcome: "not-leader" });
  }

  /** The reserve has settled the claim of one. */
  settled({ claim, settlement }: Settled): void {
    const take = this.#takes.find(({ state }) => state === claim);
    assert(take !== undefined, "a claim that nobody made is settled");
    take.outcome = settlement;
    const isLost = settlement === "leadership-lost";
    if (!isLost && settlement.count > take.count) this.#lending.lent();
    // At once: what is lent may be recalled in the next moment.
    this.#answerSettled();
  }

  /** The node that we took for the leader answers. */
  answered({ from, process, id, given, last, count }: TakeResponse): void {
    const take = this.#takes.find(({ state }) =>
      isForwarded(state) && state.message.id === id && state.message.to === from
    );
    if (process !== this.#process || take?.outcome !== undefined) return;
    if (take === undefined || !isForwarded(take.state)) return;
    const isSound = count <= take.count && BigInt(count) <= last;
    if (given && isSound) take.outcome = { last, count };
    else {
      const { to, term } = take.state.message;
      this.#turnedAwayBy = { id: to, term };
      take.outcome = "leadership-lost";
    }
  }

  tick(): void {
    this.#turnedAwayBy = undefined;
    for (const { state, outcome } of this.#takes) {
      if (outcome !== undefined || !isForwarded(state)) continue;
      if (this.#isOver(state.message)) {
        state.overTicks++;
        continue;
      }
      if (++state.ticks < this.#raft.options.electionTicks) continue;
      // Lost on its way, or its answer; or it only takes long, which does no harm.
      state.ticks = 0;
      this.#options.send(state.message);
    }
  }

  /** Carries each as far as it goes now, and answers from the front, each once. */
  pump(): void {
    if (this.#takes.length === 0) return;
    for (const take of this.#takes.slice()) this.#advance(take);
    this.#answerSettled();
  }

  /** The node ends: whatever waits is answered now. */
  stop(): void {
    for (const take of this.#takes.splice(0)) {
      this.#answer(take.count, take.outcome ?? "leadership-lost");
    }
  }

  #answerSettled(): void {
    for (let take; (take = this.#takes[0]) !== undefined;) {
      if (take.outcome === undefined) return;
      this.#takes.shift();
      this.#answer(take.count, take.outcome);
    }
  }

  #advance(take: OwnTake): void {
    if (take.outcome !== undefined) return;
    if (take.state === "waiting") this.#begin(take);
    else if (isForwarded(take.state) && this.#isLost(take.state)) {
      take.outcome = "leadership-lost";
    }
  }

  #isLost({ message, overTicks }: Forwarded): boolean {
    if (!this.#isOver(message)) return false;
    return overTicks >= answerTicks || !this.#options.reaches(message.to);
  }

  #begin(take: OwnTake): void {
    // What the door gives meanwhile must not be overtaken.
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
    const away = this.#turnedAwayBy;
    if (away?.id === to && away.term === term) return;
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
   * Another leads, or the same in another term, or nobody whom this node will hear of.
   * While nobody leads, the answer may still come: the take may have been committed by
   * whom we asked.
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
