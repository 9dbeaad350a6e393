// The log lines about numbers that will never be given.

import assert from "node:assert/strict";
import { type Gap, gapText } from "../../../../raft/tickets/gap.ts";

const none = { last: 0n, count: 0 };

Deno.test("gapText() says how many numbers burnt, of which sequences, and why", () => {
  const gaps: Gap[] = [
    {
      cause: "leadership-lost",
      lost: [{
        name: "ticket",
        inHand: { last: 12n, count: 6 },
        uncommitted: 3,
      }],
    },
    {
      cause: "leadership-lost",
      lost: [{ name: "a", inHand: { last: 7n, count: 1 }, uncommitted: 0 }],
    },
    {
      cause: "leadership-lost",
      lost: ["a", "b", "c", "d"].map((name, at) => ({
        ...{ name, inHand: at === 3 ? none : { last: 7n, count: at + 1 } },
        uncommitted: at,
      })),
    },
    {
      cause: "leadership-lost",
      lost: [{ name: "a", inHand: none, uncommitted: 5 }],
    },
    { cause: "overtaken", name: "a", inHand: { last: 9n, count: 2 } },
    { cause: "returned-late", name: "b", lent: { last: 4n, count: 1 } },
    {
      cause: "unanswered",
      parts: [{ name: "a", count: 5 }, { name: "b", count: 2 }],
      leader: "n1",
    },
  ];
  assert.deepEqual(gaps.map(gapText), [
    "burnt 9 numbers of ticket: this node lost its leadership with 7 to 12 in hand, " +
    "and 3 in entries that were not committed",
    "burnt 1 number of a: this node lost its leadership with 7 in hand",
    "burnt 12 numbers of 4 sequences (a, b, c, …): this node lost its leadership with " +
    "6 in hand, and 6 in entries that were not committed",
    "burnt 5 numbers of a: this node lost its leadership with 5 in entries that were " +
    "not committed",
    "burnt 2 numbers of a: 8 to 9 were in hand when the log gave this node others than " +
    "the next ones",
    "burnt 1 number of b: 4 were lent to this node's clients, and came back when later " +
    "ones had been given",
    "may have burnt 7 numbers of a, b: node n1 was asked for them, and lost its " +
    "leadership or died before it answered",
  ]);
});
