// The options of a run, drawn from its seed before it begins. This is swarm testing: each run
// has some kinds of faults often, some rarely and some never, because a fault that always
// strikes hides bugs that need a quiet moment. Not here: what a fault does (`faults.ts`).

import type { Forwarding } from "../../raft/channel/messages.ts";
import type { Durability } from "../../storage/storage.ts";
import { chunkBytesMax } from "../../raft/core/limits.ts";
import { type Random, randomOf } from "../lib/random.ts";
import type { Micros } from "./clock.ts";

/** Kinds of faults, and of what people ask. */
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
  "partial", // two computers do not hear each other, but others hear both
  "heal",
  "replay", // an old message comes again
  "stallDisk", // a sync takes seconds
  "slowDisk", // every sync of one computer takes long, for a while
  "failSync",
  "fullDisk",
  "rot", // a bit or a sector of a disk changes while the computer is down
  "wipe", // a disk is lost; its node is removed and comes back as a new incarnation
  "snapshot",
  "grow", // the log claims to be large, so that the node compacts by itself
  "join",
  "add",
  "remove",
  "demote",
  "promote",
  "transfer",
  "abandon", // a client gives up
  "lull", // all clients are silent for a while
  "shrink", // members are removed until one is left, or the one gets another
  "dieChanged", // members change, and a node that has acknowledged it dies at once
  "lie", // a node hears messages of others that may say nothing to it
  "raise", // TICKET.RAISE
  "last", // TICKET.LAST
  "backup", // RAFT.BACKUP
  "move", // computers come back at other addresses, one, some or all
  "policy", // TICKET.POLICY
] as const;

export type FaultKind = typeof faultKinds[number];

export type Options = {
  readonly seed: number;
  readonly voters: number;
  /** Computers that are no members at first. */
  readonly spares: number;
  /**
   * Whether one voter founds the cluster and the others join, or all have it from the start,
   * or all found it by asking each other.
   */
  readonly founding: "alone" | "together" | "asking";
  readonly clients: number;
  /** Sequences that clients ask for. */
  readonly names: number;
  /** Sequences that there may be. */
  readonly sequencesMax: number;
  /** One in so many requests for tickets is one for a block; 0: none is. */
  readonly blocks: number;
  /** One in so many requests is a group of operations; 0: none is. */
  readonly groups: number;
  /** Tickets that a client asks for at once, at most. */
  readonly pipelineMax: number;
  /** Between an answer and the next request, on average. */
  readonly thinkMicros: Micros;
  readonly tickMicros: Micros;
  readonly electionTicks: number;
  readonly changeTicks: number;
  /** How long a TICKET may wait for a leader. */
  readonly timeoutMicros: Micros;
  /** What a node that does not lead does with takes; of each computer, in turn. */
  readonly forward: readonly Forwarding[];
  /** A message takes the first, and on average the second in addition. */
  readonly latencyMicros: Micros;
  readonly jitterMicros: Micros;
  /** Whether messages on one way keep their order. */
  readonly ordered: boolean;
  /** Of 1,000 messages, on average. */
  readonly lost: number;
  readonly doubled: number;
  readonly syncMicros: Micros;
  /** The time that a message between two isolates takes. */
  readonly doorMicros: Micros;
  /** The same through a take box: either may overtake the other. */
  readonly boxMicros: Micros;
  /** Isolates that serve clients, on each computer. */
  readonly isolates: number;
  /** Takes without a pause from which a leader takes numbers ahead … */
  readonly takesMin: number;
  /** … this many at most. */
  readonly aheadMax: number;
  /** Bytes of a snapshot's data in one message. */
  readonly chunkBytes: number;
  /** Clocks run up to this much too fast or too slow, in 1/1000. */
  readonly clockSkew: number;
  /** Of each computer, in turn. */
  readonly durability: readonly Durability[];
  /** Whose address each computer learns from hints: everyone's, or that of the next one. */
  readonly hints: "all" | "next";
  /** How long faults strike. */
  readonly phaseMicros: Micros;
  /** The mean time between two faults of a kind; 0 for never. */
  readonly faults: Readonly<Record<FaultKind, Micros>>;
};

/** The same options for the same seed, on any machine. */
export function drawOptions(seed: number): Options {
  const random = randomOf(seed);
  const from = <T>(...choices: readonly T[]): T =>
    choices[random(choices.length)]!;
  const phaseMicros = from(2, 4, 4, 8) * 1e6;
  const faults = Object.fromEntries(
    faultKinds.map((kind) => [
      kind,
      isDrawnLater(kind) || isOfNumbers(kind)
        ? 0
        : from(0, 0, 1 / 2, 1 / 6, 1 / 20) * phaseMicros,
    ]),
  ) as Record<FaultKind, Micros>;
  // A run whose cuts never heal soon stands still.
  faults.heal = phaseMicros / 12;
  // Few disks are lost for good, so that a majority is left.
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
    takesMin: from(1, 4, 16, 1e9),
    boxMicros: from(2, 2, 40, 1000),
    aheadMax: from(2 ** 20, 2 ** 20, 0, 1, 7, 100),
    chunkBytes: chunkBytesMax,
    ...{ names: 1, sequencesMax: 100_000, blocks: 0, groups: 0 },
    hints: "all",
  };
  // Drawn last, so that the other seeds keep their options.
  const drawn = random(5) === 0 ? lending(options, random) : options;
  const isAsking = drawn.voters > 1 && random(8) === 0;
  const asking = isAsking ? { ...drawn, founding: "asking" as const } : drawn;
  const moved = moving(asking, random);
  return {
    ...moved,
    ...drawSequences(seed),
    chunkBytes: drawChunkBytes(seed),
    faults: { ...moved.faults, ...drawNumbers(moved) },
  };
}

/** Small in most runs: a snapshot has then as many chunks as a large one has of 32 KiB. */
function drawChunkBytes(seed: number): number {
  const random = randomOf(seed + 0xc4a); // chance of its own: the other draws stay as they were
  return [1, 1, 3, 7, chunkBytesMax][random(5)]!;
}

/** How many sequences there are, and what clients ask of them; in a third of the runs of one. */
function drawSequences(
  seed: number,
): Pick<Options, "names" | "sequencesMax" | "blocks" | "groups"> {
  const random = randomOf(seed + 0x5e9); // chance of its own: the other draws stay as they were
  const names = [1, 1, 2, 3, 8, 40][random(6)]!;
  const isScarce = names > 2 && random(4) === 0;
  return {
    names,
    sequencesMax: isScarce ? names - 1 : 100_000,
    blocks: [0, 2, 5][random(3)]!,
    groups: [0, 0, 2, 6][random(4)]!,
  };
}

/** How often people ask about numbers: in half of the runs never. */
function drawNumbers(
  { seed, phaseMicros }: Options,
): Partial<Record<FaultKind, Micros>> {
  const random = randomOf(seed + 0xa5c); // chance of its own: the other draws stay as they were
  if (random(2) === 0) return {};
  const drawn = faultKinds.filter(isOfNumbers).map((kind) => {
    const often = [0, 1 / 6, 1 / 20, 1 / 60][random(4)]!;
    return [kind, often * phaseMicros] as const;
  });
  return Object.fromEntries(drawn);
}

/** Whether computers move in this run, and what they hear of each other then. */
function moving(options: Options, random: Random): Options {
  const { voters, spares, phaseMicros, faults } = options;
  const share = [0, 0, 1 / 3, 1 / 6, 1 / 12][random(5)]!;
  // With more computers a majority might lack the one that all others would hear of.
  const isSmall = voters + spares <= 3;
  const hints = isSmall && random(2) === 0 ? "next" : "all";
  return {
    ...options,
    hints,
    faults: { ...faults, move: Math.round(share * phaseMicros) },
  };
}

/**
 * A run about lending: only a node that is alone in its cluster lends numbers, and it recalls
 * them before another joins. Both are rare in other runs, where few nodes are ever alone.
 */
function lending(options: Options, random: Random): Options {
  const from = <T>(...choices: readonly T[]): T =>
    choices[random(choices.length)]!;
  const { phaseMicros, tickMicros } = options;
  const faults = { ...options.faults };
  for (const kind of faultKinds) {
    if (isOfNumbers(kind) || kind === "move") continue;
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
    // Lent numbers are answered at once and soon asked for again: few clients make a long run.
    clients: from(1, 4, 16),
    thinkMicros: from(1000, 5000),
    syncMicros: from(100, 1000),
    isolates: 1,
    takesMin: from(1, 1, 4),
    faults,
  };
}

/** Whether the kind is left out at first: `lending()` and `moving()` draw it. */
function isDrawnLater(kind: FaultKind): boolean {
  return kind === "lull" || kind === "shrink" || kind === "move";
}

function isOfNumbers(kind: FaultKind): boolean {
  return kind === "raise" || kind === "last" || kind === "backup" ||
    kind === "policy";
}

function drawForward(random: Random): Forwarding[] {
  const ways = ["yes", "no", "moved"] as const;
  return Array.from({ length: 7 }, () => ways[random(3)]!);
}

function drawMixed(random: Random): Durability[] {
  const levels = ["high", "medium", "low"] as const;
  return Array.from({ length: 7 }, () => levels[random(3)]!);
}

/** Lines `name value`, for a terminal. */
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
