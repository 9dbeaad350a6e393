import assert from "node:assert/strict";
import { type Expected, ReplyChecker } from "../../../bench/reply_checker.ts";

function feed(
  expected: readonly Expected[],
  ...chunks: readonly string[]
): { tickets: number; faults: number; firstFault: string | undefined } {
  const checker = new ReplyChecker(expected);
  let tickets = 0;
  for (const chunk of chunks) {
    tickets += checker.feed(new TextEncoder().encode(chunk));
  }
  const { faults, firstFault } = checker;
  return { tickets, faults, firstFault };
}

Deno.test("ReplyChecker counts numbers that rise, as simple strings or integers", () => {
  assert.deepEqual(feed(["rises"], "+7\r\n+8\r\n:10\r\n"), {
    tickets: 3,
    faults: 0,
    firstFault: undefined,
  });
});

Deno.test("ReplyChecker finds the same in every split in two", () => {
  const text = "+9\r\n+10\r\n-ERR no\r\n+10\r\n+123456789012\r\n";
  for (let at = 0; at <= text.length; at++) {
    assert.deepEqual(feed(["rises"], text.slice(0, at), text.slice(at)), {
      tickets: 5,
      faults: 2,
      firstFault: "-ERR no",
    }, `split at ${at}`);
  }
});

Deno.test("ReplyChecker finds a number that does not rise", () => {
  const { faults, firstFault } = feed(["rises"], "+7\r\n+7\r\n+6\r\n");
  assert.deepEqual([faults, firstFault], [2, "7 after 7"]);
});

Deno.test("ReplyChecker counts a ticket of two replies once, and checks both", () => {
  const incrementAndWait = [...["rises"] as const, 1];
  assert.deepEqual(feed(incrementAndWait, ":1\r\n:2\r\n:2\r\n:0\r\n:3\r\n"), {
    tickets: 2,
    faults: 1,
    firstFault: "0 where at least 1 was expected",
  });
});

Deno.test("ReplyChecker takes no other reply for a number", () => {
  for (const line of ["$1", "+OK", "+1x", "-1", ":-1", "_", "*2"]) {
    const { faults } = feed(["rises"], `${line}\r\n`);
    assert.equal(faults, 1, line);
  }
});

Deno.test("ReplyChecker knows the lines around the tickets of an EXEC word for word", () => {
  const group: Expected[] = [{ line: "+OK" }, { line: "+QUEUED" }, {
    line: "*1",
  }, "rises"];
  const good = "+OK\r\n+QUEUED\r\n*1\r\n+7\r\n";
  assert.deepEqual(feed(group, good, good.replace("7", "8")), {
    tickets: 2,
    faults: 0,
    firstFault: undefined,
  });
  const { faults, firstFault } = feed(group, good.replace("QUEUED", "BUSY"));
  assert.deepEqual([faults, firstFault], [1, "+BUSY"]);
});

Deno.test("ReplyChecker lets any line pass where any is expected, but no error", () => {
  const block: Expected[] = [{ line: "*2" }, "any", "any", "any", "any"];
  const good = "*2\r\n$1\r\n1\r\n$3\r\n100\r\n";
  assert.equal(feed(block, good).faults, 0);
  assert.equal(feed(block, good.replace("$1", "-E")).faults, 1);
});
