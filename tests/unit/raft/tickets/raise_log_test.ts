// The log line of raises, when a client raises as many sequences as there may be within the
// second of one line. Not here: that a raise is told, and told once (`raise_test.ts`).

import assert from "node:assert/strict";
import { RaiseLog } from "../../../../raft/tickets/raise_log.ts";

function raiseLog(): { log: RaiseLog; lines: string[] } {
  const lines: string[] = [];
  const log = new RaiseLog((_, line) => lines.push(line), { pauseTicks: 3 });
  return { log, lines };
}

Deno.test("A line names the sequence that was raised last, and counts the others", () => {
  const { log, lines } = raiseLog();
  log.raised("first", 1n);
  log.raised("a", 7n);
  log.raised("b", 8n);
  log.raised("a", 5n);
  for (let tick = 0; tick < 3; tick++) log.tick();
  log.raised("b", 9n);
  log.raised("c", 9n);
  log.raised("d", 9n);
  for (let tick = 0; tick < 3; tick++) log.tick();
  assert.deepEqual(
    lines.map((line) => line.replace(/, because.*burnt/, "")),
    [
      "gives numbers of first above 1",
      "gives numbers of a above 7, and raised 1 other sequence",
      "gives numbers of d above 9, and raised 2 other sequences",
    ],
  );
});

Deno.test("A raise costs the same however many were raised since the last line", () => {
  const { log, lines } = raiseLog();
  const start = performance.now();
  for (let n = 0; n < 60_000; n++) log.raised(`s${n}`, 1n);
  const tookMs = performance.now() - start;
  assert(tookMs < 5000, `60,000 raises took ${Math.round(tookMs)} ms`);
  assert.equal(lines.length, 1);
});
