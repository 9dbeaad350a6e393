// Whom this node stays connected to: all members of the newest configuration and, while it
// leads, those that it lets go, for they are to learn of it. Opens nothing itself: that is
// `peers.ts`'s, which is told only when something has changed.

import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId } from "../core/types.ts";

/** What of the peers is used here. */
export interface PeerSetLink {
  /** Whom to stay connected to. */
  connect(
    servers: readonly { readonly id: string; readonly address: string }[],
  ): void;
}

export class PeerSet {
  readonly #raft: Raft;
  readonly #peers: PeerSetLink;
  #addresses = new Map<NodeId, string>();
  /** By what they were decided. */
  #decidedBy: { configuration: Configuration; followers: number } | undefined;

  constructor(raft: Raft, peers: PeerSetLink) {
    this.#raft = raft;
    this.#peers = peers;
  }

  /** After every input. */
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
