// A node's settings: its periods, in ticks, and what it does for clients. Derived from the
// options that the main isolate sends (flags, in milliseconds) and from constants here.
// Not here: what the node touches (`environment.ts`).

import type { Forwarding, NodeOptions } from "./channel/messages.ts";
import { chunkBytesMax } from "./core/limits.ts";
import type { RaftOptions } from "./core/options.ts";
import type { DemandOptions } from "./tickets/demand.ts";

/** The settings of one node. */
export type NodeSettings = Omit<RaftOptions, "canRestore"> & DemandOptions & {
  /** Milliseconds that a tick is meant to last; for display. */
  readonly tickMillis: number;
  /** Ticks between two flushes at durability `medium` and `low`; Infinity at `high`. */
  readonly flushTicks: number;
  /** Ticks after which a change of members that got nowhere is answered. */
  readonly changeTicks: number;
  /** Ticks between two snapshots that clients ask for, at least. */
  readonly snapshotTicks: number;
  /** Ticks that the node may sleep through at once, at most. */
  readonly restTicksMax: number;
  /** How a take is treated while the node does not lead. */
  readonly forward: Forwarding;
  /** Whether tickets may be lent to the isolate that serves clients: only if it is one. */
  readonly lends: boolean;
  /** Sequences that commands of this node may begin, with those that there are. */
  readonly sequencesMax: number;
};

const heartbeatTicks = 2;
/** Milliseconds between two flushes at durability `medium` and `low`. */
const flushMillis = 200;
/** Milliseconds after which a change of members that got nowhere is answered. */
const changeMillis = 10_000;
/** Milliseconds between two snapshots that clients ask for, at least. */
const snapshotMillis = 1000;
/** Milliseconds that a node may sleep at once: so much time may be lost to a standstill. */
const restMillisMax = 1000;
/** Takes without a pause from which on numbers are taken ahead: nobody types as many. */
const takesMin = 16;

/** The settings of a real node; chance is `Math.random`'s. */
export function settingsOf(options: NodeOptions): NodeSettings {
  const { heartbeatMillis, electionMillis, durability } = options;
  const tickMillis = heartbeatMillis / heartbeatTicks;
  return {
    tickMillis,
    heartbeatTicks,
    electionTicks: Math.max(
      heartbeatTicks + 1,
      Math.round(electionMillis / tickMillis),
    ),
    // At high every save is synced by itself.
    flushTicks: durability === "high"
      ? Infinity
      : Math.max(1, Math.round(flushMillis / tickMillis)),
    changeTicks: Math.round(changeMillis / tickMillis),
    snapshotTicks: Math.ceil(snapshotMillis / tickMillis),
    // A node that sleeps would flush late.
    restTicksMax: durability === "high"
      ? Math.max(2, Math.floor(restMillisMax / tickMillis))
      : 1,
    forward: options.forward,
    lends: options.lends,
    sequencesMax: options.sequencesMax,
    takesMin,
    aheadMax: options.aheadMax,
    chunkBytes: chunkBytesMax,
    random: (below) => Math.floor(Math.random() * below),
  };
}
