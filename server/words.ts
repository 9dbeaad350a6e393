// The words of the command line (`ticketd status`, `ticketd backup`, …): the arguments and
// flags that each of them takes, and what help says of it. Not here: how a line is split
// (`command_line.ts`), which flags fit together (`config.ts`, `tools.ts`), and the work
// itself (`main.ts`, `admin/`).

import { type Flag, flags } from "./flags.ts";
import { toolFlags } from "./tool_flags.ts";

/** All flags, of nodes and of tools. */
export const allFlags = { ...flags, ...toolFlags };

/** The name of any flag, without dashes. */
export type FlagName = keyof typeof allFlags;
/** The type that the value of flag `N` is read as. */
export type Value<N extends FlagName> = Exclude<
  ReturnType<(typeof allFlags)[N]["parse"]>,
  undefined
>;

/** The flag `name`, if there is one. */
export function flagNamed(name: string): Flag<unknown> | undefined {
  return Object.hasOwn(allFlags, name) ? allFlags[name as FlagName] : undefined;
}

/** Whether `NAME-file`, for the flag `name`, names a file that holds the value. */
export function takesFile(name: string): boolean {
  return Object.hasOwn(flags, name) && name !== "config";
}

/** The flag that `key` gives a value: its name, or that with `-file` behind it. */
export function flagOf(key: string): FlagName | undefined {
  const name = key.replace(/-file$/, "");
  if (name !== key && !takesFile(name)) return undefined;
  return Object.hasOwn(allFlags, name) ? name as FlagName : undefined;
}

/** A word of the command line. */
export type Word = {
  /** What follows the word, as usage shows it; empty for nothing. */
  readonly takes: string;
  /** Its line in the list of words. */
  readonly about: string;
  readonly flags: readonly FlagName[];
  /** What its help says below usage, in lines of up to 79 characters. */
  readonly text: string;
};

/** Where the data of a stopped node lie. */
const nodeFlags = ["id", "dir", "storage", "config"] as const;
/** The flags of a node that is made anew. */
const newNodeFlags = [...nodeFlags, "raddr", "advertise"] as const;

/** All words, in the order of --help. */
export const words = {
  serve: {
    takes: "[flags]",
    about: "serve clients; the same without a command",
    flags: Object.keys(flags) as (keyof typeof flags)[],
    text: "",
  },
  status: {
    takes: "[HOST:PORT]",
    about: "look at a whole cluster",
    flags: [],
    text:
      `Asks the node that serves clients at HOST:PORT (${flags.saddr.standard}), then
every member of its cluster, and prints a table. Exit code 0 when there is a
leader and every voter answers; else 1, and a line that says what is wrong.`,
  },
  backup: {
    takes: "HOST:PORT [FILE]",
    about: "save the numbers of a cluster to a file",
    flags: ["every", "keep"],
    text:
      `Asks the cluster, through the node that serves clients at HOST:PORT, for its
numbers and members. Every ticket answered before is inside. Writes FILE, or
standard output. With --every, FILE is a directory of backups.`,
  },
  restore: {
    takes: "FILE (--skip N | --above N | --exact) [flags]",
    about: "begin a new cluster from a backup",
    flags: ["skip", "above", "exact", ...newNodeFlags],
    text:
      `Makes the data of one new node, the first of a new cluster, from a backup.
Numbers that were given after the backup would be given again: so --skip or
--above says where each sequence begins, and names that the backup does not
know are refused until they are created. Exit code 0 when the data are on disk.`,
  },
  recover: {
    takes: "--skip N [--yes] [flags]",
    about: "go on with one node after a majority is lost",
    flags: ["skip", "yes", ...newNodeFlags],
    text:
      `Makes a stopped node the only voter of a new cluster, which begins N numbers
above the last one that this node knows, for each sequence. The lost nodes may
have given more than it knows: choose N larger than that. Names that it does
not know are refused until they are created. Asks before it writes.`,
  },
  check: {
    takes: "[--json] [flags]",
    about: "verify the data of a stopped node",
    flags: ["json", ...nodeFlags],
    text:
      `Reads all data of a stopped node in DIR/ID and changes nothing. Exit code 0
when they are sound; else 1, with file, offset and meaning of each fault.`,
  },
  inspect: {
    takes: "[--json] [flags]",
    about: "show the data of a stopped node",
    flags: ["json", ...nodeFlags],
    text:
      `Prints the records in the data of a stopped node in DIR/ID, one a line, and
changes nothing. It goes on behind damage as far as it can.`,
  },
  help: {
    takes: "[COMMAND]",
    about: "print this, or the help of a command",
    flags: [],
    text: "Prints the help of COMMAND, or of ticketd itself.",
  },
  version: {
    takes: "",
    about: "print the version",
    flags: [],
    text: "Prints the version.",
  },
} satisfies Record<string, Word>;

/** A word of the command line. */
export type WordName = keyof typeof words;

/** Whether `text` is a word of the command line. */
export function isWord(text: string): text is WordName {
  return Object.hasOwn(words, text);
}

/** One line: `ticketd check [--json] [flags]`. */
export function usageOf(word: WordName): string {
  return `ticketd ${word} ${words[word].takes}`.trimEnd();
}
