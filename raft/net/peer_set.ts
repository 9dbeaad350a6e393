// The set of nodes that this node stays connected to: all members of the newest configuration
// and, while it leads, removed members that have yet to learn of their removal. It opens no
// connection itself: it tells `peers.ts`, and only when the set has changed.

import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId } from "../core/types.ts";

/** The part of `Peers` that is used here. */
export interface PeerSetLink {
  /** Stays connected to `servers`, and to no other node. */
  connect(
    servers: readonly { readonly id: string; readonly address: string }[],
  ): void;
}

/** The set of one node, kept up to date. */
export class PeerSet {
  readonly #raft: Raft;
  readonly #peers: PeerSetLink;
  #addresses = new Map<NodeId, string>();
  /** The configuration and the number of followers that the present set was made from. */
  #decidedBy: { configuration: Configuration; followers: number } | undefined;

  constructor(raft: Raft, peers: PeerSetLink) {
    this.#raft = raft;
    this.#peers = peers;
  }

  /** To be called after every input of the core. */
  pump(): void {
    const { membership: { current }, progress, id: self } = this.#raft;
    const by = { configuration: current, followers: progress.size };
    if (
      by.configuration === this.#decidedBy?.configuration &&
      by.followers === this.#decidedBy.followers
    ) return;
    this.#decidedBy = by;
    const addresses = new Map(current.servers.map((s) => [s.id, s.address]));
    for (const id of progress.keys()) {
      const known = addresses.get(id) ?? this.#addresses.get(id);
      if (known !== undefined) addresses.set(id, known);
    }
    addresses.delete(self);
    this.#addresses = addresses;
    this.#peers.connect(
      [...addresses].map(([id, address]) => ({ id, address })),
    );
  }
}
