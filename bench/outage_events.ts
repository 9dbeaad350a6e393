// What the outage benchmark does to a cluster of three, event by event, and the cluster
// it does it to: real processes with default timeouts, their clients, and a measurement
// around each event that ends when all is well again. Everything waits within limits.

import { ReplyError } from "../tests/lib/client.ts";
import { Cluster } from "../tests/lib/harness.ts";
import { freePort } from "../tests/lib/ports.ts";
import { Server } from "../tests/lib/server.ts";
import { until } from "../tests/lib/until.ts";
import { Injection } from "../tests/torture/injection.ts";
import { logPaths } from "../tests/torture/log_paths.ts";
import { between, type Network } from "../tests/torture/network.ts";
import { RangeChecker } from "../tests/torture/range_checker.ts";
import { OutageClients, pass, type Seen } from "./outage_clients.ts";

const size = 3;
const stopMillis = 3000;
const stallMillis = 2000;
const slowFsyncMillis = 10;
const slowMillis = 20_000;
/** Before an event, all is well for so long; after it, effects may still show. */
const calmMillis = 300;
const afterMillis = 500;
/** One event with its recovery; one that takes longer ends the benchmark. */
const eventMillisMax = 120_000;

/** It cannot be done here; the message says why. */
export class Skipped extends Error {}

export type Event = {
  readonly name: string;
  readonly help: string;
  /** How often, unless told otherwise. */
  readonly count: number;
  readonly needs?: "network" | "strace";
  /** Measures it `count` times, into one row or several. */
  run(bench: Bench, count: number): Promise<void>;
};

export const events: readonly Event[] = [
  {
    name: "kill",
    help: "kill -9 of the leader",
    count: 50,
    run: (bench, count) =>
      eachOfLeader(bench, { name: "kill -9 of the leader", count }, kill),
  },
  {
    name: "stop",
    help: `SIGSTOP of the leader for ${stopMillis / 1000} s`,
    count: 10,
    run: (bench, count) =>
      eachOfLeader(
        bench,
        { name: `the leader stands still for ${stopMillis / 1000} s`, count },
        async (leader) => {
          leader.signal("SIGSTOP");
          await pass(stopMillis);
          leader.signal("SIGCONT");
        },
      ),
  },
  {
    name: "partition",
    help: `the leader is cut off from the others for ${stopMillis / 1000} s`,
    count: 10,
    needs: "network",
    run: (bench, count) =>
      eachOfLeader(
        bench,
        { name: "the leader is cut off", count },
        async (leader) => {
          const others = bench.servers.filter((one) => one !== leader);
          const network = bench.network!;
          await network.cut(between([leader.id], others.map(({ id }) => id)));
          await pass(stopMillis);
          await network.heal();
        },
      ),
  },
  {
    name: "transfer",
    help: "RAFT.TRANSFER, asked of a follower",
    count: 20,
    run: (bench, count) =>
      eachOfLeader(
        bench,
        { name: "RAFT.TRANSFER", count },
        async (leader) => {
          const asked = bench.servers.find((one) => one !== leader)!;
          const reply = await asked.ask("RAFT.TRANSFER");
          if (reply instanceof ReplyError && /unknown/.test(reply.message)) {
            throw new Skipped("there is no RAFT.TRANSFER");
          }
          if (reply !== "OK") throw new Error(`RAFT.TRANSFER: ${reply}`);
        },
      ),
  },
  {
    name: "rolling",
    help: "SIGTERM and a new start of each node in turn, COUNT rounds",
    count: 5,
    async run(bench, count) {
      for (let round = 0; round < count; round++) {
        for (const server of bench.servers) {
          await bench.measure(
            "rolling restart, one node",
            [server],
            async () => {
              await server.stop();
              await server.start();
            },
          );
        }
      }
    },
  },
  {
    name: "disk",
    help:
      `an fsync of the leader takes ${stallMillis / 1000} s; then all take ` +
      `${slowFsyncMillis} ms for ${slowMillis / 1000} s`,
    count: 5,
    needs: "strace",
    run: disk,
  },
];

async function kill(leader: Server, bench: Bench): Promise<void> {
  await leader.kill();
  await new Cluster(bench.servers).leader();
  await leader.start();
}

async function eachOfLeader(
  bench: Bench,
  { name, count }: { name: string; count: number },
  act: (leader: Server, bench: Bench) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const leader = await bench.cluster.leader();
    await bench.measure(name, [leader], () => act(leader, bench));
  }
}

async function disk(bench: Bench, count: number): Promise<void> {
  await eachOfLeader(
    bench,
    { name: `an fsync of the leader takes ${stallMillis / 1000} s`, count },
    async (leader) => {
      const injection = await slowed(leader, stallMillis);
      try {
        await injection.bites();
      } finally {
        await injection.detach();
      }
    },
  );
  const name = `every fsync of all nodes takes ${slowFsyncMillis} ms more, ` +
    `for ${slowMillis / 1000} s`;
  await bench.measure(name, [], async () => {
    const injections: Injection[] = [];
    try {
      for (const server of bench.servers) {
        injections.push(await slowed(server, slowFsyncMillis));
      }
      await pass(slowMillis);
    } finally {
      await Promise.all(injections.map((injection) => injection.detach()));
    }
  });
}

async function slowed(server: Server, millis: number): Promise<Injection> {
  return await Injection.into(server, {
    calls: ["fdatasync"],
    fault: `delay_enter=${millis * 1000}`,
    paths: logPaths(server).segments,
  });
}

export type Measured = Seen & {
  readonly name: string;
  /** By which the term rose. */
  readonly terms: number;
};

export type BenchOptions = {
  readonly directory: string;
  readonly network: Network | undefined;
  /** Hears of each measurement. */
  readonly tell: (measured: Measured) => void;
};

/** A cluster under load, and what is measured of it. */
export class Bench {
  readonly servers: readonly Server[];
  readonly cluster: Cluster;
  readonly network: Network | undefined;
  readonly #tell: (measured: Measured) => void;
  readonly #checker = new RangeChecker();
  readonly #directory: string;
  #clients: OutageClients | undefined;
  #ending: Promise<void> | undefined;

  /** Nothing runs yet, so that whoever has it can end whatever will. */
  constructor({ directory, network, tell }: BenchOptions) {
    this.#tell = tell;
    this.#directory = directory;
    this.network = network;
    this.servers = Array.from({ length: size }, (_, i) => {
      const id = `${i + 1}`;
      return new Server({
        id,
        directory,
        ...network === undefined
          ? { port: freePort(), raftPort: freePort() }
          : {
            host: network.host(id),
            port: 11001,
            raftPort: 12001,
            wrapper: network.wrapper(id),
          },
      });
    });
    this.cluster = new Cluster(this.servers);
  }

  /** Three voters that serve, and `connections` clients on each. */
  async start(connections: number): Promise<void> {
    const [first, ...others] = this.servers;
    await first!.start();
    const join = ["--join", `${first!.host}:${first!.port}`];
    await Promise.all(others.map((server) => server.start(...join)));
    await this.cluster.settled();
    this.#clients = new OutageClients(this.servers, {
      connections,
      checker: this.#checker,
    });
  }

  /** What the clients of all nodes but `hit` see of `act`, until all is well again. */
  async measure(
    name: string,
    hit: readonly Server[],
    act: () => Promise<void>,
  ): Promise<void> {
    const before = await this.term();
    // Not in step with anything.
    await pass(calmMillis * (1 + Math.random()));
    const clients = this.#clients!;
    clients.open(hit.map(({ id }) => id));
    await inTime(name, async () => {
      await act();
      await this.#recovered();
    });
    await pass(afterMillis);
    const seen = clients.close();
    const terms = await this.term() - before;
    this.#tell({ name, terms, ...seen });
    this.#mustHold();
  }

  async term(): Promise<number> {
    return Number((await (await this.cluster.leader()).stats()).term);
  }

  async stopClients(): Promise<void> {
    await this.#clients?.stop();
    this.#clients = undefined;
    this.#mustHold();
  }

  /** Ends all of it, whatever state it is in, and takes its directory away. */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    const stopped = this.#clients?.stop();
    await Promise.all(this.servers.map((server) => server.kill()));
    await stopped;
    Deno.removeSync(this.#directory, { recursive: true });
  }

  /** All follow one leader as voters, and have what it had committed by then. */
  async #recovered(): Promise<void> {
    const leader = await this.cluster.leader();
    await this.cluster.settled();
    const goal = Number((await leader.stats()).commit_index);
    await until("all nodes have caught up", async () => {
      const all = await Promise.all(this.servers.map((one) => one.stats()));
      return all.every(({ applied_index }) => Number(applied_index) >= goal);
    });
  }

  #mustHold(): void {
    const [violation] = this.#checker.violations;
    if (violation !== undefined) throw new Error(violation.join(": "));
  }
}

async function inTime(name: string, act: () => Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () =>
    reject(new Error(`${name}: not over after ${eventMillisMax / 1000} s`));
  const timer = setTimeout(late, eventMillisMax);
  try {
    await Promise.race([act(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
