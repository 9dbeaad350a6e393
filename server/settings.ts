// The value of each flag, by precedence: the command line, the environment (TICKETD_ID for
// --id), the default. Flags that only tools take come from the command line alone. Not here:
// which values a flag takes (`flags.ts`, `tool_flags.ts`), and which fit together.

import { looksLikeFlag, missingValue, UsageError } from "./command_line.ts";
import { type Flag, flags } from "./flags.ts";
import { allFlags, type FlagName, type Value } from "./words.ts";

/** Gives one environment variable; empty counts as not set. */
export type Variables = (name: string) => string | undefined;

/** The flags that were given, and the defaults of the others. */
export class Settings {
  readonly #line: ReadonlyMap<FlagName, string>;
  readonly #env: Variables;

  constructor(line: ReadonlyMap<FlagName, string>, env: Variables) {
    this.#line = line;
    this.#env = env;
  }

  /** The text given for `name`, and by which means: `--id`, or `TICKETD_ID`. */
  given(name: FlagName): { text: string; by: string } | undefined {
    const flag = this.#line.get(name);
    if (flag !== undefined) {
      if (looksLikeFlag(flag)) throw missingValue(name);
      return { text: flag, by: `--${name}` };
    }
    if (!Object.hasOwn(flags, name)) return undefined;
    const by = variableOf(name);
    const text = this.#env(by) ?? "";
    return text === "" ? undefined : { text, by };
  }

  /** @throws {UsageError} when it is not allowed. */
  read<N extends FlagName>(name: N): Value<N> {
    const flag: Flag<unknown> = allFlags[name];
    const { text, by } = this.given(name) ?? { text: flag.standard, by: name };
    const value = flag.parse(text);
    if (value !== undefined) return value as Value<N>;
    throw new UsageError(
      `${by}: ${JSON.stringify(text)} is not allowed; use ${flag.allowed}`,
    );
  }

  /** The value of `name`, or `otherwise` if none was given. */
  readOr<N extends FlagName, T>(name: N, otherwise: T): Value<N> | T {
    return this.given(name) === undefined ? otherwise : this.read(name);
  }
}

/** The environment variable that stands for flag `name`. */
export function variableOf(name: string): string {
  return `TICKETD_${name.toUpperCase().replaceAll("-", "_")}`;
}
