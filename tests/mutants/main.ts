// `deno task mutants [NAME …] [--seeds N] [--list]`: puts each mutant, or the named ones,
// into a copy of the repository, and shows who catches it: the simulator within N seeds
// (100), or else the tests that the mutant names. Ends with `N of N mutants caught`, and
// with code 1 when one survives or cannot be put in place.
//
// The copy must be sound without any mutant, or a failure would mean nothing; that first
// run also tells how long a sound run takes, and so when a mutant hangs.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { mutants } from "./all.ts";
import {
  killAll,
  simulate,
  simulated,
  test,
  typeFault,
  type Verdict,
} from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import { Tree } from "./tree.ts";

/** At once: each has its own copy. */
const treesMax = 2;

/** A run that hangs has taken this much longer than a sound run, and some seconds. */
const patience = 5;
const graceMillis = 15_000;

type Sound = {
  /** How long each test file, and the simulator, takes. */
  readonly millis: ReadonlyMap<string, number>;
  readonly simulatorMillis: number;
  /** The files that the simulator runs: it can know nothing of others. */
  readonly simulated: ReadonlySet<string>;
};

/** The catcher of a mutant, and what is said of it. */
type Fate = {
  readonly by: "simulator" | "tests" | "time" | "nobody";
  readonly text: string;
};

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "100" },
    list: { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds);
if (!Number.isSafeInteger(seeds) || seeds < 0) {
  fail(`--seeds: ${values.seeds} is no count; 0 leaves the simulator out`);
}
const unknown = positionals.find((name) =>
  !mutants.some((mutant) => mutant.name === name)
);
if (unknown !== undefined) fail(`${unknown} is no mutant; --list names them`);
const chosen = positionals.length === 0
  ? mutants
  : mutants.filter(({ name }) => positionals.includes(name));

if (values.list) {
  for (const { name, mistake, source, file } of chosen) {
    console.log(`${name}: ${mistake} (${source}; ${file})`);
  }
} else {
  const trees = Array.from({ length: treesMax }, () => new Tree());
  const removeAll = () => trees.forEach((tree) => tree.remove());
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      killAll();
      removeAll();
      Deno.exit(130);
    });
  }
  let code = 1;
  try {
    code = await hunt(trees);
  } finally {
    removeAll();
  }
  Deno.exit(code);
}

function fail(text: string): never {
  console.error(text);
  Deno.exit(2);
}

/** Runs all that are chosen; the exit code. */
async function hunt(trees: readonly Tree[]): Promise<number> {
  const sound = await baseline(trees);
  if (sound === undefined) return 1;
  const counts = { simulator: 0, tests: 0, time: 0, nobody: 0 };
  await spread(trees, chosen, async (tree, mutant) => {
    const begun = performance.now();
    const fate = await meet(tree, mutant, sound);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    const { name, mistake, source } = mutant;
    console.log(
      `${name}: ${mistake} (${source}) · ${fate.text} · ${seconds} s`,
    );
    counts[fate.by]++;
  });
  const { simulator, tests, time } = counts;
  const caught = simulator + tests + time;
  console.log(`by the simulator ${simulator}, by tests ${tests}, hang ${time}`);
  console.log(`${caught} of ${chosen.length} mutants caught`);
  return caught === chosen.length ? 0 : 1;
}

/** Nothing is wrong before anything is put wrong; `undefined` when something is. */
async function baseline(trees: readonly Tree[]): Promise<Sound | undefined> {
  const files = [...new Set(chosen.flatMap((mutant) => mutant.tests))];
  const millis = new Map<string, number>();
  const faults: string[] = [];
  const judge = async (name: string, ask: () => Promise<Verdict>) => {
    const begun = performance.now();
    const verdict = await ask();
    millis.set(name, performance.now() - begun);
    if (verdict.type === "caught") faults.push(`${name}: ${verdict.by}`);
    if (verdict.type === "timeout") faults.push(`${name} does not end`);
  };
  const [first] = trees;
  const runs = seeds === 0 ? new Set<string>() : await simulated(first!);
  if (runs.size === 0) console.log("without the simulator");
  const simulator = `simulator, ${seeds} seeds`;
  const all = runs.size === 0 ? files : [simulator, ...files];
  await spread(
    trees,
    all,
    (tree, name) =>
      judge(
        name,
        () =>
          name === simulator
            ? simulate(tree, { seeds, limitMillis: 3_600_000 })
            : test(tree, { files: [name], limitMillis: 600_000 }),
      ),
  );
  if (faults.length > 0) {
    console.error("not sound without any mutant; mend this first:");
    for (const fault of faults) console.error(`  ${fault}`);
    return undefined;
  }
  const simulatorMillis = millis.get(simulator) ?? 0;
  const seconds = (simulatorMillis / 1000).toFixed(1);
  console.log(
    `sound without any mutant: ${files.length} test files` +
      (runs.size > 0 ? `, ${seeds} seeds in ${seconds} s` : ""),
  );
  return { millis, simulatorMillis, simulated: runs };
}

/** What becomes of one mutant. */
async function meet(
  tree: Tree,
  mutant: Mutant,
  sound: Sound,
): Promise<Fate> {
  try {
    return await tree.with(mutant, async () => {
      const fault = await typeFault(tree, mutant.file);
      if (fault !== undefined) {
        return { by: "nobody", text: `DOES NOT COMPILE\n${fault}` };
      }
      let verdict: Verdict = { type: "sound" };
      let soundMillis = sound.simulatorMillis;
      let by: "simulator" | "tests" = "simulator";
      if (sound.simulated.has(mutant.file)) {
        const limitMillis = graceMillis + patience * soundMillis;
        verdict = await simulate(tree, { seeds, limitMillis });
      }
      if (verdict.type === "sound") {
        by = "tests";
        const { tests: files } = mutant;
        soundMillis = files.reduce((sum, f) => sum + sound.millis.get(f)!, 0);
        const limitMillis = graceMillis + patience * soundMillis;
        verdict = await test(tree, { files, limitMillis });
      }
      return told(verdict, { by, soundMillis });
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { by: "nobody", text: `DOES NOT APPLY: ${error.message}` };
  }
}

function told(
  verdict: Verdict,
  { by, soundMillis }: { by: "simulator" | "tests"; soundMillis: number },
): Fate {
  switch (verdict.type) {
    case "sound":
      return { by: "nobody", text: "SURVIVES" };
    case "caught":
      return { by, text: `caught by ${verdict.by}` };
    case "timeout": {
      const seconds = (soundMillis / 1000).toFixed(1);
      return { by: "time", text: `hangs (${seconds} s when sound)` };
    }
    default:
      return verdict satisfies never;
  }
}

/** Gives each tree one piece of work after the other, until none is left. */
async function spread<T>(
  trees: readonly Tree[],
  work: readonly T[],
  run: (tree: Tree, piece: T) => Promise<void>,
): Promise<void> {
  const rest = [...work];
  await Promise.all(trees.map(async (tree) => {
    for (let piece; (piece = rest.shift()) !== undefined;) {
      await run(tree, piece);
    }
  }));
}
