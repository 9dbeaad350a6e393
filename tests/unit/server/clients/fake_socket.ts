// A connection on a socket whose client is the test: it decides when to send and when to read,
// and when turns of the event loop end.

import assert from "node:assert/strict";
import {
  Connection,
  type ConnectionService,
  type Socket,
} from "../../../../server/clients/connection.ts";
import {
  connectionService,
  decoder,
  encoder,
  FakeNode,
} from "../../../lib/fakes.ts";

/** A socket whose client is this test: it decides when to send and when to read. */
export class FakeSocket implements Socket {
  readonly remoteAddr = {
    transport: "tcp",
    hostname: "192.0.2.7",
    port: 40000,
  } as const;
  /** Each write, whole or in the pieces that were accepted. */
  readonly writes: string[] = [];
  closed = false;
  writeClosed = false;
  /** Bytes that one write accepts. */
  accepts = Infinity;
  /** Until it is resolved, writes wait. */
  #reading: PromiseWithResolvers<void> | undefined;
  #read: ((text: string | null) => void) | undefined;
  reads = 0;
  /** What the client sends, again and again, as soon as the server reads. */
  flood: string | undefined;
  #flooded = 0;

  /** What the client has read so far. */
  get received(): string {
    return this.writes.join("");
  }

  stopReading(): void {
    this.#reading = Promise.withResolvers();
  }

  goOnReading(): void {
    this.#reading?.resolve();
    this.#reading = undefined;
  }

  /** The server must be reading. `null`: the client closes its half. */
  async send(text: string | null): Promise<void> {
    assert(this.#read !== undefined, "the server does not read");
    const read = this.#read;
    this.#read = undefined;
    read(text);
    await settled();
  }

  get beingRead(): boolean {
    return this.#read !== undefined;
  }

  async read(space: Uint8Array): Promise<number | null> {
    this.reads++;
    const text = this.flood ?? await new Promise<string | null>((resolve) => {
      this.#read = resolve;
    });
    if (this.closed) throw new Deno.errors.BadResource();
    if (text === null) return null;
    const from = this.flood === undefined ? 0 : this.#flooded % text.length;
    const bytes = encoder.encode(text).subarray(from, from + space.length);
    assert(this.flood !== undefined || bytes.length === text.length);
    if (this.flood !== undefined) this.#flooded += bytes.length;
    space.set(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#reading?.promise;
    if (this.closed) throw new Deno.errors.BrokenPipe();
    const count = Math.min(bytes.length, this.accepts);
    this.writes.push(decoder.decode(bytes.subarray(0, count)));
    return count;
  }

  closeWrite(): Promise<void> {
    this.writeClosed = true;
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.#read?.(null);
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
  const connection = new Connection(socket, { id: 1, service });
  const served = connection.serve();
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
