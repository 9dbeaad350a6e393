// Groups of operations against a model, which is a Map: of one client, each outcome is the
// model's; of several at once, through nodes that stop and messages that get lost, numbers are
// given once, and what is read is not old (`grouped.ts` checks both).

import assert from "node:assert/strict";
import fc from "fast-check";
import { int64Max } from "../../../../base/range.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Policy,
  Result,
  SequenceRefusal,
} from "../../../../raft/channel/operations.ts";
import { lastTicket } from "../../../../raft/tickets/machine.ts";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";

/** What the sequences should be. */
class Model {
  sequences = new Map<string, bigint>();
  policy: Policy = "any";
  readonly #sequencesMax: number;

  constructor(sequencesMax: number) {
    this.#sequencesMax = sequencesMax;
  }

  /** The same, to be tried out. */
  copy(): Model {
    const copy = new Model(this.#sequencesMax);
    copy.sequences = new Map(this.sequences);
    copy.policy = this.policy;
    return copy;
  }

  /** Carries out all of `group`, or nothing. */
  run(group: Group): GroupOutcome {
    const before = { sequences: new Map(this.sequences), policy: this.policy };
    const results: Result[] = [];
    for (const [at, operation] of group.entries()) {
      const result = this.#carryOut(operation);
      if (typeof result !== "string") results.push(result);
      else {
        Object.assign(this, before);
        return { type: "refused", reason: result, at };
      }
    }
    return { type: "done", results };
  }

  #carryOut(operation: Operation): Result | SequenceRefusal {
    const { sequences } = this;
    switch (operation.type) {
      case "take": {
        const begun = this.#begun(operation.name);
        if (typeof begun === "string") return begun;
        const last = begun + BigInt(operation.count);
        if (operation.isCapped && last > int64Max) return "above-int64";
        if (last > lastTicket) return "exhausted";
        sequences.set(operation.name, last);
        return { type: "taken", last, count: operation.count };
      }
      case "raise": {
        const begun = this.#begun(operation.name);
        if (typeof begun === "string") return begun;
        const last = operation.to > begun ? operation.to : begun;
        sequences.set(operation.name, last);
        return { type: "done" };
      }
      case "create":
        if (sequences.has(operation.name)) return "exists";
        if (sequences.size >= this.#sequencesMax) return "too-many-sequences";
        sequences.set(operation.name, operation.start - 1n);
        return { type: "done" };
      case "last":
        return { type: "last", last: sequences.get(operation.name) };
      case "check":
        return sequences.get(operation.name) === operation.last
          ? { type: "done" }
          : "changed";
      case "set-policy":
        this.policy = operation.policy;
        return { type: "done" };
      case "policy":
        return { type: "policy", policy: this.policy };
      case "size":
        return { type: "size", size: sequences.size };
      case "list": {
        const end = operation.cursor + operation.count;
        return {
          type: "page",
          next: end < sequences.size ? end : 0,
          sequences: [...sequences].slice(operation.cursor, end),
        };
      }
      case "backup":
        return assert.fail("not here");
      default:
        return operation satisfies never;
    }
  }

  #begun(name: string): bigint | SequenceRefusal {
    const last = this.sequences.get(name);
    if (last !== undefined) return last;
    if (this.policy === "created") return "unknown-sequence";
    return this.sequences.size >= this.#sequencesMax
      ? "too-many-sequences"
      : 0n;
  }
}

/** Why `group` may be refused: the log and the judge need not find the first reason first. */
function reasonsOf(group: Group, model: Model): Set<string> {
  const alone = group.map((_, at) => {
    const copy = model.copy();
    // As much as those before it would have taken, if they could.
    let outcome: GroupOutcome | undefined;
    for (const operation of group.slice(0, at + 1)) {
      outcome = copy.run([operation]);
    }
    return outcome?.type === "refused" ? `${outcome.reason} ${at}` : "";
  });
  return new Set(alone.filter((reason) => reason !== ""));
}

/** All takes of "low" are capped: of a mixed group the sum may be refused where a part would do. */
const names = ["ticket", "a", "b", "c", "d", "low", "high"] as const;
const name = fc.constantFrom(...names);
const to = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: 60n }) },
  { weight: 1, arbitrary: fc.constantFrom(int64Max - 2n, lastTicket - 2n) },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(name, fc.integer({ min: 1, max: 5 })).map((
      [name, count],
    ): Operation => ({ type: "take", name, count, isCapped: name === "low" })),
  },
  {
    weight: 4,
    arbitrary: name.map((name): Operation => ({ type: "last", name })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(name, to).map(([name, to]): Operation => ({
      type: "raise",
      name,
      to,
    })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, to).map(([name, start]): Operation => ({
      type: "create",
      name,
      start,
    })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      name,
      fc.option(fc.bigInt({ min: 0n, max: 12n }), {
        nil: undefined,
      }),
    ).map(([name, last]): Operation => ({ type: "check", name, last })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Operation>(
      { type: "set-policy", policy: "created" },
      { type: "set-policy", policy: "any" },
      { type: "policy" },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Operation>(
      { type: "size" },
      { type: "list", cursor: 0, count: 2 },
      { type: "list", cursor: 1, count: 9 },
    ),
  },
);

const group: fc.Arbitrary<Group> = fc.array(operation, {
  minLength: 1,
  maxLength: 5,
}).map((operations) => {
  // Changes and lists do not go together: that is an error, and a test of its own.
  const changes = operations.some(({ type }) =>
    type === "raise" || type === "create" || type === "set-policy"
  );
  const kept = changes
    ? operations.filter(({ type }) => type !== "size" && type !== "list")
    : operations;
  return kept.length === 0 ? operations : kept;
});

/** The same with the model's numbers in lists: there, lent numbers count as given. */
function withoutLoans(outcome: GroupOutcome, expected: GroupOutcome) {
  if (outcome.type !== "done" || expected.type !== "done") return outcome;
  const results = outcome.results.map((result, at): Result => {
    const other = expected.results[at];
    if (result.type !== "page" || other?.type !== "page") return result;
    const sequences = result.sequences.map(([name, last], i) => {
      const [, should = 0n] = other.sequences[i] ?? [];
      assert(last >= should && last < should + 100n, `${name} ${last}`);
      return [name, should] as const;
    });
    return { ...result, sequences };
  });
  return { type: "done", results };
}

function withoutLists(group: Group): Group {
  return group.map((operation) =>
    operation.type === "list" ? { type: "size" } : operation
  );
}

function start(
  voters: string,
  { lends, sequencesMax }: { lends: boolean; sequencesMax: number },
): Nodes {
  const nodes = Nodes.of(voters);
  for (const id of voters) {
    nodes.crash(id);
    nodes.start(id, { sequencesMax, takesMin: 1, aheadMax: 8, lends });
  }
  nodes.elect("a");
  return nodes;
}

/** Returns what node `id` recalls, until it recalls nothing more. */
function giveBack(nodes: Nodes, id: string): void {
  const computer = nodes.computer(id);
  for (;;) {
    const recalled = names.filter((name) => computer.loanOf(name).recalled);
    if (recalled.length === 0) return;
    for (const name of recalled) nodes.giveBack(id, name);
    nodes.settle();
  }
}

Deno.test("Groups of one client have the outcomes of the model, on any node", () => {
  const step = fc.record({
    at: fc.nat(2),
    groups: fc.array(group, { minLength: 1, maxLength: 4 }),
    takes: fc.option(fc.tuple(name, fc.integer({ min: 1, max: 4 })), {
      nil: undefined,
    }),
    ticks: fc.nat(2),
  });
  const run = fc.record({
    voters: fc.constantFrom("a", "abc"),
    /** Groups of several sequences are in no order: sequences may begin in any. */
    isAlone: fc.boolean(),
    steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  });
  fc.assert(
    fc.property(run, ({ voters, isAlone, steps }) => {
      const lends = voters === "a";
      const sequencesMax = isAlone ? 4 : names.length;
      const nodes = start(voters, { lends, sequencesMax });
      const model = new Model(sequencesMax);
      for (const { at, groups: drawn, takes, ticks } of steps) {
        const groups = isAlone ? drawn.slice(0, 1) : drawn.map(withoutLists);
        const id = voters[at % voters.length]!;
        if (takes !== undefined && takes[0] !== "high") {
          const [name, count] = takes;
          const isCapped = name === "low";
          const outcome = model.run([{ type: "take", name, count, isCapped }]);
          const asked = nodes.take(id, count, { name, isCapped });
          nodes.settle();
          assert.equal(asked.refusals.length === 0, outcome.type === "done");
        }
        const asked = nodes.group(id, ...groups);
        nodes.settle();
        giveBack(nodes, id);
        const { outcomes } = asked;
        assert(outcomes, "it is not answered");
        for (const [i, group] of groups.entries()) {
          const reasons = reasonsOf(group, model);
          const outcome: GroupOutcome = outcomes[i]!;
          const expected = model.run(group);
          if (expected.type !== "refused") {
            assert.deepEqual(withoutLoans(outcome, expected), expected);
          } else {
            assert(outcome.type === "refused", outcome.type);
            assert(reasons.has(`${outcome.reason} ${outcome.at}`));
          }
        }
        nodes.run(ticks);
        giveBack(nodes, id);
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("Groups of many clients are answered, once and as a whole, whatever fails", () => {
  const step = fc.record({
    what: fc.nat(9),
    at: fc.nat(2),
    groups: fc.array(group, { minLength: 1, maxLength: 3 }),
  });
  const run = fc.record({
    seed: fc.nat(),
    steps: fc.array(step, { minLength: 5, maxLength: 40 }),
  });
  fc.assert(
    fc.property(run, ({ seed, steps }) => {
      const nodes = start("abc", { lends: false, sequencesMax: 5 });
      let state = seed | 1;
      nodes.passes = () =>
        (state = Math.imul(state, 48271) & 0x7fffffff) % 10 > 0;
      const asked = [];
      for (const { what, at, groups } of steps) {
        const id = "abc"[at]!;
        const { node } = nodes.computer(id);
        if (what === 0) nodes.run(electionTicks);
        else if (what === 1 && nodes.up.length === 3) nodes.crash(id);
        else if (what === 2 && node === undefined) {
          nodes.start(id, { sequencesMax: 5, takesMin: 1, aheadMax: 8 });
        } else if (what === 3) nodes.run(1);
        else if (node !== undefined) {
          asked.push({ id, node, grouped: nodes.group(id, ...groups) });
        }
      }
      nodes.passes = () => true;
      for (const { id, node } of nodes.computers.values()) {
        if (node === undefined) {
          nodes.start(id, { sequencesMax: 5, takesMin: 1 });
        }
      }
      nodes.run(changeTicks + 4 * electionTicks);
      for (const { id, node, grouped } of asked) {
        if (nodes.computer(id).node !== node) continue; // it crashed meanwhile
        assert(grouped.outcomes, `${id} does not answer`);
      }
    }),
    { numRuns: 100 },
  );
});
