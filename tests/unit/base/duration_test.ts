// Durations in words.

import assert from "node:assert/strict";
import { spanText } from "../../../base/duration.ts";

Deno.test("spanText() keeps milliseconds up to ten seconds, and a whole number of one unit beyond", () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [812.4, "812 ms"],
    [9_999, "9999 ms"],
    [10_000, "10 s"],
    [65_400, "65 s"],
    [600_000, "10 min"],
    [7_500_000, "125 min"],
    [36_000_000, "10 h"],
  ];
  for (const [millis, text] of texts) assert.equal(spanText(millis), text);
});
