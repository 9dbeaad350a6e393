// The replies that a client must get, command by command, as the slow reference parser reads
// its bytes.

import { parseSlowly } from "../lib/reference_parser.ts";
import { text } from "./resp.ts";

export type Expected = {
  /** `undefined` where any one reply will do; tickets as if no other client took any. */
  readonly replies: readonly (string | undefined)[];
  /** The server hangs up by itself. */
  readonly ends: boolean;
  /** Tickets of the default sequence that were given; `undefined` if that is not known. */
  readonly tickets: number | undefined;
};

/** Commands after which the next ticket is not known here. */
const usesSequences: readonly string[] = [
  ..."ticket ticket.create ticket.policy ticket.raise incr incrby multi".split(
    " ",
  ),
];

/** The replies to `input`, a character a byte. */
export function expectedReplies(input: string): Expected {
  const { commands, error } = parseSlowly(input);
  const expected: (string | undefined)[] = [];
  let tickets = 0;
  // Another command may have used the sequence, or MULTI may queue all that comes.
  let isKnown = true;
  let isQueued = false;
  const known = () => isKnown ? tickets : undefined;
  for (const words of commands) {
    const name = words[0]!.toLowerCase();
    if (name === "post" || name === "host:") {
      return { replies: expected, ends: true, tickets: known() };
    }
    if (name === "quit") {
      const replies = [...expected, "+OK\r\n"];
      return { replies, ends: true, tickets: known() };
    }
    const [, argument] = words;
    const isPlain = name === "ticket" && words.length === 1;
    if (name === "multi") isQueued = true; // until EXEC or DISCARD, perhaps
    if (!isPlain && usesSequences.includes(name)) isKnown = false;
    if (isQueued) expected.push(undefined);
    else if (isPlain) {
      expected.push(isKnown ? `+${++tickets}\r\n` : undefined);
    } else if (name === "echo" && words.length === 2) {
      expected.push(`$${argument!.length}\r\n${argument}\r\n`);
    } else expected.push(undefined);
  }
  if (error !== undefined) {
    // A byte that is no ASCII is shown as the character of that code, in UTF-8.
    const shown = text(new TextEncoder().encode(error.replace(/[\r\n]/g, " ")));
    expected.push(`-ERR Protocol error: ${shown}\r\n`);
  }
  return { replies: expected, ends: error !== undefined, tickets: known() };
}
