// What is compared of sequences with names, as data: a TICKET of one name, of some and of very
// many, blocks, groups, and INCR beside Redis. Each beside a TICKET without a name on as many
// nodes. How it is measured is elsewhere.

import { startTicketd } from "./contenders.ts";
import { nameWord } from "./name_word.ts";
import type { VariantTarget } from "./side_by_side.ts";
import {
  type Contender,
  increment,
  redisAlways,
  type Size,
  sizes,
  type Ticket,
  ticket,
  type Workload,
} from "./workloads.ts";

const rises = "rises";
const queued = { line: "+QUEUED" };

/** The takes of one EXEC. */
const groupTakes = 5;
/** The numbers of one block. */
const blockNumbers = 100;

/** What a client asks for, by what the report calls it; the first is compared with. */
const requests: readonly (readonly [name: string, request: Ticket])[] = [
  ["TICKET", ticket],
  ["TICKET orders", { commands: [["TICKET", "orders"]], expected: [rises] }],
  ["16 names", named(16)],
  ["10,000 names", named(10_000)],
  ["COUNT 100", {
    commands: [["TICKET", "orders", "COUNT", `${blockNumbers}`]],
    expected: [{ line: `*2` }, "any", "any", "any", "any"],
    numbers: blockNumbers,
  }],
  ["EXEC of 5", {
    commands: [
      ["MULTI"],
      ...Array.from({ length: groupTakes }, () => ["TICKET", "orders"]),
      ["EXEC"],
    ],
    expected: [
      { line: "+OK" },
      ...Array.from({ length: groupTakes }, () => queued),
      { line: `*${groupTakes}` },
      ...Array.from({ length: groupTakes }, () => rises as typeof rises),
    ],
    numbers: groupTakes,
  }],
];

function named(names: number): Ticket {
  return { commands: [["TICKET", nameWord]], expected: [1], names };
}

export const sequenceWorkloads: readonly Workload[] = [
  { name: "50 clients", clients: 50, pipeline: 1, isQuick: true },
  { name: "50, -P 16", clients: 50, pipeline: 16, isQuick: true },
];

function nameOf(size: Size, request: string): string {
  return `${size === 1 ? "1 node" : "3 nodes"}, ${request}`;
}

/** Of each size a group. */
export const sequenceGroups: readonly (readonly Contender[])[] = sizes.map((
  size,
) =>
  requests.map(([name, request]) => ({
    ...request,
    name: nameOf(size, name),
    start: () => startTicketd(size),
  }))
);

const shares: readonly (readonly [request: string, least: number])[] = [
  ["TICKET orders", 0.9],
  ["16 names", 0.8],
];

export const sequenceTargets: readonly VariantTarget[] = sizes.flatMap((
  size,
) => [
  ...sequenceWorkloads.flatMap(({ name: workload }) =>
    shares.map(([request, least]) => ({
      workload,
      server: nameOf(size, request),
      least,
    }))
  ),
  {
    workload: "50, -P 16",
    server: nameOf(size, "10,000 names"),
    least: 0.5,
  },
]);

/** INCR beside Redis, which is compared with. */
export const incrementGroup: readonly Contender[] = [
  redisAlways,
  ...sizes.map((size) => ({
    ...increment,
    name: nameOf(size, "INCR"),
    start: () => startTicketd(size),
  })),
];

export const incrementWorkloads: readonly Workload[] = [
  { name: "50 clients", clients: 50, pipeline: 1, isQuick: true },
];

export const incrementTargets: readonly VariantTarget[] = [
  { workload: "50 clients", server: nameOf(1, "INCR"), least: 1 },
  { workload: "50 clients", server: nameOf(3, "INCR"), least: 0.7 },
];

/** Numbers a second, at least, of what asks for several at once. */
export const numberTargets = [
  { request: "COUNT 100", workload: "50 clients", least: 5e6 },
  { request: "EXEC of 5", workload: "50, -P 16", least: 0.5e6 },
].flatMap((target) =>
  sizes.map((size) => ({ ...target, server: nameOf(size, target.request) }))
);
