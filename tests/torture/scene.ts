// What a fault finds: one cluster of real processes, its network, the clients that load
// it and the checker of what they read. It knows how to start, kill and restart nodes
// and when all is well again; what is broken, and what must come of it, is the faults'.

import assert from "node:assert/strict";
import { ticketOf } from "../lib/client.ts";
import { Cluster } from "../lib/harness.ts";
import { type Exit, Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import type { Random } from "../lib/random.ts";
import { Clients, waitingMax } from "./clients.ts";
import type { Figures } from "./figures.ts";
import type { Network } from "./network.ts";
import { RangeChecker } from "./range_checker.ts";

const clientPort = 11001;
const raftPort = 12001;

/** The shipped default of `--election`; the faults wait in its terms. */
export const electionMillis = 300;

/** Less than a user would wait: many faults last until requests are refused. */
const timeoutMillis = 1000;

/** Of each node; the faults' guests are more, and hold more than the memory allowed. */
export const clientsMax = 300;

export type SceneOptions = {
  readonly network: Network;
  /** Its own: data and logs go here. */
  readonly directory: string;
  readonly random: Random;
  readonly figures: Figures;
};

export class Scene {
  readonly options: SceneOptions;
  readonly servers: readonly Server[];
  readonly cluster: Cluster;
  readonly checker = new RangeChecker();
  readonly clients: Clients;
  readonly #firstTerm: number;

  /** A cluster of `count` voters that serves. */
  static async found(count: number, options: SceneOptions): Promise<Scene> {
    const { network, directory, random } = options;
    const servers = Array.from({ length: count }, (_, i) => {
      const id = `${i + 1}`;
      return new Server({
        id,
        // Of its own each, so that a file system can be mounted there.
        directory: `${directory}/n${id}`,
        host: network.host(id),
        port: clientPort,
        raftPort,
        wrapper: network.wrapper(id),
        flags: [
          ...["--timeout", `${timeoutMillis}ms`],
          ...["--io-threads", `${1 + random(3)}`],
          ...["--max-clients", `${clientsMax}`, "--client-memory", "32MB"],
        ],
      });
    });
    for (const { options } of servers) {
      Deno.mkdirSync(options.directory!, { recursive: true });
    }
    const [first, ...others] = servers;
    await first!.start();
    await Promise.all(
      others.map((server) => server.start("--join", addressOf(first!))),
    );
    const cluster = new Cluster(servers);
    await cluster.settled();
    return new Scene(cluster, options, await termOf(first!));
  }

  private constructor(
    cluster: Cluster,
    options: SceneOptions,
    firstTerm: number,
  ) {
    this.options = options;
    this.cluster = cluster;
    this.servers = cluster.servers;
    this.#firstTerm = firstTerm;
    this.clients = new Clients(this.servers, this.checker);
  }

  get size(): number {
    return this.servers.length;
  }

  get majority(): number {
    return Math.floor(this.size / 2) + 1;
  }

  get figures(): Figures {
    return this.options.figures;
  }

  pick<T>(from: readonly T[]): T {
    assert.ok(from.length > 0, "nothing to pick from");
    return from[this.options.random(from.length)]!;
  }

  /** `count` of the nodes, in any order. */
  some(count: number, from = this.servers): Server[] {
    const left = [...from];
    return Array.from(
      { length: count },
      () => left.splice(this.options.random(left.length), 1)[0]!,
    );
  }

  /** Tails or heads. */
  flip(): boolean {
    return this.options.random(2) === 0;
  }

  but(...servers: readonly Server[]): Server[] {
    return this.servers.filter((server) => !servers.includes(server));
  }

  /** The one of `among` that all of `among` follow. */
  async leader(among = this.servers): Promise<Server> {
    return await new Cluster(among).leader();
  }

  /** One that follows, and the one that leads it. */
  async follower(): Promise<{ follower: Server; leader: Server }> {
    const leader = await this.leader();
    return { leader, follower: this.pick(this.but(leader)) };
  }

  async kill(...servers: readonly Server[]): Promise<void> {
    await Promise.all(servers.map((server) => server.kill()));
  }

  /** Starts those that have ended, `flags` after their own, until they serve. */
  async start(servers: readonly Server[], ...flags: string[]): Promise<void> {
    for (const server of servers) this.spawn(server, ...flags);
    await Promise.all(
      servers.map((server) => server.logged(/: serves clients on /)),
    );
  }

  /** The same for one, and does not wait. */
  spawn(server: Server, ...flags: string[]): void {
    this.#keepLog(server);
    server.spawn(...flags);
  }

  /** It ends by itself; anything but code 1, and a log without `reason`, is a fault. */
  async fails(server: Server, reason: RegExp): Promise<Exit> {
    const exit = await server.exit();
    assert.deepEqual(exit, { code: 1, signal: null }, tail(server));
    // The isolates write their lines by themselves: a warning may come after it.
    const errors = server.log.split("\n").filter((line) =>
      / error /.test(line)
    );
    assert.match(errors.at(-1) ?? "", reason, "its last error says why");
    return exit;
  }

  /** All run and follow one leader, have caught up with it, and clients are served. */
  async recovered(): Promise<void> {
    const leader = await this.leader();
    await this.clients.more(100);
    const goal = Number((await leader.stats()).commit_index);
    await until("all nodes have caught up", async () => {
      const stats = await Promise.all(this.servers.map((s) => s.stats()));
      return stats.every(({ applied_index }) => Number(applied_index) >= goal);
    });
  }

  /** Asks a node to compact its log; waits for the answer only if told to. */
  snapshot(server: Server): Promise<void> {
    const asked = server.ask("RAFT.SNAPSHOT").catch((error) => error);
    return asked.then((answer) => {
      // A node that dies of it cannot answer.
      if (answer !== "OK" && server.running) {
        assert.match(String(answer), /nothing new|closed|reset|refused/i);
      }
    });
  }

  /** Elections since the beginning: each takes a term of its own, at least. */
  async elections(): Promise<number> {
    return await termOf(await this.leader()) - this.#firstTerm;
  }

  /** The last questions; then the cluster ends in good order. What is wrong, if anything. */
  async end(): Promise<string[]> {
    await this.clients.stop();
    // Each change of leaders makes each node ask again, at most for all that waits there.
    const elections = await this.elections();
    this.checker.unanswered(elections * this.size * waitingMax);
    // And burns what the leader has in hand: no more than one and a half of its ticks'
    // worth, of which each may lie in two of ours.
    this.checker.unanswered(elections * 3 * this.clients.busiestTick);
    const before = this.checker.largest;
    await until("nothing is in hand", async () => {
      const { tickets_in_hand } = await (await this.leader()).stats();
      return tickets_in_hand === "0";
    });
    const next = await this.#oneMore(await this.leader());
    for (const server of this.servers) {
      assert.equal(await server.ask("RAFT.SNAPSHOT"), "OK");
    }
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.start(this.servers);
    const leader = await this.leader();
    const last = await this.#oneMore(leader);
    const faults = this.checker.close();
    if (next <= before) faults.push(`${next} was given after ${before}`);
    if (last !== next + 1) {
      faults.push(`not dense: ${last} followed ${next} over a restart of all`);
    }
    const { last_snapshot_index: snapshot } = await leader.stats();
    if (Number(snapshot) === 0) faults.push("RAFT.SNAPSHOT left no snapshot");
    await Promise.all(this.servers.map((server) => server.stop()));
    return faults;
  }

  /** Ends all at once; for a scene that went wrong. */
  async abort(): Promise<void> {
    await Promise.all(this.servers.map(async (server) => {
      await server.kill();
      this.#keepLog(server);
    }));
  }

  /** The log of the life that has ended, behind those before it. */
  #keepLog(server: Server): void {
    const path = `${this.options.directory}/node-${server.id}.log`;
    Deno.writeTextFileSync(path, server.log, { append: true });
  }

  /** One ticket, through the checker. */
  async #oneMore(server: Server): Promise<number> {
    const floor = this.checker.asks();
    const number = Number(ticketOf(await server.ask("TICKET")));
    const range = { first: number, last: number, floor };
    this.checker.answers(this.checker.line(), range);
    return number;
  }
}

export function addressOf({ host, port }: Server): string {
  return `${host}:${port}`;
}

export function idsOf(servers: readonly Server[]): string[] {
  return servers.map(({ id }) => id);
}

export function nodes(servers: readonly Server[]): string {
  return `node ${idsOf(servers).toSorted().join(", ")}`;
}

/** Time that must go by for something to be late; nothing is concluded from it. */
export async function pass(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}

async function termOf(server: Server): Promise<number> {
  return Number((await server.stats()).term);
}

function tail({ id, log }: Server): string {
  return `node ${id}:\n${log.split("\n").slice(-10).join("\n")}`;
}
