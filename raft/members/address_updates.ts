// Facts about members that a handshake has verified and the configuration lacks: the
// incarnation of a server that RAFT.ADDVOTER named by its address alone, and the new
// address of a member that has moved. The leader writes either into a configuration of its
// own. `raft/net/dialler.ts` notices a move; a handshake at the new address proves it.
//
// The address of a member changes at most once in a while: two nodes that see a third one
// at different addresses would otherwise overwrite each other for ever.

import { faultToDial, parseAddress } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import {
  configurationFault,
  findServer,
  withServer,
} from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId, Server } from "../core/types.ts";
import type { CommandOf } from "./change.ts";

/** The dependencies of the address updates of one node. */
export type AddressUpdatesOptions = {
  /** Ticks for which the address of a member stays as it is after a change. */
  readonly pauseTicks: number;
  /** Asks the leader for a change, on this node's own behalf. */
  readonly ask: (command: CommandOf<"add-voter">) => void;
  readonly log: Logger;
};

/** Records incarnations and moves, or asks the leader to. */
export class AddressUpdates {
  readonly #raft: Raft;
  readonly #options: AddressUpdatesOptions;
  /** Incarnations of members for which the configuration has none. */
  readonly #incarnations = new Map<NodeId, string>();
  /** Ticks until the address of a member may be changed again. */
  readonly #pauses = new Map<NodeId, number>();
  /** The last warning about each member: it is not logged twice in a row. */
  readonly #faultsSaid = new Map<NodeId, string>();

  constructor(raft: Raft, options: AddressUpdatesOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  tick(): void {
    for (const [id, ticks] of this.#pauses) {
      if (ticks > 1) this.#pauses.set(id, ticks - 1);
      else this.#pauses.delete(id);
    }
  }

  /** Peers learned the incarnation of node `id`, which is empty if it did not tell. */
  met(id: NodeId, incarnation: string): void {
    if (incarnation === "") return;
    if (this.#raft.membership.find(id)?.incarnation !== "") return;
    this.#incarnations.set(id, incarnation);
  }

  /**
   * Peers reach member `id` at `address` (`HOST:PORT` or `:PORT`), and not where the
   * configuration says. They say so again as long as that lasts, so nothing is kept here.
   */
  moved(id: NodeId, address: string): void {
    const { role, leaderId, membership } = this.#raft;
    const server = membership.find(id);
    if (server === undefined || server.address === address) return;
    // Each node reads an address without a host as one on its own host.
    const isVaguer = parseAddress(address)?.host === "" &&
      parseAddress(server.address)?.host !== "";
    if (faultToDial(address) !== undefined) return;
    if (isVaguer || this.#pauses.has(id)) return;
    if (role === "leader") this.#record({ ...server, address });
    // The leader itself cannot know that no node reaches it. With `prevIndex`, because a
    // delayed change must not undo a later one.
    else if (id === leaderId) {
      this.#pause(id);
      const prevIndex = BigInt(membership.currentIndex);
      this.#options.ask({ type: "add-voter", id, address, prevIndex });
    }
  }

  /**
   * After every input: a leader records the incarnations that it has learned. The core
   * promotes no server whose incarnation is unknown (PITFALLS 17).
   */
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
