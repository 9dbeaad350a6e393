// The value of each flag, by precedence: the command line, the environment (TICKETD_ID for
// --id), the file of --config, the default. In each of the first three, `NAME-file` may name
// a file that holds the value. Flags that only tools take come from the command line alone.
// Not here: which values a flag takes (`flags.ts`, `tool_flags.ts`), which fit together
// (`config.ts`, `tools.ts`), and how a file of settings is written (`config_file.ts`).

import { UsageError } from "../base/usage_error.ts";
import { looksLikeFlag, missingValue } from "./command_line.ts";
import type { Flag } from "./flags.ts";
import { isToolFlag } from "./tool_flags.ts";
import { allFlags, type FlagName, takesFile, type Value } from "./words.ts";

/** A text given for a flag, and by which means: `--id`, `TICKETD_ID`, `t.toml:3: id`. */
export type Given = { readonly text: string; readonly by: string };

/** What is given outside the command line. */
export type Surroundings = {
  /** One environment variable; empty counts as not set. */
  readonly env: (name: string) => string | undefined;
  /** The content of a file. The message of an error says what is wrong with the file. */
  readonly readFile: (path: string) => string;
};

/** Finds what is given for a key: the name of a flag, or that name with `-file` behind it. */
type Level = (key: string) => Given | undefined;

/** The flags that were given, and the defaults of the others. */
export class Settings {
  readonly #surroundings: Surroundings;
  /** A flag is looked for in each of them, until it is found. */
  readonly #levels: Level[];
  /** What was found. A file is read once: the other end of a pipe writes once. */
  readonly #found = new Map<FlagName, Given | undefined>();

  /** `line` holds the keys on the command line. */
  constructor(line: ReadonlyMap<string, string>, surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#levels = [
      (key) => onLine(line, key),
      (key) => inEnvironment(surroundings, key),
    ];
  }

  /** Adds the keys of a file of settings, which command line and environment outdo. */
  addFile(file: ReadonlyMap<string, Given>): void {
    this.#levels.push((key) => file.get(key));
  }

  /** The text given for `name`, if any is. */
  given(name: FlagName): Given | undefined {
    if (!this.#found.has(name)) this.#found.set(name, this.#find(name));
    return this.#found.get(name);
  }

  #find(name: FlagName): Given | undefined {
    for (const level of this.#levels) {
      const text = level(name);
      const file = takesFile(name) ? level(`${name}-file`) : undefined;
      if (text !== undefined && file !== undefined) {
        throw new UsageError(`${text.by} and ${file.by}: use one of the two`);
      }
      if (file !== undefined) return this.contentOf(file);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** What the file holds that `path` names, without the newline at its end. */
  contentOf({ text: path, by }: Given): Given {
    try {
      const text = this.#surroundings.readFile(path);
      return { text: text.replace(/\r?\n$/, ""), by: `${by} ${path}` };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new UsageError(`${by}: ${JSON.stringify(path)} ${error.message}`);
    }
  }

  /** @throws {UsageError} when it is not allowed. */
  read<N extends FlagName>(name: N): Value<N> {
    const flag: Flag<unknown> = allFlags[name];
    const { text, by } = this.given(name) ?? { text: flag.standard, by: name };
    const value = flag.parse(text);
    if (value !== undefined) return value as Value<N>;
    throw new UsageError(
      `${by}: ${shown(text)} is not allowed; use ${flag.allowed}`,
    );
  }

  /** The value of `name`, or `otherwise` if none was given. */
  readOr<N extends FlagName, T>(name: N, otherwise: T): Value<N> | T {
    return this.given(name) === undefined ? otherwise : this.read(name);
  }
}

/** The environment variable that stands for `key`. */
export function variableOf(key: string): string {
  return `TICKETD_${key.toUpperCase().replaceAll("-", "_")}`;
}

function onLine(
  line: ReadonlyMap<string, string>,
  key: string,
): Given | undefined {
  const text = line.get(key);
  if (text === undefined) return undefined;
  if (looksLikeFlag(text)) throw missingValue(key);
  return { text, by: `--${key}` };
}

function inEnvironment({ env }: Surroundings, key: string): Given | undefined {
  // An inherited TICKETD_YES must not answer the question of a tool.
  if (isToolFlag(key)) return undefined;
  const by = variableOf(key);
  const text = env(by) ?? "";
  return text === "" ? undefined : { text, by };
}

/** In quotes; a file may hold more than anybody would read in one line. */
function shown(text: string): string {
  return JSON.stringify(
    text.length > shownMax ? `${text.slice(0, shownMax)}…` : text,
  );
}

const shownMax = 300;
