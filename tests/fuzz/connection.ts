// Bytes of clients, against a whole connection: any bytes; every command of the table with
// any arguments; and a flood that is never read.

import assert from "node:assert/strict";
import fc from "fast-check";
import { asArray, call, requestOf } from "./calls.ts";
import { FakeNode } from "../lib/fakes.ts";
import { cuts, latin1, pieces } from "./hostile.ts";
import { streams } from "./resp.ts";
import { assertServed, connectionOf, DeafSocket } from "./scripted_client.ts";
import { type Target, waitingTarget } from "./target.ts";

const accepts = fc.constantFrom(1, 7, 4096, Infinity);

const connection = waitingTarget({
  name: "resp/connection",
  claim:
    "Connection answers every command exactly once and in order, whatever the bytes",
  weight: 100,
  inputs: fc.record({ bytes: streams, cuts, accepts }),
}, ({ bytes, cuts, accepts }) => assertServed(pieces(bytes, cuts), accepts));

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
  const { connection, served } = connectionOf(socket, node);
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
