// The whole report in markdown: its head, the targets met and missed, what has changed since
// the committed run, and the sections. Reads nothing and measures nothing.

import { changeLines, type Run } from "./last_run.ts";
import { table } from "./markdown.ts";
import type { Section, Target } from "./section.ts";

export function report(
  { run, last, sections, skips }: {
    readonly run: Run;
    readonly last: Run | undefined;
    readonly sections: readonly Section[];
    /** One line for each thing that was left out. */
    readonly skips: readonly string[];
  },
): string {
  const { day, command, versions, machine, effort } = run.about;
  const lines = [
    "# Benchmarks",
    "",
    `\`${command}\`, ${day}: ${versions};`,
    `${machine}, all on this one machine, the load included.`,
    `${effort} The load, the same for all`,
    "servers, is `bench/closed_loop.ts`: each client sends its next pipeline when it has the last reply to the one",
    "before, and checks every reply.",
    ...skips.flatMap((skip) => ["", skip]),
    ...part("Targets", targetLines(run.targets)),
    ...part("Since the last run", changeLines(last, run)),
    ...sections.flatMap(({ title, lines }) => part(title, lines)),
  ];
  return lines.join("\n") + "\n";
}

function part(title: string, lines: readonly string[]): string[] {
  return ["", `## ${title}`, "", ...lines];
}

/** The missed ones first. */
function targetLines(targets: readonly Target[]): string[] {
  if (targets.length === 0) return ["None was measured."];
  const missed = targets.filter(({ isMet }) => !isMet);
  const met = targets.filter(({ isMet }) => isMet);
  return [
    `${met.length} of ${targets.length} are met. Ratios: median and range of the rounds.`,
    "",
    ...table(
      ["target", "found", "wanted", ""],
      [...missed, ...met].map(({ what, found, target, isMet }) => [
        ...[what, found, target, isMet ? "met" : "**missed**"],
      ]),
    ),
  ];
}
