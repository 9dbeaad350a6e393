// Bytes of clients, against a whole connection: any bytes; every command of the table with
// any arguments; and a flood that is never read.

import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeNode } from "../server/fakes.ts";
import { cuts, latin1, pieces } from "./hostile.ts";
import { asArray, streams } from "./resp.ts";
import { assertServed, connectionOf, DeafSocket } from "./scripted_client.ts";
import { calls, tableWords } from "./table.ts";
import { type Target, waitingTarget } from "./target.ts";

const accepts = fc.constantFrom(1, 7, 4096, Infinity);

const connection = waitingTarget({
  name: "resp/connection",
  claim:
    "Connection answers every command exactly once and in order, whatever the bytes",
  weight: 100,
  inputs: fc.record({ bytes: streams, cuts, accepts }),
}, ({ bytes, cuts, accepts }) => assertServed(pieces(bytes, cuts), accepts));

/** What patterns, names, numbers, addresses and texts are made of, and what they are not. */
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

/** A call of the table; its last argument comes some more times. */
const call = fc.record({
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

type Call = {
  readonly words: readonly string[];
  readonly all: readonly (string | Filled)[];
};

/** A little more than one command may have; far beyond it nothing else happens. */
const requestBytesMax = 300_000;

function requestOf({ words, all }: Call): string {
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

const everyCommand = waitingTarget({
  name: "resp/commands",
  claim:
    "Connection answers every command of the table once, whatever its arguments, however many and large, and nothing escapes",
  weight: 50,
  inputs: fc.record({
    calls: fc.array(call, { minLength: 1, maxLength: 3 }),
    cuts,
    accepts: fc.constantFrom(4096, Infinity),
  }),
}, async ({ calls, cuts, accepts }) => {
  const bytes = latin1(calls.map(requestOf).join(""));
  await assertServed(pieces(bytes, cuts), accepts);
});

/** What one command can add to what waits: 64 KiB echoed, or a thousand rows. */
const replyBytesMax = 256 * 1024;
/** Of a run of TICKETs, as many as a parser's largest buffer holds. */
const runMax = 1024 * 1024 / 7;

const flood = waitingTarget({
  name: "resp/flood",
  claim:
    "Connection keeps a bounded amount for a client that sends without end and never reads",
  weight: 1,
  inputs: fc.record({
    commands: fc.array(
      fc.constantFrom(
        ["TICKET"],
        ["PING"],
        ["ECHO", "x".repeat(20_000)],
        ["RAFT.STATS"],
        ["COMMAND", "DOCS"],
        ["COMMAND", "INFO", ...Array<string>(900).fill("ping")],
        ["nonsense"],
      ),
      { minLength: 1, maxLength: 4 },
    ),
    prompt: fc.boolean(),
  }),
}, async ({ commands, prompt }) => {
  const stream = latin1(commands.map(asArray).join(""));
  const socket = new DeafSocket(stream, 16 * 1024 * 1024);
  const node = new FakeNode({ prompt });
  const connection = connectionOf(socket, node);
  const served = connection.serve();
  const { replies } = connection;
  for (let left = -1; left !== socket.left;) {
    left = socket.left;
    for (let i = 0; i < 100; i++) await Promise.resolve();
    const waits = replies.ready + replies.writer.length;
    assert(waits <= 2 * 1024 * 1024 + 2 * replyBytesMax, `${waits} bytes wait`);
    assert(node.waiting.length <= 513, `${node.waiting.length} questions wait`);
    const tickets = node.link.dispenser.waiting;
    assert(tickets <= 131_072 + runMax, `${tickets} tickets wait`);
  }
  assert(socket.left > 0, "it never stopped reading");
  connection.close();
  await served;
});

export const connectionTargets: readonly Target[] = [
  connection,
  everyCommand,
  flood,
];
