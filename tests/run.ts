// `deno task test`: runs what is under tests/, or the files and options that are given,
// shows the output as it comes, and ends with one line: `N passed, N failed`. A file
// that cannot be loaded counts as one failure, and so does a run that counts nothing.

const args = Deno.args.some((arg) => !arg.startsWith("-"))
  ? Deno.args
  : ["tests/", ...Deno.args];

const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--parallel", ...args],
  cwd: new URL("../", import.meta.url),
  stdout: "piped",
  stderr: "piped",
}).spawn();

/** The end of the output, without colours: the summary stands there. */
let tail = "";

async function pass(
  from: ReadableStream<Uint8Array<ArrayBuffer>>,
  to: { writeSync(bytes: Uint8Array): number },
): Promise<void> {
  const utf8 = new TextDecoder();
  for await (const bytes of from) {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
    tail = (tail + utf8.decode(bytes, { stream: true })).slice(-100_000);
  }
}

const [{ success }] = await Promise.all([
  child.status,
  pass(child.stdout, Deno.stdout),
  pass(child.stderr, Deno.stderr),
]);

// deno-lint-ignore no-control-regex
const plain = tail.replace(/\x1b\[[0-9;]*m/g, "");
const summary = [
  ...plain.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm),
].at(-1);
const passed = Number(summary?.[1] ?? 0);
let failed = Number(summary?.[2] ?? 0);
if (failed === 0 && (!success || passed === 0)) failed = 1;

console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
