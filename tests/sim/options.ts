// What a seed chooses before anything happens. Swarm testing: each run has some kinds
// of trouble often, some rarely and some never, because what always happens hides
// what it would take a quiet moment to see.

import type { Forwarding } from "../../raft/channel/messages.ts";
import type { Durability } from "../../storage/storage.ts";
import { type Random, randomOf } from "../lib/random.ts";
import type { Micros } from "./clock.ts";

/** Kinds of trouble; each happens after waits with this mean, or never (0). */
export const faultKinds = [
  "kill", // the process dies, its writes stay
  "power", // the computer dies, and unsynced writes with it
  "killMost", // a majority, or all, at once
  "powerAll",
  "stop", // SIGTERM: hands over and ends
  "pause", // SIGSTOP, for less or more than an election timeout
  "split", // the network in two halves
  "isolate", // one computer from all
  "oneWay", // one computer does not hear another
  "partial", // two computers, of which others hear both
  "heal",
  "replay", // an old message comes again
  "stallDisk", // a sync takes seconds
  "slowDisk", // every sync of one computer takes long, for a while
  "failSync",
  "fullDisk",
  "rot", // a bit or a sector of a disk changes while the computer is down
  "wipe", // a disk is lost; its node is removed and comes back as a new life
  "snapshot",
  "grow", // the log claims to be large: the node compacts by itself
  "join",
  "add",
  "remove",
  "demote",
  "promote",
  "transfer",
  "abandon", // a client gives up
  "lull", // all clients are silent for a while
  "shrink", // members are removed until one is left, or the one gets another
  "dieChanged", // members change, and who has acknowledged that dies at once
  "lie", // one that may not says anything to a node
] as const;

export type FaultKind = typeof faultKinds[number];

export type Options = {
  readonly seed: number;
  readonly voters: number;
  /** Computers that are no members at first. */
  readonly spares: number;
  /** Whether the voters join one after the other, or begin as a cluster. */
  readonly founding: "alone" | "together";
  readonly clients: number;
  /** Requests that a client sends at once, at most; and between two rounds. */
  readonly pipelineMax: number;
  readonly thinkMicros: Micros;
  readonly tickMicros: Micros;
  readonly electionTicks: number;
  readonly changeTicks: number;
  /** How long a TICKET may wait for a leader. */
  readonly timeoutMicros: Micros;
  /** What a node does that does not lead; of each computer, in turn. */
  readonly forward: readonly Forwarding[];
  /** A message takes the first, and on average the second on top. */
  readonly latencyMicros: Micros;
  readonly jitterMicros: Micros;
  /** Whether messages on one way keep their order. */
  readonly ordered: boolean;
  /** Of 1,000 messages. */
  readonly lost: number;
  readonly doubled: number;
  readonly syncMicros: Micros;
  /**
   * Between the isolates, by message and through the box of takes, which overtake each
   * other; and how many of them serve clients, on each computer.
   */
  readonly doorMicros: Micros;
  readonly boxMicros: Micros;
  readonly isolates: number;
  /** Tickets a tick from which a leader takes some ahead. */
  readonly paceMin: number;
  /** Clocks run up to this much too fast or too slow, in 1/1000. */
  readonly clockSkew: number;
  /** Of each computer, in turn. */
  readonly durability: readonly Durability[];
  readonly phaseMicros: Micros;
  readonly faults: Readonly<Record<FaultKind, Micros>>;
};

export function drawOptions(seed: number): Options {
  const random = randomOf(seed);
  const from = <T>(...choices: readonly T[]): T =>
    choices[random(choices.length)]!;
  const phaseMicros = from(2, 4, 4, 8) * 1e6;
  const faults = Object.fromEntries(
    faultKinds.map((kind) => [
      kind,
      isOfLending(kind) ? 0 : from(0, 0, 1 / 2, 1 / 6, 1 / 20) * phaseMicros,
    ]),
  ) as Record<FaultKind, Micros>;
  // Without an end, two cuts are soon all that happens.
  faults.heal = phaseMicros / 12;
  // Disks that are lost for good are few, or no majority is left.
  faults.rot = Math.max(faults.rot, faults.rot && phaseMicros / 3);
  faults.wipe = Math.max(faults.wipe, faults.wipe && phaseMicros / 3);
  const tickMicros = from(5000, 12_500, 25_000);
  const electionTicks = from(5, 10, 12, 20);
  const options: Options = {
    seed,
    voters: from(1, 3, 3, 3, 5),
    spares: from(0, 1, 2),
    founding: from("alone", "together", "together"),
    clients: from(1, 4, 16, 60, 300),
    pipelineMax: from(1, 3, 16, 1000),
    thinkMicros: from(0, 1000, 20_000),
    tickMicros,
    electionTicks,
    changeTicks: from(40, 200),
    timeoutMicros: from(1, 4, 15, 15, 30) * electionTicks * tickMicros,
    forward: from(true, true, false) ? ["yes"] : drawForward(random),
    latencyMicros: from(50, 200, 2000),
    jitterMicros: from(20, 500, 5000),
    ordered: from(true, false),
    lost: from(0, 0, 5, 50, 200),
    doubled: from(0, 0, 10, 100),
    syncMicros: from(100, 1000, 10_000),
    doorMicros: from(5, 50, 1000),
    clockSkew: from(0, 10, 100, 400),
    durability: from(true, true, false) ? ["high"] : drawMixed(random),
    phaseMicros,
    faults,
    isolates: from(1, 1, 2, 3),
    paceMin: from(1, 8, 32, 1e9),
    boxMicros: from(2, 2, 40, 1000),
  };
  // Last, so that the other seeds stay what they were.
  return random(5) === 0 ? lending(options, random) : options;
}

/**
 * A run about numbers that are lent: only a node that is alone lends any, and before that
 * changes it recalls them. Elsewhere both are rare, for a cluster only grows, or is busy
 * with its troubles.
 */
function lending(options: Options, random: Random): Options {
  const from = <T>(...choices: readonly T[]): T =>
    choices[random(choices.length)]!;
  const { phaseMicros, tickMicros } = options;
  const faults = { ...options.faults };
  for (const kind of faultKinds) {
    const rare = faults[kind] && Math.max(faults[kind], phaseMicros / 6);
    faults[kind] = random(4) === 0 ? rare : 0;
  }
  faults.heal = phaseMicros / 12;
  faults.lull = from(0, 15, 40) * tickMicros;
  faults.shrink = from(10, 20, 40) * tickMicros;
  faults.stop = from(0, 40) * tickMicros;
  return {
    ...options,
    voters: from(1, 2, 3),
    spares: from(1, 2),
    // What is answered at once is soon asked for again: few make a run long enough.
    clients: from(1, 4, 16),
    thinkMicros: from(1000, 5000),
    syncMicros: from(100, 1000),
    isolates: 1,
    paceMin: from(1, 1, 8),
    faults,
  };
}

/** Only in runs about numbers that are lent. */
function isOfLending(kind: FaultKind): boolean {
  return kind === "lull" || kind === "shrink";
}

function drawForward(random: Random): Forwarding[] {
  const ways = ["yes", "no", "moved"] as const;
  return Array.from({ length: 7 }, () => ways[random(3)]!);
}

function drawMixed(random: Random): Durability[] {
  const levels = ["high", "medium", "low"] as const;
  return Array.from({ length: 7 }, () => levels[random(3)]!);
}

/** One `name value` a line. */
export function optionLines(options: Options): string[] {
  const { faults, ...others } = options;
  const rare = faultKinds.filter((kind) => faults[kind] === 0);
  const often = faultKinds.filter((kind) => faults[kind] > 0).map((kind) =>
    `${kind} ${Math.round(faults[kind] / 1000)}`
  );
  return [
    ...Object.entries(others).map(([name, value]) => `${name} ${value}`),
    `faults, mean ms between two: ${often.join(", ")}`,
    `faults, never: ${rare.join(", ") || "none"}`,
  ];
}
