// What a fault works on: one cluster of real processes, its network, the clients that load it
// and the checker of their tickets. A scene starts, kills and restarts nodes, and knows when all
// is well again. The faults decide what is broken and what must come of it.

import assert from "node:assert/strict";
import { ticketOf } from "../lib/client.ts";
import { Cluster } from "../lib/harness.ts";
import { type Exit, Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { type Random, randomOf } from "../lib/random.ts";
import { Clients, waitingMax } from "./clients.ts";
import type { Figures } from "./figures.ts";
import type { Network } from "./network.ts";
import { RangeChecker } from "./range_checker.ts";
import { namedWaitingMax, SequenceClients } from "./sequence_clients.ts";
import type { Sequence } from "./sequence_requests.ts";

const clientPort = 11001;
const raftPort = 12001;

/** The default of `--election`; faults wait for multiples of it. */
export const electionMillis = 300;

/** `--timeout`, shorter than the default: many faults last until requests are refused. */
const timeoutMillis = 1000;

/** `--max-clients`: the guests of a fault are more, and hold more than `--client-memory`. */
export const clientsMax = 300;

export type SceneOptions = {
  readonly network: Network;
  /** For data and logs; no other scene uses it. */
  readonly directory: string;
  readonly random: Random;
  readonly figures: Figures;
};

export class Scene {
  readonly options: SceneOptions;
  readonly servers: readonly Server[];
  readonly cluster: Cluster;
  /** Of the sequence `ticket`. */
  readonly checker = new RangeChecker();
  readonly clients: Clients;
  readonly sequenceClients: SequenceClients;
  /** Of the present cluster, when it began. */
  #firstTerm: number;
  /** Elections of former clusters, which are lost. */
  #electionsBefore = 0;

  /** A cluster of `count` voters that serves. */
  static async found(count: number, options: SceneOptions): Promise<Scene> {
    const { network, directory, random } = options;
    const servers = Array.from({ length: count }, (_, i) => {
      const id = `${i + 1}`;
      return new Server({
        id,
        // One for each node, so that a file system can be mounted there.
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
    // What they draw must not change what is done to whom.
    const random = randomOf(options.random(2 ** 30));
    const { checker: tickets } = this;
    this.sequenceClients = new SequenceClients(this.servers, {
      tickets,
      random,
    });
  }

  /** Every sequence that clients use. */
  get sequences(): readonly Sequence[] {
    const { checker } = this;
    return [{ name: "ticket", checker }, ...this.sequenceClients.sequences];
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

  /** `count` of the nodes, in random order. */
  some(count: number, from = this.servers): Server[] {
    const left = [...from];
    return Array.from(
      { length: count },
      () => left.splice(this.options.random(left.length), 1)[0]!,
    );
  }

  /** True one time in two. */
  flip(): boolean {
    return this.options.random(2) === 0;
  }

  /** All nodes but `servers`. */
  but(...servers: readonly Server[]): Server[] {
    return this.servers.filter((server) => !servers.includes(server));
  }

  /** Waits until all running nodes of `among` follow one of them. */
  async leader(among = this.servers): Promise<Server> {
    return await new Cluster(among).leader();
  }

  /** A random follower, and the leader. */
  async follower(): Promise<{ follower: Server; leader: Server }> {
    const leader = await this.leader();
    return { leader, follower: this.pick(this.but(leader)) };
  }

  async kill(...servers: readonly Server[]): Promise<void> {
    await Promise.all(servers.map((server) => server.kill()));
  }

  /** Starts nodes that have ended, with `flags` after their own, and waits until they serve. */
  async start(servers: readonly Server[], ...flags: string[]): Promise<void> {
    for (const server of servers) this.spawn(server, ...flags);
    await Promise.all(
      servers.map((server) => server.logged(/: serves clients on /)),
    );
  }

  /** Starts one node without waiting. */
  spawn(server: Server, ...flags: string[]): void {
    this.#keepLog(server);
    server.spawn(...flags);
  }

  /** Waits until a node has ended by itself, with code 1 and `reason` as its last error. */
  async fails(server: Server, reason: RegExp): Promise<Exit> {
    const exit = await server.exit();
    assert.deepEqual(exit, { code: 1, signal: null }, tail(server));
    // Each isolate writes its own lines: a warning may come after the last error.
    const errors = server.log.split("\n").filter((line) =>
      / error /.test(line)
    );
    assert.match(errors.at(-1) ?? "", reason, "its last error says why");
    return exit;
  }

  /** Waits until all nodes follow one leader, clients are served, and all have caught up. */
  async recovered(): Promise<void> {
    this.sequenceClients.check();
    const leader = await this.leader();
    await this.clients.more(100);
    const goal = Number((await leader.stats()).commit_index);
    await until(`all nodes have applied entry ${goal}`, async () => {
      const stats = await Promise.all(this.servers.map((s) => s.stats()));
      return stats.every(({ applied_index }) => Number(applied_index) >= goal);
    });
  }

  /** Keeps all clients away from node `id`, and waits until its connections have ended. */
  async avoid(id: string): Promise<void> {
    await Promise.all([
      this.clients.avoid(id),
      this.sequenceClients.avoid(id),
    ]);
  }

  /** Lets clients go to node `id` again. */
  comeBack(id: string): void {
    this.clients.comeBack(id);
    this.sequenceClients.comeBack(id);
  }

  /** Asks a node to compact its log. A node that dies of it need not answer. */
  snapshot(server: Server): Promise<void> {
    const asked = server.ask("RAFT.SNAPSHOT").catch((error) => error);
    return asked.then((answer) => {
      if (answer !== "OK" && server.running) {
        assert.match(String(answer), /nothing new|closed|reset|refused/i);
      }
    });
  }

  /** Elections since the beginning, at most: each takes at least one term. */
  async elections(): Promise<number> {
    const term = await termOf(await this.leader());
    return this.#electionsBefore + term - this.#firstTerm;
  }

  /** All of the cluster is about to be lost, for good. */
  async endCluster(): Promise<void> {
    this.#electionsBefore = await this.elections();
  }

  /** `first` has begun another cluster, whose terms have nothing to do with the former ones. */
  async beginCluster(first: Server): Promise<void> {
    this.#firstTerm = await termOf(first);
  }

  /** Ends clients and cluster in good order, with the last checks. Returns what is wrong. */
  async end(): Promise<string[]> {
    await this.clients.stop();
    await this.sequenceClients.stop();
    // Each change of leaders makes each node ask again, at most for all requests that wait.
    const elections = await this.elections();
    const waiting = waitingMax + namedWaitingMax;
    this.checker.unanswered(elections * this.size * waiting);
    this.sequenceClients.burn({ elections, size: this.size });
    // It also burns the numbers in the leader's hand: the tickets of one and a half of its ticks
    // at most, each of which may lie in two of ours.
    this.checker.unanswered(elections * 3 * this.clients.busiestTick);
    const before = this.checker.largest;
    await until("the leader has no numbers in hand", async () => {
      const { tickets_in_hand } = await (await this.leader()).stats();
      return tickets_in_hand === "0";
    });
    const next = await this.#oneMore(await this.leader());
    const lasts = await this.#lasts();
    for (const server of this.servers) {
      assert.equal(await server.ask("RAFT.SNAPSHOT"), "OK");
    }
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.start(this.servers);
    const leader = await this.leader();
    const faults = this.checker.close();
    for (const { name, checker } of this.sequenceClients.sequences) {
      faults.push(...checker.close().map((fault) => `${name}: ${fault}`));
    }
    const after = await this.#lasts();
    if (`${after}` !== `${lasts}`) {
      faults.push(`not dense: ${after} after ${lasts} over a restart of all`);
    }
    const last = await this.#oneMore(leader);
    if (next <= before) faults.push(`${next} was given after ${before}`);
    if (last !== next + 1) {
      faults.push(`not dense: ${last} followed ${next} over a restart of all`);
    }
    const { last_snapshot_index: snapshot } = await leader.stats();
    if (Number(snapshot) === 0) faults.push("RAFT.SNAPSHOT left no snapshot");
    await Promise.all(this.servers.map((server) => server.stop()));
    return faults;
  }

  /** Kills all nodes, after a scene that went wrong. */
  async abort(): Promise<void> {
    this.sequenceClients.abort();
    await Promise.all(this.servers.map(async (server) => {
      await server.kill();
      this.#keepLog(server);
    }));
  }

  /** Appends the log of the process that has ended to the file of all logs of its node. */
  #keepLog(server: Server): void {
    const path = `${this.options.directory}/node-${server.id}.log`;
    Deno.writeTextFileSync(path, server.log, { append: true });
  }

  /** The last number of each sequence, through any node. */
  async #lasts(): Promise<readonly unknown[]> {
    const names = this.sequences.map(({ name }) => name);
    const lasts = await this.pick(this.servers).ask("MGET", ...names);
    assert.ok(Array.isArray(lasts), `${lasts}`);
    return lasts;
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

/** The address at which a node serves clients. */
export function addressOf({ host, port }: Server): string {
  return `${host}:${port}`;
}

export function idsOf(servers: readonly Server[]): string[] {
  return servers.map(({ id }) => id);
}

/** Nodes by their ids, for people. */
export function nodes(servers: readonly Server[]): string {
  return `node ${idsOf(servers).toSorted().join(", ")}`;
}

/** Lets time pass, so that something is late. Nothing is concluded from the time itself. */
export async function pass(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}

async function termOf(server: Server): Promise<number> {
  return Number((await server.stats()).term);
}

function tail({ id, log }: Server): string {
  return `node ${id}:\n${log.split("\n").slice(-10).join("\n")}`;
}
