// The queue compared with an array, over random operations and over a long time.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Fifo } from "../../../base/fifo.ts";

Deno.test("Fifo gives back what it was given, in order, like an array", () => {
  const operations = fc.array(
    fc.oneof(fc.nat(1000), fc.constant("shift" as const)),
    { maxLength: 200, size: "max" },
  );
  fc.assert(fc.property(operations, (todo) => {
    const fifo = new Fifo<number>();
    const array: number[] = [];
    for (const one of todo) {
      if (one === "shift") assert.equal(fifo.shift(), array.shift());
      else {
        fifo.push(one);
        array.push(one);
      }
      assert.equal(fifo.size, array.length);
      assert.equal(fifo.first, array[0]);
      assert.equal(fifo.last, array.at(-1));
    }
  }));
});

Deno.test("Fifo stays in order while a long queue is never empty", () => {
  const fifo = new Fifo<number>();
  let next = 0;
  let expected = 0;
  for (let i = 0; i < 3000; i++) fifo.push(next++);
  for (let i = 0; i < 10_000; i++) {
    assert.equal(fifo.shift(), expected++);
    fifo.push(next++);
  }
  assert.equal(fifo.size, 3000);
  fifo.clear();
  assert.equal(fifo.last, undefined);
  assert.equal(fifo.shift(), undefined);
});
