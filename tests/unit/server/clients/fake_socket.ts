// A connection on a socket whose client is the test: it decides when to send and when to read,
// and when turns of the event loop end.

import assert from "node:assert/strict";
import type { Socket, SocketListener } from "../../../../base/socket.ts";
import {
  Connection,
  type ConnectionService,
} from "../../../../server/clients/connection.ts";
import {
  connectionService,
  decoder,
  encoder,
  FakeNode,
} from "../../../lib/fakes.ts";

/** As many as one read of a socket brings. */
const readBytes = 64 * 1024;

/** A socket whose client is this test: it decides when to send and when to read. */
export class FakeSocket implements Socket {
  readonly remote = { host: "192.0.2.7", port: 40000 };
  readonly local = { host: "192.0.2.1", port: 11001 };
  /** Each write, whole or in the pieces that were accepted. */
  readonly writes: string[] = [];
  closed = false;
  writeClosed = false;
  /** Bytes that one write accepts. */
  accepts = Infinity;
  #listener: SocketListener | undefined;
  #isPaused = false;
  #isReading = true;
  /** Bytes of the write under way, which must stay as they are. */
  #leaving: Uint8Array | undefined;
  #hasToldEnd = false;
  reads = 0;
  /** What the client sends, again and again, as soon as the server reads. */
  flood: string | undefined;
  #flooded = 0;
  #isFlooding = false;

  /** What the client has read so far. */
  get received(): string {
    return this.writes.join("");
  }

  stopReading(): void {
    this.#isReading = false;
  }

  goOnReading(): void {
    this.#isReading = true;
    this.#goOnWriting();
  }

  /** The server must be reading. `null`: the client closes its half. */
  async send(text: string | null): Promise<void> {
    assert(this.beingRead, "the server does not read");
    if (text === null) this.#listener?.ended();
    else if (text !== "" && !this.closed) this.#receive(encoder.encode(text));
    this.#overflow();
    await settled();
  }

  get beingRead(): boolean {
    return this.#listener !== undefined && !this.#isPaused;
  }

  start(listener: SocketListener): void {
    this.#listener = listener;
    this.#overflow();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#overflow();
  }

  write(bytes: Uint8Array): boolean {
    assert(this.#leaving === undefined, "one write at a time");
    assert(!this.closed && !this.writeClosed && bytes.length > 0);
    if (this.#isReading && bytes.length <= this.accepts) {
      this.writes.push(decoder.decode(bytes));
      return true;
    }
    this.#leaving = bytes;
    if (this.#isReading) queueMicrotask(() => this.#goOnWriting());
    return false;
  }

  end(): void {
    assert(this.#leaving === undefined, "FIN goes behind all that was written");
    this.writeClosed = true;
  }

  close(): void {
    this.closed = true;
    this.#leaving = undefined;
    queueMicrotask(() => this.#tellEnd());
  }

  #receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.reads++;
    this.#listener?.data(bytes);
  }

  /** Sends the flood for as long as the server reads, read by read. */
  async #overflow(): Promise<void> {
    if (this.#isFlooding) return;
    this.#isFlooding = true;
    for (;;) {
      await Promise.resolve();
      const { flood } = this;
      if (flood === undefined || !this.beingRead || this.closed) break;
      const from = this.#flooded % flood.length;
      const bytes = encoder.encode(flood).slice(from, from + readBytes);
      this.#flooded += bytes.length;
      this.#receive(bytes);
    }
    this.#isFlooding = false;
  }

  #goOnWriting(): void {
    if (this.closed) return this.#tellEnd();
    while (this.#isReading && this.#leaving !== undefined) {
      const bytes = this.#leaving;
      this.writes.push(decoder.decode(bytes.subarray(0, this.accepts)));
      this.#leaving = bytes.subarray(this.accepts);
      if (bytes.length > this.accepts) continue;
      this.#leaving = undefined;
      this.#listener?.taken();
    }
  }

  #tellEnd(): void {
    if (this.#hasToldEnd) return;
    this.#hasToldEnd = true;
    this.#listener?.closed();
  }
}

/** Ends when nothing in this isolate has anything left to do but wait. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

export async function connected(
  options: { prompt: boolean },
  shared: Partial<ConnectionService> = {},
) {
  const node = new FakeNode(options);
  const socket = new FakeSocket();
  const service = connectionService(node.link, shared);
  const { promise: served, resolve: over } = Promise.withResolvers<void>();
  const connection = new Connection(socket, {
    id: 1,
    service,
    over: () => over(),
  });
  connection.start();
  await settled();
  return { node, socket, connection, served };
}

/** A connection whose turns end by hand. */
export async function connectedByTurns() {
  const turns: (() => void)[] = [];
  const all = await connected(
    { prompt: true },
    { turns: { next: (resume) => turns.push(resume) } },
  );
  /** Ends the turn, for which it must wait, and sees the next through. */
  const endTurn = async () => {
    for (let i = 0; i < 20; i++) await settled();
    assert.equal(turns.length, 1, "it waits for its next turn");
    turns.pop()!();
    for (let i = 0; i < 20; i++) await settled();
  };
  const end = async () => {
    all.connection.close();
    for (const resume of turns) resume();
    await all.served;
  };
  return { ...all, endTurn, end };
}
