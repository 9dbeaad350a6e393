// RAFT.STATS in the original's words, and Go's way of writing durations and times.

import assert from "node:assert/strict";
import {
  durationText,
  hashicorpStatsOf,
  timeText,
} from "../../../../raft/stats/hashicorp_stats.ts";
import { raftOf, server, snapshotAt } from "../core/scene.ts";

const follower = {
  state: "Follower" as const,
  now: 5000,
  lastContact: undefined,
};

Deno.test("hashicorpStatsOf() gives the original's 18 keys, sorted, and no others", () => {
  const keys = hashicorpStatsOf(raftOf(), follower).map(([key]) => key);
  assert.deepEqual(keys, [
    "applied_index",
    "commit_index",
    "fsm_pending",
    "last_contact",
    "last_log_index",
    "last_log_term",
    "last_snapshot_index",
    "last_snapshot_term",
    "latest_configuration",
    "latest_configuration_index",
    "num_peers",
    "protocol_version",
    "protocol_version_max",
    "protocol_version_min",
    "snapshot_version_max",
    "snapshot_version_min",
    "state",
    "term",
  ]);
  assert.deepEqual(keys, keys.toSorted());
});

Deno.test("hashicorpStatsOf() gives the figures in the original's words", () => {
  const raft = raftOf({
    id: "1",
    snapshot: snapshotAt(6, 2, {
      servers: [
        { ...server("1"), address: "127.0.0.1:18121" },
        { ...server("2"), address: "127.0.0.1:18122" },
        { ...server("3", "learner"), address: ":18123" },
      ],
    }),
    terms: [2, 3, 3],
    term: 4,
  });
  assert.deepEqual(Object.fromEntries(hashicorpStatsOf(raft, follower)), {
    applied_index: "6",
    commit_index: "6",
    fsm_pending: "0",
    last_contact: "never",
    last_log_index: "9",
    last_log_term: "3",
    last_snapshot_index: "6",
    last_snapshot_term: "2",
    latest_configuration: "[{Suffrage:Voter ID:1 Address:127.0.0.1:18121} " +
      "{Suffrage:Voter ID:2 Address:127.0.0.1:18122} " +
      "{Suffrage:Nonvoter ID:3 Address::18123}]",
    latest_configuration_index: "0",
    num_peers: "1",
    protocol_version: "3",
    protocol_version_max: "3",
    protocol_version_min: "0",
    snapshot_version_max: "1",
    snapshot_version_min: "0",
    state: "Follower",
    term: "4",
  });
});

Deno.test("last_contact is 0 on the leader, never before any, and else a duration", () => {
  const contact = (input: Parameters<typeof hashicorpStatsOf>[1]) =>
    Object.fromEntries(hashicorpStatsOf(raftOf(), input)).last_contact;
  assert.equal(contact({ ...follower, state: "Leader", lastContact: 1 }), "0");
  assert.equal(contact(follower), "never");
  assert.equal(contact({ ...follower, lastContact: 4996 }), "4ms");
  assert.equal(
    contact({ ...follower, state: "Candidate", lastContact: 0 }),
    "5s",
  );
});

Deno.test("durationText() writes durations as Go does", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [-3, "0s"],
    [0.0004, "0s"],
    [0.001, "1µs"],
    [0.9994, "999µs"],
    [1, "1ms"],
    [4.072429, "4.072ms"],
    [70, "70ms"],
    [999.999, "999.999ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [1500.25, "1.50025s"],
    [59_999.999, "59.999999s"],
    [60_000, "1m0s"],
    [62_500, "1m2.5s"],
    [3_600_000, "1h0m0s"],
    [3_661_001, "1h1m1.001s"],
    [360_000_000, "100h0m0s"],
  ];
  for (const [millis, text] of cases) {
    assert.equal(durationText(millis), text, `${millis}`);
  }
});

Deno.test("timeText() writes times as Go does, without the zeros at the end", () => {
  const cases: [string, string][] = [
    ["2026-11-22T16:41:15.139Z", "2026-11-22 16:41:15.139 +0000 UTC"],
    ["2026-11-22T16:41:15.130Z", "2026-11-22 16:41:15.13 +0000 UTC"],
    ["2026-11-22T16:41:15.100Z", "2026-11-22 16:41:15.1 +0000 UTC"],
    ["2026-11-22T16:41:15.001Z", "2026-11-22 16:41:15.001 +0000 UTC"],
    ["2026-11-22T16:41:10.000Z", "2026-11-22 16:41:10 +0000 UTC"],
    ["2026-11-20T00:00:00.000Z", "2026-11-20 00:00:00 +0000 UTC"],
  ];
  for (const [iso, text] of cases) {
    assert.equal(timeText(Date.parse(iso)), text);
  }
  assert.equal(timeText(undefined), "0001-01-01 00:00:00 +0000 UTC");
});
