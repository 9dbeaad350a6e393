import assert from "node:assert/strict";
import {
  changeLines,
  changes,
  type Run,
  runOf,
  textOf,
} from "../../../bench/last_run.ts";
import type { Ratio, Target } from "../../../bench/section.ts";

const about = {
  day: "2026-11-27",
  command: "deno task bench",
  versions: "ticketd 1",
  machine: "2 cores",
  effort: "3 rounds.",
};
const target: Target = { what: "a", found: "1", target: ">= 2", isMet: false };

function run(...ratios: readonly Ratio[]): Run {
  return runOf(about, [
    { title: "one", lines: [], ratios },
    { title: "other", lines: [], targets: [target] },
  ]);
}

Deno.test("A run is written and read as it was, without ratios that nobody measured", () => {
  const before = run(
    { what: "1 client", rounds: [2.34567, 2] },
    { what: "without Redis", rounds: [] },
  );
  const after: Run = JSON.parse(textOf(before));
  assert.deepEqual(after, before);
  assert.deepEqual(after.ratios, [{ what: "1 client", rounds: [2.346, 2] }]);
  assert.deepEqual(after.targets, [target]);
});

Deno.test("A change is beyond noise when the rounds of both runs do not overlap", () => {
  const last = run(
    { what: "apart", rounds: [1, 1.1, 1.2] },
    { what: "overlapping", rounds: [1, 1.1, 1.2] },
    { what: "one round", rounds: [1] },
    { what: "gone", rounds: [1, 2] },
  );
  const now = run(
    { what: "apart", rounds: [2.2, 1.3, 1.4] },
    { what: "overlapping", rounds: [1.2, 1.3, 1.4] },
    { what: "one round", rounds: [5] },
    { what: "new", rounds: [1, 2] },
  );
  const found = changes(last, now);
  assert.deepEqual(
    found.map(({ what, isBeyondNoise }) => [what, isBeyondNoise]),
    [["apart", true], ["overlapping", false], ["one round", false]],
  );
  assert.equal(found[0]!.change.toFixed(2), "0.27");
  const text = changeLines(last, now).join("\n");
  assert.match(text, /Of 3 ratios .* 1 moved/);
  assert.match(text, /\| apart \| 1\.10 .* \| 1\.40 .* \| \+27 % \| better \|/);
});

Deno.test("Without a committed run the report says so", () => {
  assert.deepEqual(changeLines(undefined, run()), [
    "No run was committed before this one.",
  ]);
});
