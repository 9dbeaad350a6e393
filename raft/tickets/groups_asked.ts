// The groups of operations that this node's clients ask for. Each isolate that serves clients has
// one batch of them here at a time, which is answered as a whole, once.
//
//   waiting ──▶ carried out ─▶ answered              (this node leads: `groups_led.ts`)
//      │  └───▶ forwarded ───▶ answered              (another node leads: `groups_served.ts`)
//      └ no leader is known, or a leader is handing over
//
// A batch is forwarded to the leader of one term, with an id, and sent again with the same id
// when no answer comes; the other end carries it out once. When that term is over, the outcome
// is unknown. Groups that may be carried out twice are then asked for again, as a batch in their
// old order; the others are answered with an error that says so (PITFALLS 31).
//
// `--forward` holds for groups that take numbers. All others are forwarded, as commands of
// operators are.

import { present } from "../../base/assert.ts";
import { DecodeError } from "../../base/bytes.ts";
import type { DoorId, Forwarding, FromNode } from "../channel/messages.ts";
import {
  decodeGroups,
  decodeOutcomes,
  encodeGroups,
  encodeOutcomes,
} from "../channel/operation_codec.ts";
import type { GroupOutcome } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Forward, ForwardResponse, NodeId } from "../core/types.ts";
import type { Settled } from "./claim.ts";
import { Batch, errorOf, type Placed } from "./group_batch.ts";
import { beginLed } from "./group_begin.ts";
import { encodeForwarded, type ForwardHead } from "./group_forward.ts";
import { GroupsLed, type GroupsLedOptions } from "./groups_led.ts";
import { GroupsServed } from "./groups_served.ts";
import { fitsGroup } from "./outcome_fit.ts";
import type { RaiseLog } from "./raise_log.ts";

/**
 * Ticks for which a batch waits for the answer of a leader whose term is over: a message of its
 * successor may overtake the answer.
 */
const answerTicks = 2;

/** The dependencies of the groups that a node is asked for. */
export type GroupsAskedOptions = Omit<GroupsLedOptions, "raised"> & {
  readonly raiseLog: RaiseLog;
  readonly forward: Forwarding;
  /** Ticks after which a batch that got nowhere is answered with errors. */
  readonly ticksMax: number;
  /** An integer, at least 0 and below `below`. */
  readonly random: (below: number) => number;
  /** No Forward of this process has the same id. */
  readonly nextForwardId: () => number;
  readonly post: (message: FromNode) => void;
  readonly send: (message: Forward | ForwardResponse) => void;
  /** Whether there is a connection to node `id`. */
  readonly reaches: (id: NodeId) => boolean;
  /** Where the leader serves clients; empty when that is not known. */
  readonly leaderClient: () => string;
  /** Whether this node belongs to no cluster. */
  readonly isOut: () => boolean;
};

type Forwarded = ForwardHead & {
  readonly to: NodeId;
  /** Of the Forward, for its answer. */
  readonly id: number;
  readonly data: Uint8Array;
  readonly groups: readonly Placed[];
  /** Ticks since it was sent last. */
  ticks: number;
  /** Ticks since the term that it was sent for is known to be over. */
  overTicks: number;
};

/** The batch of one isolate. */
type Asked = {
  readonly door: DoorId;
  readonly batch: Batch;
  forwarded: Forwarded | undefined;
  /** The node that was asked does not lead; another is asked after the next tick. */
  isLater: boolean;
  /** Ticks until it is given up. */
  ticksLeft: number;
};

/** The groups that one node is asked for, by its own clients and by other nodes. */
export class GroupsAsked {
  readonly #raft: Raft;
  readonly #options: GroupsAskedOptions;
  readonly #led: GroupsLed;
  readonly #served: GroupsServed;
  /**
   * Names this process, so that another one's Forwards are not taken for its own: with the
   * number of an isolate added, because each has one under way.
   */
  readonly #process: number;
  readonly #asked = new Set<Asked>();
  /** Those of which nothing is under way any more, since the last look. */
  readonly #idle: Asked[] = [];

  constructor(raft: Raft, options: GroupsAskedOptions) {
    this.#raft = raft;
    this.#options = options;
    const { raiseLog, random } = options;
    this.#process = random(2 ** 31) * 2 ** 21 + random(2 ** 21);
    this.#led = new GroupsLed(raft, {
      ...options,
      raised: (name, to) => raiseLog.raised(name, to),
    });
    this.#served = new GroupsServed(raft, this.#led, options);
  }

  /** Whether any group waits for its outcome. */
  get isWaiting(): boolean {
    return this.#asked.size > 0 || this.#served.isWaiting;
  }

  /** The isolate behind `door` asks for the groups in `data`, and gets one `results`. */
  ask(door: DoorId, data: Uint8Array): void {
    const asked: Asked = {
      door,
      batch: new Batch(decodeGroups(data)),
      forwarded: undefined,
      isLater: false,
      ticksLeft: this.#options.ticksMax,
    };
    this.#asked.add(asked);
    this.#advance(asked);
  }

  /** Another node asks on behalf of its clients. Returns false if it asks something else. */
  forwarded(message: Forward): boolean {
    return this.#served.asked(message);
  }

  /** The node that a batch was forwarded to answers; other answers are ignored. */
  forwardAnswered({ from, id, data }: ForwardResponse): void {
    for (const asked of this.#asked) {
      const { batch, forwarded } = asked;
      if (forwarded?.id !== id || forwarded.to !== from) continue;
      asked.forwarded = undefined;
      const outcomes = outcomesIn(data, forwarded.groups);
      for (const [i, placed] of forwarded.groups.entries()) {
        const outcome = present(outcomes[i]);
        if (outcome.type !== "not-leader") batch.answer(placed, outcome);
        else {
          batch.again(placed);
          // Not at once: this node may not have heard of the next leader yet.
          asked.isLater = true;
        }
      }
      return this.#advance(asked);
    }
  }

  /** The reserve has settled the claim of a group. */
  settled(settled: Settled): void {
    this.#led.settled(settled);
    // Groups of the batch may have waited for this one.
    for (const asked of this.#idle.splice(0)) this.#advance(asked);
    this.#served.goOn();
  }

  /** Gives up what has waited too long, and sends again what was not answered. */
  tick(): void {
    this.#options.raiseLog.tick();
    this.#served.tick();
    for (const asked of this.#asked) {
      asked.isLater = false;
      if (--asked.ticksLeft <= 0) {
        this.#settleAll(asked, this.#whyNothing);
        continue;
      }
      const { forwarded } = asked;
      if (forwarded === undefined) continue;
      if (this.#isOver(forwarded)) forwarded.overTicks++;
      else if (++forwarded.ticks >= this.#raft.options.electionTicks) {
        forwarded.ticks = 0; // it was lost, or its answer was
        this.#send(forwarded);
      }
    }
  }

  /** After every input: carries each batch as far as it goes now. */
  pump(): void {
    for (const asked of this.#asked) this.#advance(asked);
    this.#served.pump();
  }

  /** The node ends: every group is answered now. */
  stop(): void {
    for (const asked of this.#asked) {
      this.#settleAll(asked, "the node is stopping");
    }
    this.#served.stop();
  }

  #advance(asked: Asked): void {
    const { batch } = asked;
    if (!this.#isForwarded(asked)) {
      if (this.#raft.role === "leader") this.#lead(asked);
      else if (this.#options.isOut()) {
        batch.settleWaiting(outside);
      } else this.#follow(asked);
    }
    this.#finish(asked);
  }

  #lead(asked: Asked): void {
    const { batch } = asked;
    const isGiving = beginLed(batch, this.#led, () => {
      this.#finish(asked);
      if (!batch.isUnderWay) this.#idle.push(asked);
    });
    if (!isGiving && this.#options.forward === "no") this.#refuseTakes(batch);
  }

  /** Another node leads, or none is known to. */
  #follow(asked: Asked): void {
    const { batch } = asked;
    if (this.#options.forward !== "yes") this.#refuseTakes(batch);
    const { id, leaderId } = this.#raft;
    if (leaderId === undefined || leaderId === id || asked.isLater) return;
    const mayForward = this.#options.forward === "yes" ||
      !batch.waiting.some(({ traits }) => traits.takes);
    // Claims of the term in which this node led are settled first.
    if (mayForward && !batch.isUnderWay && batch.waiting.length > 0) {
      this.#forward(asked, leaderId);
    }
  }

  /** Refuses the groups that wait and take numbers, as `--forward` demands. */
  #refuseTakes(batch: Batch): void {
    const { forward, leaderClient } = this.#options;
    const to = forward === "moved" ? leaderClient() : undefined;
    if (to === "") return; // it is not known yet
    const outcome: GroupOutcome = to === undefined
      ? { type: "not-leader" }
      : { type: "moved", to };
    batch.settleWaiting(({ traits }) => traits.takes ? outcome : undefined);
  }

  #forward(asked: Asked, to: NodeId): void {
    const groups = asked.batch.beginAll();
    const process = this.#process + asked.door;
    const head = { term: this.#raft.currentTerm, process };
    const data = encodeForwarded(
      head,
      encodeGroups(groups.map(({ group }) => group)),
    );
    const id = this.#options.nextForwardId();
    const sent = { ...head, to, id, data, groups };
    asked.forwarded = { ...sent, ticks: 0, overTicks: 0 };
    this.#send(asked.forwarded);
  }

  #send({ to, id, data }: Forwarded): void {
    const { id: from } = this.#raft;
    this.#options.send({ type: "Forward", from, to, id, data });
  }

  /** Whether a batch waits for another node; ends that if its answer will not come. */
  #isForwarded(asked: Asked): boolean {
    const { batch, forwarded } = asked;
    if (forwarded === undefined) return false;
    const { to, overTicks, groups } = forwarded;
    const isLost = this.#isOver(forwarded) &&
      (overTicks >= answerTicks || !this.#options.reaches(to));
    if (!isLost) return true;
    asked.forwarded = undefined;
    for (const placed of groups) {
      if (placed.traits.isRepeatable) batch.again(placed);
      else batch.answer(placed, errorOf("the leader was lost", placed));
    }
    return false;
  }

  /**
   * Whether the term that a batch was sent for is over: another node leads, or the same one
   * in another term; or this node is outside and will hear of no leader. While no leader is
   * known the answer may still come.
   */
  #isOver({ to, term }: Forwarded): boolean {
    const { leaderId, currentTerm } = this.#raft;
    if (this.#options.isOut()) return true;
    return leaderId !== undefined && (leaderId !== to || currentTerm !== term);
  }

  /** Answers, if each group has its outcome. */
  #finish(asked: Asked): void {
    const { door, batch } = asked;
    if (!batch.isAnswered || !this.#asked.delete(asked)) return;
    const data = encodeOutcomes(batch.outcomes);
    this.#options.post({ type: "results", door, data });
  }

  #settleAll(asked: Asked, why: string): void {
    asked.batch.settleAll((placed) => errorOf(why, placed));
    this.#finish(asked);
  }

  /** Why a batch has waited too long. */
  get #whyNothing(): string {
    const { role, leaderId } = this.#raft;
    if (role === "leader") {
      return "a majority does not answer, or its disks hang";
    }
    return leaderId === undefined
      ? "there is no leader"
      : "the leader did not answer in time";
  }
}

/** The error of a node that no leader will answer any more. */
function outside(placed: Placed): GroupOutcome {
  return errorOf("this node belongs to no cluster: ask another", placed);
}

/** What another node says of `groups`, one outcome for each. */
function outcomesIn(
  data: Uint8Array,
  groups: readonly Placed[],
): readonly GroupOutcome[] {
  const outcomes = decoded(data);
  const [only] = outcomes;
  const isWhole = outcomes.length === groups.length;
  return groups.map((placed, i) => {
    const outcome = isWhole ? outcomes[i] : only;
    // One error for all comes from a node that cannot read the groups.
    const isSound = outcome !== undefined &&
      (isWhole ? fitsGroup(placed.group, outcome) : outcome.type === "error");
    return isSound
      ? outcome
      : errorOf("the leader's answer is unreadable", placed);
  });
}

function decoded(data: Uint8Array): readonly GroupOutcome[] {
  try {
    return decodeOutcomes(data);
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
