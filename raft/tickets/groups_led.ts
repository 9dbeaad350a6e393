// The leader's half of groups of operations. Each becomes one claim on the sequences that it
// names (`claim.ts`), which the reserve settles at one moment; then its operations are carried
// out in their order. Not here: which node is asked, and for how long (`groups_asked.ts`).
//
// What a group reads is linearizable (thesis 6.4), because its claim is settled at a moment when
// an entry of this term is applied, and with it all of former leaders; when a round of
// confirmations that began after the question is over, so no later leader had given a number by
// then; and when no number of its sequences is lent, and the claims before it are settled.
//
// Raises, `create` and `set-policy` are entries in the log, with all that their group does. So is
// a group that begins a sequence and may be refused: it must leave none behind.

import { assert, present } from "../../base/assert.ts";
import { int64Max } from "../../base/range.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type {
  Claim,
  ClaimPart,
  ClaimRequest,
  GivenPart,
  Judge,
  LastOf,
  Settled,
} from "./claim.ts";
import type { Placed } from "./group_batch.ts";
import { isOfMachine, onlyNamed, type Plan, planOf } from "./group_plan.ts";
import { GroupReads, type GroupReadsOptions } from "./group_reads.ts";
import type { Traits } from "./group_traits.ts";
import { GroupView } from "./group_view.ts";
import {
  encodeGroup,
  fitsCommand,
  lastTicket,
  type Outcome,
  type SequenceOperation,
} from "./machine.ts";

/** What claims are made on: the reserve. */
export type Claims = {
  ask(request: ClaimRequest): Claim | undefined;
  lastOf(name: string): bigint | undefined;
};

/** The parts of a leader that know the numbers. */
export type GroupsLedOptions = GroupReadsOptions & {
  readonly reserve: Claims;
  /** Recalls what is lent of a sequence; whether all of it is back. */
  readonly isLoanBack: (name: string) => boolean;
  /** Sequences that a command of this node may begin, with those that there are. */
  readonly sequencesMax: number;
  /** A raise has passed over numbers of `name`, up to `to`. */
  readonly raised: (name: string, to: bigint) => void;
};

/** The outcome of a group; "lost": the term is over, and nobody knows. */
export type GroupTold = GroupOutcome | "lost";

/** The asker of a group. */
export type GroupAsker = {
  /** Called once. */
  readonly tell: (told: GroupTold) => void;
  /** Whether the outcome is still waited for. */
  readonly isWanted?: () => boolean;
};

/** A group whose claim is not settled. */
type Led = Plan & {
  readonly group: Group;
  readonly tell: (told: GroupTold) => void;
  /** What its operations have read when it was judged, by position. */
  readonly early: Map<number, Result> | undefined;
  /** For each operation of its command its position in the group. */
  readonly positions: readonly number[] | undefined;
  /** Its raises that pass over numbers, as far as was known when it was asked. */
  readonly raises: readonly Raise[] | undefined;
};

/**
 * A command of the log, and for each of its operations the position in its group; `undefined`:
 * they are takes, one for each part.
 */
type Command = {
  readonly data: Uint8Array;
  readonly positions: readonly number[] | undefined;
};

type Raise = Extract<Operation, { readonly type: "raise" }>;

const done: Result = { type: "done" };

/** In several entries some of its sequences would be begun though others are refused. */
const tooLarge = "the group is too large for one entry of the log";

/** Carries groups out while this node leads. */
export class GroupsLed {
  readonly #raft: Raft;
  readonly #options: GroupsLedOptions;
  readonly #reads: GroupReads;
  readonly #lastOf: LastOf;
  readonly #led = new Map<Claim, Led>();

  constructor(raft: Raft, options: GroupsLedOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#lastOf = (name) => options.reserve.lastOf(name);
    this.#reads = new GroupReads(raft, options);
  }

  /**
   * Begins to carry `group` out. `tell` is called once, within the call or later. Returns false
   * if this node gives nothing now: it does not lead, hands over, or stops.
   */
  ask(
    { group, traits }: Pick<Placed, "group" | "traits">,
    { tell, isWanted }: GroupAsker,
  ): boolean {
    const plan = planOf(group);
    const command = this.#commandOf(group, traits, plan);
    if (typeof command === "string") {
      tell({ type: "error", text: `${command}; nothing was done` });
      return true;
    }
    const { parts, places } = plan;
    const early = this.#isJudged(group, traits, command)
      ? new Map<number, Result>()
      : undefined;
    const claim = this.#options.reserve.ask({
      kind: "group",
      asker: undefined,
      judge: early && this.#judgeOf(group, command, early),
      parts: command === undefined ? parts : parts.map(onlyNamed),
      command: command?.data,
      isWanted,
    });
    if (claim === undefined) return false;
    this.#led.set(claim, {
      group,
      parts,
      places,
      tell,
      early,
      positions: command?.positions,
      raises: command && this.#raisesOf(group),
    });
    return true;
  }

  /** The reserve has settled the claim of a group. */
  settled({ claim, settlement }: Settled): void {
    const led = this.#led.get(claim);
    assert(led !== undefined, "a claim that nobody made is settled");
    this.#led.delete(claim);
    const { tell } = led;
    switch (settlement.type) {
      case "given": {
        const results = this.#carryOut(led, settlement.parts);
        return tell({ type: "done", results });
      }
      case "applied":
        return tell(this.#applied(led, settlement.outcomes));
      case "refused": {
        const { reason, at } = settlement;
        // A judge names the operation itself.
        const isOfPart = reason !== "changed";
        return tell({
          type: "refused",
          reason,
          at: isOfPart ? this.#firstUnfit(led, at) : at,
        });
      }
      case "lost":
        return tell("lost");
      default:
        settlement satisfies never;
    }
  }

  /**
   * The command that carries the group out in the log; `undefined` if it needs none, and a text
   * if there can be none.
   */
  #commandOf(
    group: Group,
    { isLogged, onlyTakes }: Traits,
    { parts }: Plan,
  ): Command | string | undefined {
    const { sequencesMax } = this.#options;
    if (!isLogged) {
      // A take of one sequence leaves no half of it.
      const isOneTake = onlyTakes && parts.length === 1;
      if (isOneTake || !this.#beginsAny(parts)) return undefined;
    }
    if (onlyTakes) {
      // A pipeline may name each of a few sequences a hundred times.
      const takes = parts.map((part) => ({ ...part, type: "take" as const }));
      if (!fitsCommand(takes)) return tooLarge;
      return {
        data: encodeGroup(takes, { sequencesMax }),
        positions: undefined,
      };
    }
    const operations: SequenceOperation[] = [];
    const positions: number[] = [];
    for (const [at, operation] of group.entries()) {
      if (!isOfMachine(operation)) continue;
      operations.push(operation);
      positions.push(at);
    }
    if (isLogged && operations.length < group.length) {
      return "a group that changes sequences cannot list them";
    }
    if (!fitsCommand(operations)) return tooLarge;
    if (this.#isRaised(group)) return undefined;
    return { data: encodeGroup(operations, { sequencesMax }), positions };
  }

  /** Whether a part takes from a sequence that does not exist yet. */
  #beginsAny(parts: readonly ClaimPart[]): boolean {
    return parts.some(({ name, count }) =>
      count > 0 && this.#lastOf(name) === undefined
    );
  }

  /**
   * Whether the group is nothing but raises, and all numbers that are given from now on are
   * above them already. Numbers that are lent and come back would be below again.
   */
  #isRaised(group: Group): boolean {
    const { log, currentTerm } = this.#raft;
    if (log.termAt(log.lastApplied) !== currentTerm) return false;
    return group.every((operation) =>
      operation.type === "raise" && !this.#passes(operation) &&
      this.#options.isLoanBack(operation.name)
    );
  }

  #raisesOf(group: Group): Raise[] {
    return group.filter((operation): operation is Raise =>
      operation.type === "raise" && this.#passes(operation)
    );
  }

  #passes({ name, to }: Raise): boolean {
    return (this.#lastOf(name) ?? 0n) < to;
  }

  #applied(led: Led, outcomes: readonly Outcome[]): GroupOutcome {
    const { group, positions, early = new Map<number, Result>() } = led;
    if (positions === undefined) return this.#appliedTakes(led, outcomes);
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.type === "refused") {
        return { ...outcome, at: present(positions[outcome.at]) };
      }
      early.set(present(positions[i]), outcome);
    }
    const results = group.map((_, at) => present(early.get(at)));
    for (const { name, to } of led.raises ?? []) this.#options.raised(name, to);
    return { type: "done", results };
  }

  /** The same of a command that has one take for each part. */
  #appliedTakes(led: Led, outcomes: readonly Outcome[]): GroupOutcome {
    const given: GivenPart[] = [];
    for (const outcome of outcomes) {
      if (outcome.type === "refused") {
        return { ...outcome, at: this.#firstUnfit(led, outcome.at) };
      }
      assert(outcome.type === "taken", `a take is ${outcome.type}`);
      const { last, count } = outcome;
      given.push({ last, count, exists: true });
    }
    return { type: "done", results: this.#carryOut(led, given) };
  }

  /** Carries out the operations in their order on the numbers that each part got. */
  #carryOut(
    { group, parts, places, early }: Led,
    given: readonly GivenPart[],
  ): Result[] {
    /** The last number given of each part, as the operations go on. */
    const lasts = parts.map(({ count }, place) => {
      const part = given[place];
      assert(part?.count === count, "a claim gets what it asks for");
      return part.last - BigInt(count);
    });
    return group.map((operation, at): Result => {
      const place = present(places[at]);
      switch (operation.type) {
        case "take": {
          const { count } = operation;
          const last = present(lasts[place]) + BigInt(count);
          lasts[place] = last;
          return { type: "taken", last, count };
        }
        case "last": {
          const last = present(given[place]).exists ? lasts[place] : undefined;
          return early?.get(at) ?? { type: "last", last };
        }
        case "raise":
          assert(
            present(lasts[place]) >= operation.to,
            "a raise passed over nothing",
          );
          return done;
        case "check": // judged before
          return done;
        default: {
          // If it was not judged, nothing is taken beside what it reads.
          const result = early?.get(at) ??
            this.#reads.read(operation, this.#view);
          assert(result !== undefined, `${operation.type} without its entry`);
          return result;
        }
      }
    });
  }

  get #view(): GroupView {
    return new GroupView(this.#options.machine, this.#lastOf);
  }

  /**
   * Whether a group looks at numbers before it gets any: it reads beside its takes, or checks, or
   * reads a sequence that does not exist, which a take behind it must not begin before. A
   * command looks at numbers in the log.
   */
  #isJudged(
    group: Group,
    { isMixed, looks }: Traits,
    command: Command | undefined,
  ): boolean {
    if (isMixed) return true;
    return command === undefined && looks &&
      group.some((operation) =>
        operation.type === "check" ||
        operation.type === "last" && this.#lastOf(operation.name) === undefined
      );
  }

  /** Compares the last numbers that `group` checks, and puts what it reads into `early`. */
  #judgeOf(
    group: Group,
    command: Command | undefined,
    early: Map<number, Result>,
  ): Judge {
    return () => {
      const view = this.#view;
      for (const [at, operation] of group.entries()) {
        if (operation.type === "take") {
          view.take(operation.name, operation.count);
        } else if (operation.type === "check") {
          const { name, last } = operation;
          if (command === undefined && view.lastOf(name) !== last) {
            return { at, reason: "changed" };
          }
        } else if (operation.type === "last") {
          early.set(at, { type: "last", last: view.lastOf(operation.name) });
        } else {
          const result = this.#reads.read(operation, view);
          if (result !== undefined) early.set(at, result);
        }
      }
      return undefined;
    };
  }

  /** The first operation for which part `place` has no numbers left. */
  #firstUnfit({ group, places, parts }: Led, place: number): number {
    let last = this.#lastOf(present(parts[place]).name) ?? 0n;
    for (const [at, operation] of group.entries()) {
      if (places[at] !== place || operation.type !== "take") continue;
      last += BigInt(operation.count);
      const max = operation.isCapped ? int64Max : lastTicket;
      if (last > max) return at;
    }
    // It is refused for another reason, or because a capped take shares its numbers.
    return group.findIndex(({ type }, at) =>
      type === "take" && places[at] === place
    );
  }
}
