// The connection table: a link for each node that is dialled or connected, and which
// connections may stand beside each other. All connections of a link lead to one incarnation
// of its node. Reads and sends nothing, and does not dial: `peers.ts` does.

import type { NodeId } from "../core/types.ts";
import {
  type Members,
  type PeerProof,
  type Rank,
  rankOf,
} from "../identity/peer_ranks.ts";
import { ConnectionQuota, type QuotaLimits } from "./connection_quota.ts";
import { payloadBytesMax } from "./handshake.ts";
import { type Counters, Link } from "./link.ts";
import type { Wire } from "./wire.ts";

/** The dependencies of the connection table. */
export type ConnectionTableOptions = {
  readonly counters: Counters;
  /** For accepted connections of nodes that are let in and not known. */
  readonly guests: QuotaLimits;
  /** The members as they are now. */
  members(): Members;
};

/** The links of one node to all others. */
export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  readonly #links = new Map<NodeId, Link>();
  readonly #guests: ConnectionQuota<Wire>;
  #drained: (() => void) | undefined;

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
    this.#guests = new ConnectionQuota(options.guests);
  }

  get(id: NodeId): Link | undefined {
    return this.#links.get(id);
  }

  /** The link of node `id`, made if there is none. */
  ensure(id: NodeId): Link {
    const known = this.#links.get(id);
    if (known !== undefined) return known;
    const { counters } = this.#options;
    const drained = (link: Link) => this.release(link);
    const link = new Link(id, { counters, drained });
    this.#links.set(id, link);
    return link;
  }

  *[Symbol.iterator](): Iterator<Link> {
    yield* this.#links.values();
  }

  /**
   * `link` may be of no use any more: closes the dialled connection of a node that is dialled
   * no longer, once its queue has left, and then forgets the link.
   */
  release(link: Link): void {
    if (link.dialling === undefined && link.isEmpty) {
      link.dialled?.close();
      // A late task of a former link of this id must not take the present one away.
      const isPresent = this.#links.get(link.id) === link;
      if (link.wire === undefined && isPresent) this.#links.delete(link.id);
    }
    this.#noteDrained();
  }

  /** Resolves when nothing is queued for any connection, at the latest after `millisMax`. */
  async drain(millisMax: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millisMax);
    this.#drained = resolve;
    this.#noteDrained();
    await promise;
    clearTimeout(timer);
  }

  #noteDrained(): void {
    if (this.#drained === undefined) return;
    const waits = ({ wire, isEmpty }: Link) => wire !== undefined && !isEmpty;
    if (![...this].some(waits)) this.#drained();
  }

  /** `link` has the dialled connection `wire`. */
  addDialled(link: Link, wire: Wire): void {
    link.settleOn(wire);
    link.dialled = wire;
  }

  /** `link` has the accepted connection `wire`, of a node of `rank`; a former one is closed. */
  addAccepted(link: Link, wire: Wire, { rank }: { readonly rank: Rank }): void {
    if (rank !== "known") this.#guests.add(wire, wire.remoteHost)?.close();
    link.settleOn(wire);
    link.accepted?.close();
    link.accepted = wire;
  }

  /** `wire` of `link` has ended. */
  remove(link: Link, wire: Wire): void {
    link.remove(wire);
    this.#guests.delete(wire);
  }

  /** Ranks the connections of `link` anew, after the members have changed. */
  rankAgain(link: Link): void {
    for (const wire of link.wires) {
      const rank = this.#rankOf(link.id, wire);
      wire.allow(payloadBytesMax(rank));
      if (rank === "known") this.#guests.delete(wire);
      if (rank === "stranger") wire.close();
    }
  }

  /**
   * Whether the node that gave `proof` may connect as `id`. The newest disk that a
   * configuration names always may. Another disk may not while a known incarnation is
   * connected; nor, if it has dialled this node, while one answers where this node dials `id`.
   */
  isIdFree(
    id: NodeId,
    { proof, rank, isDialled }: {
      readonly proof: PeerProof;
      readonly rank: Rank;
      readonly isDialled: boolean;
    },
  ): boolean {
    if (this.#isPresent(id, { proof, rank })) return true;
    const link = this.#links.get(id);
    const others =
      link?.wires.filter((wire) =>
        !wire.closed && wire.proof.mark !== proof.mark
      ) ?? [];
    return others.every((wire) =>
      this.#rankOf(id, wire) !== "known" &&
      (isDialled || wire !== link?.dialled)
    );
  }

  /** Whether it is on the newest disk of its id, which a former disk must not replace. */
  #isPresent(
    id: NodeId,
    { proof, rank }: { readonly proof: PeerProof; readonly rank: Rank },
  ): boolean {
    const disk = this.#options.members().incarnationOf(id);
    return rank === "known" && (disk === "" || proof.isOn(disk));
  }

  #rankOf(id: NodeId, { proof }: Wire): Rank {
    return rankOf(id, proof, this.#options.members());
  }
}
