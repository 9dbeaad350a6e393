// Facts about members that a handshake has verified and the configuration lacks: the
// incarnation of a server that RAFT.ADDVOTER named by its address alone, and the new
// addresses of members that have moved. The leader writes either into a configuration of its
// own; any other node that sees a move asks it to. `raft/net/dialler.ts` notices a move; a
// handshake at the new address proves it.
//
// Moves are recorded together, as many as leave no two members at one address: members that
// have swapped their addresses could not be recorded one by one. A member does not go back to
// an address that it has left a short while ago: two nodes that see it at different addresses
// would otherwise overwrite each other for ever.

import { faultToDial, parseAddress } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import {
  configurationFault,
  findServer,
  withServer,
} from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId, Server } from "../core/types.ts";
import { error, type LeaderAnswer, type MoveCommand, ok } from "./change.ts";
import { type Moves, soundMoves } from "./moves.ts";

/** The dependencies of the address updates of one node. */
export type AddressUpdatesOptions = {
  /** Ticks for which a member does not get an address back that it has left. */
  readonly pauseTicks: number;
  /** Ticks for which a move is believed that is not reported again. */
  readonly freshTicks: number;
  /** Ticks between two questions to the leader about one member. */
  readonly askTicks: number;
  /** Asks the leader for a change, on this node's own behalf. */
  readonly ask: (command: MoveCommand) => void;
  /** Whether this node has dialled node `id` at its configured address, and is connected. */
  readonly reachesDirectly: (id: NodeId) => boolean;
  readonly log: Logger;
};

/** A move that was reported to this leader. */
type Reported = {
  readonly address: string;
  /** Of the configuration that it changes: a late report must not undo a later change. */
  readonly index: number;
  /** Ticks for which it is still believed. */
  freshTicks: number;
  /** Ticks since it was first reported. */
  waitedTicks: number;
  /** A warning has said that it cannot be recorded. */
  isSaid: boolean;
};

/** Records incarnations and moves, or asks the leader to. */
export class AddressUpdates {
  readonly #raft: Raft;
  readonly #options: AddressUpdatesOptions;
  /** Incarnations of members for which the configuration has none. */
  readonly #incarnations = new Map<NodeId, string>();
  /** The moves to record, while this node leads. */
  readonly #reported = new Map<NodeId, Reported>();
  /** By member and address that it has left: ticks until it may have that again. */
  readonly #left = new Map<string, number>();
  /** Ticks until the leader may be asked again about a member. */
  readonly #asks = new Map<NodeId, number>();
  /** The configuration whose addresses were compared last. */
  #seen: Configuration;

  constructor(raft: Raft, options: AddressUpdatesOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#seen = raft.membership.current;
  }

  tick(): void {
    countDown(this.#left);
    countDown(this.#asks);
    for (const [id, move] of this.#reported) {
      move.waitedTicks++;
      if (--move.freshTicks <= 0) this.#reported.delete(id);
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
   * configuration says. They say so again as long as that lasts.
   */
  moved(id: NodeId, address: string): void {
    const { role, leaderId, membership } = this.#raft;
    const server = membership.find(id);
    if (server === undefined || !this.#isNews(server, address)) return;
    if (role === "leader") this.#note(id, address);
    else if (leaderId !== undefined && !this.#asks.has(id)) {
      this.#asks.set(id, this.#options.askTicks);
      const { incarnation } = server;
      const prevIndex = BigInt(membership.currentIndex);
      this.#options.ask({ type: "move", id, address, incarnation, prevIndex });
    }
  }

  /** Another node has asked this leader to record a move. It is recorded at the next pump. */
  asked({ id, address, incarnation, prevIndex }: MoveCommand): LeaderAnswer {
    const { membership } = this.#raft;
    const server = membership.find(id);
    // With `prevIndex`, because a delayed report must not undo a later change.
    if (prevIndex !== BigInt(membership.currentIndex)) {
      return error(`the configuration has changed since ${prevIndex}`);
    }
    if (server === undefined || server.incarnation !== incarnation) {
      return error(`server ${id} is no member with that disk`);
    }
    // Its address works, from here at least: it is not this node's alone to give up.
    if (this.#options.reachesDirectly(id)) {
      return error(`server ${id} answers at ${server.address}`);
    }
    if (this.#isNews(server, address)) this.#note(id, address);
    return ok;
  }

  /** After every input: a leader records what it has learned. */
  pump(): void {
    this.#lookForChanges();
    if (this.#raft.role !== "leader") return this.#reported.clear();
    if (this.#incarnations.size > 0) this.#recordIncarnations();
    if (this.#reported.size > 0) this.#recordMoves();
  }

  /** The core promotes no server whose incarnation is unknown (PITFALLS 17). */
  #recordIncarnations(): void {
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

  #recordMoves(): void {
    const { current, currentIndex } = this.#raft.membership;
    const wanted: Moves = new Map();
    for (const [id, { address, index }] of this.#reported) {
      if (index === currentIndex) wanted.set(id, address);
      else this.#reported.delete(id);
    }
    const moves = soundMoves(current, wanted);
    for (const id of wanted.keys()) if (!moves.has(id)) this.#sayFault(id);
    if (moves.size === 0) return;
    const servers = current.servers.map((server) => ({
      ...server,
      address: moves.get(server.id) ?? server.address,
    }));
    if (typeof this.#raft.changeMembership({ servers }) !== "number") return;
    for (const [id, address] of moves) {
      this.#reported.delete(id);
      this.#options.log("info", `node ${id} has moved to ${address}`);
    }
  }

  /** Whether `address` is new for `server`, and may be recorded now. */
  #isNews(server: Server, address: string): boolean {
    // Each node reads an address without a host as one on its own host.
    const isVaguer = parseAddress(address)?.host === "" &&
      parseAddress(server.address)?.host !== "";
    const hasLeft = this.#left.has(`${server.id} ${address}`);
    if (isVaguer || hasLeft) return false;
    return server.address !== address && faultToDial(address) === undefined;
  }

  #note(id: NodeId, address: string): void {
    const index = this.#raft.membership.currentIndex;
    const { freshTicks } = this.#options;
    const known = this.#reported.get(id);
    if (known?.address === address && known.index === index) {
      known.freshTicks = freshTicks;
      return;
    }
    this.#reported.set(id, {
      ...{ address, index, freshTicks },
      ...{ waitedTicks: 0, isSaid: false },
    });
  }

  /** A move that cannot be recorded, though others that may make room had time to come. */
  #sayFault(id: NodeId): void {
    const move = this.#reported.get(id);
    const server = this.#raft.membership.find(id);
    if (move === undefined || server === undefined) return;
    if (move.isSaid || move.waitedTicks < this.#options.freshTicks) return;
    move.isSaid = true;
    const { address } = move;
    const fault = configurationFault(
      withServer(this.#raft.membership.current, { ...server, address }),
    );
    const text = `node ${id} says that it is at ${address} now: ${fault}`;
    this.#options.log("warning", text);
  }

  /** Remembers for a while the addresses that members leave, whoever changed them. */
  #lookForChanges(): void {
    const { current } = this.#raft.membership;
    const before = this.#seen;
    if (current === before) return;
    this.#seen = current;
    for (const { id, address } of current.servers) {
      const known = findServer(before, id);
      if (known === undefined || known.address === address) continue;
      this.#left.set(`${id} ${known.address}`, this.#options.pauseTicks);
    }
  }
}

function countDown(ticks: Map<string, number>): void {
  for (const [name, left] of ticks) {
    if (left > 1) ticks.set(name, left - 1);
    else ticks.delete(name);
  }
}
