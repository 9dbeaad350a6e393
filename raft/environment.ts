// All of the world that a node touches, and how long things take in it: what `host.ts`
// gives it for real, and a simulator or a test in play. Here, so that each of them can
// be read without the node. Types only.

import type { Forwarding, FromNode } from "./channel/messages.ts";
import type { PeerSetLink } from "./net/peer_set.ts";
import type { NodeId, PeerMessage } from "./core/types.ts";
import type { RaftOptions } from "./core/options.ts";
import type { About } from "./identity/hello.ts";
import type { Logger } from "../base/logger.ts";
import type { Storage } from "../storage/storage.ts";

/** All of the world that the node touches. */
export type Environment = {
  readonly storage: Storage;
  readonly peers: PeerSetLink & {
    send(messages: readonly PeerMessage[]): void;
    /** Whether a connection to node `id` is up. */
    reaches(id: NodeId): boolean;
  };
  readonly post: (message: FromNode) => void;
  readonly log: Logger;
  /** Milliseconds since 1970; for display, never for safety. */
  readonly now: () => number;
  /** Microseconds of a clock that only goes forward; for display as well. */
  readonly micros: () => number;
  /** What this node tells of itself. */
  readonly about: About;
  /** Whether a node that is no member asks to become one (--join). */
  readonly joins: boolean;
  /** Ends the node: nothing is acknowledged after it. `undefined`: as asked. */
  readonly ended: (error: Error | undefined) => void;
};

/** How long, in ticks, and what it does for clients of a node that does not lead. */
export type NodeTimes = RaftOptions & {
  /** What a tick is meant to last; for display. */
  readonly tickMillis: number;
  /** Ticks between flushes at durability medium and low. */
  readonly flushTicks: number;
  /** Ticks after which a change of members that got nowhere is answered. */
  readonly changeTicks: number;
  /** Ticks between two snapshots that clients ask for. */
  readonly snapshotTicks: number;
  readonly forward: Forwarding;
  /** Whether one isolate alone serves clients, and may give tickets by itself. */
  readonly lends: boolean;
  /** Ticks that the node may sleep through at once. */
  readonly restTicksMax: number;
  /** How many tickets a tick are many enough to take some ahead of who asks. */
  readonly paceMin: number;
};
