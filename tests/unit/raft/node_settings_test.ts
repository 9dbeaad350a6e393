import assert from "node:assert/strict";
import { chunkBytesMax } from "../../../raft/core/limits.ts";
import type { NodeOptions } from "../../../raft/channel/messages.ts";
import { settingsOf } from "../../../raft/node_settings.ts";

/** As the flags give them when none is set. */
const options: NodeOptions = {
  ...{ id: "1", raftListen: { host: "", port: 1 }, advertise: ":1" },
  ...{ clientAddress: ":2", version: "1", join: [], expect: 1 },
  joinTimeoutMillis: 60_000,
  ...{ nonvoter: false, directory: "data/1", storage: "file" },
  ...{ durability: "high", heartbeatMillis: 100, electionMillis: 300 },
  ...{ forward: "yes", lends: true, aheadMax: 9, peersMax: 64 },
  sequencesMax: 7,
  ...{ logLevel: "info", logFormat: "text" },
};

Deno.test("settingsOf() counts all periods in ticks of half a heartbeat", () => {
  const { random: _, ...settings } = settingsOf(options);
  assert.deepEqual(settings, {
    tickMillis: 50,
    heartbeatTicks: 2,
    electionTicks: 6,
    flushTicks: Infinity,
    changeTicks: 200,
    snapshotTicks: 20,
    restTicksMax: 20,
    forward: "yes",
    lends: true,
    takesMin: 16,
    aheadMax: 9,
    sequencesMax: 7,
    chunkBytes: chunkBytesMax,
  });
});

Deno.test("settingsOf() follows every flag that a node obeys", () => {
  const of = (some: Partial<NodeOptions>) =>
    settingsOf({ ...options, ...some });
  const rare = of({ heartbeatMillis: 2000, electionMillis: 10_000 });
  assert.equal(rare.restTicksMax, 2, "or a leader is woken between heartbeats");
  const slow = of({ heartbeatMillis: 1000, electionMillis: 10_000 });
  assert.deepEqual([slow.tickMillis, slow.electionTicks], [500, 20]);
  assert.equal(slow.changeTicks, 20);
  assert.equal(of({ forward: "moved" }).forward, "moved");
  assert.equal(of({ lends: false }).lends, false);
  assert.equal(of({ aheadMax: 0 }).aheadMax, 0);
  for (const durability of ["medium", "low"] as const) {
    assert.equal(of({ durability }).restTicksMax, 1, "it must flush in time");
    assert.equal(of({ durability }).flushTicks, 4);
  }
});

Deno.test("settingsOf() never has an election timeout shorter than two heartbeats", () => {
  const { heartbeatTicks, electionTicks } = settingsOf({
    ...options,
    heartbeatMillis: 300,
    electionMillis: 300,
  });
  assert(electionTicks > heartbeatTicks);
});
