// Asks whether what stands in a tree is sound: the simulator over many seeds, tests by
// their files, the type checker. Each in a process of its own with a limit to its time.

import type { Tree } from "./tree.ts";

const simulator = "tests/sim/main.ts";

export type Verdict =
  | { readonly type: "sound" }
  /** `by` names the seed, or the test. */
  | { readonly type: "caught"; readonly by: string }
  | { readonly type: "timeout" };

type Ended = { readonly code: number | undefined; readonly output: string };

const alive = new Set<Deno.ChildProcess>();

/** Ends whatever runs: the user wants no more. */
export function killAll(): void {
  for (const child of alive) kill(child);
}

/** With the servers that its tests have started: they are of its process group. */
function kill({ pid }: Deno.ChildProcess): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** `code` is undefined when the time was up. */
async function run(
  tree: Tree,
  args: readonly string[],
  limitMillis: number,
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: tree.directory,
    env: { NO_COLOR: "1" },
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  alive.add(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(child);
  }, limitMillis);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  alive.delete(child);
  const utf8 = new TextDecoder();
  const output = utf8.decode(stdout) + utf8.decode(stderr);
  return { code: late ? undefined : code, output };
}

/** The files that the simulator runs; none as long as there is no simulator. */
export async function simulated(tree: Tree): Promise<ReadonlySet<string>> {
  if (!tree.has(simulator)) return new Set();
  const args = ["info", "--json", simulator];
  const { code, output } = await run(tree, args, 60_000);
  if (code !== 0) throw new Error(`what ${simulator} imports:\n${output}`);
  const paths = output.matchAll(/"specifier": "file:\/\/([^"]+)"/g);
  const { length } = await Deno.realPath(tree.directory) + "/";
  return new Set(Array.from(paths, ([, path = ""]) => path.slice(length)));
}

/** Everything that hangs on how the simulator is called, and on what it prints. */
export async function simulate(
  tree: Tree,
  { seeds, limitMillis }: { seeds: number; limitMillis: number },
): Promise<Verdict> {
  const { code, output } = await run(tree, [
    ...["run", "-A", "--no-check", simulator],
    ...["--count", String(seeds), "--first", "1", "--quiet"],
  ], limitMillis);
  if (code === undefined) return { type: "timeout" };
  if (code === 0) return { type: "sound" };
  const fault = /^(?:\w*Error.*|too little happened.*)$/m.exec(output)?.[0];
  const [, count = String(seeds)] = /^failed seed=(\d+)/m.exec(output) ?? [];
  const many = count === "1" ? "1 seed" : `${count} seeds`;
  return { type: "caught", by: `simulator, ${many}: ${fault ?? "it ended"}` };
}

/** Runs test files up to the first failure. */
export async function test(
  tree: Tree,
  { files, limitMillis }: { files: readonly string[]; limitMillis: number },
): Promise<Verdict> {
  const { code, output } = await run(tree, [
    ...["test", "-A", "--no-check", "--fail-fast"],
    ...files.map((file) => `tests/${file}`),
  ], limitMillis);
  if (code === undefined) return { type: "timeout" };
  if (code === 0) return { type: "sound" };
  const [, name = "an error outside of any test", file = files.join(" ")] =
    /^(.+) => \.\/tests\/(\S+?):\d+:\d+$/m.exec(output) ?? [];
  return { type: "caught", by: `${file}: ${name}` };
}

/** A mutant that does not compile proves nothing about tests: what is wrong with it. */
export async function typeFault(
  tree: Tree,
  file: string,
): Promise<string | undefined> {
  const { code, output } = await run(tree, ["check", file], 120_000);
  return code === 0 ? undefined : output;
}
