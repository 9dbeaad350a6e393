import assert from "node:assert/strict";
import { ClientCount } from "../../../server/client_count.ts";

Deno.test("ClientCount gives as many places as there are, in all isolates together", () => {
  const here = new ClientCount({ clientsMax: 3 });
  const there = new ClientCount({ clientsMax: 3, memory: here.memory });
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

Deno.test("ClientCount numbers clients 1, 2, 3 …, and none twice, whichever isolate they came to", () => {
  const here = new ClientCount();
  const there = new ClientCount({ memory: here.memory });
  const ids = [here.nextId(), there.nextId(), there.nextId(), here.nextId()];
  assert.deepEqual(ids, [1, 2, 3, 4]);
});

Deno.test("ClientCount has some kept places, and counts the clients in them", () => {
  const clientCount = new ClientCount({ clientsMax: 1, placesKept: 1 });
  assert(clientCount.enter());
  assert(!clientCount.enter());
  assert(clientCount.enterKept());
  assert(!clientCount.enterKept());
  assert.equal(clientCount.clients, 2);
  clientCount.leaveKept();
  assert(clientCount.enterKept());
});

Deno.test("ClientCount lets few admin commands be under way, and leaves some places to questions", () => {
  const here = new ClientCount();
  const there = new ClientCount({ memory: here.memory });
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

Deno.test("ClientCount adds up the memory of all isolates", () => {
  const here = new ClientCount({ memoryMax: 100 });
  const there = new ClientCount({ memory: here.memory, memoryMax: 100 });
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
