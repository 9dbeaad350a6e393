// The other nodes, over framed TCP: stays connected with them, sends them messages, and hands
// on those that come. A message may be lost or overtake another: the core sends again what
// matters, nothing is repeated here.
//
// Up to two connections lead to each node: the one that this node dialled, used for sending
// while it is up, and the one accepted from it, used otherwise; so a node that nobody can
// dial still takes part. Both are read.
//
//   dialler, acceptor   open connections      connection_table, link   which there are
//   *_handshake         which node is there   wire, frame              one of them, its bytes
//   keepalive           ends silent ones      peer_limits              how many, for how long

import { type Address, parseAddress } from "../../base/address.ts";
import { DecodeError } from "../../base/bytes.ts";
import { openPort } from "../../base/listen.ts";
import type { Lookup } from "../../base/resolve.ts";
import { decodePeerMessage, encodePeerMessage } from "../core/message_codec.ts";
import type { Fault, NodeId, PeerMessage } from "../core/types.ts";
import type { PeerProof } from "../identity/peer_ranks.ts";
import { Acceptor } from "./acceptor.ts";
import { ConnectionTable } from "./connection_table.ts";
import { Dialler, type DiallerOptions } from "./dialler.ts";
import { frameHeadBytes, sealFrame } from "./frame.ts";
import { Handshake, type HandshakeOptions } from "./handshake.ts";
import { type Admitted, InboundHandshake } from "./inbound_handshake.ts";
import { Keepalive } from "./keepalive.ts";
import type { Link } from "./link.ts";
import { OutboundHandshake } from "./outbound_handshake.ts";
import {
  inboundMax,
  inboundShares,
  type PeerTimes,
  peerTimes,
} from "./peer_limits.ts";
import { Warnings } from "./warnings.ts";
import type { Wire } from "./wire.ts";

/** The dependencies of a node's peers. */
export interface PeersOptions extends HandshakeOptions {
  /** Takes a message; returns why not, and then the connection is closed. */
  receive(message: PeerMessage, proof: PeerProof): Fault | undefined;
  /** Member `id` was not reached where it is dialled, but is at `address`; repeated. */
  moved?(id: NodeId, address: string): void;
  /** Member `id` was not reached anywhere for a while; repeated. A hint may help. */
  missing?(id: NodeId): void;
  /** In [0, 1): spreads the pauses between two dials. */
  random?(): number;
  readonly times?: Partial<PeerTimes>;
  /** Addresses of names; the system's resolver when left out. */
  readonly lookup?: Lookup;
  /** Accepted connections; fewer where there are few file handles. */
  readonly inboundMax?: number;
}

/** All connections of one node to others. */
export class Peers {
  readonly counters = { sent: 0, dropped: 0, received: 0, writes: 0 };
  readonly #options: PeersOptions;
  readonly #times: PeerTimes;
  readonly #warnings: Warnings;
  readonly #links: ConnectionTable;
  readonly #dialling: DiallerOptions;
  readonly #acceptor: Acceptor;
  readonly #keepalive: Keepalive;
  /** All that is under way on connections. */
  readonly #tasks = new Set<Promise<void>>();
  #closing = false;

  /** Opens the port, and begins; throws as {@linkcode listenForPeers} does. */
  static listen(options: PeersOptions & { readonly listen: Address }): Peers {
    return new Peers(options, listenForPeers(options.listen));
  }

  /** Owns `listener` from now on. */
  constructor(options: PeersOptions, listener: Deno.TcpListener) {
    this.#options = options;
    const { counters } = this;
    const { log } = options;
    const members = () => options.members();
    const times = this.#times = { ...peerTimes, ...options.times };
    const shares = inboundShares(options.inboundMax ?? inboundMax);
    const { guests, unauthenticated } = shares;
    const warnings = this.#warnings = new Warnings(log, {
      pauseMillis: times.complaintMillis,
      faultMillis: times.faultMillis,
    });
    const links = new ConnectionTable({ counters, guests, members });
    this.#links = links;
    const handshake = new Handshake(options, {
      warnings,
      isFree: (id, by) => links.isIdFree(id, by),
    });
    const { lookup } = options;
    const outbound = new OutboundHandshake(handshake, { ...times, lookup });
    this.#dialling = {
      times,
      members,
      open: (id, to) => outbound.open(id, to),
      use: (wire, link) => this.#useDialled(wire, link),
      moved: (id, address) => options.moved?.(id, address),
      missing: (id) => options.missing?.(id),
      random: () => options.random?.() ?? Math.random(),
    };
    const { helloMillis } = times;
    const inbound = new InboundHandshake(handshake, {
      helloMillis,
      unauthenticated,
    });
    this.#acceptor = new Acceptor(listener, {
      handshake: inbound,
      warnings,
      serve: (wire, admitted) => this.#useAccepted(wire, admitted),
      run: (task) => this.#run(task),
    });
    this.#keepalive = new Keepalive({ times, links, warnings });
  }

  /** The port listened on, which the system chose if 0 was asked for. */
  get port(): number {
    return this.#acceptor.port;
  }

  /** From now on dials `servers` and no other node; this node among them is left out. */
  connect(servers: readonly { id: NodeId; address: string }[]): void {
    if (this.#closing) return;
    const named = new Map<NodeId, Address>();
    for (const { id, address } of servers) {
      if (id === this.#self) continue;
      const parsed = parseAddress(address);
      const text = `no address to dial node ${id}: "${address}"`;
      if (parsed !== undefined && parsed.port > 0) named.set(id, parsed);
      else this.#warnings.once(id, text);
    }
    for (const link of this.#links) {
      this.#links.rankAgain(link);
      if (!named.has(link.id)) this.#part(link);
    }
    for (const [id, address] of named) this.#dial(id, address);
  }

  /**
   * Sends each message to the node that it is for, or drops it. All for one node leave in one
   * write, which begins before this returns unless one is under way: it overlaps with the
   * work of this node's disk.
   */
  send(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      const link = this.#links.get(message.to);
      const isKept = link?.isOpen && !this.#closing &&
        link.keep(sealFrame(encodePeerMessage(message, frameHeadBytes)));
      if (!isKept) this.counters.dropped++;
    }
    for (const { to } of messages) this.#links.get(to)?.flush();
  }

  /** Whether a connection to node `id` is up. */
  reaches(id: NodeId): boolean {
    return this.#links.get(id)?.wire !== undefined;
  }

  /** Whether this node has dialled node `id` at its configured address, and is connected. */
  reachesDirectly(id: NodeId): boolean {
    return this.#links.get(id)?.dialling?.isThere ?? false;
  }

  /**
   * Node `id` may be at `address`, says somebody who may be wrong, or lie: it is looked for
   * there while it is not where it is dialled. Ignored for nodes that are not dialled.
   */
  hint(id: NodeId, address: string): void {
    const link = this.#links.get(id);
    if (link?.dialling === undefined || link.hinted === address) return;
    link.hinted = address;
    link.dialling.wake();
  }

  /** Gives queued messages a moment to leave, then closes everything. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#keepalive.stop();
      for (const link of this.#links) link.dialling?.stop();
      this.#acceptor.stop();
      await this.#links.drain(this.#times.flushMillis);
      for (const link of this.#links) link.dialled?.close();
      this.#acceptor.closeAll();
    }
    await Promise.allSettled(this.#tasks);
  }

  get #self(): NodeId {
    return this.#options.identity.node;
  }

  #run(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  /** Node `id` has this configured address from now on. */
  #dial(id: NodeId, address: Address): void {
    const link = this.#links.ensure(id);
    const { dialling: before, dialled } = link;
    if (before?.aims(address)) return;
    this.#warnings.forget(id);
    before?.stop();
    link.dialled = undefined;
    dialled?.close();
    const dialler = new Dialler(link, { ...this.#dialling, address });
    link.dialling = dialler;
    this.#run(dialler.run());
  }

  /** Dials `link`'s node no more. */
  #part(link: Link): void {
    if (link.dialling === undefined) return;
    this.#warnings.forget(link.id);
    link.dialling.stop();
    link.dialling = undefined;
    this.#links.release(link);
  }

  async #useDialled(wire: Wire, link: Link): Promise<void> {
    this.#links.addDialled(link, wire);
    link.flush();
    await this.#read(wire, link);
    this.#links.remove(link, wire);
  }

  async #useAccepted(
    wire: Wire,
    { sender, rank, address, welcome }: Admitted,
  ): Promise<void> {
    const link = this.#links.ensure(sender);
    this.#links.addAccepted(link, wire, { rank });
    link.advertised = address;
    void link.write(wire, welcome);
    link.dialling?.wake(); // it is up: no need to wait before dialling it
    await this.#read(wire, link);
    this.#links.remove(link, wire);
    link.dropIfCut();
    this.#links.release(link);
  }

  /** Hands on messages until the connection ends, or breaks the rules. */
  async #read(wire: Wire, link: Link): Promise<void> {
    do {
      for (let step = wire.next(); step.type !== "more"; step = wire.next()) {
        const fault = step.type === "bad"
          ? step.reason
          : this.#take(step.payload, { sender: link.id, proof: wire.proof });
        if (wire.closed) return;
        if (fault === undefined) continue;
        const text =
          `hung up on node ${link.id} (${wire.remote}): it sent ${fault}`;
        this.#warnings.once(`by ${link.id}`, text);
        return wire.close();
      }
    } while (await wire.fill());
    wire.close();
  }

  /** Hands on the message in `payload`; returns what is wrong with it. */
  #take(
    payload: Uint8Array,
    { sender, proof }: {
      readonly sender: NodeId;
      readonly proof: PeerProof;
    },
  ): Fault | undefined {
    if (payload.length === 0) return undefined; // a keepalive
    let message: PeerMessage;
    try {
      message = decodePeerMessage(payload);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return `a message that cannot be read (${error.message})`;
    }
    const { from, to } = message;
    if (from !== sender || to !== this.#self) {
      return `a message from ${from} to ${to}`;
    }
    this.counters.received++;
    return this.#closing ? undefined : this.#options.receive(message, proof);
  }
}

/** @throws {Error} One sentence for the user, when the address cannot be listened on. */
export function listenForPeers(address: Address): Deno.TcpListener {
  return openPort(address, { whom: "peers", flag: "--raddr" });
}
