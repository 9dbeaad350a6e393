// Replies to TICKET become the same ranges, however the bytes are cut into packets.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ReplyParser } from "./reply_parser.ts";

/** All that the parser tells, number by number, so that ranges cut by a packet are the same. */
function told(parts: readonly string[]): (number | string)[] {
  const all: (number | string)[] = [];
  const parser = new ReplyParser({
    given(first, last) {
      for (let number = first; number <= last; number++) all.push(number);
    },
    refused: (text) => all.push(text),
  });
  for (const part of parts) parser.feed(new TextEncoder().encode(part));
  return all;
}

Deno.test("ReplyParser reads the same from any two packets and from single bytes", () => {
  const text =
    "+9\r\n+10\r\n+11\r\n-ERR node is not the leader\r\n+12\r\n+5\r\n";
  const expected = [9, 10, 11, "ERR node is not the leader", 12, 5];
  assert.deepEqual(told([text]), expected);
  assert.deepEqual(told([...text]), expected);
  for (let i = 0; i < text.length; i++) {
    assert.deepEqual(told([text.slice(0, i), text.slice(i)]), expected);
  }
});

Deno.test("ReplyParser joins consecutive numbers and no others", () => {
  const runs = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 1e12 }), fc.integer({ min: 1, max: 9 })),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(runs, (runs) => {
      const numbers = runs.flatMap(([first, count]) =>
        Array.from({ length: count }, (_, i) => first + i)
      );
      const ranges: [number, number][] = [];
      const parser = new ReplyParser({
        given: (first, last) => ranges.push([first, last]),
        refused: assert.fail,
      });
      const text = numbers.map((number) => `+${number}\r\n`).join("");
      parser.feed(new TextEncoder().encode(text));
      assert.deepEqual(
        ranges.flatMap(([a, b]) =>
          Array.from({ length: b - a + 1 }, (_, i) => a + i)
        ),
        numbers,
      );
      const jumps = numbers.filter((n, i) => n !== numbers[i - 1]! + 1);
      assert.deepEqual(ranges.map(([first]) => first), jumps);
    }),
    { numRuns: 500, seed: 3 },
  );
});

Deno.test("ReplyParser refuses what is no reply to TICKET", () => {
  for (
    const bad of [":1\r\n", "+\r\n", "+1x\r\n", "+1\r+", "+0\r\n", "$-1\r\n"]
  ) {
    assert.throws(() => told([bad]), SyntaxError, bad);
  }
});
