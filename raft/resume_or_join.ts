// Decides what a node is when its process starts: a member that resumes from its disk, a
// new member of the cluster that --join leads to, or the founder of a new cluster.
// Creates identities, and writes nothing. Not here: how a cluster is asked
// (`joining.ts`), and the content of a new disk (`members/bootstrap.ts`).

import type { NodeOptions } from "./channel/messages.ts";
import type { Identity, NodeId, Saved } from "./core/types.ts";
import type { Joining } from "./joining.ts";
import { blank, founded, isMember } from "./members/bootstrap.ts";
import { parseAddress } from "../base/address.ts";
import type { Logger } from "../base/logger.ts";

/**
 * The state that the node goes on from. `resumed` is the disk's content, `undefined` if
 * there is none; otherwise it is returned as it is.
 *
 * @throws {Error} If the disk's node is no member and does not join, or joins a cluster
 * that is not its own; or as {@linkcode Joining.cluster} does.
 */
export async function identify(
  resumed: Saved | undefined,
  { options, joining, log }: {
    readonly options: NodeOptions;
    readonly joining: Joining;
    readonly log: Logger;
  },
): Promise<Saved> {
  if (resumed !== undefined && isMember(resumed)) return resumed;
  const { id, advertise } = options;
  if (joining.isWanted) {
    const cluster = await joining.cluster(resumed?.identity);
    return resumed ?? blank(newIdentity(id, cluster));
  }
  if (resumed !== undefined) {
    throw new Error(
      `node ${id} is no member of its cluster ` +
        `${resumed.identity.cluster}; start it with --join ADDRESS of a ` +
        `member to become one`,
    );
  }
  log("info", "founds a new cluster");
  if (parseAddress(advertise)?.host === "") {
    log(
      "warning",
      `other hosts cannot dial "${advertise}": before they join, send ` +
        `RAFT.ADDVOTER ${id} HOST${advertise}`,
    );
  }
  return foundedBy(options);
}

/** The first content of the disk of a node that founds a cluster, alone in it. */
function foundedBy({ id, advertise: address }: NodeOptions): Saved {
  const identity = newIdentity(id, randomHex(16));
  const { incarnation } = identity;
  return founded(identity, [{ id, address, suffrage: "voter", incarnation }]);
}

/** The identity of a new data directory. */
function newIdentity(node: NodeId, cluster: string): Identity {
  return { cluster, node, incarnation: randomHex(8) };
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
