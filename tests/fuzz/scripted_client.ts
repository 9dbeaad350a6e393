// Clients of a whole Connection: its parser, commands, dispenser, replies and writes, on a
// socket that is a script and a node that only counts. Here alone the fuzzer knows how a
// Connection and its socket are made.

import assert from "node:assert/strict";
import { Connection, type Socket } from "../../server/clients/connection.ts";
import { connectionService, FakeNode } from "../lib/fakes.ts";
import { withoutEscapes } from "./escapes.ts";
import { expectedReplies } from "./expected.ts";
import { wholeReplies } from "./replies.ts";
import { text } from "./resp.ts";
import { ScriptedReads } from "./scripted.ts";

/** A client that sends what it is given and takes replies a few bytes at a time. */
export class ScriptedSocket extends ScriptedReads implements Socket {
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

/** A client that sends without end and never reads. */
export class DeafSocket extends ScriptedSocket {
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

/** A connection of the only client that `node` has. */
export function connectionOf(socket: Socket, node: FakeNode): Connection {
  const sessions = new Set<Connection>();
  const service = connectionService(node.link, { sessions });
  const connection = new Connection(socket, { id: 1, service });
  sessions.add(connection);
  return connection;
}

/** A node with every kind of answer, some with bytes that must not end a line early. */
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

/**
 * A client sends `parts`, takes so many bytes a write, and goes. Fails unless each of its
 * commands was answered exactly once and in order, none of them by an error of ours, and
 * nothing escaped.
 */
export async function assertServed(
  parts: readonly Uint8Array[],
  accepts: number,
): Promise<void> {
  const node = countingNode();
  const socket = new ScriptedSocket(parts, accepts);
  await withoutEscapes(() => connectionOf(socket, node).serve());
  assert.equal(node.link.dispenser.waiting, 0);
  const { received } = socket;
  const expected = expectedReplies(parts.map(text).join("")).replies;
  const replies = wholeReplies(received);
  assert.equal(replies.length, expected.length, received);
  expected.forEach((reply, i) => {
    if (reply !== undefined) assert.equal(replies[i], reply);
    // The process goes on; the command that threw has a bug all the same.
    assert.doesNotMatch(replies[i]!, /^-ERR internal error/);
  });
  const given = replies.filter((_, i) => /^\+\d/.test(expected[i] ?? ""));
  assert.equal(node.last, BigInt(given.length));
}
