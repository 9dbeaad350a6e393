// The latency of saves, as RAFT.STATS shows it.

import assert from "node:assert/strict";
import {
  DiskLatency,
  savesAveraged,
} from "../../../../raft/stats/disk_latency.ts";

function figures({ lastMicros, averageMicros, maxMicros }: DiskLatency) {
  return [lastMicros, averageMicros, maxMicros];
}

Deno.test("DiskLatency shows zeros before any save", () => {
  assert.deepEqual(figures(new DiskLatency()), [0, 0, 0]);
});

Deno.test("DiskLatency keeps the last save, the average and the longest, in whole microseconds", () => {
  const latency = new DiskLatency();
  for (const micros of [100, 400.4, 100]) latency.saved(micros);
  assert.deepEqual(figures(latency), [100, 200, 400]);
  latency.saved(-1);
  assert.deepEqual(figures(latency), [0, 150, 400]);
});

Deno.test("DiskLatency's average forgets what is long ago, its maximum does not", () => {
  const latency = new DiskLatency();
  latency.saved(1e9);
  for (let i = 0; i < savesAveraged; i++) latency.saved(7);
  assert.deepEqual(figures(latency), [7, 7, 1e9]);
});

Deno.test("DiskLatency counts a stall once, however often it is looked at", () => {
  const latency = new DiskLatency();
  for (const mark of "..##.#..###.") latency.watch(mark === "#");
  assert.equal(latency.stalls, 3);
});
