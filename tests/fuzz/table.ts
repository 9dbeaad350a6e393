// The command table as the fuzzer sees it: the words of every command that there is, its
// subcommands and their HELP included. New rows are tried without being named here.

import { commands } from "../../server/commands.ts";

/** Each is what a request begins with: `["client", "list"]`. */
export const calls: readonly (readonly string[])[] = commands.flatMap(
  ({ name, subcommands }) => {
    const inner = subcommands?.map((row) => row.name) ?? [];
    const all = inner.length === 0 ? [] : [...inner, "help"];
    return [[name], ...all.map((subcommand) => [name, subcommand])];
  },
);

export const tableWords: readonly string[] = [...new Set(calls.flat())];
