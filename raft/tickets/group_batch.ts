// The groups of one message, until each has its outcome. It keeps their order: of one batch, a
// group never overtakes one before it that must be carried out first, even if some of them have
// to be asked again. Not here: who is asked (`groups_asked.ts`, `groups_served.ts`).
//
//   waiting ──▶ under way ──▶ outcome
//      ▲            │
//      └── again ◀──┘          asked again when nothing of the batch is under way any more

import { assert } from "../../base/assert.ts";
import type { Group, GroupOutcome } from "../channel/operations.ts";
import { doubtOf, type Traits, traitsOf } from "./group_traits.ts";

/** A group of a batch, and its position there, from 0 on. */
export type Placed = {
  readonly at: number;
  readonly group: Group;
  readonly traits: Traits;
  /** A leader has had it. */
  isTried: boolean;
};

/** The groups of one message. */
export class Batch {
  readonly #placed: readonly Placed[];
  readonly #outcomes: (GroupOutcome | undefined)[];
  #unanswered: number;
  /** Not under way and without an outcome, in their order. Those before `#next` are not any more. */
  #waiting: Placed[];
  #next = 0;
  /** Under way until a moment ago, and without an outcome. */
  #again: Placed[] = [];
  #underWay = 0;
  /** The order of all that are under way. */
  #order: Traits["order"] = "named";

  constructor(groups: readonly Group[]) {
    this.#placed = groups.map((group, at) => ({
      at,
      group,
      traits: traitsOf(group),
      isTried: false,
    }));
    this.#outcomes = groups.map(() => undefined);
    this.#unanswered = groups.length;
    this.#waiting = [...this.#placed];
  }

  /** How many groups there are. */
  get size(): number {
    return this.#placed.length;
  }

  /** Whether each group has its outcome. */
  get isAnswered(): boolean {
    return this.#unanswered === 0;
  }

  /** Whether any group is under way. */
  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** The outcomes, in the order of the groups, when all are there. */
  get outcomes(): readonly GroupOutcome[] {
    return this.#outcomes.map((outcome) => {
      assert(outcome !== undefined, "a group without its outcome");
      return outcome;
    });
  }

  /** The groups that wait, in their order. */
  get waiting(): readonly Placed[] {
    this.#gather();
    return this.#waiting.slice(this.#next);
  }

  /**
   * Begins with the groups that wait, in their order, as far as those under way allow it. `ask`
   * returns false if it takes on none now; then this returns false, too. Of a group that it
   * takes on, `answer` or `again` must be called once, within the call or later.
   */
  begin(ask: (placed: Placed) => boolean): boolean {
    this.#gather();
    for (;;) {
      const placed = this.#waiting[this.#next];
      if (placed === undefined || !this.#mayBegin(placed)) return true;
      this.#underWay++;
      this.#next++;
      if (ask(placed)) placed.isTried = true;
      else {
        this.#underWay--;
        this.#next--;
        return false;
      }
    }
  }

  /**
   * Begins with all that wait; nothing else is under way. They are sent to one node, which
   * keeps their order.
   */
  beginAll(): readonly Placed[] {
    const { waiting } = this;
    assert(this.#underWay === 0, "groups are asked in two places");
    for (const placed of waiting) placed.isTried = true;
    this.#underWay = waiting.length;
    this.#next = this.#waiting.length;
    return waiting;
  }

  /** A group that was under way has its outcome. */
  answer({ at }: Placed, outcome: GroupOutcome): void {
    this.#underWay--;
    this.#settle(at, outcome);
  }

  /** A group that was under way has no outcome: it waits again, unless its time was up. */
  again(placed: Placed): void {
    this.#underWay--;
    if (this.isWanted(placed)) this.#again.push(placed);
  }

  /** Whether a group has no outcome. */
  isWanted({ at }: Placed): boolean {
    return this.#outcomes[at] === undefined;
  }

  /** Gives an outcome to each group that waits, and for which `outcomeOf` knows one. */
  settleWaiting(
    outcomeOf: (placed: Placed) => GroupOutcome | undefined,
  ): void {
    const rest: Placed[] = [];
    for (const placed of this.waiting) {
      const outcome = outcomeOf(placed);
      if (outcome === undefined) rest.push(placed);
      else this.#settle(placed.at, outcome);
    }
    this.#waiting = rest;
    this.#next = 0;
  }

  /** Gives an outcome to each group that has none, even if it is under way. */
  settleAll(outcomeOf: (placed: Placed) => GroupOutcome): void {
    for (const placed of this.#placed) {
      if (this.#outcomes[placed.at] === undefined) {
        this.#settle(placed.at, outcomeOf(placed));
      }
    }
    this.#waiting = [];
    this.#next = 0;
  }

  #settle(at: number, outcome: GroupOutcome): void {
    if (this.#outcomes[at] !== undefined) return; // its time was up
    this.#outcomes[at] = outcome;
    this.#unanswered--;
  }

  /** Those to be asked again wait in their old places, once nothing is under way. */
  #gather(): void {
    if (this.#again.length === 0 || this.#underWay > 0) return;
    this.#waiting = [...this.#again, ...this.#waiting.slice(this.#next)]
      .sort((a, b) => a.at - b.at);
    this.#next = 0;
    this.#again = [];
  }

  /** Whether a group may begin beside those under way. */
  #mayBegin({ traits: { order } }: Placed): boolean {
    if (this.#again.length > 0) return false;
    if (this.#underWay === 0) {
      this.#order = order;
      return true;
    }
    return order === this.#order && order !== "alone";
  }
}

/** The outcome of a group that is given up because of `why`. */
export function errorOf(
  why: string,
  { traits, isTried }: Placed,
): GroupOutcome {
  return { type: "error", text: why + doubtOf(traits, isTried) };
}
