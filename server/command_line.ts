// Splits the command line into a word, its flags and their values, and further arguments, the
// way Go's `flag` package and GNU tools read them: one dash or two, `--id 3` or `--id=3`.
// Does not know which values are allowed (`flags.ts`), nor variables and files
// (`settings.ts`), nor which flags fit together (`config.ts`, `tools.ts`).
//
// By hand: `parseArgs` of node:util takes `-id` for `-i -d`.

import type { Flag } from "./flags.ts";
import { seeHelp } from "./help.ts";
import { similarTo } from "./spelling.ts";
import {
  allFlags,
  type FlagName,
  isWord,
  type WordName,
  words,
} from "./words.ts";

/** A fault in what the user wrote, wherever; its message is one line for the user. */
export class UsageError extends Error {}

/** A command line without faults. */
export type CommandLine =
  | {
    readonly type: "flags";
    readonly word: WordName;
    /** The last value of each flag; `yes` for a flag that takes none. */
    readonly given: ReadonlyMap<FlagName, string>;
    /** Arguments that are neither flags nor values, without the word. */
    readonly rest: readonly string[];
  }
  | { readonly type: "help"; readonly word: WordName }
  | { readonly type: "version" };

/**
 * `args` are those of the process, without its name.
 *
 * @throws {UsageError} for an unknown word or flag, and for a missing value.
 */
export function splitCommandLine(args: readonly string[]): CommandLine {
  const [first = ""] = args;
  if (first === "" || first.startsWith("-")) return splitFlags("serve", args);
  if (isWord(first)) return splitFlags(first, args.slice(1));
  throw unknownWord(first);
}

function splitFlags(word: WordName, args: readonly string[]): CommandLine {
  const given = new Map<FlagName, string>();
  const rest: string[] = [];
  let asksForHelp = false;
  let unknown: string | undefined;
  const left = args.values();
  for (const arg of left) {
    if (arg === "--") {
      rest.push(...left);
      break;
    }
    // A dash alone and a negative number are arguments.
    if (!/^-./s.test(arg) || Number.isFinite(Number(arg))) {
      rest.push(arg);
      continue;
    }
    const [, name = "", inline] = /^--?([a-z-]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (arg === "-h" || /^--?help$/.test(arg)) asksForHelp = true;
    else if (/^--?version$/.test(arg)) return { type: "version" };
    else if (!takes(word, name)) unknown ??= arg;
    else if (allFlags[name].value !== "") {
      add(given, { name, value: inline ?? left.next().value });
    } else given.set(name, inline ?? "yes");
  }
  if (asksForHelp) return { type: "help", word };
  if (unknown !== undefined) throw unknownFlag(unknown, word);
  return { type: "flags", word, given, rest };
}

function takes(word: WordName, name: string): name is FlagName {
  const names: readonly string[] = words[word].flags;
  return names.includes(name);
}

function add(
  given: Map<FlagName, string>,
  { name, value }: {
    readonly name: FlagName;
    readonly value: string | undefined;
  },
): void {
  if (value === undefined) throw missingValue(name);
  const before = name === "join" ? given.get(name) ?? "" : "";
  given.set(name, before === "" ? value : `${before},${value}`);
}

/** Whether `value` is another flag, in place of a value that was forgotten: `--id --saddr :1`. */
export function looksLikeFlag(value: string): boolean {
  const name = /^--?([a-z-]+)/.exec(value)?.[1];
  return name !== undefined && Object.hasOwn(allFlags, name);
}

/** The fault that flag `name` has no value. */
export function missingValue(name: FlagName): UsageError {
  const { allowed }: Flag<unknown> = allFlags[name];
  return new UsageError(`--${name}: its value is missing; use ${allowed}`);
}

/** The fault that `text` is no word of ticketd. */
export function unknownWord(text: string): UsageError {
  const near = didYouMean(similarTo(text, Object.keys(words)));
  return new UsageError(
    `${oneLine(`unknown command '${text}'${near}`)}; ticketd help lists all`,
  );
}

function unknownFlag(arg: string, word: WordName): UsageError {
  const shown = /^-[a-z][a-z-]/.test(arg) ? `-${arg}` : arg;
  const name = /^--([^]*)$/.exec(shown)?.[1];
  const known = ["version", ...words[word].flags, "help"];
  const near = name === undefined ? [] : similarTo(name, known);
  const by = word === "serve" ? "" : `${word}: `;
  const suggestion = didYouMean(near.map((name) => `--${name}`));
  return new UsageError(
    `${by}${oneLine(`unknown flag '${shown}'${suggestion}`)}; ${seeHelp(word)}`,
  );
}

/** ` (Did you mean one of --raddr, --saddr?)`, or nothing. */
export function didYouMean(near: readonly string[]): string {
  if (near.length === 0) return "";
  return ` (Did you mean ${near.length > 1 ? "one of " : ""}${
    near.join(", ")
  }?)`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\n\r]\s*/g, " ");
}
