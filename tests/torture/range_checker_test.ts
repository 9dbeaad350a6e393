// The checker of torture runs finds exactly the violations that tests/lib/checker.ts finds, and
// its set behaves as a plain set.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Ticket, violations } from "../lib/checker.ts";
import { IntervalSet } from "./interval_set.ts";
import { type Line, RangeChecker } from "./range_checker.ts";

/** One pipeline: its connection, when it was sent, and the runs of numbers read at once. */
type Asked = {
  readonly connection: number;
  readonly requestedAt: number;
  readonly reads: readonly {
    readonly at: number;
    readonly first: number;
    readonly last: number;
  }[];
};

/**
 * Histories of a service that mostly keeps its promises: numbers rise nearly in the order of the
 * reads, and now and then one is moved.
 */
const history = fc.array(
  fc.record({
    connection: fc.nat(3),
    waits: fc.nat(6),
    lengths: fc.array(fc.integer({ min: 1, max: 4 }), {
      minLength: 1,
      maxLength: 3,
    }),
    moved: fc.oneof(
      { weight: 12, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
    ),
  }),
  { minLength: 1, maxLength: 14 },
).map((drawn) => {
  // One request at a time on a connection; the clock ticks at each event.
  const asked: Asked[] = [];
  let now = 0;
  let next = 20;
  const busy = new Map<number, (() => void)[]>();
  const run = (connection: number, steps: number) => {
    const waiting = busy.get(connection) ?? [];
    for (; steps > 0 && waiting.length > 0; steps--) waiting.shift()!();
  };
  for (const { connection, waits, lengths, moved } of drawn) {
    run(connection, Infinity);
    for (let i = 0; i < 4; i++) run(i, waits % (i + 2));
    const reads: { at: number; first: number; last: number }[] = [];
    asked.push({ connection, requestedAt: ++now, reads });
    busy.set(
      connection,
      lengths.map((length) => () => {
        const first = Math.max(1, next + moved);
        next += length;
        reads.push({ at: ++now, first, last: first + length - 1 });
      }),
    );
  }
  for (let i = 0; i < 4; i++) run(i, Infinity);
  return asked;
});

Deno.test("RangeChecker finds exactly the violations that the exact checker finds", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(history, (asked) => {
      const exact = violations(ticketsOf(asked)).map(ruleOf).toSorted();
      const online = check(asked);
      const rules = [...online.violations.keys()].map(ruleOf).toSorted();
      assert.deepEqual(rules, exact);
      for (const rule of [...exact, ...exact.length === 0 ? ["none"] : []]) {
        seen.set(rule, 1 + (seen.get(rule) ?? 0));
      }
    }),
    { numRuns: 5000, seed: 3 },
  );
  // Otherwise the histories would prove nothing.
  for (const rule of ["none", "not unique", "not in", "not rising"]) {
    assert.ok(seen.get(rule)! > 100, `${rule}: ${seen.get(rule)}`);
  }
});

Deno.test("RangeChecker counts what is given, repeated and unknown", () => {
  const checker = new RangeChecker();
  const line = checker.line();
  checker.answers(line, { first: 1, last: 1000, floor: checker.asks() });
  checker.unanswered(10);
  checker.answers(line, { first: 1011, last: 1020, floor: checker.asks() });
  assert.deepEqual(checker.close(), []);
  assert.equal(checker.intervals, 2);
  checker.answers(checker.line(), { first: 990, last: 1011, floor: 0 });
  assert.equal(checker.answered, 1032);
  assert.equal(checker.repeated, 12);
  assert.equal(checker.lost, 0);
  assert.match(checker.close().join(), /^not unique: 990 in 990 to 1011 /);
});

Deno.test("RangeChecker notices numbers that were used up without being asked for", () => {
  const checker = new RangeChecker();
  checker.answers(checker.line(), { first: 2, last: 3, floor: 0 });
  assert.match(
    checker.close().join(),
    /^the last number is 3, but only 2 were given and at most 0 can/,
  );
});

Deno.test("RangeChecker tells how far the numbers went back", () => {
  const checker = new RangeChecker();
  const line = checker.line();
  checker.answers(line, { first: 1, last: 100, floor: checker.asks() });
  checker.answers(line, { first: 91, last: 92, floor: checker.asks() });
  assert.equal(checker.lost, 10);
  assert.equal(checker.repeated, 2);
  assert.equal(checker.close().length, 3);
});

Deno.test("IntervalSet is a set, whatever the order of what is added", () => {
  const interval = fc.tuple(fc.nat(60), fc.nat(8));
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 30, size: "max" }), (added) => {
      const set = new IntervalSet();
      const model = new Set<number>();
      for (const [first, more] of added) {
        const numbers = Array.from({ length: more + 1 }, (_, i) => first + i);
        const repeated = numbers.find((number) => model.has(number));
        assert.equal(set.add(first, first + more), repeated);
        for (const number of numbers) model.add(number);
        assert.equal(set.size, model.size);
        const starts = [...model].filter((number) => !model.has(number - 1));
        assert.equal(set.intervals, starts.length);
      }
    }),
    { numRuns: 2000, seed: 3 },
  );
});

function check(asked: readonly Asked[]): RangeChecker {
  const checker = new RangeChecker();
  const lines = new Map<number, Line>();
  const floors = new Map<Asked, number>();
  const events = asked.flatMap((request) => {
    const { connection, requestedAt, reads } = request;
    const line = lines.get(connection) ?? checker.line();
    lines.set(connection, line);
    return [
      {
        at: requestedAt,
        run: () => void floors.set(request, checker.asks()),
      },
      ...reads.map(({ at, first, last }) => ({
        at,
        run: () =>
          checker.answers(line, { first, last, floor: floors.get(request)! }),
      })),
    ];
  });
  for (const { run } of events.toSorted((a, b) => a.at - b.at)) run();
  return checker;
}

/** One by one, as tests/lib/checker.ts takes them. */
function ticketsOf(asked: readonly Asked[]): Ticket[] {
  return asked.flatMap(({ connection, requestedAt, reads }) =>
    reads.flatMap(({ at, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => ({
        connection,
        requestedAt,
        receivedAt: at,
        number: BigInt(first + i),
      }))
    )
  );
}

function ruleOf(text: string): string {
  return /^not (unique|in|rising)/.exec(text)![0];
}
