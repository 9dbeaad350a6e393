// `deno task test`: runs what is under tests/, or the files and options that are given,
// shows the output as it comes, names what was skipped and what it would have needed, and
// ends with one line: `N passed, N failed`, and `, N skipped` if any were. Files that cannot
// be loaded count as a failure, and so does a run that counts nothing.
//
//   --no-skips   a skipped test is an error, too: where everything can be installed
//   --quick      only the tests that take short: no nodes in trouble, no simulator, no
//                fuzzing, no crash images (`deno task test:quick`)

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { join } from "node:path";
import { sources } from "./lib/source_tree.ts";
import { closingLine, type Tally, TallyReader, total } from "./lib/tally.ts";

const root = new URL("../", import.meta.url);

/**
 * End-to-end tests mostly wait, so they run side by side; the others do not, and not
 * beside them: a process that is being started holds, for a moment, whatever lock the
 * process that starts it has just given back.
 */
const groups = [
  ["tests/", "--ignore=tests/e2e/"],
  ["tests/e2e/", "--parallel"],
];

/**
 * For `--quick`, within a minute on two cores. Most unit tests share one isolate: to load the
 * modules of a hundred files anew for each takes longer than all their tests.
 */
const quickUnits = [
  ...["tests/tidy_test.ts", "tests/docs_test.ts", "tests/mutants/"],
  ...["tests/torture/", "tests/unit/base/", "tests/unit/raft/"],
  "tests/unit/server/",
];
/** Hundreds of random runs; and tests that count what all of a process holds. */
const notQuick = /random_cluster_test|change_random_test|slabs_test/;
const quickGroups = [
  ["tests/unit/storage/", "tests/unit/server/resp/slabs_test.ts"],
  ["tests/e2e/compat_test.ts", "tests/e2e/graph_test.ts", "--parallel"],
];

const noSkips = "--no-skips";
const quick = "--quick";
const given = Deno.args.filter((arg) => arg !== noSkips && arg !== quick);
const named = given.some((arg) => !arg.startsWith("-"));
const isQuick = Deno.args.includes(quick) && !named;

const tallies: Tally[] = [];
if (isQuick) tallies.push(await runTogether(quickUnits));
const all = named ? [[]] : isQuick ? quickGroups : groups;
for (const group of all) tallies.push(await run([...group, ...given]));
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

/** Runs the tests of all files in or below `paths` in one isolate. */
async function runTogether(paths: readonly string[]): Promise<Tally> {
  const directory = await Deno.makeTempDir({ prefix: "ticketd-quick-" });
  try {
    const files = sources.filter((path) =>
      path.endsWith("_test.ts") && !notQuick.test(path) &&
      paths.some((start) => path.startsWith(start))
    );
    const entry = join(directory, "quick_test.ts");
    await Deno.writeTextFile(
      entry,
      files.map((path) => `import ${JSON.stringify(new URL(path, root))};\n`)
        .join(""),
    );
    // Of a file that is new each time, all types would be checked each time.
    return await run(["--no-check", "--config=deno.json", entry, ...given]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(args: readonly string[]): Promise<Tally> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    cwd: root,
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
