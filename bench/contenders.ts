// The servers that benchmarks load, real processes on loopback with data of their own, at
// ports that no client is given. What loads them, and what is compared how often, stands
// elsewhere.

import deno from "../deno.json" with { type: "json" };
import { assert } from "../base/assert.ts";
import type { Durability } from "../storage/storage.ts";
import { freePort } from "../tests/lib/ports.ts";
import { end, makeDirectory, removeDirectory, spawn } from "./processes.ts";

export type Server = {
  /** Where clients are given numbers; of ticketd's nodes the first leads. */
  readonly ports: readonly number[];
  readonly pids: readonly number[];
  /** Where each process has its data. */
  readonly directories: readonly string[];
  /** From the start of the first process to its answer to a first command. */
  readonly startMillis: number;
  stop(): Promise<void>;
};

const main = new URL("../main.ts", import.meta.url).pathname;
const echo = new URL("./echo_server.ts", import.meta.url).pathname;

/** A server that is not ready after that never will be. */
const readyMillisMax = 30_000;
const askAgainMillis = 5;

/** As the executable has it, and `deno task start`. */
export const v8Flag = deno.tasks.compile.split(" ").find((word) =>
  word.startsWith("--v8-flags=")
)!;
assert(v8Flag !== undefined, "`deno task compile` names no flag of V8");

export type TicketdOptions = {
  readonly durability?: Durability;
  /** Without V8's flag: the default of an operator who starts `deno run` alone. */
  readonly isPlain?: boolean;
  readonly env?: Record<string, string>;
};

export async function startTicketd(
  count: number,
  { durability = "high", isPlain = false, env = {} }: TicketdOptions = {},
): Promise<Server> {
  const directory = makeDirectory();
  const ports: number[] = [];
  const processes: Deno.ChildProcess[] = [];
  let startMillis = 0;
  for (let id = 1; id <= count; id++) {
    const port = freePort();
    const before = performance.now();
    processes.push(spawn(Deno.execPath(), {
      args: [
        "run",
        "--allow-net",
        "--allow-read",
        "--allow-write",
        // It ends by itself if this process is killed.
        "--allow-env=TICKETD_WITH_PARENT",
        ...isPlain ? [] : [v8Flag],
        main,
        ...["--id", `${id}`, "--dir", directory],
        ...["--saddr", `127.0.0.1:${port}`],
        ...["--raddr", `127.0.0.1:${freePort()}`],
        ...["--durability", durability],
        ...(id > 1 ? ["--join", `127.0.0.1:${ports[0]}`] : []),
      ],
      env: { ...env, TICKETD_WITH_PARENT: "yes" },
      stdout: "null",
      stderr: "null",
    }));
    ports.push(port);
    await until(port, "TICKET", (reply) => reply.startsWith("+"));
    if (id === 1) startMillis = performance.now() - before;
  }
  await until(
    ports[0]!,
    "RAFT.CONFIGURATION",
    (reply) =>
      reply.split("Voter").length - 1 === count && !reply.includes("Nonvoter"),
  );
  return {
    ports,
    pids: processes.map(({ pid }) => pid),
    directories: processes.map((_, at) => `${directory}/${at + 1}`),
    startMillis,
    stop: () => stop(processes, directory),
  };
}

/** Stopped afterwards, whatever `use` does. */
export async function withTicketd<T>(
  count: number,
  use: (server: Server) => T | Promise<T>,
): Promise<T> {
  const server = await startTicketd(count);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

const redisInMemory = ["--appendonly", "no"];
const redisAlways = ["--appendonly", "yes", "--appendfsync", "always"];

function redisArgs(
  { port, directory, log }: {
    readonly port: number;
    readonly directory: string;
    readonly log: readonly string[];
  },
): string[] {
  return [
    ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory],
    ...["--save", "", "--maxclients", "5000", ...log],
  ];
}

export function startRedis(
  appendfsync: "always" | undefined,
  { env = {} }: { readonly env?: Record<string, string> } = {},
): Promise<Server> {
  const log = appendfsync === undefined ? redisInMemory : redisAlways;
  return startOne("redis-server", {
    args: (port, directory) => redisArgs({ port, directory, log }),
    command: "PING",
    reply: "+PONG",
    env,
  });
}

/** A master and two replicas that have caught up; each syncs its own log for every write. */
export async function startReplicatedRedis(): Promise<Server> {
  const servers: Server[] = [];
  for (const _ of [1, 2, 3]) {
    const master = servers[0]?.ports[0];
    servers.push(
      await startOne("redis-server", {
        args: (port, directory) => [
          ...redisArgs({ port, directory, log: redisAlways }),
          // It would wait 5 s for further replicas before it sends the first one the data.
          ...["--repl-diskless-sync-delay", "0"],
          ...(master === undefined
            ? []
            : ["--replicaof", `127.0.0.1 ${master}`]),
        ],
        command: "PING",
        reply: "+PONG",
      }),
    );
  }
  const ports = servers.flatMap((server) => server.ports);
  for (const replica of ports.slice(1)) {
    await until(
      replica,
      "INFO replication",
      (reply) => reply.includes("master_link_status:up"),
    );
    // It writes no log at all until it has made a new one of what the master sent.
    await until(
      replica,
      "INFO persistence",
      (reply) =>
        /aof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/
          .test(reply),
    );
  }
  await ask(ports[0]!, "INCR n");
  await until(ports[0]!, "WAIT 2 1000", (reply) => reply.startsWith(":2"));
  return {
    ports: ports.slice(0, 1),
    pids: servers.flatMap(({ pids }) => pids),
    directories: servers.flatMap(({ directories }) => directories),
    startMillis: servers[0]!.startMillis,
    // The replicas first, so that none of them looks for a master that has gone.
    stop: async () => {
      for (const server of servers.toReversed()) await server.stop();
    },
  };
}

/** `echo_server.ts`. */
export function startEcho(): Promise<Server> {
  return startOne(Deno.execPath(), {
    args: (port) => ["run", "--allow-net", echo, `${port}`],
    command: "TICKET",
    reply: "+",
  });
}

/** A server of one process, which is ready when it answers `command` with `reply`. */
async function startOne(
  program: string,
  { args, command, reply, env = {} }: {
    readonly args: (port: number, directory: string) => string[];
    readonly command: string;
    readonly reply: string;
    readonly env?: Record<string, string>;
  },
): Promise<Server> {
  const directory = makeDirectory();
  const port = freePort();
  const before = performance.now();
  const process = spawn(program, {
    args: args(port, directory),
    env,
    stdout: "null",
    stderr: "null",
  });
  await until(port, command, (found) => found.startsWith(reply));
  return {
    ports: [port],
    pids: [process.pid],
    directories: [directory],
    startMillis: performance.now() - before,
    stop: () => stop([process], directory),
  };
}

/** The last one first, so that the leader need not hand over; then the directory goes. */
async function stop(
  processes: readonly Deno.ChildProcess[],
  directory: string,
): Promise<void> {
  for (const process of processes.toReversed()) await end(process);
  removeDirectory(directory);
}

/** One command on a connection of its own, and what came first in reply. */
export async function ask(port: number, command: string): Promise<string> {
  const buffer = new Uint8Array(65536);
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  await client.write(new TextEncoder().encode(`${command}\r\n`));
  const count = await client.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, count));
}

/** Asks until the reply is as wanted. */
async function until(
  port: number,
  command: string,
  isWanted: (reply: string) => boolean,
): Promise<void> {
  const deadline = performance.now() + readyMillisMax;
  while (performance.now() < deadline) {
    try {
      if (isWanted(await ask(port, command))) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, askAgainMillis));
  }
  throw new Error(
    `port ${port} did not answer ${command} as expected in ` +
      `${readyMillisMax / 1000} s`,
  );
}
