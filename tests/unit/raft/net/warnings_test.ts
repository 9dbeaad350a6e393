// Warnings that do not fill the log.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Warnings } from "../../../../raft/net/warnings.ts";

const faultMillis = 60_000;

/** Warnings by a clock that stands until it is set, and the lines that they led to. */
function warningsOf({ pauseMillis = 0 } = {}) {
  const lines: string[] = [];
  const clock = { millis: 0 };
  const log = (level: string, text: string) =>
    void lines.push(`${level}: ${text}`);
  const now = () => clock.millis;
  const warnings = new Warnings(log, { pauseMillis, faultMillis, now });
  return { warnings, lines, clock };
}

Deno.test("A node is warned about at once, and then once a minute, with how often and for how long", () => {
  const { warnings, lines, clock } = warningsOf();
  for (let i = 0; i <= 130; i++) {
    clock.millis = i * 1000;
    warnings.once("2", i % 2 === 0 ? "no answer" : "refused");
    if (i === 0) warnings.once("3", "no answer");
  }
  assert.deepEqual(lines, [
    "warning: no answer",
    "warning: no answer",
    "warning: no answer; 61 times in 60 s",
    "warning: no answer; 121 times in 120 s",
  ]);
});

Deno.test("A node that is well is told at once after a warning, and its next fault is a new one", () => {
  const { warnings, lines, clock } = warningsOf();
  warnings.well("2", "connected");
  warnings.once("2", "no answer");
  warnings.well("2", "connected again");
  warnings.once("2", "no answer");
  warnings.well("2", "connected once more");
  clock.millis = faultMillis;
  warnings.once("2", "no answer");
  assert.deepEqual(lines, [
    "info: connected",
    "warning: no answer",
    "info: connected again",
    "warning: no answer",
  ]);
});

Deno.test("No node gets more than one warning, and two lines that it is well, in a minute, whatever alternates", () => {
  const event = fc.record({
    waitMillis: fc.nat({ max: 20_000 }),
    isWell: fc.boolean(),
    text: fc.constantFrom("no answer", "refused", "another node answers there"),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 200 }), (events) => {
    const { warnings, lines, clock } = warningsOf();
    const told: { level: string; millis: number }[] = [];
    for (const { waitMillis, isWell, text } of events) {
      clock.millis += waitMillis;
      if (isWell) warnings.well("2", text);
      else warnings.once("2", text);
      for (const line of lines.splice(0)) {
        told.push({ level: line.split(":")[0]!, millis: clock.millis });
      }
    }
    for (const { level, millis } of told) {
      const near = told.filter((other) =>
        other.level === level && other.millis >= millis &&
        other.millis < millis + faultMillis
      );
      assert(
        near.length <= (level === "warning" ? 1 : 2),
        JSON.stringify(told),
      );
    }
  }));
});

Deno.test("Of throttled warnings one is given in a while, with how many were kept back", () => {
  const never = warningsOf({ pauseMillis: Infinity });
  for (let i = 0; i < 3; i++) never.warnings.throttled(`${i}`);
  assert.deepEqual(never.lines, ["warning: 0"]);
  const { warnings, lines, clock } = warningsOf({ pauseMillis: 5 });
  for (let i = 0; i < 6; i++) {
    clock.millis = i;
    warnings.throttled(`${i}`);
  }
  assert.deepEqual(lines, [
    "warning: 0",
    "warning: 5 (4 more such lines were kept back)",
  ]);
});

Deno.test("Warnings about ids that callers invent take a bounded memory", () => {
  const { warnings, lines } = warningsOf();
  for (let i = 0; i < 300; i++) warnings.once(`x${i}`, "refused");
  warnings.once("x299", "refused");
  assert.equal(lines.length, 300);
  warnings.once("x0", "refused");
  assert.equal(lines.length, 301, "it was forgotten");
});
