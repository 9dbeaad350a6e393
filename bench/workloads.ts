// What is compared: the workloads, the servers, and what ticketd is to reach, as data. Redis's
// counterpart to a ticket is INCR; with replicas, INCR and WAIT 1. How it is measured is
// elsewhere.

import type { Durability } from "../storage/storage.ts";
import type { Plan } from "./closed_loop.ts";
import {
  type Server,
  startEcho,
  startRedis,
  startReplicatedRedis,
  startTicketd,
} from "./contenders.ts";
import type { SlowDisk } from "./slow_disk.ts";

export type Workload = {
  readonly name: string;
  readonly clients: number;
  readonly pipeline: number;
  /** The clients are divided between all nodes, instead of all being at the leader. */
  readonly isSpread?: true;
  /** Is part of `--quick`. */
  readonly isQuick?: true;
  /** The least of each of `comparisons`, in their order. */
  readonly targets?: readonly number[];
};

export const workloads: readonly Workload[] = [
  {
    name: "1 client",
    clients: 1,
    pipeline: 1,
    isQuick: true,
    targets: [2.5, 0.8, 2],
  },
  { name: "4 clients", clients: 4, pipeline: 1, targets: [1.5, 0.8, 2] },
  { name: "16 clients", clients: 16, pipeline: 1, targets: [1.5, 0.8, 2] },
  {
    name: "50 clients",
    clients: 50,
    pipeline: 1,
    isQuick: true,
    targets: [1.4, 0.8, 2.2],
  },
  {
    name: "1000 clients",
    clients: 1000,
    pipeline: 1,
    isQuick: true,
    targets: [1, 0.9, 1.8],
  },
  { name: "200, -P 4", clients: 200, pipeline: 4 },
  {
    name: "50, -P 16",
    clients: 50,
    pipeline: 16,
    isQuick: true,
    targets: [2.4, 1.5, 4],
  },
  { name: "50, -P 100", clients: 50, pipeline: 100, targets: [4.5, 3.5] },
  {
    name: "50, -P 1000",
    clients: 50,
    pipeline: 1000,
    isQuick: true,
    targets: [9, 8],
  },
  {
    name: "50 over three nodes",
    clients: 50,
    pipeline: 1,
    isQuick: true,
    isSpread: true,
  },
];

/** What a client sends for one ticket, or several, and the lines that answer it. */
export type Ticket = Pick<Plan, "commands" | "expected" | "names" | "numbers">;

export const ticket: Ticket = { commands: [["TICKET"]], expected: ["rises"] };
export const increment: Ticket = {
  commands: [["INCR", "n"]],
  expected: ["rises"],
};
/** Nearly what a ticket of three nodes promises: two of three processes have it on disk. */
const incrementAndWait: Ticket = {
  commands: [["INCR", "n"], ["WAIT", "1", "0"]],
  expected: ["rises", 1],
};

export type Contender = Ticket & {
  readonly name: string;
  /** Deeper ones are left out: Redis answers one WAIT of a connection after the other. */
  readonly pipelineMax?: number;
  /** Left out where Redis is missing. */
  readonly isRedis?: true;
  start(): Promise<Server>;
};

export const oneNode: Contender = {
  ...ticket,
  name: "1 node",
  start: () => startTicketd(1),
};

export const threeNodes: Contender = {
  ...ticket,
  name: "3 nodes",
  start: () => startTicketd(3),
};

export const redisAlways: Contender = {
  ...increment,
  name: "Redis AOF always",
  isRedis: true,
  start: () => startRedis("always"),
};

export const redisWait: Contender = {
  ...incrementAndWait,
  name: "Redis WAIT 1",
  pipelineMax: 16,
  isRedis: true,
  start: startReplicatedRedis,
};

export const redisMemory: Contender = {
  ...increment,
  name: "Redis, no persistence",
  isRedis: true,
  start: () => startRedis(undefined),
};

/** What Deno itself leaves room for. */
export const bareEcho: Contender = {
  ...ticket,
  name: "Bare echo on Deno",
  start: startEcho,
};

export const contenders: readonly Contender[] = [
  oneNode,
  threeNodes,
  redisAlways,
  redisWait,
  redisMemory,
  bareEcho,
];

/** Whether it can do that, and says something there that it does not say elsewhere. */
export function takesPart(contender: Contender, workload: Workload): boolean {
  const { pipelineMax = Infinity } = contender;
  if (workload.pipeline > pipelineMax) return false;
  // Redis has one process that takes writes, and is compared with as it is.
  return !workload.isSpread ||
    [threeNodes, redisAlways, redisWait].includes(contender);
}

/** Whose rates are divided by whose, in the same round. */
export const comparisons = [
  { of: oneNode, by: redisAlways },
  { of: threeNodes, by: redisAlways },
  { of: threeNodes, by: redisWait },
] as const;

/** How far the slowest of so many replies may be from the median, for one node and three. */
export const tails = [
  { workload: "1000 clients", share: 0.99, mediansMax: 4 },
  { workload: "50 clients", share: 0.999, mediansMax: 10 },
] as const;

function named(...names: string[]): readonly Workload[] {
  return workloads.filter(({ name }) => names.includes(name));
}

export const sizes = [1, 3] as const;
export type Size = typeof sizes[number];

function sizeName(size: Size): string {
  return size === 1 ? oneNode.name : threeNodes.name;
}

/** What is done at each durability. */
export const durabilityWorkloads = named(
  ...["1 client", "50 clients", "50, -P 100"],
);

export const givesUp: Record<Durability, string> = {
  high: "nothing: all nodes may lose power at once",
  medium: "when a majority loses power at once, the last 200 ms may repeat",
  low: "also when the processes of a majority are killed at once",
};

export const durabilities = ["high", "medium", "low"] as const;

/** Of each size the levels, the highest first. */
export const durabilityGroups: readonly (readonly Contender[])[] = sizes.map((
  size,
) =>
  durabilities.map((durability) => ({
    ...ticket,
    name: `${sizeName(size)}, ${durability}`,
    start: () => startTicketd(size, { durability }),
  }))
);

/** What is done at each delay of the disk. */
export const slowDiskWorkloads = named(
  ...["1 client", "4 clients", "16 clients", "50 clients"],
);

/** Milliseconds that each sync takes longer; the others are compared with the first. */
export const slowDiskDelays = [0, 1, 2, 5] as const;
const slowestDelay = 5;

/** Of each size a group; `env` makes the syncs of a process slow by so many milliseconds. */
export function slowDiskGroups(
  env: SlowDisk,
  delays: readonly number[],
): readonly (readonly Contender[])[] {
  return sizes.map((size) =>
    delays.map((millis) => ({
      ...ticket,
      name: slowDiskName(size, millis),
      start: () => startTicketd(size, { env: env(millis) }),
    }))
  );
}

function slowDiskName(size: Size, millis: number): string {
  return `${sizeName(size)}, +${millis} ms`;
}

/** Few clients, each of which waits for its own ticket: it must not wait for a disk. */
export const slowDiskTargets = sizes.flatMap((size) =>
  ["1 client", "4 clients"].map((workload) => ({
    workload,
    server: slowDiskName(size, slowestDelay),
    least: 1 / 1.3,
  }))
);

/** What shows how much memory a node takes when it is started without V8's flag. */
export const plainWorkloads = named("1000 clients", "50, -P 1000");

export const plainContenders: readonly Contender[] = sizes.map((size) => ({
  ...ticket,
  name: sizeName(size),
  start: () => startTicketd(size, { isPlain: true }),
}));

/** Percent of a core of a node that has nothing to do. */
export const idlePercentMax = { alone: 0.2, leader: 0.5, follower: 0.3 };

export const peakMegabytesMax = 140;
/** Of resident memory, from 20 million tickets to 100 million. */
export const grownMegabytesMax = 10;
export const startMillisMax = 400;
