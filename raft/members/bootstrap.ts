// Where a node's life begins: what its disk holds before it has said anything to
// anybody, and what that tells of a former life. Values only; `host.ts` decides which
// of them a start needs, and the simulator starts its nodes from the same.

import { emptySnapshot } from "../core/log.ts";
import { isNamed } from "../core/membership.ts";
import type { Configuration, Identity, Saved, Server } from "../core/types.ts";

/** A node of a cluster, which knows nothing yet. */
export function blank(identity: Identity): Saved {
  return {
    identity,
    hardState: { currentTerm: 0, votedFor: undefined },
    snapshot: emptySnapshot,
    entries: [],
  };
}

/** One of the first members of a new cluster, in the original's numbers: index 1, term 1. */
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
 * Whether any configuration on disk names this very disk, or may. The newest may be one that was never
 * committed, and the cluster may need this node to decide that.
 */
export function isMember({ identity, snapshot, entries }: Saved): boolean {
  const { node: id, incarnation } = identity;
  const names = (configuration: Configuration) =>
    isNamed(configuration, { id, incarnation });
  return names(snapshot.configuration) ||
    entries.some((e) => e.type === "configuration" && names(e.configuration));
}
