// ticketd beside Redis, on this machine, in one run: `deno task bench`, and `--help` for its
// parts. Starts and ends all that it needs; measures, decides nothing. Read ratios within one
// run. A whole run is written to bench/RESULTS.md, and to bench/results.json, with which the
// next one is compared once it is committed.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import deno from "../deno.json" with { type: "json" };
import { idle, start } from "./at_rest.ts";
import { besideRedis } from "./beside_redis.ts";
import { fileSystem, machine } from "./figures.ts";
import { type About, committedRun, runOf, textOf } from "./last_run.ts";
import { longRun } from "./long_run.ts";
import { help, type Options, parse, type SectionName } from "./options.ts";
import { plainMemory } from "./plain_memory.ts";
import { makeDirectory, removeDirectory, run } from "./processes.ts";
import { skipped, version } from "./programs.ts";
import { report } from "./report.ts";
import type { Section } from "./section.ts";
import { sequences } from "./sequences.ts";
import { sideBySide } from "./side_by_side.ts";
import { type SlowDisk, slowDisk } from "./slow_disk.ts";
import {
  contenders,
  durabilities,
  durabilityGroups,
  givesUp,
  slowDiskGroups,
  slowDiskTargets,
} from "./workloads.ts";

function fail(reason: string): never {
  console.error(`deno task bench: ${reason}`);
  Deno.exit(1);
}

function options(): Options {
  try {
    const parsed = parse(Deno.args);
    if (parsed !== undefined) return parsed;
  } catch (error) {
    fail(`${error instanceof Error ? error.message : error}; see --help`);
  }
  console.log(help);
  Deno.exit(0);
}

const asked = options();
const { effort } = asked;
const redis = await version("redis-server");

/** Lines for people about what is left out. */
const skips: string[] = [];

/** Before anything is measured: a compiler that fails is no reason to lose half an hour. */
async function slowDiskOrSkip(): Promise<SlowDisk | undefined> {
  if (!asked.sections.includes("slow-disks")) return undefined;
  if (await version("cc") === undefined) {
    skips.push(skipped("slow disks", "cc"));
    return undefined;
  }
  try {
    return await slowDisk();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    skips.push(`skipped: slow disks: ${error.message}`);
    return undefined;
  }
}

async function section(
  name: SectionName,
  slow: SlowDisk | undefined,
): Promise<readonly Section[]> {
  switch (name) {
    case "compare":
      return await besideRedis({
        workloads: asked.compared,
        contenders: contenders.filter(({ isRedis }) =>
          redis !== undefined || !isRedis
        ),
        effort,
      });
    case "sequences":
      return await sequences({
        workloads: asked.ofSequences,
        increments: redis === undefined ? [] : asked.ofIncrements,
        effort,
      });
    case "durability":
      return [
        await sideBySide({
          title: "What durability costs",
          lines: [
            "Columns as above. What each level gives up:",
            "",
            ...durabilities.map((level) => `- \`${level}\`: ${givesUp[level]}`),
          ],
          workloads: asked.atLevels,
          groups: durabilityGroups,
          first: "high",
          effort,
        }),
      ];
    case "slow-disks":
      if (slow === undefined) return [];
      return [
        await sideBySide({
          title: "On slow disks",
          lines: [
            "Each fsync and fdatasync of a node takes so many milliseconds longer. Columns as above.",
          ],
          workloads: asked.onSlowDisks,
          groups: slowDiskGroups(slow, asked.delays),
          first: "+0 ms",
          targets: slowDiskTargets,
          effort,
        }),
      ];
    case "start":
      return [await start(asked.starts)];
    case "idle":
      return [await idle(asked.idleSeconds)];
    case "memory":
      return [
        await plainMemory(effort),
        ...asked.longRunScale === undefined
          ? []
          : [await longRun(asked.longRunScale)],
      ];
    default:
      return name satisfies never;
  }
}

function about(): About {
  const directory = makeDirectory();
  const disk = fileSystem(directory);
  removeDirectory(directory);
  const { rounds, seconds, warmUpSeconds } = effort;
  return {
    day: new Date().toISOString().slice(0, 10),
    command: ["deno task bench", ...Deno.args].join(" "),
    versions: `ticketd ${deno.version}, Deno ${Deno.version.deno}, ` +
      `Redis ${redis ?? "missing"}`,
    machine: `${machine()}, data on ${disk}`,
    effort: `${rounds} round${rounds === 1 ? "" : "s"}, interleaved; a fresh ` +
      `server and ${Number(seconds.toFixed(2))} s after ` +
      `${Number(warmUpSeconds.toFixed(2))} s for each measurement.`,
  };
}

await run(async () => {
  const began = performance.now();
  if (redis === undefined && asked.sections.includes("compare")) {
    skips.push(skipped("Redis, and all ratios to it", "redis-server"));
  }
  const slow = await slowDiskOrSkip();
  for (const line of skips) console.error(line);
  const last = await committedRun();
  const sections: Section[] = [];
  for (const name of asked.sections) {
    sections.push(...await section(name, slow));
  }
  const now = runOf(about(), sections);
  const text = report({ run: now, last, sections, skips });
  console.log(text);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.error(`took ${minutes} minutes`);
  const isToKeep = asked.isWhole && skips.length === 0;
  const directory = asked.out ?? (isToKeep ? import.meta.dirname : undefined);
  if (directory === undefined) return;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/RESULTS.md`, text);
  await Deno.writeTextFile(`${directory}/results.json`, textOf(now));
  console.error("RESULTS.md and results.json are written");
});
