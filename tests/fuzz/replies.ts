// Cuts what a server sent into whole replies, strictly: RESP2 and RESP3 as far as ticketd
// speaks them, a character a byte. Fails on anything else, and on a reply that is cut short.

import assert from "node:assert/strict";

/** Each reply as it stands in `text`. */
export function wholeReplies(text: string): string[] {
  const replies: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = endOf(text, at);
    replies.push(text.slice(at, end));
    at = end;
  }
  return replies;
}

function endOf(text: string, at: number): number {
  const lineEnd = text.indexOf("\r\n", at);
  assert(
    lineEnd >= 0,
    `a reply without end: ${JSON.stringify(text.slice(at))}`,
  );
  const line = text.slice(at + 1, lineEnd);
  assert(!/[\r\n]/.test(line), `a line that ends early: ${line}`);
  let end = lineEnd + 2;
  switch (text[at]) {
    case "+":
    case "-":
      return end;
    case ":":
      assert.match(line, /^-?\d+$/);
      return end;
    case "_":
      assert.equal(line, "");
      return end;
    case "$": {
      if (line === "-1") return end;
      const bytes = lengthOf(line);
      assert.equal(text.slice(end + bytes, end + bytes + 2), "\r\n");
      return end + bytes + 2;
    }
    case "*":
    case "%": {
      if (line === "-1" && text[at] === "*") return end; // EXEC after a WATCH
      let parts = lengthOf(line) * (text[at] === "%" ? 2 : 1);
      for (; parts > 0; parts--) end = endOf(text, end);
      return end;
    }
    default:
      return assert.fail(
        `no reply: ${JSON.stringify(text.slice(at, at + 40))}`,
      );
  }
}

function lengthOf(line: string): number {
  assert.match(line, /^(0|[1-9]\d{0,8})$/);
  return Number(line);
}
