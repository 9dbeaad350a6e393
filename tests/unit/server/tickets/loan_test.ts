// What an isolate was lent: given in order, once, and no part of it after it went back.

import assert from "node:assert/strict";
import { Loan } from "../../../../server/tickets/loan.ts";

Deno.test("Stock gives what it got from the front", () => {
  const stock = new Loan();
  assert.deepEqual(stock.take(3).count, 0);
  stock.add({ last: 20n, count: 10 });
  assert.deepEqual(stock.take(3), { last: 13n, count: 3 });
  assert.deepEqual(stock.take(6), { last: 19n, count: 6 });
  assert.deepEqual(stock.take(6), { last: 20n, count: 1 });
  assert.deepEqual(stock.take(6).count, 0);
});

Deno.test("Stock goes on with what follows what is left", () => {
  const stock = new Loan();
  stock.add({ last: 20n, count: 10 });
  stock.take(7);
  stock.add({ last: 25n, count: 5 });
  assert.deepEqual(stock.take(9), { last: 25n, count: 8 });
});

Deno.test("Stock gives up what is left when other numbers come than the next", () => {
  const stock = new Loan();
  stock.add({ last: 20n, count: 10 });
  stock.take(7);
  stock.add({ last: 40n, count: 5 });
  assert.deepEqual(stock.take(9), { last: 40n, count: 5 });
});

Deno.test("Stock is low when half of what came last is gone, until there is no more to be had", () => {
  const stock = new Loan();
  assert.equal(stock.isLow, false, "nobody lends yet");
  stock.add({ last: 20n, count: 10 });
  stock.take(5);
  assert.equal(stock.isLow, false);
  stock.take(1);
  assert.equal(stock.isLow, true);
  stock.endRefills();
  assert.equal(stock.isLow, false);
  assert.deepEqual(stock.take(9), { last: 20n, count: 4 });
});

Deno.test("Stock that went back is gone", () => {
  const stock = new Loan();
  stock.add({ last: 20n, count: 10 });
  stock.take(7);
  assert.deepEqual(stock.empty(), { last: 20n, count: 3 });
  assert.equal(stock.empty().count, 0);
  assert.equal(stock.isLow, false);
});
