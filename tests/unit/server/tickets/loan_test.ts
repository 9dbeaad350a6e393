// What an isolate was lent: given in order, once, and no part of it after it went back.

import assert from "node:assert/strict";
import { Loan } from "../../../../server/tickets/loan.ts";

Deno.test("Loan gives what it got from the front", () => {
  const loan = new Loan();
  assert.deepEqual(loan.take(3).count, 0);
  loan.add({ last: 20n, count: 10 });
  assert.deepEqual(loan.take(3), { last: 13n, count: 3 });
  assert.deepEqual(loan.take(6), { last: 19n, count: 6 });
  assert.deepEqual(loan.take(6), { last: 20n, count: 1 });
  assert.deepEqual(loan.take(6).count, 0);
});

Deno.test("Loan goes on with what follows what is left", () => {
  const loan = new Loan();
  loan.add({ last: 20n, count: 10 });
  loan.take(7);
  loan.add({ last: 25n, count: 5 });
  assert.deepEqual(loan.take(9), { last: 25n, count: 8 });
});

Deno.test("Loan gives up what is left when other numbers come than the next", () => {
  const loan = new Loan();
  loan.add({ last: 20n, count: 10 });
  loan.take(7);
  loan.add({ last: 40n, count: 5 });
  assert.deepEqual(loan.take(9), { last: 40n, count: 5 });
});

Deno.test("Loan is low when half of what came last is gone, until there is no more to be had", () => {
  const loan = new Loan();
  assert.equal(loan.isLow, false, "nobody lends yet");
  loan.add({ last: 20n, count: 10 });
  loan.take(5);
  assert.equal(loan.isLow, false);
  loan.take(1);
  assert.equal(loan.isLow, true);
  loan.endRefills();
  assert.equal(loan.isLow, false);
  assert.deepEqual(loan.take(9), { last: 20n, count: 4 });
});

Deno.test("Loan that went back is gone", () => {
  const loan = new Loan();
  loan.add({ last: 20n, count: 10 });
  loan.take(7);
  assert.deepEqual(loan.empty(), { last: 20n, count: 3 });
  assert.equal(loan.empty().count, 0);
  assert.equal(loan.isLow, false);
});
