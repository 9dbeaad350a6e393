// Log lines: their two formats and their level, and that nobody can forge one.

import assert from "node:assert/strict";
import { type LogOptions, openLog } from "../../../base/logger.ts";

/** A logger, and the lines that it has written. */
function kept(options: Partial<LogOptions>) {
  const lines: string[] = [];
  const log = openLog({
    level: "debug",
    format: "text",
    source: "node 1",
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

Deno.test("A text line has time, level, source, text and fields", () => {
  const { log, lines } = kept({});
  log("info", "became leader in term 2");
  log("warning", "slow disk", { millis: 250, file: "a b", last: 7n });
  log("error", "failed", { file: undefined });
  assert.ok(lines.every((line) => time.test(line)));
  assert.deepEqual(lines.map((line) => line.replace(time, "")), [
    "info  node 1: became leader in term 2\n",
    'warn  node 1: slow disk millis=250 file="a b" last=7\n',
    "error node 1: failed file=undefined\n",
  ]);
});

Deno.test("A JSON line is one object, tickets and errors included", () => {
  const { log, lines } = kept({ format: "json" });
  log("error", 'said "no"\n', { last: 2n ** 64n - 1n, error: new Error("x") });
  assert.equal(lines.length, 1);
  assert.ok(lines[0]!.endsWith("}\n"));
  const { time, error, ...rest } = JSON.parse(lines[0]!);
  assert.equal(new Date(time).toISOString(), time);
  assert.match(error, /^Error: x/);
  assert.deepEqual(rest, {
    level: "error",
    source: "node 1",
    text: 'said "no"\n',
    last: "18446744073709551615",
  });
});

Deno.test("A field cannot take the place of time, level, source or text", () => {
  const { log, lines } = kept({ format: "json" });
  log("info", "true", { level: "error", text: "false", source: "x", time: 0 });
  assert.partialDeepStrictEqual(JSON.parse(lines[0]!), {
    level: "info",
    text: "true",
    source: "node 1",
  });
});

Deno.test("Braces in a text are text, not a template", () => {
  const { log, lines } = kept({});
  log("info", "configuration {[]} {name}", { name: "x" });
  assert.match(lines[0]!, /configuration \{\[\]\} \{name\} name=x\n$/);
});

Deno.test("Text from a peer or client can neither forge a line nor move the cursor", () => {
  const { log, lines } = kept({});
  log("info", "from \x1b[2Jhost\r\n2026 error node 2: forged\x9b");
  assert.equal(lines[0]!.split("\n").length, 2);
  assert.match(lines[0]!, /from \\x1b\[2Jhost\\x0d\\x0a2026 .*forged\\x9b\n$/);
});

Deno.test("Lines below the level are left out", () => {
  const { log, lines } = kept({ level: "warning" });
  for (const level of ["debug", "info", "warning", "error"] as const) {
    log(level, level);
  }
  assert.equal(lines.length, 2);
});
