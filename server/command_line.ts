// Splits the command line into flags and their values, the way Go's `flag` package and GNU
// tools read them: one dash or two, `--id 3` or `--id=3`. Does not know which values are
// allowed (`flags.ts`), nor variables, nor which flags fit together (`config.ts`).
//
// By hand: `parseArgs` of node:util takes `-id` for `-i -d`.

import { flags, isName, type Name } from "./flags.ts";
import { seeHelp } from "./help.ts";
import { similarTo } from "./spelling.ts";

/** A fault in the command line or a variable; its message is one line for the user. */
export class UsageError extends Error {}

/** A command line without faults. */
export type CommandLine =
  | {
    readonly type: "flags";
    /** The last value of each flag; `yes` for a flag that takes none. */
    readonly given: ReadonlyMap<Name, string>;
    /** Arguments that are neither flags nor values. */
    readonly words: readonly string[];
  }
  | { readonly type: "help" }
  | { readonly type: "version" };

/**
 * `args` are those of the process, without its name.
 *
 * @throws {UsageError} for an unknown flag and for a missing value.
 */
export function splitCommandLine(args: readonly string[]): CommandLine {
  const given = new Map<Name, string>();
  const words: string[] = [];
  let asksForHelp = false;
  let unknown: string | undefined;
  const rest = args.values();
  for (const arg of rest) {
    if (arg === "--") {
      words.push(...rest);
      break;
    }
    // A dash alone and a negative number are words.
    if (!/^-./s.test(arg) || Number.isFinite(Number(arg))) {
      words.push(arg);
      continue;
    }
    const [, name = "", inline] = /^--?([a-z-]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (arg === "-h" || /^--?help$/.test(arg)) asksForHelp = true;
    else if (/^--?version$/.test(arg)) return { type: "version" };
    else if (isName(name) && flags[name].value !== "") {
      add(given, { name, value: inline ?? rest.next().value });
    } else if (isName(name) && inline === undefined) given.set(name, "yes");
    else unknown ??= arg;
  }
  if (asksForHelp) return { type: "help" };
  if (unknown !== undefined) throw unknownFlag(unknown);
  return { type: "flags", given, words };
}

function add(
  given: Map<Name, string>,
  { name, value }: { readonly name: Name; readonly value: string | undefined },
): void {
  if (value === undefined) throw missingValue(name);
  const before = name === "join" ? given.get(name) ?? "" : "";
  given.set(name, before === "" ? value : `${before},${value}`);
}

/** Whether `value` is another flag, in place of a value that was forgotten: `--id --saddr :1`. */
export function looksLikeFlag(value: string): boolean {
  const name = /^--?([a-z-]+)/.exec(value)?.[1];
  return name !== undefined && isName(name);
}

/** The fault that flag `name` has no value. */
export function missingValue(name: Name): UsageError {
  return new UsageError(
    `--${name}: its value is missing; use ${flags[name].allowed}`,
  );
}

function unknownFlag(arg: string): UsageError {
  const shown = /^-[a-z][a-z-]/.test(arg) ? `-${arg}` : arg;
  const text = `unknown flag '${shown}'${suggestionFor(shown)}`;
  const line = text.trim().replace(/\s*[\n\r]\s*/g, " ");
  return new UsageError(`${line}; ${seeHelp}`);
}

function suggestionFor(flag: string): string {
  const name = /^--([^]*)$/.exec(flag)?.[1];
  if (name === undefined) return "";
  const names = similarTo(name, ["version", ...Object.keys(flags), "help"]);
  if (names.length === 0) return "";
  const oneOf = names.length > 1 ? "one of " : "";
  return ` (Did you mean ${oneOf}${
    names.map((name) => `--${name}`).join(", ")
  }?)`;
}
