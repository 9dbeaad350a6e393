// All that a node touches outside itself: `host.ts` hands it the real disk, peers and
// clocks, a simulator or a test its own. Here rather than in `node.ts`, so that each of
// them can be read without the node. Types only.

import type { FromNode } from "./channel/messages.ts";
import type { NodeId, PeerMessage } from "./core/types.ts";
import type { About } from "./identity/hello.ts";
import type { PeerSetLink } from "./net/peer_set.ts";
import type { Logger } from "../base/logger.ts";
import type { Storage } from "../storage/storage.ts";

/** The sleep of an idle node (`ticker.ts`). */
export type Sleep = {
  /** The ticks slept through until now. To be called before each input, which counts them. */
  catchUp(): number;
  /** Ends the sleep in time for what an input has made due. To be called after each. */
  cutShort(): void;
  /** Milliseconds by which the next tick is late now; 0 if it is not. */
  readonly lateMillis?: number;
};

/** The disk, peers, clocks and log of one node, and those that it tells. */
export type Environment = {
  readonly storage: Storage;
  /** The place of the data in words, for log lines: a directory, or Deno KV. */
  readonly diskName?: string;
  readonly peers: PeerSetLink & {
    /** Any of the messages may be lost, or overtake another. */
    send(messages: readonly PeerMessage[]): void;
    /** Whether a connection to node `id` is up. */
    reaches(id: NodeId): boolean;
    /** Whether a connection to node `id` is up that leads to its configured address. */
    reachesDirectly(id: NodeId): boolean;
  };
  /** Sends a message to the isolates that serve clients. */
  readonly post: (message: FromNode) => void;
  readonly log: Logger;
  /** Milliseconds since 1970; for display, never for safety. */
  readonly now: () => number;
  /** Microseconds of a monotonic clock; for display, never for safety. */
  readonly micros: () => number;
  /** Left out if the node is told of each tick as it passes. */
  readonly sleep?: Sleep;
  /** Told to other nodes in handshakes. */
  readonly about: About;
  /** Whether the node asks to become a member while it is none (`--join`). */
  readonly joins: boolean;
  /**
   * The node has ended, and acknowledges nothing more; `error` is `undefined` if it was
   * asked to. Called once.
   */
  readonly ended: (error: Error | undefined) => void;
};
