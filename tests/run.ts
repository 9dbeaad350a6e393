// `deno task test`: runs what is under tests/, or the files and options that are given,
// shows the output as it comes, and ends with one line: `N passed, N failed`. Files that
// cannot be loaded count as a failure, and so does a run that counts nothing.

/**
 * End-to-end tests mostly wait, so they run side by side; the others do not, and not
 * beside them: a process that is being started holds, for a moment, whatever lock the
 * process that starts it has just given back.
 */
const groups = [
  ["tests/", "--ignore=tests/e2e/"],
  ["tests/e2e/", "--parallel"],
];

const named = Deno.args.some((arg) => !arg.startsWith("-"));
const runs = named
  ? [Deno.args]
  : groups.map((group) => [...group, ...Deno.args]);

let passed = 0;
let failed = 0;
for (const args of runs) {
  const { success, output } = await run(args);
  const summary = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm;
  const [, ok = 0, bad = 0] = [...output.matchAll(summary)].at(-1) ?? [];
  passed += Number(ok);
  failed += success ? Number(bad) : Math.max(1, Number(bad));
}
if (passed + failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

/** `output` is its end, where the summary stands, without colours. */
async function run(
  args: readonly string[],
): Promise<{ success: boolean; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    cwd: new URL("../", import.meta.url),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const pass = async (
    from: ReadableStream<Uint8Array<ArrayBuffer>>,
    to: { writeSync(bytes: Uint8Array): number },
  ) => {
    const utf8 = new TextDecoder();
    for await (const bytes of from) {
      for (let at = 0; at < bytes.length;) {
        at += to.writeSync(bytes.subarray(at));
      }
      output = (output + utf8.decode(bytes, { stream: true })).slice(-100_000);
    }
  };
  const [{ success }] = await Promise.all([
    child.status,
    pass(child.stdout, Deno.stdout),
    pass(child.stderr, Deno.stderr),
  ]);
  // deno-lint-ignore no-control-regex
  return { success, output: output.replace(/\x1b\[[0-9;]*m/g, "") };
}
