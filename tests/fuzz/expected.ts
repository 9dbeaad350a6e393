// The replies that a client must get, command by command, as the slow reference parser reads
// its bytes.

import { parseSlowly } from "../lib/reference_parser.ts";
import { text } from "./resp.ts";

export type Expected = {
  /** `undefined` where any one reply will do; tickets as if no other client took any. */
  readonly replies: readonly (string | undefined)[];
  /** The server hangs up by itself. */
  readonly ends: boolean;
};

/** The replies to `input`, a character a byte. */
export function expectedReplies(input: string): Expected {
  const { commands, error } = parseSlowly(input);
  const expected: (string | undefined)[] = [];
  let tickets = 0;
  for (const words of commands) {
    const name = words[0]!.toLowerCase();
    if (name === "post" || name === "host:") {
      return { replies: expected, ends: true };
    }
    if (name === "quit") {
      return { replies: [...expected, "+OK\r\n"], ends: true };
    }
    const [, argument] = words;
    if (name === "ticket" && words.length === 1) {
      expected.push(`+${++tickets}\r\n`);
    } else if (name === "echo" && words.length === 2) {
      expected.push(`$${argument!.length}\r\n${argument}\r\n`);
    } else expected.push(undefined);
  }
  if (error !== undefined) {
    // A byte that is no ASCII is shown as the character of that code, in UTF-8.
    const shown = text(new TextEncoder().encode(error.replace(/[\r\n]/g, " ")));
    expected.push(`-ERR Protocol error: ${shown}\r\n`);
  }
  return { replies: expected, ends: error !== undefined };
}
