// Splits the command line into a word, its flags and their values, and further arguments, the
// way Go's `flag` package and GNU tools read them: one dash or two, `--id 3` or `--id=3`.
// Does not know which values are allowed (`flags.ts`), nor variables and files
// (`settings.ts`), nor which flags fit together (`config.ts`, `tools.ts`).
//
// By hand: `parseArgs` of node:util takes `-id` for `-i -d`.

import { UsageError } from "../base/usage_error.ts";
import { seeHelp } from "./help.ts";
import { similarTo } from "./spelling.ts";
import {
  type FlagName,
  flagNamed,
  flagOf,
  isWord,
  type WordName,
  words,
} from "./words.ts";

/** A command line without faults. */
export type CommandLine =
  | {
    readonly type: "flags";
    readonly word: WordName;
    /**
     * The last value of each flag, `yes` for one without, by its name; behind `NAME-file`, the
     * path of a file.
     */
    readonly given: ReadonlyMap<string, string>;
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
  const given = new Map<string, string>();
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
    else if (flagNamed(name)?.value === "") given.set(name, inline ?? "yes");
    else add(given, { key: name, value: inline ?? left.next().value });
  }
  if (asksForHelp) return { type: "help", word };
  if (unknown !== undefined) throw unknownFlag(unknown, word);
  return { type: "flags", word, given, rest };
}

function takes(word: WordName, key: string): boolean {
  const names: readonly FlagName[] = words[word].flags;
  const name = flagOf(key);
  return name !== undefined && names.includes(name);
}

function add(
  given: Map<string, string>,
  { key, value }: { readonly key: string; readonly value: string | undefined },
): void {
  if (value === undefined) throw missingValue(key);
  const before = flagNamed(key)?.isList ? given.get(key) ?? "" : "";
  given.set(key, before === "" ? value : `${before},${value}`);
}

/** Whether `value` is another flag, in place of a value that was forgotten: `--id --saddr :1`. */
export function looksLikeFlag(value: string): boolean {
  const key = /^--?([a-z-]+)/.exec(value)?.[1];
  return key !== undefined && flagOf(key) !== undefined;
}

/** The fault that `key`, a flag or that with `-file` behind it, has no value. */
export function missingValue(key: string): UsageError {
  const { allowed } = flagNamed(key) ?? { allowed: "the path of a file" };
  return new UsageError(`--${key}: its value is missing; use ${allowed}`);
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
