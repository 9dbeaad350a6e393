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

  /**
   * Node `sender` of another cluster dials this node as its member. If this node is alone in
   * its own, its data may have been lost, and it would repeat numbers that the others have
   * given. If it was recovered from that cluster, the other one repeats them. Anybody who
   * reaches the port can say so: it is logged, and nothing is done.
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
        `a member. If this node was recovered or restored, it is node ${sender} that ` +
        `must not run: stop that one, and leave this one's data alone. If this ` +
        `node's data were lost, it repeats numbers: stop it, send ` +
        `RAFT.REMOVESERVER ${id} to node ${sender}, then start it with an ` +
        `empty directory and --join`,
    );
  }
}
