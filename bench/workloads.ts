// What is compared: the workloads, with the ratios to Redis that ticketd is to reach, and
// the servers. Redis's counterpart to a ticket is INCR. How it is measured is elsewhere.

import type { Durability } from "../storage/storage.ts";
import {
  type Server,
  startEcho,
  startRedis,
  startTicketd,
} from "./contenders.ts";

export type Workload = {
  readonly name: string;
  readonly clients: number;
  readonly pipeline: number;
  readonly requests: number;
  /** The clients are divided between all nodes, instead of all being at the leader. */
  readonly isSpread?: true;
  /** Of the rate of Redis with `appendfsync always`: one node, three nodes. */
  readonly targets?: readonly [number, number];
};

export const workloads: readonly Workload[] = [
  {
    name: "1 client",
    clients: 1,
    pipeline: 1,
    requests: 20_000,
    targets: [0.9, 0.6],
  },
  {
    name: "50 clients",
    clients: 50,
    pipeline: 1,
    requests: 200_000,
    targets: [1.0, 0.6],
  },
  {
    name: "1000 clients",
    clients: 1000,
    pipeline: 1,
    requests: 200_000,
    targets: [0.9, 0.8],
  },
  {
    name: "50, -P 16",
    clients: 50,
    pipeline: 16,
    requests: 2_000_000,
    targets: [1.5, 1.0],
  },
  {
    name: "50, -P 100",
    clients: 50,
    pipeline: 100,
    requests: 5_000_000,
    targets: [3, 2],
  },
  {
    name: "50, -P 1000",
    clients: 50,
    pipeline: 1000,
    requests: 20_000_000,
    targets: [6, 4],
  },
  {
    name: "50 over three nodes",
    clients: 50,
    pipeline: 1,
    requests: 200_000,
    isSpread: true,
  },
];

export type Contender = {
  readonly name: string;
  /** Each gives the next number. */
  readonly command: string;
  start(): Promise<Server>;
};

export const oneNode: Contender = {
  name: "1 node",
  command: "TICKET",
  start: () => startTicketd(1),
};

export const threeNodes: Contender = {
  name: "3 nodes",
  command: "TICKET",
  start: () => startTicketd(3),
};

export const redisAlways: Contender = {
  name: "Redis AOF always",
  command: "INCR n",
  start: () => startRedis("always"),
};

export const redisMemory: Contender = {
  name: "Redis, no persistence",
  command: "INCR n",
  start: () => startRedis(undefined),
};

/** What Deno itself leaves room for. */
export const bareEcho: Contender = {
  name: "Bare echo on Deno",
  command: "TICKET",
  start: startEcho,
};

export const contenders = [
  oneNode,
  threeNodes,
  redisAlways,
  redisMemory,
  bareEcho,
];

/** What is done at each durability. */
export const durabilityWorkloads = workloads.filter(({ name }) =>
  ["1 client", "50 clients", "50, -P 100"].includes(name)
);

export const givesUp: Record<Durability, string> = {
  high: "nothing: all nodes may lose power at once",
  medium: "when a majority loses power at once, the last 200 ms may repeat",
  low: "also when the processes of a majority are killed at once",
};

export const durabilities = ["high", "medium", "low"] as const;

/** With its members side by side, so that a level meets the same disk as the next. */
export const durabilityContenders = ([1, 3] as const).flatMap((nodes) =>
  durabilities.map((durability) => ({
    name: durabilityName(nodes, durability),
    command: "TICKET",
    start: () => startTicketd(nodes, { durability }),
  }))
);

export function durabilityName(nodes: 1 | 3, durability: Durability): string {
  return `${nodes === 1 ? "1 node" : "3 nodes"}, ${durability}`;
}
