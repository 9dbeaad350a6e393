// Variables of the environment that look like ticketd's and are not: a misspelt TICKETD_SADR
// would silently leave a node on its default. They are told, not refused, because other
// programs and later versions may use the same prefix. Not here: reading the environment
// (`permissions.ts`), and the values of known variables (`settings.ts`).

import { didYouMean } from "./command_line.ts";
import { variableOf } from "./settings.ts";
import { similarTo } from "./spelling.ts";
import { takesFile, words } from "./words.ts";

/** The variable by which a supervisor asks a node to end with it. */
export const withParent = "TICKETD_WITH_PARENT";

const prefix = "TICKETD_";
/** The variables that ticketd reads, beside those with `_FILE` behind them. */
const known = [...words.serve.flags.map(variableOf), withParent];
const all = new Set([
  ...known,
  ...words.serve.flags.filter(takesFile)
    .map((name) => `${variableOf(name)}_FILE`),
]);

/** One sentence for each of `names`, all variables there are, that ticketd does not know. */
export function unknownVariables(names: readonly string[]): string[] {
  return names.filter((name) =>
    name.startsWith(prefix) && !all.has(name) && !isServiceLink(name, names)
  ).toSorted().map((name) =>
    `unknown variable ${name}${didYouMean(near(name))}; it is ignored`
  );
}

/** Without the prefix, which would make all of them alike. */
function near(name: string): string[] {
  const bare = (variable: string) => variable.slice(prefix.length);
  return similarTo(bare(name).toUpperCase(), known.map(bare))
    .map((variable) => prefix + variable);
}

/**
 * Kubernetes puts the address of each service into the environment of every container: of one
 * called `ticketd`, TICKETD_SERVICE_HOST, TICKETD_PORT, TICKETD_PORT_11001_TCP_ADDR and more.
 */
function isServiceLink(name: string, names: readonly string[]): boolean {
  const service =
    /^(.+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_[A-Z]+(?:_(?:PROTO|PORT|ADDR))?)?)$/
      .exec(name)?.[1];
  return service !== undefined && names.includes(`${service}_SERVICE_HOST`);
}
