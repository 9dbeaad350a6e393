// How the disk does, as RAFT.STATS shows it.

import assert from "node:assert/strict";
import {
  DiskLatency,
  savesAveraged,
} from "../../../../raft/stats/disk_latency.ts";

function figures({ lastMicros, averageMicros, maxMicros }: DiskLatency) {
  return [lastMicros, averageMicros, maxMicros];
}

Deno.test("DiskGauge shows zeros before any save", () => {
  assert.deepEqual(figures(new DiskLatency()), [0, 0, 0]);
});

Deno.test("DiskGauge keeps the last save, the average and the longest, in whole microseconds", () => {
  const gauge = new DiskLatency();
  for (const micros of [100, 400.4, 100]) gauge.saved(micros);
  assert.deepEqual(figures(gauge), [100, 200, 400]);
  gauge.saved(-1);
  assert.deepEqual(figures(gauge), [0, 150, 400]);
});

Deno.test("DiskGauge's average forgets what is long ago, its maximum does not", () => {
  const gauge = new DiskLatency();
  gauge.saved(1e9);
  for (let i = 0; i < savesAveraged; i++) gauge.saved(7);
  assert.deepEqual(figures(gauge), [7, 7, 1e9]);
});

Deno.test("DiskGauge counts a stall once, however often it is looked at", () => {
  const gauge = new DiskLatency();
  for (const mark of "..##.#..###.") gauge.watch(mark === "#");
  assert.equal(gauge.stalls, 3);
});
