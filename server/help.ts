// The texts of `ticketd --help` and `ticketd help COMMAND`. Each fits in 80 columns. The
// lines are made from the tables of flags (`flags.ts`, `tool_flags.ts`) and of words
// (`words.ts`). Nothing is printed here: that is done by `main.ts`.

import type { Flag } from "./flags.ts";
import {
  allFlags,
  type FlagName,
  usageOf,
  type WordName,
  words,
} from "./words.ts";

/** The end of a complaint about a flag that `word` does not take. */
export function seeHelp(word: WordName): string {
  return word === "serve"
    ? "--help lists all flags"
    : `ticketd help ${word} lists its flags`;
}

/** Of `ticketd help WORD`. */
export function helpOf(word: WordName): string {
  if (word === "serve") return helpText();
  const { text, flags } = words[word];
  const options = flags.length === 0
    ? ""
    : `\n\nOptions:\n${linesOf(flags.map(rowOf))}`;
  return `Usage: ${usageOf(word)}\n\n${text}${options}`;
}

/** Of `ticketd --help`. */
export function helpText(): string {
  const commands = Object.entries(words).map(
    ([name, { takes, about }]): Row => {
      const [argument = ""] = takes.split(/ ?(?:\(|\[?--|\[flags)/);
      return [`${name} ${argument}`, about];
    },
  );
  return `Usage: ticketd [COMMAND] [flags]

Commands:
${linesOf(commands)}

Options of serve:
${linesOf([...words.serve.flags.map(rowOf), ["-h, --help", "print this"]])}

:11001 without a host listens on every interface. Every flag may come from the
environment instead (TICKETD_ID for --id, TICKETD_LOG_LEVEL for --log-level) or
from the file of --config, and every value from a file: --id-file PATH.`;
}

type Row = readonly [left: string, right: string];

function rowOf(name: FlagName): Row {
  const { value, help, standard }: Flag<unknown> = allFlags[name];
  return [
    value === "" ? `--${name}` : `--${name} <${value}>`,
    value === "" || standard === "" ? help : `${help} (${standard})`,
  ];
}

function linesOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([left]) => left.trimEnd().length));
  return rows.map(([left, right]) =>
    `  ${left.trimEnd().padEnd(width)}  ${right}`
  ).join("\n");
}
