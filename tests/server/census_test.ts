import assert from "node:assert/strict";
import { Census } from "../../server/census.ts";

Deno.test("Census lets in as many as there is room for, in all isolates together", () => {
  const here = new Census({ clientsMax: 3 });
  const there = new Census({ clientsMax: 3, memory: here.memory });
  assert.deepEqual([here.enter(), there.enter(), here.enter()], [
    true,
    true,
    true,
  ]);
  assert.deepEqual([here.enter(), there.enter()], [false, false]);
  assert.equal(there.clients, 3);
  here.leave();
  assert.equal(there.clients, 2);
  assert.equal(there.enter(), true);
  assert.equal(here.enter(), false);
});

Deno.test("Census numbers clients 1, 2, 3 …, and none twice, whichever isolate they came to", () => {
  const here = new Census();
  const there = new Census({ memory: here.memory });
  const ids = [here.nextId(), there.nextId(), there.nextId(), here.nextId()];
  assert.deepEqual(ids, [1, 2, 3, 4]);
});
