// A port before anybody serves it: what becomes of connections that come, and end, too early.

import assert from "node:assert/strict";
import { listenOn, type Port } from "../../../base/port.ts";
import type { TcpSocket } from "../../../base/socket.ts";
import { until } from "../../lib/until.ts";

const purpose = { whom: "clients", flag: "--saddr" };
const earlyMax = 4;

/** Hands each connection over to `events`, by the words of what it is told. */
function serve(port: Port, events: string[][]): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  port.start((socket) => {
    const told: string[] = [];
    events.push(told);
    sockets.push(socket);
    socket.start({
      data: ({ length }) => told.push(`${length} bytes`),
      ended: () => told.push("ended"),
      taken: () => told.push("taken"),
      closed: () => told.push("closed"),
    });
  });
  return sockets;
}

async function early(
  use: (
    port: Port,
    connect: () => Promise<Deno.TcpConn>,
  ) => Promise<void>,
): Promise<void> {
  const address = { host: "127.0.0.1", port: 0 };
  const port = await listenOn(address, { ...purpose, earlyMax });
  const { host: hostname, port: number } = port.address;
  try {
    await use(port, () => Deno.connect({ hostname, port: number }));
  } finally {
    port.close();
  }
}

/** The system has handed over, and node:net has told, all that came before. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

Deno.test("A client that ends before anybody serves the port is told of like any other", () =>
  early(async (port, connect) => {
    const silent = await connect();
    await silent.closeWrite();
    const talking = await connect();
    await talking.write(new Uint8Array(5));
    await talking.closeWrite();
    await settled();
    const events: string[][] = [];
    const sockets = serve(port, events);
    await until(
      "both ends are told",
      () => events.every((told) => told.includes("ended")) || undefined,
    );
    assert.deepEqual(events, [["ended"], ["5 bytes", "ended"]]);
    for (const socket of sockets) socket.close();
    await until(
      "both are over",
      () => events.every((told) => told.at(-1) === "closed") || undefined,
    );
    silent.close();
    talking.close();
  }));

Deno.test("A client that has vanished before anybody serves the port is over at once", () =>
  early(async (port, connect) => {
    const gone = await connect();
    gone.close();
    await settled();
    const events: string[][] = [];
    const sockets = serve(port, events);
    await until("it has ended", () => events[0]?.[0] === "ended" || undefined);
    sockets[0]!.close();
    await until(
      "it is over",
      () => events[0]?.at(-1) === "closed" || undefined,
    );
  }));

Deno.test("No more connections than may wait for the service do so", () =>
  early(async (port, connect) => {
    const clients: Deno.TcpConn[] = [];
    for (let i = 0; i < earlyMax + 3; i++) clients.push(await connect());
    for (const client of clients.slice(earlyMax)) {
      const read = await client.read(new Uint8Array(1)).catch(() => null);
      assert.equal(read, null, "the port has closed it");
    }
    const events: string[][] = [];
    const sockets = serve(port, events);
    assert.equal(sockets.length, earlyMax);
    for (const socket of sockets) socket.close();
    for (const client of clients) client.close();
    await until(
      "all are over",
      () => events.every((told) => told.at(-1) === "closed") || undefined,
    );
  }));
