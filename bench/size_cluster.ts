// Nodes for `size.ts`: real processes with watched isolates, each of which can be stopped and
// started again, emptied, and asked how much memory and disk it takes. Measures nothing else.

import { Client } from "../tests/lib/client.ts";
import { freePort } from "../tests/lib/ports.ts";
import { ask, v8Flag } from "./contenders.ts";
import { end, makeDirectory, removeDirectory, spawn } from "./processes.ts";

const main = new URL("./watched_main.ts", import.meta.url).pathname;
const startMillisMax = 60_000;

/** A time that an isolate's event loop stood still: see `thread_watch.ts`. */
export type Block = {
  readonly isolate: string;
  readonly begin: number;
  readonly millis: number;
  readonly running: number;
};

/** One node. */
export class SizeNode {
  readonly port = freePort();
  readonly raftAddress = `127.0.0.1:${freePort()}`;
  readonly id: string;
  readonly directory: string;
  readonly #flags: readonly string[];
  #process: Deno.ChildProcess | undefined;

  constructor(id: string, directory: string, flags: readonly string[]) {
    this.id = id;
    this.directory = directory;
    this.#flags = flags;
  }

  /** Of its process, which runs. */
  get pid(): number {
    return this.#process!.pid;
  }

  get data(): string {
    return `${this.directory}/${this.id}`;
  }

  /** Milliseconds to the first reply to a GET, which waits for a leader. */
  async start(...flags: string[]): Promise<number> {
    const begin = performance.now();
    this.#process = spawn(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", v8Flag, main],
        ...["--id", this.id, "--dir", this.directory],
        ...["--saddr", `127.0.0.1:${this.port}`],
        ...["--raddr", this.raftAddress, ...this.#flags, ...flags],
      ],
      env: { TICKETD_WITH_PARENT: "yes", BENCH_WATCH: this.#watch },
      stdout: "null",
      stderr: "null",
    });
    for (;;) {
      const reply = await ask(this.port, "GET none").catch(() => "");
      const millis = performance.now() - begin;
      if (reply.startsWith("$")) return millis;
      if (millis > startMillisMax) throw new Error(`no answer: ${reply}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await end(this.#process);
    this.#process = undefined;
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.status;
    this.#process = undefined;
  }

  /** Megabytes of memory that are not swapped out; and the most there ever were. */
  memory(): readonly [now: number, peak: number] {
    const text = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    const of = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) / 1000;
    return [of("VmRSS"), of("VmHWM")];
  }

  /** Megabytes of all files. */
  disk(): number {
    let bytes = 0;
    for (const { name } of Deno.readDirSync(this.data)) {
      try {
        bytes += Deno.statSync(`${this.data}/${name}`).size;
      } catch {
        // It was removed meanwhile.
      }
    }
    return bytes / 1e6;
  }

  /** The blocks of its isolates since `from`, milliseconds since 1970. */
  blocks(from: number): Block[] {
    return ["main", "raft"].flatMap((isolate) => {
      let text = "";
      try {
        text = Deno.readTextFileSync(`${this.#watch}.${isolate}`);
      } catch {
        // None yet.
      }
      return text.split("\n").filter((line) => line !== "").map((line) => {
        const [begin = 0, millis = 0, running = 0] = JSON.parse(line);
        return { isolate, begin, millis, running };
      });
    }).filter(({ begin }) => begin >= from);
  }

  get #watch(): string {
    return `${this.directory}/watch-${this.id}`;
  }
}

/** So many nodes, the first of which leads; gone when `use` ends. */
export async function withNodes(
  count: number,
  flags: readonly string[],
  use: (nodes: readonly SizeNode[]) => Promise<void>,
): Promise<void> {
  const directory = makeDirectory();
  const nodes = Array.from(
    { length: count },
    (_, i) => new SizeNode(`${i + 1}`, directory, flags),
  );
  try {
    const [first, ...others] = nodes;
    await first!.start();
    for (const node of others) {
      await node.start("--join", `127.0.0.1:${first!.port}`);
    }
    await use(nodes);
  } finally {
    for (const node of nodes.toReversed()) await node.stop();
    removeDirectory(directory);
  }
}

/** The names, as long as names may be. */
export function nameOf(i: number): string {
  return `tenant:${i}:`.padEnd(128, "x");
}

/** Begins sequences `from` up to `to` with TICKET, in pipelines of 1,000 on each of 4 connections. */
export async function createNames(
  port: number,
  from: number,
  to: number,
): Promise<void> {
  const size = 1000;
  let at = from;
  await Promise.all(Array.from({ length: 4 }, async () => {
    using client = await Client.connect(port);
    while (at < to) {
      const begin = at;
      at = Math.min(begin + size, to);
      const names = Array.from({ length: at - begin }, (_, i) => begin + i);
      const replies = await client.pipeline(
        names.map((i) => ["TICKET", nameOf(i)]),
      );
      // Not always 1: a leader that loses its office burns numbers.
      const odd = replies.find((reply) => typeof reply !== "string");
      if (odd !== undefined) throw new Error(`no ticket: ${odd}`);
    }
  }));
}
