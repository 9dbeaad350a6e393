// Sockets on `node:net`, against a client of Deno's own: what happens is told once and in order.

import assert from "node:assert/strict";
import { Socket as NetSocket } from "node:net";
import { listenOn, type Port } from "../../../base/port.ts";
import type { SocketListener, TcpSocket } from "../../../base/socket.ts";
import { until, within } from "../../lib/until.ts";

const limit = { millisMax: 10_000 };
const purpose = { whom: "clients", flag: "--saddr" };

/** What a socket was told, in a few words each. */
class Told implements SocketListener {
  readonly events: string[] = [];
  bytes = 0;

  data({ length }: Uint8Array): void {
    if (this.bytes === 0) this.events.push("data");
    this.bytes += length;
  }

  ended(): void {
    this.events.push("ended");
  }

  taken(): void {
    this.events.push("taken");
  }

  closed(): void {
    this.events.push("closed");
  }

  async has(event: string): Promise<void> {
    await until(
      `the socket is told "${event}"`,
      () => this.events.includes(event) || undefined,
    );
  }
}

type Scene = {
  readonly port: Port;
  readonly socket: TcpSocket;
  readonly told: Told;
  readonly client: Deno.TcpConn;
};

/** One connection, both ends; closed in the end. */
async function connected(use: (scene: Scene) => Promise<void>): Promise<void> {
  const port = await listenOn({ host: "127.0.0.1", port: 0 }, purpose);
  const accepted = new Promise<TcpSocket>((resolve) => port.start(resolve));
  const { host: hostname, port: number } = port.address;
  const client = await Deno.connect({ hostname, port: number });
  const socket = await within("the connection is accepted", accepted, limit);
  const told = new Told();
  socket.start(told);
  try {
    await use({ port, socket, told, client });
  } finally {
    socket.close();
    await told.has("closed");
    try {
      client.close();
    } catch {
      // It has done so itself.
    }
    port.close();
  }
}

/** Reads to the end, and counts. */
async function drained(client: Deno.TcpConn): Promise<number> {
  const space = new Uint8Array(256 * 1024);
  let count = 0;
  for (let read; (read = await client.read(space)) !== null;) count += read;
  return count;
}

Deno.test("TcpSocket knows the other end's address, and writes what fits at once", () =>
  connected(async ({ socket, told, client }) => {
    assert.equal(socket.remote.port, (client.localAddr as Deno.NetAddr).port);
    await client.write(new Uint8Array(1));
    await told.has("data"); // now the system has been polled
    assert(socket.write(Uint8Array.of(1, 2)));
    const space = new Uint8Array(10);
    assert.equal(await client.read(space), 2);
  }));

Deno.test("TcpSocket tells when a write that was not taken at once has left, every byte of it as it was", () =>
  connected(async ({ socket, told, client }) => {
    const bytes = new Uint8Array(16 * 1024 * 1024).fill(7);
    assert(!socket.write(bytes), "more than the system has room for");
    assert.throws(() => socket.write(bytes), /one write at a time/);
    assert(!told.events.includes("taken"));
    const reading = drained(client);
    await told.has("taken");
    socket.end();
    assert.equal(await reading, bytes.length);
  }));

Deno.test("A client that has closed its half is told of, and still gets what is written", () =>
  connected(async ({ socket, told, client }) => {
    await client.write(new Uint8Array(5));
    await client.closeWrite();
    await told.has("ended");
    assert.deepEqual(told.events, ["data", "ended"]);
    socket.write(new Uint8Array(1000));
    socket.end();
    assert.equal(await drained(client), 1000);
  }));

Deno.test("TcpSocket.pause() lets the system's buffers hold up the sender, and resume() loses nothing", () =>
  connected(async ({ socket, told, client }) => {
    socket.pause();
    const sent = 4 * 1024 * 1024;
    const sending = (async () => {
      const bytes = new Uint8Array(sent);
      for (let at = 0; at < sent;) at += await client.write(bytes.subarray(at));
      await client.closeWrite();
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(told.bytes, 0);
    for (let at = 0; at < 20; at++) {
      socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 1));
      socket.pause();
    }
    socket.resume();
    await sending;
    await told.has("ended");
    assert.equal(told.bytes, sent);
  }));

Deno.test("A reset ends a socket, which is told so once and last", () =>
  connected(async ({ socket, told, client }) => {
    await client.write(new Uint8Array(5));
    await told.has("data");
    const bytes = new Uint8Array(16 * 1024 * 1024);
    assert(!socket.write(bytes));
    client.close(); // with unread bytes
    await told.has("closed");
    assert.deepEqual(told.events.filter((event) => event === "closed"), [
      "closed",
    ]);
    assert.equal(told.events.at(-1), "closed");
  }));

Deno.test("TcpSocket takes bytes from the stream's own events when nothing else brings them", async () => {
  const stream = new NetSocket();
  const { TcpSocket } = await import("../../../base/socket.ts");
  const told = new Told();
  new TcpSocket(stream).start(told);
  stream.emit("data", new Uint8Array(3));
  assert.equal(told.bytes, 3);
  stream.destroy();
  await told.has("closed");
});
