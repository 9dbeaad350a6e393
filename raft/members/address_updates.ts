// What members show of themselves and the configuration does not say yet: on which disk a
// server lives that RAFT.ADDVOTER named by its address alone, and where a member is now
// whose address has changed. The leader writes it down as a configuration of its own;
// what `peers.ts` tells has been verified there, by a handshake.
//
// An address is replaced at most once in a while: two nodes that see a third at different
// places would otherwise overwrite each other for ever.

import { faultToDial, parseAddress } from "../../base/address.ts";
import type { CommandOf } from "./change_plan.ts";
import {
  configurationFault,
  findServer,
  withServer,
} from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId, Server } from "../core/types.ts";
import type { Logger } from "../../base/logger.ts";

export type WhereaboutsOptions = {
  /** Ticks between two changes of one address. */
  readonly pauseTicks: number;
  /** Asks the leader on our own behalf. */
  readonly ask: (command: CommandOf<"add-voter">) => void;
  readonly log: Logger;
};

export class AddressUpdates {
  readonly #raft: Raft;
  readonly #options: WhereaboutsOptions;
  /** Of members whose configuration entry does not name it. */
  readonly #incarnations = new Map<NodeId, string>();
  /** Ticks until the address of a member may be changed again. */
  readonly #pauses = new Map<NodeId, number>();
  /** Why the address of a member was not recorded, said once. */
  readonly #faultsSaid = new Map<NodeId, string>();

  constructor(raft: Raft, options: WhereaboutsOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  tick(): void {
    for (const [id, ticks] of this.#pauses) {
      if (ticks > 1) this.#pauses.set(id, ticks - 1);
      else this.#pauses.delete(id);
    }
  }

  /** Node `id` has shown its disk, where we dialled it; empty when it did not tell. */
  met(id: NodeId, incarnation: string): void {
    if (incarnation === "") return;
    if (this.#raft.membership.find(id)?.incarnation !== "") return;
    this.#incarnations.set(id, incarnation);
  }

  /**
   * Member `id` is at `address` now, and not where the configuration says. Peers tell
   * as long as it is so: nothing is kept here that could become true too late.
   */
  moved(id: NodeId, address: string): void {
    const { role, leaderId, membership } = this.#raft;
    const server = membership.find(id);
    if (server === undefined || server.address === address) return;
    // Without a host it would mean another place to everybody who reads it.
    const isVaguer = parseAddress(address)?.host === "" &&
      parseAddress(server.address)?.host !== "";
    if (faultToDial(address) !== undefined) return;
    if (isVaguer || this.#pauses.has(id)) return;
    if (role === "leader") this.#record({ ...server, address });
    // The leader itself cannot know that nobody reaches it. Compared with what we know,
    // so that it cannot be done later than now.
    else if (id === leaderId) {
      this.#pause(id);
      const prevIndex = BigInt(membership.currentIndex);
      this.#options.ask({ type: "add-voter", id, address, prevIndex });
    }
  }

  /** Only who is known by its disk may become a voter: the core promotes no other. */
  pump(): void {
    if (this.#incarnations.size === 0 || this.#raft.role !== "leader") return;
    for (const [id, incarnation] of this.#incarnations) {
      const { current } = this.#raft.membership;
      const server = findServer(current, id);
      const isUnknown = server?.incarnation === "";
      if (
        !isUnknown || typeof this.#raft.changeMembership(
            withServer(current, { ...server, incarnation }),
          ) === "number"
      ) this.#incarnations.delete(id);
    }
  }

  #record(server: Server): void {
    const { id, address } = server;
    const { log } = this.#options;
    const configuration = withServer(this.#raft.membership.current, server);
    const fault = configurationFault(configuration);
    if (fault !== undefined) {
      const text = `node ${id} says that it is at ${address} now: ${fault}`;
      if (this.#faultsSaid.get(id) !== text) log("warning", text);
      this.#faultsSaid.set(id, text);
    } else if (typeof this.#raft.changeMembership(configuration) === "number") {
      this.#pause(id);
      this.#faultsSaid.delete(id);
      log("info", `node ${id} has moved to ${address}`);
    }
  }

  #pause(id: NodeId): void {
    this.#pauses.set(id, this.#options.pauseTicks);
  }
}
