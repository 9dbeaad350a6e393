// The content of a new data directory: nothing but its identity for a node that is to join a
// cluster, one configuration for a founder. And whether the data of an older one are a
// member's. Values only: `resume_or_join.ts` decides which of them a start needs, and the
// simulator starts its nodes from the same.

import { emptySnapshot } from "../core/log.ts";
import { isNamed } from "../core/membership.ts";
import type { Configuration, Identity, Saved, Server } from "../core/types.ts";

/** A node that has its identity and knows nothing else of its cluster. */
export function blank(identity: Identity): Saved {
  return {
    identity,
    hardState: { currentTerm: 0, votedFor: undefined },
    snapshot: emptySnapshot,
    entries: [],
  };
}

/**
 * One of the first members, `servers`, of a new cluster. Index 1 and term 1 are the
 * original's (hashicorp/raft, BootstrapCluster).
 */
export function founded(
  identity: Identity,
  servers: readonly Server[],
): Saved {
  return {
    ...blank(identity),
    hardState: { currentTerm: 1, votedFor: undefined },
    entries: [{
      type: "configuration",
      index: 1,
      term: 1,
      configuration: { servers },
    }],
  };
}

/**
 * Whether any configuration on disk names this node with its incarnation, or with none.
 * Not the newest alone: that one may be uncommitted, and the cluster may need this node's
 * vote to decide it.
 */
export function isMember({ identity, snapshot, entries }: Saved): boolean {
  const { node: id, incarnation } = identity;
  const names = (configuration: Configuration) =>
    isNamed(configuration, { id, incarnation });
  return names(snapshot.configuration) ||
    entries.some((e) => e.type === "configuration" && names(e.configuration));
}

/** The id of a cluster that begins, drawn at random: 32 hex digits. */
export function newClusterId(): string {
  return randomHex(16);
}

/** The incarnation of a data directory that begins, drawn at random: 16 hex digits. */
export function newIncarnation(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
