// What an end-to-end test stands on: a directory, processes and clients of its own, which are
// gone when it ends, however it ends. A story that fails prints the logs of its nodes.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import assert from "node:assert/strict";
import { exitCodes } from "../../base/exit_codes.ts";
import { type Need, skippable, withPackage } from "./needs.ts";
import { Load, type LoadOptions } from "../e2e/load.ts";
import { exchange } from "./client.ts";
import { type Output, run } from "./program.ts";
import { calm, repository, Server, type ServerOptions } from "./server.ts";
import { until, within } from "./until.ts";

/** A story that takes longer has failed: each of its waits has a shorter deadline. */
const storyMillisMax = 150_000;

/**
 * Registers a test whose name is a claim and whose body is a story in a lab. It is skipped
 * where one of its `needs` is missing.
 */
export function e2e(
  claim: string,
  story: (lab: Lab) => Promise<void>,
  { needs = [] }: { readonly needs?: readonly Need[] } = {},
): void {
  Deno.test({
    ...skippable(claim, needs),
    sanitizeOps: true,
    sanitizeResources: true,
    async fn() {
      const lab = new Lab();
      try {
        const options = { millisMax: storyMillisMax };
        await within("the story has ended", story(lab), options);
      } catch (error) {
        console.error(lab.report());
        throw error;
      } finally {
        await lab.close();
      }
    },
  });
}

/** Everything that one test has on the machine. */
export class Lab {
  readonly directory = Deno.makeTempDirSync({ prefix: "ticketd-test-" });
  readonly #servers: Server[] = [];
  readonly #loads: Load[] = [];

  /** A node that is not started yet; its data lie in this lab unless `options` say otherwise. */
  server(options: Partial<ServerOptions> = {}): Server {
    const server = new Server({
      directory: this.directory,
      flags: calm,
      ...options,
    });
    this.#servers.push(server);
    return server;
  }

  /** Starts `count` nodes in one cluster: voters that know each other. */
  async cluster(
    count: number,
    options: Partial<ServerOptions> = {},
  ): Promise<Cluster> {
    const first = await this.server({ ...options, id: "1" }).start();
    const others = Array.from(
      { length: count - 1 },
      (_, i) => this.server({ ...options, id: `${i + 2}`, join: [first.port] }),
    );
    await Promise.all(others.map((server) => server.start()));
    const cluster = new Cluster([first, ...others]);
    await cluster.settled();
    return cluster;
  }

  /** Waits until a node answers clients on `port`. */
  async serves(port: number): Promise<void> {
    await until(`port ${port} serves clients`, async () => {
      const reply = exchange(port, "PING\r\n").catch(() => "");
      return await reply === "+PONG\r\n";
    });
  }

  /** Runs Deno in the repository, to its end. */
  async deno(...args: string[]): Promise<Output> {
    return await runHere(Deno.execPath(), args);
  }

  /** Clients that ask `servers` for tickets until the load is stopped. */
  load(servers: readonly Server[], options?: LoadOptions): Load {
    const load = new Load(servers.map(({ port }) => port), options);
    this.#loads.push(load);
    return load;
  }

  /** The end of each node's log. */
  report(): string {
    const texts = this.#servers.map(({ id, port, log }) =>
      `--- node ${id}, port ${port}\n${log.split("\n").slice(-40).join("\n")}`
    );
    return texts.join("\n");
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.#loads.map((load) => load.abort()));
    } finally {
      // Including processes that a node or a wrapper has started.
      for (const { pid } of processesOf(this.directory)) {
        try {
          Deno.kill(pid, "SIGKILL");
        } catch {
          // It has ended meanwhile.
        }
      }
      await Promise.all(this.#servers.map((server) => server.kill()));
      Deno.removeSync(this.directory, { recursive: true });
    }
  }
}

/** Nodes that belong to one cluster. */
export class Cluster {
  readonly servers: readonly Server[];

  constructor(servers: readonly Server[]) {
    this.servers = servers;
  }

  get running(): Server[] {
    return this.servers.filter((server) => server.running);
  }

  /** The one node that says it leads, and that all running nodes follow. */
  async leader(): Promise<Server> {
    const ids = this.running.map(({ id }) => id);
    return await until(`nodes ${ids} follow one leader`, async () => {
      const { running } = this;
      const [address, ...others] = await Promise.all(
        running.map((server) => server.ask("RAFT.LEADER").catch(() => "")),
      );
      if (others.some((other) => other !== address)) return undefined;
      return running.find(({ raftAddress }) => raftAddress === address);
    });
  }

  async followers(): Promise<Server[]> {
    const leader = await this.leader();
    return this.running.filter((server) => server !== leader);
  }

  /** Waits until every node knows every node as a voter. */
  async settled(): Promise<void> {
    const voters = this.servers.map(({ id }) => `${id} Voter`);
    await until(`all nodes know ${voters}`, async () => {
      const all = await Promise.all(this.running.map((s) => s.members()));
      return all.every((members) =>
        members.toSorted().join() === voters.toSorted().join()
      );
    });
    await this.leader();
  }
}

/** Runs a program of the Redis tools to its end, with `input` on its standard input. */
export async function redisTool(
  program: "redis-cli" | "redis-benchmark",
  args: readonly string[],
  input = "",
): Promise<Output> {
  try {
    return await runHere(program, args, input);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `${withPackage(program)} is missing, and not named in needs`,
    );
  }
}

async function runHere(
  program: string,
  args: readonly string[],
  input = "",
): Promise<Output> {
  const env = { NO_COLOR: "1" };
  return await run(program, args, { cwd: repository, env, input });
}

/**
 * The processes that name `directory` in their command lines, or work below it. None where
 * there is no /proc.
 */
export function processesOf(
  directory: string,
): { pid: number; line: string }[] {
  if (Deno.build.os !== "linux") return [];
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => {
    try {
      if (!/^\d+$/.test(name)) return [];
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      const within = `${Deno.readLinkSync(`/proc/${name}/cwd`)} ${line}`;
      return within.includes(directory)
        ? [{ pid: Number(name), line: line.replaceAll("\0", " ") }]
        : [];
    } catch {
      return []; // it has ended meanwhile, or belongs to another user
    }
  }).flat();
}

/** Every file below `directory` with its bytes, and every directory with `undefined`. */
export function contents(
  directory: string,
): Record<string, Uint8Array | undefined> {
  const files: Record<string, Uint8Array | undefined> = {};
  if (!exists(directory)) return files;
  const walk = (path: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      const inner = `${path}/${name}`;
      if (isDirectory) {
        files[inner] = undefined;
        walk(inner);
      } else files[inner] = Deno.readFileSync(inner);
    }
  };
  walk(directory);
  return files;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes sure that `server` ends with exit code 1 and one line that says why: the line. */
export async function fault(
  server: Server,
  ...flags: string[]
): Promise<string> {
  return await lastLine(server, { code: exitCodes.fault, flags });
}

/** Makes sure of the same, and that nothing on disk is changed. */
export async function refused(
  server: Server,
  ...flags: string[]
): Promise<string> {
  return await unchanging(server, { code: exitCodes.fault, flags });
}

/** Makes sure of the same for a fault of the user's, which has an exit code of its own. */
export async function misused(
  server: Server,
  ...flags: string[]
): Promise<string> {
  return await unchanging(server, { code: exitCodes.usage, flags });
}

type Ending = { readonly code: number; readonly flags: readonly string[] };

async function unchanging(server: Server, ending: Ending): Promise<string> {
  const directory = server.options.directory ?? server.options.cwd!;
  const before = contents(directory);
  const line = await lastLine(server, ending);
  assert.deepEqual(contents(directory), before, "nothing was changed");
  return line;
}

async function lastLine(
  server: Server,
  { code, flags }: Ending,
): Promise<string> {
  server.spawn(...flags);
  assert.deepEqual(await server.exit(), { code, signal: null }, server.log);
  assert.equal(server.stdout, "");
  const faults = server.log.trimEnd().split("\n").filter((line) =>
    !/Z info |^Warning Permissions in the config/.test(line)
  );
  assert.equal(faults.length, 1, `one line is enough:\n${server.log}`);
  return faults[0]!;
}
