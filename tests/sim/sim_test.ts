// The simulator in the suite: 250 seeds, and that it finds each canary. For more seeds:
// `deno task sim --count N`.

import assert from "node:assert/strict";
import { noCounts } from "./counts.ts";
import { simulate } from "./simulation.ts";
import { Totals } from "./totals.ts";
import { canaries } from "./world.ts";

const seeds = 250;

Deno.test(`Nothing is lost or repeated, and a majority gets to work, in ${seeds} simulated clusters`, () => {
  const totals = new Totals();
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = simulate(seed);
    totals.add(outcome);
    if (outcome.failure === undefined) continue;
    throw new Error(`again: deno task sim ${seed} --trace`, {
      cause: outcome.failure,
    });
  }
  assert.deepEqual(totals.tooLittle(), [], "too little happened");
});

Deno.test("The same seed gives the same trace, event for event", () => {
  for (const seed of [3, 17, 42]) {
    const { hash, events } = simulate(seed);
    assert.deepEqual(simulate(seed).hash, hash);
    assert(events > 100);
  }
  assert.notEqual(simulate(3).hash, simulate(17).hash);
});

for (const canary of canaries) {
  Deno.test(`The simulator finds the canary "${canary}" within 20 seeds`, () => {
    const found = Array.from({ length: 20 }, (_, i) => i + 1)
      .some((seed) => simulate(seed, { canary }).failure !== undefined);
    assert(found);
  });
}

Deno.test("A run of many seeds in which too little happened fails", () => {
  const totals = new Totals();
  const { failure: _, ...quiet } = simulate(1);
  for (let i = 0; i < 150; i++) {
    totals.add({
      ...quiet,
      elections: 0,
      tickets: 3,
      counts: { ...noCounts(), installs: i, recalled: i % 3 === 0 ? 1 : 0 },
      failure: undefined,
    });
  }
  const little = totals.tooLittle().join();
  assert.match(little, /0 elections in 150 seeds/);
  assert.match(little, /450 tickets/);
  assert.match(little, /0 crashes/);
  assert.match(little, /no handOvers in 150 seeds/);
  assert.match(little, /50 recalled in 150 seeds/);
  assert.doesNotMatch(little, /installs/);
});
