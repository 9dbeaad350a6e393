// What this node knows of each node by what that told when they met: where it serves
// clients, and its version. Shown to people and told to clients; nothing is decided by
// it. A node that was not met since this one began is not known.

import type { Raft } from "../core/raft.ts";
import type { NodeId } from "../core/types.ts";
import type { About } from "../identity/hello.ts";

/**
 * Kept at once. More than the members, who are at most 64: a node that joins may
 * introduce itself before the entry that makes it a member has come.
 */
export const peerInfoMax = 128;

const stranger: About = { client: "", version: "" };

export class PeerInfo {
  readonly #raft: Pick<Raft, "id" | "membership">;
  readonly #own: About;
  /** By when they were last met, longest ago first. */
  readonly #met = new Map<NodeId, About>();
  #meetings = 0;

  constructor(raft: Pick<Raft, "id" | "membership">, own: About) {
    this.#raft = raft;
    this.#own = own;
  }

  /** How often a node was met: what they told may be other things since. */
  get meetings(): number {
    return this.#meetings;
  }

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

  /** Of node `id`, which may be this one; empty texts when it was not met. */
  of(id: NodeId | undefined): About {
    if (id === this.#raft.id) return this.#own;
    return id === undefined ? stranger : this.#met.get(id) ?? stranger;
  }
}
