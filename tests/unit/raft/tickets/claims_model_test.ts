// Claims of all kinds against a map of last numbers: whatever is asked for, in whatever order
// disks finish and loans come back, each claim gets what the map gives at the moment at which
// it is settled. So numbers are dense, in order and given once, reads see the last one, and
// commands stand between the claims before and behind them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { int64Max } from "../../../../base/range.ts";
import type {
  Claim,
  ClaimPart,
  GivenPart,
  Settled,
} from "../../../../raft/tickets/claim.ts";
import {
  encodeBatch,
  lastTicket,
  Machine,
  type Outcome,
  type SequenceOperation,
} from "../../../../raft/tickets/machine.ts";
import { Leader } from "../../../lib/leader.ts";

const names = ["a", "b", "c", "end", "int"];
const sequencesMax = 100;
/** All exist: a claim that is refused for one sequence may have begun another, at 0. */
const lasts = [
  ...["a", "b", "c"].map((name) => [name, 0n] as const),
  ...[["end", lastTicket - 60n], ["int", int64Max - 60n]] as const,
];

type Step =
  | {
    readonly type: "claim";
    readonly kind: Claim["kind"];
    readonly parts: readonly ClaimPart[];
  }
  | {
    readonly type: "command";
    readonly operations: readonly SequenceOperation[];
  }
  | { readonly type: "tick" | "stick" | "finish" | "unstick" | "give-back" }
  | { readonly type: "lend" | "return"; readonly name: string };

const name = fc.constantFrom(...names);
const part = fc.record({
  name,
  count: fc.oneof(
    { weight: 5, arbitrary: fc.nat(5) },
    { weight: 1, arbitrary: fc.nat(40) },
  ),
  isCapped: fc.boolean(),
});
const parts = fc.uniqueArray(part, {
  selector: ({ name }) => name,
  minLength: 1,
  maxLength: 3,
});
const operation: fc.Arbitrary<SequenceOperation> = fc.oneof(
  part.filter(({ count }) => count > 0).map((part) => ({
    ...{ type: "take", ...part } as const,
  })),
  fc.record({
    type: fc.constant("raise" as const),
    name,
    to: fc.bigInt({ min: 1n, max: 200n }),
  }),
  fc.record({ type: fc.constant("last" as const), name }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant("claim" as const),
      kind: fc.constantFrom("served" as const, "group" as const),
      parts,
    }),
  },
  {
    weight: 6,
    arbitrary: part.filter(({ count }) => count > 0).map((part): Step => ({
      ...{ type: "claim", kind: "own", parts: [part] },
    })),
  },
  {
    weight: 3,
    arbitrary: fc.array(operation, { minLength: 1, maxLength: 3 }).map((
      operations,
    ): Step => ({ type: "command", operations })),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...(["tick", "stick", "finish", "unstick", "give-back"] as const)
        .map((type): Step => ({ type })),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom("lend" as const, "return" as const),
      name,
    }),
  },
);

/** A leader whose clients do as they are told, and the map that it must agree with. */
class Run {
  readonly leader: Leader;
  readonly model = Machine.of(lasts);
  /** What is lent: the numbers up to `last`. */
  readonly loans = new Map<string, { last: bigint; count: number }>();
  /** Claims of our own clients, of which each sequence has one at most. */
  readonly own = new Set<string>();
  #seen = 0;

  constructor(takesMin: number) {
    this.leader = new Leader({
      ...{ machine: Machine.of(lasts), takesMin, sequencesMax },
    });
  }

  do(step: Step): void {
    const { leader } = this;
    switch (step.type) {
      case "claim":
        this.#claim(step);
        break;
      case "command": {
        const named = new Set(
          step.operations.flatMap((one) => "name" in one ? [one.name] : []),
        );
        const text = [...named].map((name) => `${name} 0`).join(", ");
        leader.command(text, step.operations);
        break;
      }
      case "tick":
        leader.tick();
        break;
      case "stick":
        leader.stuck = true;
        break;
      case "finish":
        leader.finish();
        break;
      case "unstick":
        leader.unstick();
        break;
      case "give-back":
        leader.reserve.giveBack();
        leader.pump();
        break;
      case "lend":
        this.#lend(step.name);
        break;
      case "return":
        this.#return(step.name);
        break;
      default:
        step satisfies never;
    }
    this.#check();
  }

  /** The disk works, and all that is lent comes back. */
  end(): void {
    this.leader.unstick();
    for (const name of names) this.#return(name);
    this.#check();
    assert.equal(this.leader.waiting, 0, "a claim waits for ever");
    this.leader.tick(10);
    for (const name of names) this.#return(name);
    this.leader.tick(10);
    assert.deepEqual([...this.leader.reserve.hands.all], []);
    const { size, unasked } = this.leader.reserve.hands;
    assert.deepEqual([size, unasked], [0, 0]);
    for (const name of names) {
      const last = this.leader.machine.last(name) ?? 0n;
      assert.equal(last, this.model.last(name) ?? 0n, `${name} is dense`);
    }
    assert.equal(this.leader.reserve.burnt, 0n);
  }

  #claim({ kind, parts }: Extract<Step, { type: "claim" }>): void {
    const [{ name }] = parts as [ClaimPart];
    if (kind === "own") {
      if (this.own.has(name)) return;
      this.own.add(name);
      // Main uses its loan up before it asks.
      this.loans.delete(name);
      this.leader.lent.delete(name);
      this.leader.reserve.noteLent(name, 0);
      this.leader.spare.set(name, 3);
    }
    const text = parts.map(({ name, count, isCapped }) =>
      `${name} ${count}${isCapped ? " capped" : ""}`
    ).join(", ");
    this.leader.ask(text, { kind });
  }

  #lend(name: string): void {
    if (this.loans.has(name)) return;
    const range = this.leader.reserve.lend(name, 4);
    if (range === undefined || range === "later") return;
    this.#lent(name, range);
    this.#take(name, range.count, false);
    assert.equal(range.last, this.model.last(name));
  }

  #lent(name: string, loan: { last: bigint; count: number }): void {
    this.loans.set(name, { ...loan });
    this.leader.lent.add(name);
  }

  #return(name: string): void {
    const loan = this.loans.get(name);
    if (loan === undefined) return;
    const used = Math.floor(loan.count / 2);
    const rest = { last: loan.last, count: loan.count - used };
    this.loans.delete(name);
    this.leader.lent.delete(name);
    this.model.apply(returnOf(name, rest));
    this.leader.reserve.returned(name, rest);
    this.leader.pump();
  }

  #take(name: string, count: number, isCapped: boolean): Outcome {
    return this.model.apply(
      batchOf({ type: "take", name, count, isCapped }),
    )[0]!;
  }

  #check(): void {
    const { settled } = this.leader;
    for (; this.#seen < settled.length; this.#seen++) {
      this.#checkOne(settled[this.#seen]!);
    }
  }

  #checkOne({ claim, settlement }: Settled): void {
    const { parts, kind } = claim;
    if (kind === "own") this.own.delete(parts[0]!.name);
    if (settlement.type === "applied") {
      const outcomes = this.model.apply(claim.command!);
      assert.deepEqual(settlement.outcomes, outcomes);
      return;
    }
    if (settlement.type === "refused") {
      const { name, count, isCapped } = parts[settlement.at]!;
      const trial = Machine.of(this.model.sequences);
      const [outcome] = trial.apply(
        batchOf({ type: "take", name, count, isCapped }),
      );
      assert(outcome?.type === "refused", `${name} ${count} is refused`);
      assert.equal(settlement.reason, outcome.reason);
      return;
    }
    assert(settlement.type === "given");
    for (const [at, { name, count, isCapped }] of parts.entries()) {
      const given: GivenPart = settlement.parts[at]!;
      if (count === 0) {
        assert.equal(
          given.last,
          this.model.last(name) ?? 0n,
          `last of ${name}`,
        );
        continue;
      }
      const outcome = this.#take(name, count, isCapped);
      assert(outcome.type === "taken", `${name} is ${outcome.type}`);
      const surplus = given.count - count;
      assert.equal(given.last - BigInt(surplus), outcome.last, name);
      if (surplus === 0) continue;
      assert.equal(kind, "own");
      this.#take(name, surplus, false);
      this.#lent(name, { last: given.last, count: surplus });
    }
  }
}

function batchOf(operation: SequenceOperation): Uint8Array {
  return encodeBatch([operation], { sequencesMax });
}

function returnOf(
  name: string,
  { last: from, count }: { last: bigint; count: number },
): Uint8Array {
  return batchOf({ type: "return", name, from, to: from - BigInt(count) });
}

Deno.test("Claims, commands, reads and loans agree with a map of last numbers", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(1, 4, Infinity),
      (steps, takesMin) => {
        const run = new Run(takesMin);
        for (const step of steps) run.do(step);
        run.end();
      },
    ),
    { numRuns: 2000 },
  );
});
