// Bytes of clients, against the parser: any bytes, in any pieces, must give what the slow
// reference parser finds in them as a whole.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { argumentsMax, RespParser } from "../../server/resp/resp_parser.ts";
import { asArray, tableWords } from "./calls.ts";
import { type Parsed, parseSlowly } from "../lib/reference_parser.ts";
import {
  byteByByte,
  cuts,
  hostile,
  joined,
  latin1,
  mutated,
  pieces,
} from "./hostile.ts";
import { type Target, target } from "./target.ts";

/** `commandBytesMax` and the longest line behind it, doubled to a power of two. */
const bufferBytesMax = 1024 * 1024;
/** Of each word of a command, where it begins and ends. */
const offsetBytes = 16;

const names = [...tableWords, ..."2 3 save *".split(" ")];

const character = fc.nat(255).map((code) => String.fromCharCode(code));
const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...names) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...names).map((name) => name.toUpperCase()),
  },
  { weight: 1, arbitrary: fc.string({ unit: character, maxLength: 8 }) },
);

const words = fc.oneof(
  { weight: 2, arbitrary: fc.constant(["TICKET"]) },
  { weight: 3, arbitrary: fc.array(word, { minLength: 1, maxLength: 4 }) },
);

const asQuoted = (words: readonly string[]) =>
  words.map((word) => `"${word.replace(/[\\"]/g, "\\$&")}"`).join(" ") + "\n";

const spellings = [
  asArray,
  asArray,
  (words: readonly string[]) => `${words.join(" ")}\r\n`,
  asQuoted,
];

/** A command, spelled somehow, some times over: copies are stepped over unparsed. */
const command = fc.tuple(
  words,
  fc.nat(spellings.length - 1),
  fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 5 })),
).map(([words, at, copies]) => spellings[at]!(words).repeat(copies));

const short = fc.array(command, { minLength: 1, maxLength: 6, size: "max" })
  .map((commands) => latin1(commands.join("")));

const tokens = [
  ..."\r\n|\r|\n|*|$|*1\r\n|$-1\r\n|*-1\r\n|*0\r\n|*1025\r\n|$65537\r\n".split(
    "|",
  ),
  ..."\"|'|\\|\\x4|\\x41|\\n| |\0|\v|-|+|TICKET\r\n|*1\r\n$6\r\nTICKET\r\n"
    .split("|"),
];

export const streams = hostile(short, { tokens });

/** At the limits of lines, bulks, arguments and whole commands, and beyond. */
const longParts: readonly (readonly [string, string, string])[] = [
  ["*1\r\n$65536\r\n", "x", "\r\n"],
  ["*1\r\n$65537\r\n", "x", "\r\n"],
  ["*", "1", "\r\n"],
  ["*1\r\n$", "1", "\r\n"],
  ["", "x", "\n"],
  ["PING ", "'a' ", "\r\n"],
  ["*1024\r\n", "$0\r\n\r\n", ""],
  ["*1024\r\n", "$250\r\n" + "y".repeat(250) + "\r\n", "TICKET\r\n"],
  ["*9\r\n", "$65000\r\n" + "z".repeat(65_000) + "\r\n", "TICKET\r\n"],
  ["", "*1\r\n$6\r\nTICKET\r\n", "PING\r\n"],
];
const counts = [1, 3, 4, 5, 1023, 1024, 1025, 8192, 65_535, 65_536, 65_537];
const long = fc.tuple(
  fc.constantFrom(...longParts),
  fc.constantFrom(...counts),
).map(([[before, part, after], count]) =>
  latin1(before + part.repeat(Math.min(count, 400_000 / part.length)) + after)
);
const longStreams = fc.tuple(
  fc.oneof(long, mutated(long, { tokens })),
  fc.oneof(fc.constant(new Uint8Array()), short),
).map(([bytes, more]) => joined(bytes, more));

/** As many as one read of a socket brings. */
const readBytes = 64 * 1024;

/** What a parser finds that is fed `parts`; its limits are checked on the way. */
function parse(parts: readonly Uint8Array[], fold: boolean): Parsed {
  const parser = new RespParser();
  const commands: string[][] = [];
  let error: string | undefined;
  let fed = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += readBytes) {
      const bytes = part.slice(at, at + readBytes);
      parser.feed(bytes);
      fed += bytes.length;
      const reserved = parser.reservedBytes;
      const words = Math.min(argumentsMax, fed);
      const limit = Math.min(bufferBytesMax, Math.max(2048, 4 * fed)) +
        offsetBytes * words;
      assert(reserved <= limit, `${reserved} bytes reserved for ${fed}`);
      for (let steps = 0;; steps++) {
        assert(steps <= fed, "more commands than bytes");
        const outcome = parser.next();
        assert(
          outcome === "error" || error === undefined,
          "a command after an error",
        );
        if (outcome === "more") break;
        if (outcome === "error") {
          error = parser.error.replace(/^Protocol error: /, "");
          break;
        }
        const copies = 1 + (fold ? parser.repeats() : 0);
        const found = Array.from(
          { length: parser.count },
          (_, i) => text(parser.bytes(i)),
        );
        for (let i = 0; i < copies; i++) commands.push(found);
      }
    }
  }
  return { commands, error };
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1");
}

type Input = {
  readonly bytes: Uint8Array;
  readonly cuts: readonly number[];
  readonly fold: boolean;
};

function inputsOf(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Input> {
  return fc.record({ bytes, cuts, fold: fc.boolean() });
}

function agrees({ bytes, cuts, fold }: Input): void {
  const expected = parseSlowly(text(bytes));
  const whole = JSON.stringify(expected);
  const ways = [pieces(bytes, cuts)];
  if (bytes.length <= 256) ways.push(byteByByte(bytes));
  for (const parts of ways) {
    const found = parse(parts, fold);
    if (JSON.stringify(found) !== whole) assert.deepEqual(found, expected);
  }
}

export const respTargets: readonly Target[] = [
  target({
    name: "resp/parser",
    claim:
      "RespParser finds what the reference finds, however the bytes are cut, within its memory",
    weight: 300,
    inputs: inputsOf(streams),
  }, agrees),
  target({
    name: "resp/limits",
    claim: "RespParser does so at every limit of its grammar",
    weight: 3,
    inputs: inputsOf(longStreams),
  }, agrees),
];
