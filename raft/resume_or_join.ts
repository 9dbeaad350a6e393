// Decides what a node is when its process starts: a member that resumes from its disk, a
// new member of the cluster that --join leads to, or a founder of a new cluster, alone or
// together with others. Creates identities, and writes no log. Not here: how a cluster is
// asked (`joining.ts`), how several nodes found one (`founding.ts`), and the content of a
// new disk (`members/bootstrap.ts`).

import type { NodeOptions } from "./channel/messages.ts";
import type { Identity, NodeId, Saved } from "./core/types.ts";
import type { Founding } from "./founding.ts";
import type { Joining } from "./joining.ts";
import {
  blank,
  founded,
  isMember,
  newClusterId,
  newIncarnation,
} from "./members/bootstrap.ts";
import { serversOf } from "./members/proposal.ts";
import { isLoopback, parseAddress } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import type { Logger } from "../base/logger.ts";

/**
 * The state that the node goes on from. `resumed` is the disk's content, `undefined` if
 * there is none; otherwise it is returned as it is.
 *
 * @throws {Error} If the disk's node is no member and does not join, or joins a cluster
 * that is not its own, or has agreed to found a cluster with others and is to found one
 * alone; or as {@linkcode Joining.cluster} and {@linkcode Founding.result} do.
 */
export async function identify(
  resumed: Saved | undefined,
  { options, joining, founding, log }: {
    readonly options: NodeOptions;
    readonly joining: Joining;
    readonly founding: Founding;
    readonly log: Logger;
  },
): Promise<Saved> {
  if (resumed !== undefined && isMember(resumed)) return resumed;
  const { id } = options;
  if (resumed === undefined && founding.isWanted) {
    return await togetherWith(founding, id);
  }
  // A directory keeps the incarnation that others may know already.
  const incarnation = founding.draft?.incarnation ?? newIncarnation();
  if (joining.isWanted) {
    const cluster = await joining.cluster(resumed?.identity);
    return resumed ?? blank({ cluster, node: id, incarnation });
  }
  if (resumed !== undefined) {
    throw new Error(
      `node ${id} is no member of its cluster ` +
        `${resumed.identity.cluster}; start it with --join ADDRESS of a ` +
        `member to become one`,
    );
  }
  const agreed = founding.draft?.accepted;
  if (agreed !== undefined) {
    const ids = agreed.founders.map(({ id }) => id).join(", ");
    throw new Error(
      `node ${id} has agreed to found cluster ${agreed.cluster} with nodes ${ids}, ` +
        "which may have done so; start it with --bootstrap-expect and --join again",
    );
  }
  log("info", "founds a new cluster");
  warnFounder(options, log);
  const identity = { cluster: newClusterId(), node: id, incarnation };
  return foundedBy(identity, options);
}

/** Founds a cluster with others, or is about to join theirs. */
async function togetherWith(
  founding: Founding,
  node: NodeId,
): Promise<Saved> {
  const result = await founding.result();
  const { draft } = founding;
  assert(draft !== undefined, "the draft is durable by now");
  const { incarnation } = draft;
  if (result.type === "join") {
    return blank({ cluster: result.cluster, node, incarnation });
  }
  const { proposal } = result;
  const { cluster } = proposal;
  return founded({ cluster, node, incarnation }, serversOf(proposal));
}

/** The first content of the disk of a node that founds a cluster, alone in it. */
function foundedBy(
  identity: Identity,
  { id, advertise: address }: NodeOptions,
): Saved {
  const { incarnation } = identity;
  return founded(identity, [{ id, address, suffrage: "voter", incarnation }]);
}

function warnFounder(
  { id, advertise, raftListen }: NodeOptions,
  log: Logger,
): void {
  if (parseAddress(advertise)?.host === "") {
    log(
      "warning",
      `other hosts cannot dial "${advertise}": before they join, send ` +
        `RAFT.ADDVOTER ${id} HOST${advertise}`,
    );
  }
  if (isLoopback(raftListen.host)) return;
  log(
    "warning",
    "if this directory is ever lost, the same start founds another cluster, which gives " +
      "numbers again from 1, even while other nodes are up: --bootstrap-expect N with " +
      "--join founds with them, and --join alone never founds",
  );
}
