// `deno task test` as it runs where programs are missing: what it lists, its last line, and
// its exit code, on test files of our own.

import assert from "node:assert/strict";

const run = new URL("../run.ts", import.meta.url).pathname;
const needs = JSON.stringify(new URL("../lib/needs.ts", import.meta.url).href);

type Ended = { readonly code: number; readonly lines: string[] };

/** Runs it on one file with `source`, where no program is found. */
async function testRun(source: string, ...flags: string[]): Promise<Ended> {
  const directory = await Deno.makeTempDir({ prefix: "ticketd-test-" });
  try {
    const path = `${directory}/sample_test.ts`;
    await Deno.writeTextFile(
      path,
      `import { lack, skippable } from ${needs};\n${source}`,
    );
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", run, path, ...flags],
      env: { NO_COLOR: "1", PATH: directory },
    }).output();
    return { code, lines: new TextDecoder().decode(stdout).split("\n") };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const passes = `Deno.test("It holds", () => {});`;
const skips = `
  Deno.test({
    ...skippable("It talks", ["redis-cli", "strace"]),
    fn() { throw new Error("it was run"); },
  });`;
const line =
  "skipped: It talks: needs redis-cli (Debian: redis-tools), strace (Debian: strace)";

Deno.test("A test whose programs are missing is skipped by name, with their packages, and counted", async () => {
  const { code, lines } = await testRun(passes + skips);
  assert.deepEqual(lines.slice(-3), [
    line,
    "1 passed, 0 failed, 1 skipped",
    "",
  ]);
  assert.equal(code, 0);
});

Deno.test("With --no-skips a skip ends the run with 1", async () => {
  const { code, lines } = await testRun(passes + skips, "--no-skips");
  assert.deepEqual(lines.slice(-4), [
    line,
    "--no-skips: nothing may be skipped here",
    "1 passed, 0 failed, 1 skipped",
    "",
  ]);
  assert.equal(code, 1);
  const whole = await testRun(passes, "--no-skips");
  assert.deepEqual([whole.code, whole.lines.at(-2)], [0, "1 passed, 0 failed"]);
});

Deno.test("No skip hides a failure", async () => {
  const hides: Record<string, string> = {
    "another test fails":
      `Deno.test("It fails", () => { throw new Error(); });`,
    "one is ignored for no reason": `Deno.test.ignore("It rests", () => {});`,
    "the file cannot be loaded": `throw new Error("not loaded");`,
    "a program is misspelt": `lack(["redis-clii"]);`,
    "a program that is used was not named as needed":
      `Deno.test("It runs", () => { new Deno.Command("nft").outputSync(); });`,
  };
  await Promise.all(
    Object.entries(hides).map(async ([why, source]) => {
      const { code, lines } = await testRun(passes + skips + source);
      assert.equal(code, 1, why);
      const closing = /^\d+ passed, 1 failed(, 1 skipped)?$/;
      assert.match(lines.at(-2)!, closing, why);
    }),
  );
});
