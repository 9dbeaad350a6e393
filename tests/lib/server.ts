// One node of a test: its id, ports and directory, and the process that runs it now or ran it
// last. The process is a real `deno run … main.ts`, started, watched and ended by its pid.

import assert from "node:assert/strict";
import { Client, encode, exchange, type Reply, ticketOf } from "./client.ts";
import { freePort } from "./ports.ts";
import { until, within } from "./until.ts";

export const repository = new URL("../../", import.meta.url).pathname;

/** The permissions of a node whose data lie outside `./data`, where -P does not reach. */
export const permissions = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
];

/** On a machine busy with tests, 300 ms of silence are no sign of a dead leader. */
export const calm = ["--heartbeat", "100ms", "--election", "1500ms"];

/** Some processes are asked to wait for a minute before they give up. */
const exitMillisMax = 90_000;

export type ServerOptions = {
  readonly id?: string | undefined;
  /** `DIR` of `--dir`; `undefined` leaves the flag out. */
  readonly directory: string | undefined;
  /** Where it listens; ports of its own on loopback unless told otherwise. */
  readonly host?: string;
  readonly port?: number;
  readonly raftPort?: number;
  /** Client ports of members on the same host. */
  readonly join?: readonly number[];
  readonly flags?: readonly string[];
  /** In place of all flags that the other options make. */
  readonly args?: (server: Server) => string[];
  /** After `run`. */
  readonly permissions?: readonly string[];
  /** A task of deno.json that starts it. */
  readonly task?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A command that runs the one which follows it: `bash -c …`. */
  readonly wrapper?: readonly string[] | undefined;
};

export type Exit = { readonly code: number; readonly signal: string | null };

export class Server {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly raftPort: number;
  /** Where it listens for other nodes from its next start on: `host`, until it moves. */
  raftHost: string;
  readonly options: ServerOptions;
  /** The process that runs it now, or ran it last. */
  #process: Process | undefined;

  constructor(options: ServerOptions) {
    this.id = options.id ?? "1";
    this.host = options.host ?? "127.0.0.1";
    this.port = options.port ?? freePort();
    this.raftPort = options.raftPort ?? freePort();
    this.raftHost = this.host;
    this.options = options;
  }

  get raftAddress(): string {
    return `${this.raftHost}:${this.raftPort}`;
  }

  /** Where its data lie. */
  get data(): string {
    return `${this.options.directory}/${this.id}`;
  }

  /** Starts it, with `flags` after its own, and waits until it serves clients. */
  async start(...flags: string[]): Promise<this> {
    this.spawn(...flags);
    await this.logged(/: serves clients on /);
    return this;
  }

  spawn(...flags: string[]): void {
    assert.ok(!this.running, `node ${this.id} runs already`);
    const { wrapper = [], cwd = repository, env } = this.options;
    const [program, ...args] = [...wrapper, ...this.command, ...flags];
    this.#process = new Process(program!, { args, cwd, env });
  }

  get command(): string[] {
    const { task, permissions: rights = permissions, args } = this.options;
    return [
      Deno.execPath(),
      ...task === undefined ? ["run", ...rights, "main.ts"] : ["task", task],
      ...args?.(this) ?? this.#args,
    ];
  }

  get #args(): string[] {
    const { options } = this;
    const join = options.join?.map((port) => `${this.host}:${port}`) ?? [];
    return [
      ...options.id === undefined ? [] : ["--id", options.id],
      ...["--saddr", `${this.host}:${this.port}`],
      ...["--raddr", this.raftAddress],
      ...options.directory === undefined ? [] : ["--dir", options.directory],
      ...join.length === 0 ? [] : ["--join", join.join(",")],
      ...options.flags ?? [],
    ];
  }

  get running(): boolean {
    return this.#process !== undefined && !this.#process.ended;
  }

  get pid(): number {
    return this.#lastProcess.child.pid;
  }

  /** Standard error of the last process. */
  get log(): string {
    return this.#process?.stderr ?? "";
  }

  get stdout(): string {
    return this.#lastProcess.stdout;
  }

  /** Waits for a line of the log; fails if the process ends without it. */
  async logged(pattern: RegExp): Promise<RegExpMatchArray> {
    const process = this.#lastProcess;
    return await until(`node ${this.id} has logged ${pattern}`, () => {
      const found = pattern.exec(process.stderr);
      if (found === null && process.ended) {
        throw new Error(`node ${this.id} ended without ${pattern}`);
      }
      return found ?? undefined;
    });
  }

  /** Sends `signal`, unless the process has just ended by itself. */
  signal(signal: Deno.Signal): void {
    try {
      this.#lastProcess.child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Waits until the process has ended and all of its output is read. */
  async exit(): Promise<Exit> {
    const { child, exit } = this.#lastProcess;
    const state = `node ${this.id} (process ${child.pid}) has ended`;
    return await within(state, exit, { millisMax: exitMillisMax });
  }

  /** kill -9 */
  async kill(): Promise<void> {
    if (this.running) this.signal("SIGKILL");
    if (this.#process !== undefined) await this.exit();
  }

  /** SIGTERM, which must end it well. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    assert.deepEqual(await this.exit(), { code: 0, signal: null });
  }

  async connect(): Promise<Client> {
    return await Client.connect(this.port, this.host);
  }

  /** One request on a connection of its own. */
  async ask(...words: string[]): Promise<Reply> {
    using client = await this.connect();
    return await client.ask(...words);
  }

  /** The exact bytes of the answer to one request. */
  async bytes(...words: string[]): Promise<string> {
    return await exchange(this.port, encode(words), { hostname: this.host });
  }

  async ticket(): Promise<bigint> {
    return ticketOf(await this.ask("TICKET"));
  }

  async tickets(count: number): Promise<bigint[]> {
    using client = await this.connect();
    return await client.tickets(count);
  }

  async stats(): Promise<Record<string, string>> {
    const reply = await this.ask("RAFT.STATS");
    assert.ok(Array.isArray(reply), `${reply}`);
    const stats: Record<string, string> = {};
    for (let i = 0; i < reply.length; i += 2) {
      stats[String(reply[i])] = String(reply[i + 1]);
    }
    return stats;
  }

  /** `id suffrage` of each member, as this node knows them. */
  async members(): Promise<string[]> {
    const reply = await this.ask("RAFT.CONFIGURATION");
    assert.ok(Array.isArray(reply), `${reply}`);
    return reply.map((server) => {
      assert.ok(Array.isArray(server));
      return `${server[1]} ${server[5]}`;
    });
  }

  get #lastProcess(): Process {
    assert.ok(this.#process !== undefined, `node ${this.id} was never started`);
    return this.#process;
  }
}

/** The environment without variables of ticketd's, which would change what is tested. */
function cleanEnvironment(more: Readonly<Record<string, string>> = {}) {
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("TICKETD_"));
  return {
    ...Object.fromEntries(own),
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    ...more,
  };
}

/** One run of a node. */
class Process {
  readonly child: Deno.ChildProcess;
  stdout = "";
  stderr = "";
  ended = false;
  readonly exit: Promise<Exit>;

  constructor(
    program: string,
    { args, cwd, env }: Pick<ServerOptions, "cwd" | "env"> & {
      args: readonly string[];
    },
  ) {
    this.child = new Deno.Command(program, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      env: cleanEnvironment(env),
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.exit = this.#watch();
  }

  async #watch(): Promise<Exit> {
    const [{ code, signal }] = await Promise.all([
      this.child.status,
      gather(this.child.stdout, (text) => this.stdout += text),
      gather(this.child.stderr, (text) => this.stderr += text),
    ]);
    this.ended = true;
    return { code, signal };
  }
}

async function gather(
  stream: ReadableStream<BufferSource>,
  add: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    add(text);
  }
}
