// `deno task test`: runs what is under tests/, or the files and options that are given,
// shows the output as it comes, names what was skipped and what it would have needed, and
// ends with one line: `N passed, N failed`, and `, N skipped` if any were. Files that cannot
// be loaded count as a failure, and so does a run that counts nothing.
//
//   --no-skips   a skipped test is an error, too: where everything can be installed
//   --quick      without the tests that take long: whole nodes in all kinds of trouble,
//                the many seeds of the simulator, this program itself (`test:quick`)

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { closingLine, type Tally, TallyReader, total } from "./lib/tally.ts";

/**
 * End-to-end tests mostly wait, so they run side by side; the others do not, and not
 * beside them: a process that is being started holds, for a moment, whatever lock the
 * process that starts it has just given back.
 */
const groups = [
  ["tests/", "--ignore=tests/e2e/"],
  ["tests/e2e/", "--parallel"],
];

/** Within a minute on two cores: all that runs alone, and one whole node beside it. */
const quickGroups = [
  ["tests/", "--ignore=tests/e2e/,tests/sim/,tests/unit/run_test.ts"],
  ["tests/e2e/compat_test.ts", "tests/e2e/graph_test.ts", "--parallel"],
];

const noSkips = "--no-skips";
const quick = "--quick";
const given = Deno.args.filter((arg) => arg !== noSkips && arg !== quick);
const named = given.some((arg) => !arg.startsWith("-"));
const all = Deno.args.includes(quick) ? quickGroups : groups;
const runs = named ? [given] : all.map((group) => [...group, ...given]);

const tallies: Tally[] = [];
for (const args of runs) tallies.push(await run(args));
const tally = total(tallies);
const { failed, skips, unexplained } = tally;

for (const { claim, reason } of skips) {
  console.log(`skipped: ${claim}: ${reason}`);
}
if (unexplained > 0) {
  console.log(
    `${unexplained} ignored without a reason, which counts as failed`,
  );
}
const refused = skips.length > 0 && Deno.args.includes(noSkips);
if (refused) console.log(`${noSkips}: nothing may be skipped here`);
console.log(closingLine(tally));
Deno.exit(failed === 0 && !refused ? 0 : 1);

async function run(args: readonly string[]): Promise<Tally> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    cwd: new URL("../", import.meta.url),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = new TallyReader();
  const utf8 = new TextDecoder();
  const [{ success }] = await Promise.all([
    child.status,
    pass(child.stdout, Deno.stdout, (bytes) => {
      reader.read(utf8.decode(bytes, { stream: true }));
    }),
    pass(child.stderr, Deno.stderr),
  ]);
  return reader.end(success);
}

async function pass(
  from: ReadableStream<Uint8Array<ArrayBuffer>>,
  to: { writeSync(bytes: Uint8Array): number },
  see = (_: Uint8Array<ArrayBuffer>) => {},
): Promise<void> {
  for await (const bytes of from) {
    for (let at = 0; at < bytes.length;) {
      at += to.writeSync(bytes.subarray(at));
    }
    see(bytes);
  }
}
