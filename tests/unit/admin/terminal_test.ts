import assert from "node:assert/strict";
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
