// ticketd beside Redis, on this machine, in one run: `deno task bench`. Starts and ends all
// that it needs; measures, decides nothing. Read ratios within one run.
//
//   deno task bench                     everything, three rounds, about half an hour;
//                                       writes bench/RESULTS.md
//   deno task bench --compare           the workloads, beside Redis; as it is with the next:
//   deno task bench --durability --start --idle --memory
//   deno task bench --only "50 clients" --rounds 1
//   deno task bench --scale 0.01        a hundredth of the requests: does it run?
//
// What leaves anything out, or has fewer than three rounds, is printed and not written.
// TICKETD_BENCH_DIR chooses the disk. Needs redis-server and redis-benchmark (Debian:
// redis-server, redis-tools).

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import deno from "../deno.json" with { type: "json" };
import { idle, start } from "./at_rest.ts";
import { fileSystem, machine } from "./figures.ts";
import { longRun } from "./long_run.ts";
import { compare } from "./measure.ts";
import { makeDirectory, removeDirectory, run } from "./processes.ts";
import { comparison, durability, report, type Section } from "./report.ts";
import {
  contenders,
  durabilityContenders,
  durabilityWorkloads,
  type Workload,
  workloads,
} from "./workloads.ts";

const roundsToWrite = 3;
const sectionNames = [
  "compare",
  "durability",
  "start",
  "idle",
  "memory",
] as const;

const options = {
  rounds: { type: "string", default: `${roundsToWrite}` },
  only: { type: "string" },
  scale: { type: "string", default: "1" },
  compare: { type: "boolean", default: false },
  durability: { type: "boolean", default: false },
  start: { type: "boolean", default: false },
  idle: { type: "boolean", default: false },
  memory: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const usage = "deno task bench [--rounds N] [--only WORKLOAD or part of it] " +
  "[--scale 0.01] [--compare] [--durability] [--start] [--idle] [--memory]\n" +
  `workloads: ${workloads.map(({ name }) => `"${name}"`).join(" ")}`;

function fail(reason: string): never {
  console.error(reason);
  Deno.exit(1);
}

function parse() {
  try {
    return parseArgs({ args: Deno.args, options }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

const values = parse();
if (values.help) {
  console.log(usage);
  Deno.exit(0);
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  fail(`--rounds ${values.rounds}: a whole number from 1 on is needed`);
}
const scale = Number(values.scale);
if (!(scale > 0 && scale <= 1)) {
  fail(`--scale ${values.scale}: a number above 0, up to 1, is needed`);
}

/** Those that `--only` names, with so many requests as `--scale` leaves. */
function chosen(all: readonly Workload[]): Workload[] {
  const { only = "" } = values;
  const exact = all.filter(({ name }) => name === only);
  const found = exact.length > 0
    ? exact
    : all.filter(({ name }) => name.includes(only));
  if (found.length === 0) {
    const names = all.map(({ name }) => `"${name}"`).join(", ");
    fail(`no workload is called "${only}" or something with it, of ${names}`);
  }
  return found.map((workload) => ({
    ...workload,
    requests: Math.max(100, Math.round(workload.requests * scale)),
  }));
}

const asked = sectionNames.filter((name) => values[name]);
const names = asked.length > 0
  ? asked
  : values.only !== undefined
  ? ["compare"] as const
  : sectionNames;
// Before anything is started: a name that fits nothing is said at once.
const compared = names.some((name) => name === "compare")
  ? chosen(workloads)
  : [];
const atLevels = names.some((name) => name === "durability")
  ? chosen(durabilityWorkloads)
  : [];
const isWhole = names.length === sectionNames.length && scale === 1 &&
  values.only === undefined && rounds >= roundsToWrite;

async function section(name: typeof names[number]): Promise<Section[]> {
  switch (name) {
    case "compare": {
      const what = { workloads: compared, contenders, rounds };
      return comparison(await compare(what), compared);
    }
    case "durability": {
      const what = {
        workloads: atLevels,
        contenders: durabilityContenders,
        rounds,
      };
      return [durability(await compare(what), atLevels)];
    }
    case "start":
      return [await start()];
    case "idle":
      return [await idle()];
    case "memory":
      return [await longRun(scale)];
    default:
      return name satisfies never;
  }
}

/** What a program says of its version; ends with what to install when it is missing. */
async function version(program: string, debian: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(program, {
      args: ["--version"],
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? "of unknown version";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return fail(
      `deno task bench needs ${program}, which was not found: install it ` +
        `(Debian: apt-get install ${debian})`,
    );
  }
}

async function head(): Promise<string[]> {
  const redis = await version("redis-server", "redis-server");
  const tool = await version("redis-benchmark", "redis-tools");
  const directory = makeDirectory();
  const disk = fileSystem(directory);
  removeDirectory(directory);
  const command = ["deno task bench", ...Deno.args].join(" ");
  const day = new Date().toISOString().slice(0, 10);
  return [
    `\`${command}\`, ${day}: ticketd ${deno.version}, Deno ${Deno.version.deno}, Redis ${redis}, redis-benchmark ${tool};`,
    `${machine()}, data on ${disk}, all on this one machine, the load included.`,
    `Rates are medians of ${rounds} round${
      rounds === 1 ? "" : "s"
    }, interleaved, with their range; a fresh server for each measurement.`,
  ];
}

await run(async () => {
  const first = await head();
  const sections: Section[] = [];
  for (const name of names) sections.push(...await section(name));
  const text = report(first, sections);
  console.log(text);
  if (!isWhole) return;
  const file = new URL("RESULTS.md", import.meta.url);
  await Deno.writeTextFile(file, text);
  console.error("written to bench/RESULTS.md");
});
