// The texts of `ticketd --help` and `ticketd status --help`. Each fits in 80 columns. The
// lines of flags are made from their table (`flags.ts`). Nothing is printed here: that is
// done by `main.ts`.

import { flags } from "./flags.ts";

/** The end of a complaint about a word that is no flag. */
export const seeHelp = "--help lists all flags";

/** Of `ticketd --help`. */
export function helpText(): string {
  const rows: (readonly [string, string])[] = [
    ["--version", "print the version"],
    ...Object.entries(flags).map(([name, { value, help, standard }]) =>
      [
        value === "" ? `--${name}` : `--${name} <${value}>`,
        standard === "" ? help : `${help} (${standard})`,
      ] as const
    ),
    ["-h, --help", "print this"],
  ];
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
  return `Usage: ticketd [flags]
       ticketd status [HOST:PORT]  look at a whole cluster

Options:
${lines.join("\n")}

:11001 without a host listens on every interface. Every flag may come from the
environment instead: TICKETD_ID for --id, TICKETD_LOG_LEVEL for --log-level.`;
}

/** Of `ticketd status --help`. */
export const statusHelpText = `Usage: ticketd status [HOST:PORT]

Asks the node that serves clients at HOST:PORT (${flags.saddr.standard}), then
every member of its cluster, and prints a table. Exit code 0 when there is a
leader and every voter answers; else 1, and a line that says what is wrong.`;
