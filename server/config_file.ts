// The file of `--config`: TOML, with the names of the flags as keys and no tables.
//
//   id = "node-2"
//   saddr = ":11001"
//   join = ["10.0.0.1:11001", "10.0.0.3:11001"]
//   io-threads = 4
//
// A number or a boolean stands for its text. Not here: reading the file (`permissions.ts`),
// and what a flag takes (`flags.ts`).

import { parse, TomlError } from "smol-toml";
import { UsageError } from "../base/usage_error.ts";
import { didYouMean } from "./command_line.ts";
import type { Given } from "./settings.ts";
import { similarTo } from "./spelling.ts";
import { type FlagName, flagNamed, flagOf, words } from "./words.ts";

/**
 * The settings in `text`, the content of the file `path`, by their names.
 *
 * @throws {UsageError} for what is no TOML, for an unknown name, and for a value that is no
 * text and stands for none.
 */
export function settingsIn(
  text: string,
  path: string,
): ReadonlyMap<string, Given> {
  const settings = new Map<string, Given>();
  for (const [key, value] of Object.entries(tableOf(text, path))) {
    const place = placeOf(key, { text, path });
    if (!names.some((name) => name === flagOf(key))) {
      const near = didYouMean(similarTo(key, names));
      throw new UsageError(
        `${place}: unknown key ${JSON.stringify(key)}${near}; ` +
          "--help lists the flags, which are the keys",
      );
    }
    const by = `${place}: ${key}`;
    settings.set(key, { text: textOf(value, { key, by }), by });
  }
  return settings;
}

/** The keys, beside those with `-file` behind them. */
const names: readonly FlagName[] = words.serve.flags.filter((name) =>
  name !== "config"
);

function tableOf(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ""] = error.message.split("\n");
    const reason = first.replace(/^Invalid TOML document: /, "");
    throw new UsageError(`${path}:${error.line}: no TOML: ${reason}`);
  }
}

/** `value` as one would write it behind the flag. */
function textOf(
  value: unknown,
  { key, by }: { readonly key: string; readonly by: string },
): string {
  if (isScalar(value)) return String(value);
  const flag = flagNamed(key);
  const isArray = Array.isArray(value);
  if (isArray && flag?.isList && value.every(isScalar)) return value.join(",");
  const kind = isArray
    ? flag?.isList ? "an array of other things than texts" : "an array"
    : value instanceof Date
    ? "a date"
    : "a table";
  const { allowed } = flag ?? { allowed: "the path of a file" };
  throw new UsageError(`${by}: ${kind} is not allowed; use ${allowed}`);
}

function isScalar(value: unknown): boolean {
  return /^(string|number|bigint|boolean)$/.test(typeof value);
}

/** `PATH:LINE`, or `PATH` alone if several lines look as if they began with `key`. */
function placeOf(
  key: string,
  { text, path }: { readonly text: string; readonly path: string },
): string {
  const lines = text.split("\n").flatMap((line, at) => {
    const match = /^[\s[]*(?:"([^"]*)"|'([^']*)'|([\w-]+))/.exec(line);
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    return name === key ? [at + 1] : [];
  });
  return lines.length === 1 ? `${path}:${lines[0]}` : path;
}
