// What goes on while `pauses.ts` measures: the events that might make a node stand still.
// Each runs until its signal is aborted. Starts no node; a node that it stops, it starts
// again.

import { ask, type Server } from "./contenders.ts";

export type PauseEvent = {
  readonly name: string;
  readonly nodesMin: number;
  readonly during: (server: Server, signal: AbortSignal) => Promise<void>;
};

const crowdSize = 1000;
const connectsAtOnce = 200;

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()));
  });
}

async function again(
  signal: AbortSignal,
  everyMillis: number,
  run: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await run();
    await pause(everyMillis, signal);
  }
}

/** Connections that say nothing. */
async function crowd(port: number): Promise<Deno.TcpConn[]> {
  const conns: Deno.TcpConn[] = [];
  while (conns.length < crowdSize) {
    const some = Array.from(
      { length: connectsAtOnce },
      () => Deno.connect({ port }),
    );
    conns.push(...await Promise.all(some));
  }
  return conns;
}

/** Reads the whole reply, which has a line that says how long it is. */
async function question(conn: Deno.TcpConn, command: string): Promise<void> {
  await conn.write(new TextEncoder().encode(`${command}\r\nECHO end\r\n`));
  const buffer = new Uint8Array(256 * 1024);
  const end = new TextEncoder().encode("end\r\n");
  for (let count; (count = await conn.read(buffer)) !== null;) {
    const tail = buffer.subarray(count - end.length, count);
    if (end.every((byte, at) => tail[at] === byte)) return;
  }
}

export const pauseEvents: readonly PauseEvent[] = [
  { name: "nothing", nodesMin: 1, during: (_, signal) => pause(1e9, signal) },
  {
    name: "snapshots",
    nodesMin: 1,
    during: ({ ports: [port = 0] }, signal) =>
      again(signal, 100, () => ask(port, "RAFT.SNAPSHOT")),
  },
  {
    name: "questions",
    nodesMin: 1,
    during: async ({ ports: [port = 0] }, signal) => {
      const idle = await crowd(port);
      using conn = await Deno.connect({ port });
      await again(signal, 20, async () => {
        for (const command of ["RAFT.STATS", "INFO", "CLIENT LIST"]) {
          await question(conn, command);
        }
      });
      for (const one of idle) one.close();
    },
  },
  {
    name: "crowd",
    nodesMin: 1,
    during: ({ ports: [port = 0] }, signal) =>
      again(signal, 1000, async () => {
        const conns = await crowd(port);
        await pause(500, signal);
        for (const conn of conns) conn.close();
      }),
  },
  {
    name: "follower-stopped",
    nodesMin: 3,
    during: ({ pids }, signal) =>
      again(signal, 3000, async () => {
        const pid = pids.at(-1)!;
        Deno.kill(pid, "SIGSTOP");
        await pause(3000, signal);
        Deno.kill(pid, "SIGCONT");
      }),
  },
];
