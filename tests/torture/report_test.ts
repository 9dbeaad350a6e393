// A torture run in which too little happened fails, even if it found no violation.

import assert from "node:assert/strict";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import { RangeChecker } from "./range_checker.ts";
import { Report } from "./report.ts";

const kill = faults.find(({ name }) => name === "kill-leader")!;
const pause = faults.find(({ name }) => name === "pause-follower")!;

function after(fault: Fault, { tickets }: { tickets: number }): Report {
  const report = new Report();
  const checker = new RangeChecker();
  checker.answers(checker.line(), { first: 1, last: tickets, floor: 0 });
  report.add(fault, { seen: "node 1", outage: 12 });
  report.count(checker);
  return report;
}

Deno.test("A run without a fault, tickets or an election proves nothing", () => {
  assert.throws(
    () => new Report().mustProve(false),
    /proves nothing: no fault/,
  );
  assert.throws(
    () => after(pause, { tickets: 10 }).mustProve(false),
    /proves nothing: only 10 tickets/,
  );
  const report = after(kill, { tickets: 10_000 });
  assert.throws(() => report.mustProve(false), /proves nothing: no election/);
  report.elections = 1;
  report.mustProve(false);
  after(pause, { tickets: 10_000 }).mustProve(false);
});

Deno.test("Every fault has a name of its own, and the table names each that happened", () => {
  const names = faults.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const { text } = after(kill, { tickets: 10_000 });
  assert.match(text, /^kill-leader +1 +12 ms +the others elect a leader/m);
  assert.doesNotMatch(text, /^pause-/m);
  assert.match(text, /^acknowledged and lost 0, repeated 0$/m);
});
