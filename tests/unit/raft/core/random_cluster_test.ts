// Many random runs of random_run.ts, each from its own seed.
//
//   SEED=17 deno test -A tests/unit/raft/core/random_cluster_test.ts      one run again
//   SEEDS=5000 FIRST=1000 EVENTS=4000 deno test -A …            many runs
//   TRACE=1                                                     print every event

import { Run } from "./random_run.ts";

const { SEED, SEEDS, FIRST, EVENTS, TRACE } = Deno.env.toObject();
const seedFirst = Number(SEED ?? FIRST ?? 1);
const seedCount = SEED !== undefined ? 1 : Number(SEEDS ?? 300);
const eventCount = Number(EVENTS ?? 2000);

Deno.test(`A cluster keeps its promises and recovers in ${seedCount} random runs`, () => {
  for (let seed = seedFirst; seed < seedFirst + seedCount; seed++) {
    try {
      const run = new Run(seed, { trace: TRACE !== undefined });
      run.misbehave(eventCount);
      run.recover();
    } catch (cause) {
      const again =
        `SEED=${seed} EVENTS=${eventCount} deno test -A tests/unit/raft/core/random_cluster_test.ts`;
      throw new Error(`a random run failed; again: ${again}`, { cause });
    }
  }
});
