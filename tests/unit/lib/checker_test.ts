import assert from "node:assert/strict";
import { type Mark, type Ticket, violations } from "../../lib/checker.ts";

/** `connection number requestedAt receivedAt`, one ticket a row. */
function tickets(
  ...rows: readonly (readonly [number, number, number, number])[]
): Ticket[] {
  return rows.map(([connection, number, requestedAt, receivedAt]) => ({
    connection,
    number: BigInt(number),
    requestedAt,
    receivedAt,
  }));
}

Deno.test("The checker accepts no tickets, one, and what overlaps in any order", () => {
  assert.deepEqual(violations([], { dense: true }), []);
  assert.deepEqual(violations(tickets([1, 7, 0, 1]), { dense: true }), []);
  const overlapping = tickets([1, 2, 0, 9], [2, 1, 1, 8], [3, 3, 2, 3]);
  assert.deepEqual(violations(overlapping, { dense: true }), []);
});

Deno.test("The checker accepts a ticket that ended at the instant at which a smaller began", () => {
  assert.deepEqual(violations(tickets([1, 2, 0, 1], [2, 1, 1, 2])), []);
});

Deno.test("The checker catches a number given twice, on one connection or on two", () => {
  const [two] = violations(tickets([1, 5, 0, 9], [2, 6, 0, 9], [3, 5, 0, 9]));
  assert.match(two!, /^not unique: 5 .*connection 1.* and 5 .*connection 3/);
  const [one] = violations(tickets([1, 5, 0, 1], [1, 5, 2, 9]));
  assert.match(one!, /^not unique/);
});

Deno.test("The checker catches a larger number that ended before a smaller began", () => {
  const [fault, ...more] = violations(tickets([1, 9, 0, 1], [2, 8, 2, 3]));
  assert.match(fault!, /^not in real-time order: 9 .* ended before 8 .* began/);
  assert.deepEqual(more, []);
});

Deno.test("The checker catches a broken order across many that lie between", () => {
  const fine = tickets(
    ...Array.from(
      { length: 100 },
      (_, i) => [i, i + 2, 0, 1000] as [number, number, number, number],
    ),
  );
  const faulty = tickets([200, 1, 500, 600], [201, 500, 100, 499]);
  assert.equal(violations([...fine, ...faulty]).length, 1);
  assert.deepEqual(violations(fine), []);
});

Deno.test("The checker catches a number that falls on a connection although the two overlap", () => {
  const [fault] = violations(tickets([1, 2, 0, 9], [1, 1, 0, 9]));
  assert.match(fault!, /^not rising on a connection: 1 .* after 2 /);
});

Deno.test("The checker catches a gap, but only when asked for density", () => {
  const holed = tickets([1, 1, 0, 9], [2, 3, 0, 9]);
  assert.deepEqual(violations(holed), []);
  const [fault] = violations(holed, { dense: true });
  assert.match(fault!, /^not dense: 3 .* follows 1 /);
});

Deno.test("The checker tells numbers apart beyond 2^53", () => {
  const [a, b] = tickets([1, 0, 0, 9], [2, 0, 0, 9]);
  const large = [
    { ...a!, number: 2n ** 64n - 2n },
    { ...b!, number: 2n ** 64n - 1n },
  ];
  assert.deepEqual(violations(large, { dense: true }), []);
});

Deno.test("The checker agrees with comparing every pair, on random tickets", () => {
  let state = 1;
  const random = (below: number) => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return state % below;
  };
  let found = 0;
  for (let run = 0; run < 2000; run++) {
    const some = tickets(...Array.from({ length: 4 }, () => {
      const from = random(20);
      return [random(3), random(12), from, from + random(20)] as const;
    }));
    const broken = some.some((a) =>
      some.some((b) => a.receivedAt < b.requestedAt && a.number >= b.number)
    );
    const told = violations(some).some((text) => /real-time/.test(text));
    assert.equal(told, broken, Deno.inspect(some));
    if (broken) found++;
  }
  assert.ok(found > 100 && found < 1900, `${found} of 2000 are broken`);
});

Deno.test("The checker takes n log n: a million tickets in a moment", () => {
  const many = Array.from({ length: 1_000_000 }, (_, i) => ({
    connection: i % 50,
    number: BigInt(i + 1),
    requestedAt: i,
    receivedAt: i + 100,
  }));
  assert.deepEqual(violations(many, { dense: true }), []);
});

Deno.test("The checker holds TICKET.LAST against tickets before it and after it", () => {
  const mark = (number: number): Mark => ({
    type: "last",
    requestedAt: 10,
    receivedAt: 12,
    number: BigInt(number),
  });
  const given = tickets(
    [1, 5, 0, 9], // before it
    [2, 6, 0, 10], // these three overlap with it
    [3, 7, 11, 20],
    [4, 8, 12, 20],
    [5, 9, 13, 20], // after it
  );
  for (const number of [5, 6, 7, 8]) {
    assert.deepEqual(violations(given, { marks: [mark(number)] }), []);
  }
  const [low] = violations(given, { marks: [mark(4)] });
  assert.match(low!, /^above last 4, asked for at 10: 5 /);
  const [high] = violations(given, { marks: [mark(8), mark(9)] });
  assert.match(high!, /^not above last 9: 9 /);
});

Deno.test("The checker holds TICKET.RAISE against tickets after it alone", () => {
  const raise: Mark = {
    type: "raise",
    requestedAt: 10,
    receivedAt: 12,
    number: 9n,
  };
  const marks = [{ ...raise, number: 1n }, raise];
  assert.deepEqual(
    violations(tickets([1, 20, 0, 9], [2, 3, 11, 14], [3, 21, 13, 20]), {
      marks: [raise],
    }).length,
    1,
    "3 is behind 20 in real time, and no fault of the raise",
  );
  assert.deepEqual(violations(tickets([1, 10, 13, 20]), { marks }), []);
  const [fault] = violations(tickets([1, 9, 13, 20]), { marks });
  assert.match(fault!, /^not above raise 9: 9 /);
});
