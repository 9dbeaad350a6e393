// A run of the benchmark for programs, `bench/results.json`, and what has changed since the
// last one that was committed. Only ratios of one run are compared: they mean something on
// another machine, too. What git has is read with git; elsewhere there is no last run.

import { median, range } from "./figures.ts";
import { table } from "./markdown.ts";
import type { Ratio, Row, Section, Target } from "./section.ts";
import { ranged } from "./section.ts";

/** Where and how it was made, for people. */
export type About = {
  readonly day: string;
  readonly command: string;
  readonly versions: string;
  readonly machine: string;
  readonly effort: string;
};

export type Run = {
  readonly about: About;
  readonly targets: readonly Target[];
  readonly ratios: readonly Ratio[];
  readonly rows: readonly Row[];
};

export function runOf(about: About, sections: readonly Section[]): Run {
  return {
    about,
    targets: sections.flatMap(({ targets = [] }) => targets),
    ratios: sections.flatMap(({ ratios = [] }) => ratios)
      .filter(({ rounds }) => rounds.length > 0)
      .map(({ what, rounds }) => ({
        what,
        rounds: rounds.map((ratio) => Number(ratio.toFixed(3))),
      })),
    rows: sections.flatMap(({ rows = [] }) => rows),
  };
}

/** JSON with a line for each target, ratio and row, so that two runs can be read side by side. */
export function textOf(run: Run): string {
  const list = (name: "targets" | "ratios" | "rows") => {
    const lines = run[name].map((one) => JSON.stringify(one));
    return `${JSON.stringify(name)}: [\n${lines.join(",\n")}\n]`;
  };
  return `{"about": ${JSON.stringify(run.about)},\n` +
    [list("targets"), list("ratios"), list("rows")].join(",\n") + "}\n";
}

/** `undefined` if there is none, or no git to ask. */
export async function committedRun(): Promise<Run | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["show", "HEAD:./results.json"],
      cwd: new URL("./", import.meta.url),
      stderr: "null",
    }).output();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export type Change = {
  readonly what: string;
  readonly then: readonly number[];
  readonly now: readonly number[];
  /** Of the median, as a part of what it was: 0.1 is a tenth more. */
  readonly change: number;
  /** The rounds of both runs do not overlap; never, if either has one round. */
  readonly isBeyondNoise: boolean;
};

/** Of the ratios that both runs have. */
export function changes(last: Run, now: Run): Change[] {
  const before = new Map(last.ratios.map(({ what, rounds }) => [what, rounds]));
  return now.ratios.flatMap(({ what, rounds }) => {
    const then = before.get(what);
    if (then === undefined) return [];
    return [{
      what,
      then,
      now: rounds,
      change: median(rounds) / median(then) - 1,
      isBeyondNoise: areApart(then, rounds),
    }];
  });
}

function areApart(some: readonly number[], others: readonly number[]): boolean {
  if (Math.min(some.length, others.length) < 2) return false;
  const [a, b] = [range(some), range(others)];
  return a.most < b.least || b.most < a.least;
}

/** Lines of the report. */
export function changeLines(last: Run | undefined, now: Run): string[] {
  if (last === undefined) return ["No run was committed before this one."];
  const all = changes(last, now);
  const moved = all.filter(({ isBeyondNoise }) => isBeyondNoise);
  const ratio = (rounds: readonly number[]) =>
    ranged(rounds, (one) => one.toFixed(2));
  const { day, versions, machine } = last.about;
  return [
    `The committed run: ${day}, ${versions}; ${machine}.`,
    `Of ${all.length} ratios that both runs have, ${moved.length} moved beyond noise: their rounds do not overlap.`,
    "",
    ...table(
      ["ratio", "then", "now", "change", "beyond noise"],
      all.map(({ what, then, now, change, isBeyondNoise }) => [
        ...[what, ratio(then), ratio(now)],
        `${change < 0 ? "" : "+"}${Math.round(change * 100)} %`,
        !isBeyondNoise ? "" : change > 0 ? "better" : "worse",
      ]),
    ),
  ];
}
