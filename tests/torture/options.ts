// The command line of a torture run.

import { Command, InvalidArgumentError } from "commander";

export type Options = {
  /** How long the run takes, unless `rounds` ends it earlier. */
  readonly seconds: number;
  /** How often each fault is done; any number of times if `undefined`. */
  readonly rounds: number | undefined;
  readonly seed: number;
  /** The beginning of the names of the faults to do; empty for all. */
  readonly only: string;
  /** The beginning of the names of the faults to leave out; empty for none. */
  readonly skip: string;
  /** The sizes of the clusters, one after the other, in nodes. */
  readonly nodes: readonly number[];
  /** Repeats a ticket, to show that it is found. */
  readonly canary: boolean;
  /** The directory for everything; set for the process in the namespaces. */
  readonly inside: string | undefined;
};

const defaultSeconds = 300;
/** The cluster sizes that there are, in nodes. */
export const sizes = [3, 1, 5] as const;

/** Prints a message and ends the process if `args` are wrong, or ask for help. */
export function parseOptions(args: readonly string[]): Options {
  const command = new Command("deno task torture")
    .description(
      "Breaks real clusters of real processes, and checks every ticket.",
    )
    .option("--minutes <n>", "how long", number)
    .option("--seconds <n>", "how long; 300 if nothing is said", number)
    .option("--rounds <n>", "end after each fault was done so often", number)
    .option("--seed <n>", "what is done to whom, and when", number)
    .option(
      "--only <name>",
      "faults whose name begins so: kill, split-leader, …",
      "",
    )
    .option("--skip <name>", "all faults but those whose name begins so", "")
    .option("--nodes <n>", "clusters of this size only: 1, 3 or 5", size)
    .option("--canary", "show that a repeated ticket is found", false)
    .option("--inside <directory>", "used by the task itself")
    .parse([...args], { from: "user" });
  const given = command.opts<{
    minutes?: number;
    seconds?: number;
    rounds?: number;
    seed?: number;
    only: string;
    skip: string;
    nodes?: number;
    canary: boolean;
    inside?: string;
  }>();
  const { minutes, rounds, only, skip, nodes, canary, inside } = given;
  const seconds = given.seconds ??
    (minutes !== undefined
      ? minutes * 60
      : rounds !== undefined
      ? Infinity
      : defaultSeconds);
  return {
    seconds,
    rounds,
    seed: given.seed ?? Math.floor(Math.random() * 2 ** 31),
    only,
    skip,
    nodes: nodes === undefined ? sizes : [nodes],
    canary,
    inside,
  };
}

function number(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number");
  return Number(text);
}

function size(text: string): number {
  const found = sizes.find((size) => `${size}` === text);
  if (found === undefined) throw new InvalidArgumentError("1, 3 or 5");
  return found;
}
