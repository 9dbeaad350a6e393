// Log lines about what a node hears of itself from outside: the address at which its cluster
// knows it, and another cluster that holds it for a member. They change nothing: nobody has
// proved what they tell. Not here: lines about changes of the node (`stats/change_log.ts`).

import type { NodeOptions } from "./channel/messages.ts";
import type { NodeId } from "./core/types.ts";
import type { Logger } from "../base/logger.ts";

/** Milliseconds between two log lines that another cluster claims this node. */
const claimedMillis = 60_000;

/** The notices of one node. */
export class HostNotices {
  readonly #log: Logger;
  /** When another cluster's claim was last logged, by performance.now(). */
  #claimLoggedMillis = -Infinity;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The other nodes dial `known`, the configuration's address, until that leads nowhere. */
  compareAddress(
    known: string | undefined,
    { advertise }: Pick<NodeOptions, "advertise">,
  ): void {
    // The cluster has filled in a host that `advertise` leaves out.
    if (known === undefined || known.endsWith(advertise)) return;
    this.#log(
      "info",
      `the cluster knows this node at ${known}, and learns that it is at ` +
        `${advertise} when it cannot reach it there`,
    );
  }

  /** The node goes on with a cluster, whatever its flags say of founding or joining one. */
  ignoredFlags({ isFounding }: { readonly isFounding: boolean }): void {
    this.#log(
      "info",
      isFounding
        ? "ignoring --bootstrap-expect and --join: this node already belongs to a " +
          "cluster, unless that has removed it"
        : "ignoring --join but for members that have moved: this node already belongs " +
          "to a cluster, unless that has removed it",
    );
  }

  /**
   * Node `sender` of another cluster dials this node as its member. If this node is alone in
   * its own, its data may have been lost, and it would repeat numbers that the others have
   * given. Or an operator has recovered or restored it, and the other one must not run: only
   * the operator knows which. Anybody who reaches the port can say so: it is logged, and
   * nothing is done.
   */
  claimed(
    sender: NodeId,
    node:
      | {
        readonly isSoleVoter: boolean;
        readonly core: { readonly id: NodeId };
      }
      | undefined,
  ): void {
    const now = performance.now();
    if (!node?.isSoleVoter) return;
    if (now - this.#claimLoggedMillis < claimedMillis) return;
    this.#claimLoggedMillis = now;
    const { id } = node.core;
    this.#log(
      "error",
      `whoever calls itself node ${sender} of another cluster holds node ${id} for ` +
        `a member, and one of the two repeats numbers. If node ${id} was recovered or ` +
        `restored, stop node ${sender} and empty its directory. If the data of node ` +
        `${id} were lost, stop node ${id}, send RAFT.REMOVESERVER ${id} to node ` +
        `${sender}, then start node ${id} with an empty directory and --join`,
    );
  }
}
