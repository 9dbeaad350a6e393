// When numbers are taken ahead of demand, and how many: what a person, a program, a slow disk
// and a bound come to.

import assert from "node:assert/strict";
import { Demand } from "../../../../raft/tickets/demand.ts";

const unbounded = 2 ** 20;

function demandOf({ takesMin = 16, aheadMax = unbounded } = {}): Demand {
  return new Demand({ takesMin, aheadMax });
}

/** An asker that waits through `ticks` ticks for each of `takes` takes of `count` numbers. */
function askInTurn(
  demand: Demand,
  { takes, ticks, count = 1 }: {
    readonly takes: number;
    readonly ticks: number;
    readonly count?: number;
  },
): void {
  for (let take = 0; take < takes; take++) {
    demand.asked(count);
    for (let tick = 0; tick < ticks; tick++) demand.tick({ isWaitedFor: true });
    demand.took(ticks);
  }
}

Deno.test("A person who types gets nothing taken ahead, however long that goes on", () => {
  const demand = demandOf();
  for (let take = 0; take < 100; take++) {
    demand.asked(1);
    demand.tick();
    demand.tick();
    assert.equal(demand.ahead, 0);
  }
});

Deno.test("A person on a disk that takes ticks gets nothing taken ahead either", () => {
  const demand = demandOf();
  for (let take = 0; take < 100; take++) {
    askInTurn(demand, { takes: 1, ticks: 3 });
    for (let tick = 0; tick < 2; tick++) demand.tick();
    assert.equal(demand.ahead, 0);
  }
});

Deno.test("An asker that asks again at once is served ahead, whatever the disk (PITFALLS 46)", () => {
  for (const ticks of [0, 1, 2, 10]) {
    const demand = demandOf();
    askInTurn(demand, { takes: 15, ticks });
    assert.equal(demand.ahead, 0, `${ticks} ticks, too early`);
    demand.asked(1);
    assert(demand.ahead > 0, `${ticks} ticks`);
  }
});

Deno.test("One large take changes nothing: nobody has asked again", () => {
  const demand = demandOf();
  demand.asked(100_000);
  assert.equal(demand.ahead, 0);
});

Deno.test("As many are taken ahead as two ticks ask for", () => {
  const demand = demandOf({ takesMin: 1 });
  for (let tick = 0; tick < 8; tick++) {
    for (let take = 0; take < 10; take++) demand.asked(7);
    demand.tick();
  }
  assert.equal(demand.ahead, 140);
});

Deno.test("On a slow disk the numbers last for twice the time of an entry, up to four ticks", () => {
  for (const [ticks, lasting] of [[0, 2], [1, 2], [2, 4], [9, 4]] as const) {
    const demand = demandOf({ takesMin: 1 });
    for (let tick = 0; tick < 8; tick++) {
      demand.asked(10);
      demand.tick();
    }
    demand.took(ticks);
    assert.equal(demand.ahead, 10 * lasting, `${ticks} ticks`);
  }
});

Deno.test("Demand is over when nobody has asked for four ticks, and nobody waits", () => {
  const demand = demandOf({ takesMin: 2 });
  askInTurn(demand, { takes: 2, ticks: 0 });
  for (let tick = 0; tick < 9; tick++) demand.tick({ isWaitedFor: true });
  demand.asked(1);
  assert(demand.ahead > 0, "a slow disk is no pause");
  for (let tick = 0; tick < 4; tick++) {
    demand.tick();
    assert(demand.ahead > 0, `tick ${tick}`);
  }
  demand.tick();
  assert.equal(demand.ahead, 0);
  demand.asked(1);
  assert.equal(demand.ahead, 0, "it begins anew");
});

Deno.test("No more is taken ahead than a crash may burn", () => {
  for (const aheadMax of [0, 1, 50]) {
    const demand = demandOf({ takesMin: 1, aheadMax });
    for (let take = 0; take < 20; take++) demand.asked(1000);
    assert.equal(demand.ahead, aheadMax);
  }
});

Deno.test("An asker that a tick parts from its answer makes no pause (PITFALLS 46)", () => {
  const demand = demandOf();
  for (let take = 0; take < 16; take++) {
    demand.asked(1);
    demand.tick({ isWaitedFor: true });
    demand.took(1);
    demand.tick(); // it is on its way back
  }
  assert(demand.ahead > 0);
});

Deno.test("Requests with pauses end the demand of a burst before them", () => {
  const demand = demandOf();
  for (let take = 0; take < 100; take++) demand.asked(100);
  for (let tick = 0; tick < 3; tick++) demand.tick();
  assert(demand.ahead > 0, "it may go on");
  demand.asked(1);
  demand.tick();
  demand.tick();
  assert.equal(demand.ahead, 0);
});

Deno.test("What was used of a loan is demand of all ticks in which it was lent", () => {
  const demand = demandOf({ takesMin: 1 });
  for (let refill = 0; refill < 50; refill++) {
    demand.used(300, 3);
    assert(demand.ahead <= 2 * 100 + 2, `${demand.ahead}`);
    for (let tick = 0; tick < 3; tick++) demand.tick({ isLent: true });
  }
});
