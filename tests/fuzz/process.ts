// Every command of the table with any arguments against a real process: a node with its
// worker and its log, over real sockets. It must go on whatever a client sends: after each
// input another client is served, its tickets rise, and at the end the node stops and starts
// again.

import assert from "node:assert/strict";
import fc from "fast-check";
import { commands } from "../../server/commands/commands.ts";
import { Lab } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { parseSlowly } from "../lib/reference_parser.ts";
import { call, requestOf } from "./calls.ts";
import { expectedReplies } from "./expected.ts";
import { wholeReplies } from "./replies.ts";
import { streams, text } from "./resp.ts";
import { type Target, waitingTarget } from "./target.ts";

/** The node that is tried now. */
type Trial = { readonly lab: Lab; readonly server: Server; last: bigint };
let trial: Trial | undefined;

async function begin(): Promise<Trial> {
  const lab = new Lab();
  const server = await lab.server().start();
  return { lab, server, last: 0n };
}

/** Whether a command in it may wait for another node, for as long as a change may take. */
function mayWait(request: string): boolean {
  return parseSlowly(request).commands.some(([name = ""]) =>
    commands.some((row) =>
      row.name === name.toLowerCase() && row.flags?.includes("may-wait")
    )
  );
}

/** Any commands with any arguments, or any bytes. */
const requests = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(call, { minLength: 1, maxLength: 3 })
      .map((calls) => calls.map(requestOf).join("")),
  },
  { weight: 1, arbitrary: streams.map(text) },
);

/** Sends `request` and reads all that comes, unless that may take long. */
async function trouble({ server }: Trial, request: string): Promise<void> {
  using client = await server.connect();
  const { replies, ends } = expectedReplies(request);
  const [sent, came] = await Promise.allSettled([
    client.send(request).then(() => client.finish()),
    mayWait(request) ? undefined : client.rest(),
  ]);
  for (const half of [sent, came]) {
    if (half.status === "fulfilled") continue;
    // It hung up on a client that was sending: what was on its way may be lost.
    if (ends && isHangup(half.reason)) return;
    throw half.reason;
  }
  if (came.status === "rejected" || came.value === undefined) return;
  const received = wholeReplies(came.value);
  assert.equal(received.length, replies.length, came.value);
  for (const reply of received) {
    assert.doesNotMatch(reply, /^-ERR internal error/);
  }
}

function isHangup(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.NotConnected;
}

async function takeTicket(trial: Trial): Promise<void> {
  const number = await trial.server.ticket();
  assert(number > trial.last, `${number} after ${trial.last}`);
  trial.last = number;
}

const anyCommand = waitingTarget({
  name: "resp/process",
  claim:
    "A node goes on, and serves others, whatever commands and bytes a client sends it",
  weight: 20,
  inputs: requests,
}, async (request) => {
  assert(trial !== undefined);
  const { server } = trial;
  if (!server.running) await server.start(); // one that failed before
  try {
    await trouble(trial, request);
    await takeTicket(trial);
  } catch (error) {
    const fate = await endOf(server);
    throw new Error(`${fate}; its log:\n${server.log}`, { cause: error });
  }
});

/** How the node ended, in words. It runs no more: the next input begins anew. */
async function endOf(server: Server): Promise<string> {
  // One that is dying closes connections some time before it is gone.
  const serves = await server.ask("PING").then(() => true, () => false);
  if (serves) {
    await server.kill();
    return "it went on";
  }
  const { code, signal } = await server.exit();
  return `it ended with ${signal ?? code}`;
}

export const processTargets: readonly Target[] = [{
  ...anyCommand,
  async check(options) {
    const { lab, server } = trial = await begin();
    try {
      const outcome = await anyCommand.check(options);
      if (outcome.failure === undefined) {
        await server.stop();
        await server.start();
        await takeTicket(trial);
      }
      return outcome;
    } finally {
      trial = undefined;
      await lab.close();
    }
  },
}];
