// The client addresses and versions that other nodes told in their handshakes with this
// process. They are shown to people and told to clients; nothing is decided by them. A
// node that this process has not met is unknown.

import type { Raft } from "../core/raft.ts";
import type { NodeId } from "../core/types.ts";
import type { About } from "../identity/hello.ts";

/**
 * Nodes remembered at once. More than the members, who are at most 64: a node that joins
 * may introduce itself before the entry arrives that makes it a member.
 */
export const peerInfoMax = 128;

const unknown: About = { client: "", version: "" };

/** The descriptions that other nodes gave of themselves. */
export class PeerInfo {
  readonly #raft: Pick<Raft, "id" | "membership">;
  readonly #own: About;
  /** In the order in which they were last met, longest ago first. */
  readonly #met = new Map<NodeId, About>();
  #meetings = 0;

  /** `own` is this node's description of itself. */
  constructor(raft: Pick<Raft, "id" | "membership">, own: About) {
    this.#raft = raft;
    this.#own = own;
  }

  /** Handshakes so far. While it stands still, so does all that `of` returns. */
  get meetings(): number {
    return this.#meetings;
  }

  /** Records what node `id` told. Beyond the limit, forgets a node that is no member. */
  met(id: NodeId, { client, version }: About): void {
    this.#meetings++;
    this.#met.delete(id);
    this.#met.set(id, { client, version });
    if (this.#met.size <= peerInfoMax) return;
    for (const known of this.#met.keys()) {
      if (this.#raft.membership.find(known) !== undefined) continue;
      this.#met.delete(known);
      return;
    }
  }

  /** The address and version of node `id`, or of this one; empty texts if it is unknown. */
  of(id: NodeId | undefined): About {
    if (id === this.#raft.id) return this.#own;
    return id === undefined ? unknown : this.#met.get(id) ?? unknown;
  }
}
