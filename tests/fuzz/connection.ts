// Bytes of clients, against a whole connection: its parser, commands, dispenser, replies
// and writes, on a socket that is a script and a node that only counts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Connection, type Socket } from "../../server/connection.ts";
import { connectionService, FakeNode } from "../server/fakes.ts";
import { parseSlowly } from "../server/reference_parser.ts";
import { cuts, latin1, pieces } from "./hostile.ts";
import { wholeReplies } from "./replies.ts";
import { asArray, streams, text } from "./resp.ts";
import { ScriptedReads } from "./scripted.ts";
import { type Target, waitingTarget } from "./target.ts";

/** A client that sends what it is given and takes replies a few bytes at a time. */
class ScriptedSocket extends ScriptedReads implements Socket {
  readonly remoteAddr = {
    transport: "tcp",
    hostname: "192.0.2.7",
    port: 40_000,
  } as const;
  received = "";
  readonly #accepts: number;

  constructor(parts: readonly Uint8Array[], accepts: number) {
    super(parts);
    this.#accepts = accepts;
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, this.#accepts);
    this.received += text(bytes.subarray(0, count));
    return Promise.resolve(count);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}

/** Every kind of answer, some with what must not break the line that it is put into. */
function countingNode(): FakeNode {
  const node = new FakeNode({ prompt: true });
  node.willAnswer("cluster", { type: "text", text: "c\r\n+1" });
  node.willAnswer("snapshot", { type: "error", text: "bad\r\n+1" });
  node.willAnswer("stats", {
    type: "pairs",
    pairs: [["k\r\n", "é"], ["", ""]],
  });
  node.willAnswer("configuration", {
    type: "servers",
    servers: [{ id: "1", address: ":1", suffrage: "learner", incarnation: "" }],
  });
  return node;
}

async function serve(
  parts: readonly Uint8Array[],
  accepts: number,
): Promise<{ received: string; node: FakeNode }> {
  const node = countingNode();
  const socket = new ScriptedSocket(parts, accepts);
  const sessions = new Set<Connection>();
  const service = connectionService(node.link, { sessions });
  const connection = new Connection(socket, { id: 1, service });
  sessions.add(connection);
  await connection.serve();
  assert.equal(node.link.dispenser.waiting, 0);
  return { received: socket.received, node };
}

/** What must be answered: `undefined` where any one reply will do. */
function expectedReplies(input: string): (string | undefined)[] {
  const { commands, error } = parseSlowly(input);
  const expected: (string | undefined)[] = [];
  let tickets = 0;
  for (const words of commands) {
    const name = words[0]!.toLowerCase();
    if (name === "post" || name === "host:") return expected;
    if (name === "quit") return [...expected, "+OK\r\n"];
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
  return expected;
}

const connection = waitingTarget({
  name: "resp/connection",
  claim:
    "Connection answers every command exactly once and in order, whatever the bytes",
  weight: 100,
  inputs: fc.record({
    bytes: streams,
    cuts,
    accepts: fc.constantFrom(1, 7, 4096, Infinity),
  }),
}, async ({ bytes, cuts, accepts }) => {
  const expected = expectedReplies(text(bytes));
  const { received, node } = await serve(pieces(bytes, cuts), accepts);
  const replies = wholeReplies(received);
  assert.equal(replies.length, expected.length, received);
  expected.forEach((reply, i) => {
    if (reply !== undefined) assert.equal(replies[i], reply);
  });
  const given = replies.filter((_, i) => /^\+\d/.test(expected[i] ?? ""));
  assert.equal(node.last, BigInt(given.length));
});

/** What one command can add to what waits: 64 KiB echoed, or a thousand rows. */
const replyBytesMax = 256 * 1024;
/** Of a run of TICKETs, as many as a parser's largest buffer holds. */
const runMax = 1024 * 1024 / 7;

/** A client that sends without end and never reads. */
class DeafSocket extends ScriptedSocket {
  readonly #stream: Uint8Array;
  #at = 0;
  #end = false;
  #wake: (() => void) | undefined;
  /** Bytes it may still send. */
  left: number;

  constructor(stream: Uint8Array, bytesMax: number) {
    super([], 0);
    this.#stream = stream;
    this.left = bytesMax;
  }

  override read(space: Uint8Array): Promise<number | null> {
    if (this.#end || this.left <= 0) return Promise.resolve(null);
    let count = 0;
    for (; count < space.length && count < this.left;) {
      const part = this.#stream.subarray(
        this.#at,
        this.#at + space.length - count,
      );
      space.set(part, count);
      count += part.length;
      this.#at = (this.#at + part.length) % this.#stream.length;
    }
    this.left -= count;
    return Promise.resolve(count);
  }

  /** Waits for ever: until the connection is closed. */
  override write(): Promise<number> {
    return new Promise((_, reject) => {
      this.#wake = () => reject(new Deno.errors.BrokenPipe());
    });
  }

  override close(): void {
    this.#end = true;
    this.#wake?.();
  }
}

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
  const sessions = new Set<Connection>();
  const service = connectionService(node.link, { sessions });
  const connection = new Connection(socket, { id: 1, service });
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

export const connectionTargets: readonly Target[] = [connection, flood];
