// The flags of the tools beside the service (`ticketd backup`, `restore`, …). They are read
// from the command line alone: a `--skip` or `--yes` that an environment carries along would
// be overlooked. The flags of a node, which tools take as well, are in `flags.ts`; which tool
// takes which flag is in `words.ts`.

import { type Flag, seconds, yesOrNo } from "./flags.ts";

const countRule = "a number from 0 to 18446744073709551615";
const countMax = 2n ** 64n - 1n;

/** All flags that only tools take, by their names. */
export const toolFlags = {
  every: {
    value: "time",
    help: "go on, with a backup as often as that",
    standard: "",
    parse: (text) => {
      const count = seconds(text);
      return count === undefined ? undefined : count * 1000;
    },
    allowed: "a duration from 1s to 24h, such as 300s, 5m or 1h",
  } satisfies Flag<number>,
  keep: {
    value: "count",
    help: "with --every: how many backups are kept, the newest",
    standard: "",
    parse: (text) => /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined,
    allowed: "a number from 1 to 999999",
  } satisfies Flag<number>,
  skip: {
    value: "count",
    help: "begin that many numbers above the last one known",
    standard: "",
    parse: count,
    allowed: countRule,
  } satisfies Flag<bigint>,
  above: {
    value: "number",
    help: "begin above that number",
    standard: "",
    parse: count,
    allowed: countRule,
  } satisfies Flag<bigint>,
  exact: {
    value: "",
    help: "begin at the number after the backup's last",
    standard: "no",
    ...yesOrNo,
  } satisfies Flag<boolean>,
  yes: {
    value: "",
    help: "ask nothing, for scripts",
    standard: "no",
    ...yesOrNo,
  } satisfies Flag<boolean>,
  json: {
    value: "",
    help: "print JSON",
    standard: "no",
    ...yesOrNo,
  } satisfies Flag<boolean>,
};

/** A number of tickets, or a ticket. */
function count(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,19})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= countMax ? value : undefined;
}
