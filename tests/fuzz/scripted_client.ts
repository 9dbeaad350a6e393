// Clients of a whole Connection: its parser, commands, dispenser, replies and writes, on a
// socket that is a script and a node that only counts. Here alone the fuzzer knows how a
// Connection and its socket are made.

import assert from "node:assert/strict";
import type { Socket, SocketListener } from "../../base/socket.ts";
import { Connection } from "../../server/clients/connection.ts";
import { connectionService, FakeNode } from "../lib/fakes.ts";
import { withoutEscapes } from "./escapes.ts";
import { expectedReplies } from "./expected.ts";
import { wholeReplies } from "./replies.ts";
import { text } from "./resp.ts";

/** As many as one read of a socket brings. */
const readBytes = 64 * 1024;

/** A client that sends what it is given and takes replies a few bytes at a time. */
export class ScriptedSocket implements Socket {
  readonly remote = { host: "192.0.2.7", port: 40_000 };
  readonly local = { host: "192.0.2.1", port: 11_001 };
  received = "";
  readonly #parts: Uint8Array[];
  readonly #accepts: number;
  #listener: SocketListener | undefined;
  #isPaused = false;
  #isSending = false;
  #isOver = false;

  constructor(parts: readonly Uint8Array[], accepts: number) {
    this.#parts = parts.filter((part) => part.length > 0);
    this.#accepts = accepts;
  }

  start(listener: SocketListener): void {
    this.#listener = listener;
    this.#send();
  }

  /** What is sent next, `undefined` at the end. */
  protected next(): Uint8Array<ArrayBuffer> | undefined {
    const part = this.#parts.shift();
    if (part === undefined) return undefined;
    if (part.length > readBytes) this.#parts.unshift(part.subarray(readBytes));
    return part.slice(0, readBytes);
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    for (;;) {
      await Promise.resolve();
      if (this.#isPaused || this.#isOver) break;
      const bytes = this.next();
      if (bytes === undefined) return this.#listener?.ended();
      this.#listener?.data(bytes);
    }
    this.#isSending = false;
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length <= this.#accepts) {
      this.received += text(bytes);
      return true;
    }
    this.#take(bytes);
    return false;
  }

  /** Takes `bytes`, which must stay as they are, piece by piece. */
  async #take(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += this.#accepts) {
      await Promise.resolve();
      this.received += text(bytes.subarray(at, at + this.#accepts));
    }
    this.#listener?.taken();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#send();
  }

  end(): void {}

  close(): void {
    this.#isOver = true;
  }
}

/** A client that sends without end and never reads. */
export class DeafSocket extends ScriptedSocket {
  readonly #stream: Uint8Array;
  #at = 0;
  /** Bytes it may still send. */
  left: number;

  constructor(stream: Uint8Array, bytesMax: number) {
    super([], 0);
    this.#stream = stream;
    this.left = bytesMax;
  }

  protected override next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.left <= 0) return undefined;
    const bytes = new Uint8Array(Math.min(readBytes, this.left));
    for (let count = 0; count < bytes.length;) {
      const part = this.#stream.subarray(
        this.#at,
        this.#at + bytes.length - count,
      );
      bytes.set(part, count);
      count += part.length;
      this.#at = (this.#at + part.length) % this.#stream.length;
    }
    this.left -= bytes.length;
    return bytes;
  }

  /** Waits for ever: until the connection is closed. */
  override write(): boolean {
    return false;
  }
}

/** A connection of the only client that `node` has. */
export function connectionOf(
  socket: Socket,
  node: FakeNode,
): { connection: Connection; served: Promise<void> } {
  const sessions = new Set<Connection>();
  const service = connectionService(node.link, { sessions });
  const { promise: served, resolve } = Promise.withResolvers<void>();
  const over = () => resolve();
  const connection = new Connection(socket, { id: 1, service, over });
  sessions.add(connection);
  connection.start();
  return { connection, served };
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
  await withoutEscapes(() => connectionOf(socket, node).served);
  assert.equal(node.link.dispenser.waiting, 0);
  const { received } = socket;
  const { replies: expected, tickets } = expectedReplies(
    parts.map(text).join(""),
  );
  const replies = wholeReplies(received);
  assert.equal(replies.length, expected.length, received);
  expected.forEach((reply, i) => {
    if (reply !== undefined) assert.equal(replies[i], reply);
    // The process goes on; the command that threw has a bug all the same.
    assert.doesNotMatch(replies[i]!, /^-ERR internal error/);
  });
  if (tickets !== undefined) assert.equal(node.last, BigInt(tickets));
}
