// A table of requests and replies, for the tests of commands.

import assert from "node:assert/strict";

/** Sends each request alone, and asserts that this is the reply, to the byte. */
export function table(
  bench: { ask(request: string): string },
  rows: readonly (readonly [request: string, reply: string])[],
): void {
  for (const [request, reply] of rows) {
    assert.equal(bench.ask(request), reply, JSON.stringify(request));
  }
}
