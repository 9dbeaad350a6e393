import assert from "node:assert/strict";
import { harmless } from "../../../admin/terminal.ts";
import { run } from "../../lib/program.ts";

const terminal = new URL("../../../admin/terminal.ts", import.meta.url);

/** Runs `code`, which has `terminal`, with `input` on its standard input. */
async function ask(code: string, input: string) {
  const loaded = `const { terminal } = await import(${
    JSON.stringify(terminal.href)
  });`;
  const args = ["eval", "--ext=ts", `${loaded}\n${code}`];
  return await run(Deno.execPath(), args, { input });
}

Deno.test("A terminal asks on standard error, one line an answer, and none when the input has ended", async () => {
  const code = `for (const question of ["a?", "b?", "c?", "d?"]) {
    terminal.out(JSON.stringify(await terminal.ask(question) ?? "none"));
  }
  terminal.out(String(terminal.isTerminal));
  terminal.error("end");`;
  const { stdout, stderr } = await ask(code, "yes\r\n\nlast");
  assert.equal(stdout, '"yes"\n""\n"last"\n"none"\nfalse\n');
  assert.equal(stderr, "a? b? c? d? end\n");
});

Deno.test("Words of others steer no terminal", async () => {
  assert.equal(harmless("\x1b[2Jx\u009b1m\r"), "\\u001b[2Jx\\u009b1m\\u000d");
  assert.equal(harmless("two\nlines: größer …"), "two\nlines: größer …");
  const code = `const evil = String.fromCharCode(27);
  terminal.out(evil); terminal.error(evil); await terminal.ask(evil);`;
  const { stdout, stderr } = await ask(code, "");
  assert.deepEqual([stdout, stderr], ["\\u001b\n", "\\u001b\n\\u001b "]);
});
