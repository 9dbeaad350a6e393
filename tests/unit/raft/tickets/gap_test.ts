// Gaps in the numbers, as the log tells them.

import assert from "node:assert/strict";
import { type Gap, gapText } from "../../../../raft/tickets/gap.ts";

Deno.test("gapText() says how many numbers burnt, and why", () => {
  const lost = (inHand: number, uncommitted: number): Gap => ({
    ...{ cause: "leadership-lost", inHand, uncommitted },
  });
  const texts: readonly (readonly [Gap, RegExp])[] = [
    [lost(4000, 96), /^burnt 4096 numbers: .* 4000 in hand and 96 in entries /],
    [lost(1, 0), /^burnt 1 number: .* with 1 in hand$/],
    [lost(0, 7), /^burnt 7 numbers: .* with 7 in entries that were not /],
    [{ cause: "overtaken", count: 2 }, /^burnt 2 numbers: .* in hand when /],
    [{ cause: "returned-late", count: 3 }, /^burnt 3 numbers: they were lent/],
    [
      { cause: "unanswered", count: 4, leader: "9" },
      /^may have burnt 4 numbers: node 9 was asked for them, /,
    ],
  ];
  for (const [gap, text] of texts) assert.match(gapText(gap), text);
});
