// Warnings that do not fill the log.

import assert from "node:assert/strict";
import { Warnings } from "../../../../raft/net/warnings.ts";

/** Warnings with so long a pause, and the lines that they led to. */
function warningsOf(pauseMillis: number) {
  const lines: string[] = [];
  const log = (level: string, text: string) =>
    void lines.push(`${level}: ${text}`);
  return { warnings: new Warnings(log, { pauseMillis }), lines };
}

Deno.test("A warning about a node is given once, until its gist changes or the node is well", () => {
  const { warnings, lines } = warningsOf(0);
  warnings.once("2", "no answer on port 1", { gist: "no answer" });
  warnings.once("2", "no answer on port 2", { gist: "no answer" });
  warnings.once("3", "no answer");
  warnings.once("2", "refused");
  warnings.once("2", "refused");
  warnings.forget("2");
  warnings.once("2", "refused");
  assert.deepEqual(lines, [
    "warning: no answer on port 1",
    "warning: no answer",
    "warning: refused",
    "warning: refused",
  ]);
});

Deno.test("Of throttled warnings one is given in a while, with how many were kept back", () => {
  const never = warningsOf(Infinity);
  for (let i = 0; i < 3; i++) never.warnings.throttled(`${i}`);
  assert.deepEqual(never.lines, ["warning: 0"]);
  const { warnings, lines } = warningsOf(5);
  for (let i = 0; lines.length < 2; i++) warnings.throttled(`${i}`);
  assert.match(
    lines[1]!,
    /^warning: (\d+) \((\d+) more such lines were kept back\)$/,
  );
});

Deno.test("Warnings about ids that callers invent take a bounded memory", () => {
  const { warnings, lines } = warningsOf(0);
  for (let i = 0; i < 300; i++) warnings.once(`x${i}`, "refused");
  warnings.once("x299", "refused");
  assert.equal(lines.length, 300);
  warnings.once("x0", "refused");
  assert.equal(lines.length, 301, "it was forgotten");
});
