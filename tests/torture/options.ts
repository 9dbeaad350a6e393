// The command line of a torture run.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";

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

const help = `Usage: deno task torture [options]

Breaks real clusters of real processes, and checks every ticket.

Options:
  --minutes <n>   how long
  --seconds <n>   how long; ${defaultSeconds} if nothing is said
  --rounds <n>    end after each fault was done so often
  --seed <n>      what is done to whom, and when
  --only <name>   faults whose name begins so: kill, split-leader, …
  --skip <name>   all faults but those whose name begins so
  --nodes <n>     clusters of this size only: 1, 3 or 5
  --canary        show that a repeated ticket is found
  --inside <dir>  used by the task itself
  -h, --help      print this`;

/** Prints a message and ends the process if `args` are wrong, or ask for help. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string" },
      seconds: { type: "string" },
      rounds: { type: "string" },
      seed: { type: "string" },
      only: { type: "string", default: "" },
      skip: { type: "string", default: "" },
      nodes: { type: "string" },
      canary: { type: "boolean", default: false },
      inside: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    Deno.exit(0);
  }
  const numberOf = (name: "minutes" | "seconds" | "rounds" | "seed") => {
    const text = values[name];
    if (text !== undefined && !/^\d+$/.test(text)) {
      fail(`--${name} takes a whole number, not ${text}`);
    }
    return text === undefined ? undefined : Number(text);
  };
  const { only, skip, nodes, canary, inside } = values;
  const minutes = numberOf("minutes");
  const rounds = numberOf("rounds");
  const seconds = numberOf("seconds") ??
    (minutes !== undefined
      ? minutes * 60
      : rounds !== undefined
      ? Infinity
      : defaultSeconds);
  return {
    seconds,
    rounds,
    seed: numberOf("seed") ?? Math.floor(Math.random() * 2 ** 31),
    only,
    skip,
    nodes: nodes === undefined ? sizes : [sizeOf(nodes)],
    canary,
    inside,
  };
}

function sizeOf(text: string): number {
  return sizes.find((size) => `${size}` === text) ??
    fail(`--nodes takes 1, 3 or 5, not ${text}`);
}

function fail(text: string): never {
  console.error(text);
  Deno.exit(1);
}
