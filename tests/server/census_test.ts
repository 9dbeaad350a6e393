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

Deno.test("Census keeps some places, and counts those who have them", () => {
  const census = new Census({ clientsMax: 1, placesKept: 1 });
  assert(census.enter());
  assert(!census.enter());
  assert(census.enterKept());
  assert(!census.enterKept());
  assert.equal(census.clients, 2);
  census.leaveKept();
  assert(census.enterKept());
});

Deno.test("Census lets few admin commands be under way, and leaves some of them to questions", () => {
  const here = new Census();
  const there = new Census({ memory: here.memory });
  let changes = 0;
  while (here.enterAdmin({ isChange: true })) changes++;
  assert.equal(changes, 12);
  let questions = 0;
  while (there.enterAdmin({ isChange: false })) questions++;
  assert.equal(changes + questions, 16);
  here.leaveAdmin({ isChange: true });
  assert(there.enterAdmin({ isChange: true }));
  assert(!there.enterAdmin({ isChange: false }));
});

Deno.test("Census adds up the memory of all isolates", () => {
  const here = new Census({ memoryMax: 100 });
  const there = new Census({ memory: here.memory, memoryMax: 100 });
  here.holds(60);
  there.holds(40);
  assert(!here.isOverMemory);
  assert.equal(here.excessBytes, 0);
  there.holds(1);
  assert(here.isOverMemory);
  assert(here.excessBytes >= 1);
  here.holds(-60);
  assert.equal(there.memoryBytes, 41);
});
