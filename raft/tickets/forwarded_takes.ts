// The takes that this node forwards to the leader of one term: those that begin at one time go
// as parts of one message, with an id. It is sent again as a whole until all of its parts are
// answered; `served_takes.ts`, at the other end, executes it once. When that term is over, the
// outcome is unknown: the parts without an answer are refused, and their numbers, if they have
// any, burn. Not here: whether a take is forwarded (`own_takes.ts`).

import { present } from "../../base/assert.ts";
import type { DoorId, Refusal, TakeRequest } from "../channel/messages.ts";
import { takeBytesMax, takePartsMax } from "../core/limits.ts";
import type { Raft } from "../core/raft.ts";
import { takePartBytes } from "../core/take_codec.ts";
import type {
  NodeId,
  Take,
  TakeAnswer,
  TakeResponse,
  Term,
} from "../core/types.ts";
import type { Gap } from "./gap.ts";

/** A take of one isolate. */
export type OwnTake = {
  readonly door: DoorId;
  readonly request: TakeRequest;
};

/** A message under way. */
type Forwarded = {
  readonly message: Take;
  /** One for each part; `undefined` where it is answered. */
  readonly takes: (OwnTake | undefined)[];
  /** Parts without an answer. */
  open: number;
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

/** The dependencies of the takes that a node forwards. */
export type ForwardedTakesOptions = {
  /** An integer, at least 0 and below `below`. */
  readonly random: (below: number) => number;
  readonly send: (message: Take) => void;
  /** Whether there is a connection to node `id`. */
  readonly reaches: (id: NodeId) => boolean;
  /** Whether this node belongs to no cluster. */
  readonly isOut: () => boolean;
  /** Is told of numbers that may have burnt. */
  readonly burnt?: (gap: Gap) => void;
  /** `take` got the numbers up to `outcome`, or none. */
  readonly answer: (take: OwnTake, outcome: bigint | Refusal) => void;
};

/** The takes that one node forwards, until each is answered. */
export class ForwardedTakes {
  readonly #raft: Raft;
  readonly #options: ForwardedTakesOptions;
  /** By id, the oldest first. */
  readonly #underWay = new Map<number, Forwarded>();
  /** Names this process, so that an answer to a former one does not fit. */
  readonly #process: number;
  #lastId = 0;
  /** The leader, and its term, that refused a take: it is asked again in the next tick. */
  #refusedBy: { readonly id: NodeId; readonly term: Term } | undefined;

  constructor(raft: Raft, options: ForwardedTakesOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#process = options.random(2 ** 31) * 2 ** 21 + options.random(2 ** 21);
  }

  /** Whether a take waits for its answer. */
  get isWaiting(): boolean {
    return this.#underWay.size > 0;
  }

  /** Asks the leader for `takes`; returns false if there is nobody to ask now. */
  ask(takes: OwnTake[]): boolean {
    const leader = this.#leader;
    if (leader === undefined) return false;
    for (let from = 0, fits = 0; from < takes.length; from += fits) {
      fits = countThatFits(takes, from);
      this.#send(leader, takes.slice(from, from + fits));
    }
    return true;
  }

  /** The node that leads, as far as this one knows, if it is to be asked. */
  get #leader(): NodeId | undefined {
    const { id, leaderId, currentTerm } = this.#raft;
    const refuser = this.#refusedBy;
    const hasRefused = refuser !== undefined && refuser.id === leaderId &&
      refuser.term === currentTerm;
    return leaderId === id || hasRefused ? undefined : leaderId;
  }

  /** The node to which takes were forwarded answers some of them. */
  answered({ from, process, id, answers }: TakeResponse): void {
    const forwarded = this.#underWay.get(id);
    if (forwarded === undefined || process !== this.#process) return;
    if (forwarded.message.to !== from) return;
    for (const answer of answers) {
      const take = forwarded.takes[answer.at];
      if (take === undefined) continue; // it was answered before
      this.#settle(forwarded, answer.at, this.#outcomeOf(answer, forwarded));
    }
  }

  #outcomeOf(
    { at, last, refusal }: TakeAnswer,
    { message }: Forwarded,
  ): bigint | Refusal {
    const isSound = last !== undefined &&
      BigInt(present(message.parts[at]).count) <= last;
    if (isSound) return last;
    if (refusal !== undefined && refusal !== "lost") return refusal;
    this.#refusedBy = { id: message.to, term: message.term };
    return "leadership-lost";
  }

  /** Sends each message again that has waited for an election timeout. */
  tick(): void {
    this.#refusedBy = undefined;
    for (const forwarded of this.#underWay.values()) {
      if (this.#isOver(forwarded.message)) {
        forwarded.overTicks++;
        continue;
      }
      if (++forwarded.ticks < this.#raft.options.electionTicks) continue;
      // It was lost, or its answer was. If it only takes long, a second one does no harm.
      forwarded.ticks = 0;
      this.#options.send(forwarded.message);
    }
  }

  /** Gives up what has lost its leader. */
  pump(): void {
    for (const forwarded of this.#underWay.values()) {
      if (!this.#isLost(forwarded)) continue;
      const { message: { parts, to: leader }, takes } = forwarded;
      const lost = parts.filter((_, at) => takes[at] !== undefined);
      this.#options.burnt?.({ cause: "unanswered", parts: lost, leader });
      this.#giveUp(forwarded);
    }
  }

  /** The node ends: every take is answered now. */
  stop(): void {
    for (const forwarded of this.#underWay.values()) this.#giveUp(forwarded);
  }

  #send(to: NodeId, takes: OwnTake[]): void {
    const { id: from, currentTerm: term } = this.#raft;
    const [oldest = this.#lastId + 1] = this.#underWay.keys();
    const id = ++this.#lastId;
    const message: Take = {
      type: "Take",
      from,
      to,
      term,
      process: this.#process,
      id,
      answered: oldest - 1,
      parts: takes.map(({ request: { name, count, isCapped } }) => ({
        name,
        count,
        isCapped,
      })),
    };
    const open = takes.length;
    this.#underWay.set(id, { message, takes, open, ticks: 0, overTicks: 0 });
    this.#options.send(message);
  }

  #settle(forwarded: Forwarded, at: number, outcome: bigint | Refusal): void {
    const take = present(forwarded.takes[at]);
    forwarded.takes[at] = undefined;
    if (--forwarded.open === 0) this.#underWay.delete(forwarded.message.id);
    this.#options.answer(take, outcome);
  }

  #isLost({ message, overTicks }: Forwarded): boolean {
    if (!this.#isOver(message)) return false;
    return overTicks >= answerTicks || !this.#options.reaches(message.to);
  }

  /** Refuses the parts that have no answer. */
  #giveUp(forwarded: Forwarded): void {
    const { takes } = forwarded;
    for (let at = 0; at < takes.length; at++) {
      if (takes[at] === undefined) continue;
      this.#settle(forwarded, at, "leadership-lost");
    }
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
}

/** How many of `takes`, from position `from` on, fit into one message; at least one. */
function countThatFits(takes: readonly OwnTake[], from: number): number {
  let bytes = 0;
  for (let at = from; at < takes.length; at++) {
    bytes += present(takes[at]).request.name.length + takePartBytes;
    if (bytes > takeBytesMax || at - from === takePartsMax) return at - from;
  }
  return takes.length - from;
}
