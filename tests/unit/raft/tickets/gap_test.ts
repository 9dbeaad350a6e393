// Gaps in the numbers, as the log tells them.

import assert from "node:assert/strict";
import { type Gap, gapText } from "../../../../raft/tickets/gap.ts";

Deno.test("gapText() says how many numbers burnt, and why", () => {
  const lost = (count: number, uncommitted: number): Gap => ({
    ...{
      cause: "leadership-lost",
      inHand: { last: 5000n, count },
      uncommitted,
    },
  });
  const range = { last: 9n, count: 2 };
  const texts: readonly (readonly [Gap, RegExp])[] = [
    [
      lost(4000, 96),
      /^burnt 4096 numbers: .* 1001 to 5000 in hand, and 96 in entries that/,
    ],
    [lost(1, 0), /^burnt 1 number: .* with 5000 in hand$/],
    [lost(0, 7), /^burnt 7 numbers: .* with 7 in entries that were not /],
    [
      { cause: "overtaken", inHand: range },
      /^burnt 2 numbers: 8 to 9 were in /,
    ],
    [{ cause: "returned-late", lent: range }, /^burnt 2 .*: 8 to 9 were lent/],
    [
      { cause: "unanswered", count: 4, leader: "9" },
      /^may have burnt 4 numbers: node 9 was asked for them, /,
    ],
  ];
  for (const [gap, text] of texts) assert.match(gapText(gap), text);
});
