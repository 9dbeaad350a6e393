import assert from "node:assert/strict";
import {
  closingLine,
  type Tally,
  TallyReader,
  total,
} from "../../lib/tally.ts";

function read(text: string, success = true): Tally {
  const whole = new TallyReader();
  whole.read(text);
  const tally = whole.end(success);
  const byByte = new TallyReader();
  for (const character of text) byByte.read(character);
  assert.deepEqual(byByte.end(success), tally, "however it comes in pieces");
  return tally;
}

const skipped = "A claim ... ok (5ms)\n" +
  "B (of b) (skipped: needs x (Debian: y)) ... ignored (0ms)\n";

Deno.test("What passed and failed is counted, with and without colours", () => {
  for (
    const text of [
      "\nok | 4 passed (2 steps) | 0 failed (29ms)\n",
      "\x1b[0m\x1b[32mok\x1b[0m | 4 passed | 0 failed | 7 filtered out\n",
    ]
  ) {
    const tally = read(text);
    assert.deepEqual(tally, {
      ...{ passed: 4, failed: 0, skips: [], unexplained: 0 },
    });
    assert.equal(closingLine(tally), "4 passed, 0 failed");
  }
  const bad = "FAILED | 1 passed (1 step) | 2 failed (1 step) (12ms)\n";
  assert.equal(closingLine(read(bad, false)), "1 passed, 2 failed");
});

Deno.test("A skipped test is counted and told by claim and reason, parallel or not", () => {
  const skips = [{ claim: "B (of b)", reason: "needs x (Debian: y)" }];
  for (const before of ["", "./tests/e2e/b_test.ts => "]) {
    const text = skipped.replace(/^/gm, before) + "\n" +
      "ok | 1 passed | 0 failed | 1 ignored (28ms)";
    const tally = read(text);
    assert.deepEqual(tally.skips, skips);
    assert.equal(closingLine(tally), "1 passed, 0 failed, 1 skipped");
  }
});

Deno.test("What is ignored for no reason has failed, be it a test or a step", () => {
  for (const ignored of ["2 ignored", "1 ignored (1 step)"]) {
    const tally = read(`${skipped}ok | 1 passed | 0 failed | ${ignored} (8ms)`);
    assert.equal(tally.unexplained, 1);
    assert.equal(closingLine(tally), "1 passed, 1 failed, 1 skipped");
  }
});

Deno.test("A line that looks like a skip, printed by a test, hides nothing", () => {
  const tally = read(`${skipped}ok | 1 passed | 0 failed (8ms)`);
  assert.equal(tally.failed, 1);
});

Deno.test("A run that fails, or does not say how it ended, has failed", () => {
  assert.equal(read("ok | 3 passed | 0 failed (8ms)", false).failed, 1);
  assert.equal(read("error: Type checking failed.", false).failed, 1);
  assert.equal(read("", true).failed, 1);
});

Deno.test("Several runs are added up, and nothing at all is a failure", () => {
  const one = read(`${skipped}ok | 1 passed | 0 failed | 1 ignored (8ms)`);
  const other = read("FAILED | 1 passed | 2 failed (8ms)", false);
  assert.equal(
    closingLine(total([one, other])),
    "2 passed, 2 failed, 1 skipped",
  );
  const none = read("ok | 0 passed | 0 failed | 1 filtered out (8ms)");
  assert.equal(closingLine(total([none])), "0 passed, 1 failed");
});
