// What `deno task bench` is asked for: its arguments, checked before anything is started, and
// the help. Measures nothing.

import { parseArgs } from "node:util";
import type { Effort } from "./measure.ts";
import { incrementWorkloads, sequenceWorkloads } from "./sequence_workloads.ts";
import {
  durabilityWorkloads,
  slowDiskDelays,
  slowDiskWorkloads,
  type Workload,
  workloads,
} from "./workloads.ts";

export const sectionNames = [
  ...["compare", "sequences", "durability", "slow-disks"],
  ...["start", "idle", "memory"],
] as const;
export type SectionName = typeof sectionNames[number];

/** A run with fewer says too little to be kept. */
const roundsToKeep = 3;

export type Options = {
  readonly sections: readonly SectionName[];
  readonly compared: readonly Workload[];
  readonly ofSequences: readonly Workload[];
  readonly ofIncrements: readonly Workload[];
  readonly atLevels: readonly Workload[];
  readonly onSlowDisks: readonly Workload[];
  readonly delays: readonly number[];
  readonly effort: Effort;
  readonly starts: number;
  readonly idleSeconds: number;
  /** Of the 100 million tickets; `undefined`: none of them. */
  readonly longRunScale: number | undefined;
  /** Nothing is left out: the run may stand for ticketd. */
  readonly isWhole: boolean;
  /** A directory for the results, whatever was measured. */
  readonly out: string | undefined;
};

export const help = `deno task bench: ticketd beside Redis, on this machine

  deno task bench              everything, three rounds, about half an hour; writes
                               bench/RESULTS.md and bench/results.json
  deno task bench --quick      one short round of every kind of row in three minutes
  deno task bench --slow-disks --idle --rounds 1
  deno task bench --only "50 clients"

  --compare      workloads beside Redis
  --sequences    names, blocks, groups and INCR
  --durability   what each level of durability costs
  --slow-disks   nodes whose syncs take 1, 2 and 5 ms longer
  --start        from the start to the first ticket
  --idle         processor time and memory of nodes without clients
  --memory       over 100 million tickets, and without V8's flag
                 (none of these: all of them)
  --only NAME    the workload of that name, or those with NAME in theirs; with no part
                 named, --compare
  --rounds N     3 by default
  --scale X      part of the time of each measurement and of the 100 million tickets, up to 1:
                 0.01 shows whether it runs
  --quick        as above; without the 100 million tickets
  --out DIR      writes RESULTS.md and results.json there, whatever was measured; without it
                 only a whole run with at least 3 rounds is written, to bench/

TICKETD_BENCH_DIR names the directory, and so the disk, for the data. Without redis-server
(Debian: redis-server) Redis is left out, without cc (Debian: gcc libc6-dev) the slow disks.

workloads: ${workloads.map(({ name }) => `"${name}"`).join(", ")}`;

/** Throws an Error with one line for people. `undefined`: help is wanted. */
export function parse(args: readonly string[]): Options | undefined {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      only: { type: "string" },
      scale: { type: "string", default: "1" },
      out: { type: "string" },
      ...{ quick: flag, help: flag, compare: flag, durability: flag },
      sequences: flag,
      ...{ "slow-disks": flag, start: flag, idle: flag, memory: flag },
    },
  });
  if (values.help) return undefined;
  const { only, quick } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : roundsToKeep));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(
      `--rounds ${values.rounds}: a whole number from 1 on is needed`,
    );
  }
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) {
    throw new Error(
      `--scale ${values.scale}: a number above 0, up to 1, is needed`,
    );
  }
  const asked = sectionNames.filter((name) => values[name]);
  const sections: readonly SectionName[] = asked.length > 0
    ? asked
    : only !== undefined
    ? ["compare"]
    : sectionNames;
  const chosen = (section: SectionName, all: readonly Workload[]) => {
    if (!sections.includes(section)) return [];
    if (only !== undefined) return named(only, all);
    return quick ? all.filter(({ isQuick }) => isQuick) : all;
  };
  return {
    sections,
    compared: chosen("compare", workloads),
    ofSequences: chosen("sequences", sequenceWorkloads),
    ofIncrements: chosen("sequences", incrementWorkloads),
    atLevels: chosen("durability", durabilityWorkloads),
    onSlowDisks: chosen("slow-disks", slowDiskWorkloads),
    delays: quick
      ? [slowDiskDelays[0], slowDiskDelays.at(-1)!]
      : slowDiskDelays,
    effort: { rounds, ...seconds(quick, scale) },
    starts: quick ? 3 : 10,
    idleSeconds: quick ? 5 : 30,
    longRunScale: quick ? undefined : scale,
    isWhole: sections.length === sectionNames.length && !quick &&
      only === undefined && scale === 1 && rounds >= roundsToKeep,
    out: values.out,
  };
}

function seconds(
  quick: boolean,
  scale: number,
): Pick<Effort, "warmUpSeconds" | "seconds"> {
  const [warmUpSeconds, seconds] = quick ? [0.9, 0.5] : [1.5, 2.5];
  return {
    warmUpSeconds: warmUpSeconds * scale,
    seconds: Math.max(0.1, seconds * scale),
  };
}

/** Exactly that one, or all whose names contain it. */
function named(only: string, all: readonly Workload[]): readonly Workload[] {
  const exact = all.filter(({ name }) => name === only);
  if (exact.length > 0) return exact;
  const found = all.filter(({ name }) => name.includes(only));
  if (found.length > 0) return found;
  const names = all.map(({ name }) => `"${name}"`).join(", ");
  throw new Error(`no workload is called "${only}" or contains it: ${names}`);
}
