// When a node that waits for others says so in its log.

import assert from "node:assert/strict";
import { FoundingReport } from "../../../raft/founding_report.ts";

Deno.test("A waiting node tells what changes, then once a minute, and names the silent after 10 s", () => {
  let now = 0;
  const lines: string[] = [];
  const report = new FoundingReport(
    (level, text) => lines.push(`${level} ${text}`),
    3,
    { now: () => now },
  );
  report.begin();
  const silent = new Map([["b:1", "connection refused"]]);
  const wait = (why: string, type: "wait" | "fault" = "wait") =>
    report.waits({ type, why }, silent);
  assert(wait("sees 1"));
  assert.match(report.state, /^sees 1$/);
  for (now = 1000; now < 75_000; now += 1000) assert(!wait("sees 1"));
  assert(wait("sees 1, 2", "fault"));
  assert.deepEqual(lines.slice(1), [
    "info sees 1",
    "info sees 1; no answer from b:1 (connection refused)",
    "info sees 1; no answer from b:1 (connection refused)",
    "warning sees 1, 2; no answer from b:1 (connection refused)",
  ]);
});
