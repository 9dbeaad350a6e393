// Requests of every command, its subcommands and their HELP included, with any arguments:
// sensible ones, others, and far too many. The commands come from the command table: a new
// row is tried without being named here.

import fc from "fast-check";
import { commands } from "../../server/commands/commands.ts";

/** Each is what a request begins with: `["client", "list"]`. */
export const calls: readonly (readonly string[])[] = commands.flatMap(
  ({ name, subcommands }) => {
    const inner = subcommands?.map((row) => row.name) ?? [];
    const all = inner.length === 0 ? [] : [...inner, "help"];
    return [[name], ...all.map((subcommand) => [name, subcommand])];
  },
);

export const tableWords: readonly string[] = [...new Set(calls.flat())];

/** Parts of patterns, names, numbers, addresses and texts, and bytes that none of them has. */
const fillings = [
  ..."* a ? [ ] *? ( \\ . ^ $ { - 0 9 : , =".split(" "),
  ...[" ", "\0", "\r\n", "\x7f", "\xff", "\xc3", "\xc3\xa9", "\xed\xa0\x80"],
];
const lengths = [
  ...[0, 1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 8192],
  ...[16_000, 32_768, 40_000, 65_535, 65_536, 65_537],
];

/** `text` over and over, to a length in bytes. */
type Filled = { readonly text: string; readonly length: number };

const filled: fc.Arbitrary<Filled> = fc.record({
  text: fc.constantFrom(...fillings),
  length: fc.oneof(fc.constantFrom(...lengths), fc.nat(65_537)),
});

function bytesOf({ text, length }: Filled): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

const meant = [
  ..."0 1 2 3 4 -1 00 1e3 18446744073709551615 18446744073709551616 OK".split(
    " ",
  ),
  ..."a b ticket COUNT ONCE MATCH START TYPE string created any 1000000 1000001"
    .split(" "),
  ..."9223372036854775807 9223372036854775808 *[a-c]? [^".split(" "),
  ..."AUTH SETNAME default FORCE nonvoter save appendonly 127.0.0.1:1 :1 [::1]:1"
    .split(" "),
];
const character = fc.nat(255).map((code) => String.fromCharCode(code));
const argument: fc.Arbitrary<string | Filled> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...meant) },
  { weight: 1, arbitrary: fc.constantFrom(...tableWords) },
  { weight: 2, arbitrary: fc.string({ unit: character, maxLength: 12 }) },
  { weight: 2, arbitrary: filled },
);

export const asArray = (words: readonly string[]) =>
  `*${words.length}\r\n` +
  words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");

/** Its words stand in the table; the arguments after them need make no sense. */
export type Call = {
  readonly words: readonly string[];
  readonly all: readonly (string | Filled)[];
};

/** A call of the table; its last argument comes some more times. */
export const call: fc.Arbitrary<Call> = fc.record({
  words: fc.constantFrom(...calls),
  loud: fc.boolean(),
  given: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    {
      weight: 4,
      arbitrary: fc.array(argument, { minLength: 1, maxLength: 5 }),
    },
  ),
  more: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(1, 2, 100, 1018, 1019, 1020, 1021, 1022, 1023),
    },
  ),
}).map(({ words, loud, given, more }) => {
  const named = loud ? words.map((word) => word.toUpperCase()) : words;
  const last = given.slice(-1);
  const all = [...given, ...Array<typeof last>(more).fill(last).flat()];
  return { words: named, all };
});

/** A little more than one command may have; far beyond it nothing else happens. */
const requestBytesMax = 300_000;

export function requestOf({ words, all }: Call): string {
  const shown = [...words];
  let bytes = 0;
  for (const argument of all) {
    if (bytes > requestBytesMax) break;
    const text = typeof argument === "string" ? argument : bytesOf(argument);
    shown.push(text);
    bytes += text.length;
  }
  return asArray(shown);
}
