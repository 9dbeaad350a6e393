// The other nodes, over framed TCP: dial them, be dialled, carry messages both ways.
// What is sent may be lost and may overtake: the core sends again what matters, nothing
// is repeated here. `handshake.ts` makes sure who it is, `link.ts` holds what waits,
// `frame.ts` has the bytes.
//
// To each node lead up to two connections: the one that we dialled, used for sending
// while it is up, and the one accepted from it, used while it is not; so a node that
// nobody can dial still takes part. Both are read. A connection on which nothing comes,
// not even the beat of once a second, is closed: TCP alone would take many minutes to
// notice that a host has vanished.

import {
  type Address,
  completedAddress,
  formatAddress,
  parseAddress,
} from "../../base/address.ts";
import { DecodeError } from "../../base/bytes.ts";
import { decodePeerMessage, encodePeerMessage } from "../core/message_codec.ts";
import type { Fault, NodeId, PeerMessage } from "../core/types.ts";
import { Crowd } from "./crowd.ts";
import { encodeFrame } from "./frame.ts";
import {
  type Guest,
  Handshake,
  type HandshakeOptions,
  payloadBytesMax,
} from "./handshake.ts";
import { Link } from "./link.ts";
import { inboundMax, inboundShares, peerTimes } from "./peer_limits.ts";
import { hungUp, openPort } from "../../base/listen.ts";
import { type PeerProof, type Rank, rankOf } from "../identity/ranks.ts";
import { reasonOf } from "../../base/dial.ts";
import { Wire } from "./wire.ts";

export interface PeersOptions extends HandshakeOptions {
  /** Why it is refused, if it is: `proof` is its sender's, as far as was proved. */
  receive(message: PeerMessage, proof: PeerProof): Fault | undefined;
  /** Member `id` is not where we dial it, and says that it is at `address`; repeated. */
  moved?(id: NodeId, address: string): void;
  /** In [0, 1): spreads the retries. */
  random?(): number;
  readonly times?: Partial<typeof peerTimes>;
  /** Fewer where there are few handles of files. */
  readonly inboundMax?: number;
}

const beat = encodeFrame(new Uint8Array(0));

export class Peers {
  readonly counters = { sent: 0, dropped: 0, received: 0, writes: 0 };
  readonly #options: PeersOptions;
  readonly #times: typeof peerTimes;
  readonly #handshake: Handshake;
  readonly #listener: Deno.TcpListener;
  readonly #links = new Map<NodeId, Link>();
  /** All accepted connections, strangers included. */
  readonly #inbound = new Set<Wire>();
  /** Those of them that are let in and not known. */
  readonly #guests: Crowd<Wire>;
  readonly #tasks = new Set<Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #beatMillis = performance.now();
  #closing = false;
  #drained: (() => void) | undefined;

  static listen(options: PeersOptions & { readonly listen: Address }): Peers {
    return new Peers(options, listenForPeers(options.listen));
  }

  /** Owns `listener` from now on. */
  constructor(options: PeersOptions, listener: Deno.TcpListener) {
    this.#options = options;
    this.#times = { ...peerTimes, ...options.times };
    const shares = inboundShares(options.inboundMax ?? inboundMax);
    this.#guests = new Crowd(shares.guests);
    this.#handshake = new Handshake(options, {
      times: this.#times,
      strangers: shares.strangers,
      places: (id, by) => this.#isPresent(id, by) || this.#hasPlace(id, by),
    });
    this.#listener = listener;
    this.#timer = setInterval(() => this.#beatAll(), this.#times.beatMillis);
    this.#run(this.#accept());
  }

  /** The port listened on, which the system chose if 0 was asked for. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on dials `servers` and nobody else; this node among them is left out. */
  connect(servers: readonly { id: NodeId; address: string }[]): void {
    if (this.#closing) return;
    const named = new Map<NodeId, Address>();
    for (const { id, address } of servers) {
      if (id === this.#self) continue;
      const parsed = parseAddress(address);
      const text = `no address to dial node ${id}: "${address}"`;
      if (parsed !== undefined && parsed.port > 0) named.set(id, parsed);
      else this.#handshake.say(id, text);
    }
    for (const link of this.#links.values()) {
      this.#weigh(link);
      if (!named.has(link.id)) this.#part(link);
    }
    for (const [id, address] of named) this.#meet(this.#link(id), address);
  }

  /**
   * Sends each to the node it is for, or drops it. All for one node leave in one write,
   * which begins before this returns unless one is under way: it overlaps with our disk.
   */
  send(messages: readonly PeerMessage[]): void {
    const touched = new Set<Link>();
    for (const message of messages) {
      const link = this.#links.get(message.to);
      if (
        link?.isOpen && !this.#closing &&
        link.keep(encodeFrame(encodePeerMessage(message)))
      ) touched.add(link);
      else this.counters.dropped++;
    }
    for (const link of touched) link.flush();
  }

  /** Whether a connection to node `id` is up. */
  reaches(id: NodeId): boolean {
    return this.#links.get(id)?.wire !== undefined;
  }

  /** Gives what waits a moment to leave, then closes everything. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#listener.close();
      clearInterval(this.#timer);
      for (const link of this.#links.values()) link.stopDialling();
      this.#handshake.close();
      await this.#drain();
      for (const wire of this.#wires()) wire.close();
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

  *#wires(): Iterable<Wire> {
    for (const { dialled } of this.#links.values()) if (dialled) yield dialled;
    yield* this.#inbound;
  }

  async #drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#times.flushMillis);
    this.#drained = resolve;
    this.#noteDrained();
    await promise;
    clearTimeout(timer);
  }

  #noteDrained(): void {
    const waits = ({ wire, isEmpty }: Link) => wire !== undefined && !isEmpty;
    if (![...this.#links.values()].some(waits)) this.#drained?.();
  }

  #link(id: NodeId): Link {
    const known = this.#links.get(id);
    if (known !== undefined) return known;
    const settled = (link: Link) => this.#settle(link);
    const link = new Link(id, { counters: this.counters, settled });
    this.#links.set(id, link);
    return link;
  }

  #meet(link: Link, address: Address): void {
    const { address: before, dialled } = link;
    if (before?.host === address.host && before.port === address.port) return;
    link.stopDialling();
    link.address = address;
    link.failures = 0;
    link.reachedMillis = performance.now();
    link.dialled = undefined;
    dialled?.close();
    const dialling = link.dialling = new AbortController();
    this.#run(this.#keepDialling(link, address, dialling.signal));
  }

  /** What waits may still leave on the connection that we dialled, then it is closed. */
  #part(link: Link): void {
    if (link.address === undefined) return;
    link.address = undefined;
    link.stopDialling();
    this.#settle(link);
  }

  #settle(link: Link): void {
    if (link.address === undefined && link.isEmpty) {
      link.dialled?.close();
      // A late task of an older link must not take the newer one away.
      const current = this.#links.get(link.id) === link;
      if (link.wire === undefined && current) this.#links.delete(link.id);
    }
    if (this.#closing) this.#noteDrained();
  }

  #rank({ id }: Link, { proof }: Wire): Rank {
    return rankOf(id, proof, this.#options.members());
  }

  /** The members are others: the id may have another disk now, or be known at last. */
  #weigh(link: Link): void {
    for (const wire of [link.dialled, link.accepted]) {
      if (wire === undefined) continue;
      const rank = this.#rank(link, wire);
      wire.allow(payloadBytesMax(rank));
      if (rank === "known") this.#guests.delete(wire);
      if (rank === "stranger") wire.close();
    }
  }

  /** It is on the newest disk of its id, which a former one must not elbow out. */
  #isPresent(
    id: NodeId,
    { proof, rank }: { readonly proof: PeerProof; readonly rank: Rank },
  ): boolean {
    const disk = this.#options.members().incarnationOf(id);
    return rank === "known" && (disk === "" || proof.isOn(disk));
  }

  /**
   * Whether whoever is not known may come in as `id`: not beside the one that is, and if
   * it dials us, not beside the one that answers where the configuration says.
   */
  #hasPlace(
    id: NodeId,
    { proof, isDialled }: {
      readonly proof: PeerProof;
      readonly isDialled: boolean;
    },
  ): boolean {
    const link = this.#links.get(id);
    const wires = [link?.dialled, link?.accepted].filter((wire) =>
      wire !== undefined && !wire.closed && wire.proof.mark !== proof.mark
    );
    return wires.every((wire) =>
      rankOf(id, wire!.proof, this.#options.members()) !== "known" &&
      (isDialled || wire !== link?.dialled)
    );
  }

  /** All connections of a link lead to one life of the node: to that of `wire` from now on. */
  #settleOn(link: Link, wire: Wire): void {
    for (const other of [link.dialled, link.accepted]) {
      if (other === undefined || other.proof.mark === wire.proof.mark) continue;
      other.close();
      link.drop();
      if (link.dialled === other) link.dialled = undefined;
      else link.accepted = undefined;
    }
  }

  // Dialling

  async #keepDialling(
    link: Link,
    address: Address,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const wire = await this.#handshake.open(link.id, { address, signal });
      const failures = link.failures + 1;
      if (wire !== undefined) {
        this.#settleOn(link, wire);
        link.dialled = wire;
        link.failures = 0;
        link.reachedMillis = performance.now();
        link.flush();
        const upMillis = performance.now();
        await this.#read(wire, link);
        if (link.dialled === wire) link.dialled = undefined;
        // Thrown out at once is as good as not let in: or two nodes under one id, each
        // replacing the other, would dial in a tight circle.
        const heldMillis = performance.now() - upMillis;
        if (heldMillis > this.#times.retryMaxMillis) continue;
      }
      if (!signal.aborted) link.failures = failures;
      await this.#noteMove(link, address, signal);
      link.dropIfCut();
      if (!signal.aborted) await this.#pause(link);
    }
    link.dropIfCut();
  }

  /**
   * It reaches us, and for long we have not reached it: it may have moved. Told only when
   * it is reached where it says that it is, on the disk that we know.
   */
  async #noteMove(
    { id, accepted, claims, reachedMillis }: Link,
    dialled: Address,
    signal: AbortSignal,
  ): Promise<void> {
    const missedMillis = performance.now() - reachedMillis;
    if (accepted === undefined || missedMillis < this.#times.movedMillis) {
      return;
    }
    // Whoever is not known could have us dial whatever it likes.
    if (rankOf(id, accepted.proof, this.#options.members()) !== "known") return;
    const known = this.#options.members().incarnationOf(id);
    if (known === "") return;
    const host = parseAddress(accepted.remote)?.host ?? "";
    const text = completedAddress(claims, host);
    const address = parseAddress(text);
    if (address === undefined || address.port === 0) return;
    if (text === formatAddress(dialled)) return;
    const wire = await this.#handshake.open(id, { address, signal });
    wire?.close();
    if (wire?.proof.isOn(known)) this.#options.moved?.(id, text);
  }

  /** Doubles with each failure, and is spread so that nodes do not dial in step. */
  async #pause(link: Link): Promise<void> {
    const { retryMinMillis, retryMaxMillis } = this.#times;
    const backoff = retryMinMillis * 2 ** Math.min(link.failures - 1, 20);
    const random = this.#options.random?.() ?? Math.random();
    const millis = Math.min(backoff, retryMaxMillis) * (0.5 + random / 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    link.wake = resolve;
    const timer = setTimeout(resolve, millis);
    await promise;
    clearTimeout(timer);
  }

  // Being dialled

  async #accept(): Promise<void> {
    while (!this.#closing) {
      try {
        const conn = await this.#listener.accept();
        this.#run(this.#receive(new Wire(conn)));
      } catch (error) {
        if (this.#closing) return;
        if (hungUp(error)) continue;
        this.#handshake.complain(`cannot accept a peer: ${reasonOf(error)}`);
        // Out of file descriptors, most likely: it does not help to ask at once.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** One accepted connection, from its first byte to its last. */
  async #receive(wire: Wire): Promise<void> {
    if (this.#closing) return wire.close();
    this.#inbound.add(wire);
    const guest = await this.#handshake.admit(wire);
    if (guest !== undefined) {
      const link = this.#link(guest.sender);
      this.#welcome(wire, link, guest);
      await this.#read(wire, link);
      if (link.accepted === wire) link.accepted = undefined;
      link.dropIfCut();
      this.#settle(link);
    }
    this.#guests.delete(wire);
    this.#inbound.delete(wire);
  }

  #welcome(wire: Wire, link: Link, { rank, address, welcome }: Guest): void {
    if (rank !== "known") this.#guests.add(wire, wire.remoteHost)?.close();
    this.#settleOn(link, wire);
    link.accepted?.close();
    link.accepted = wire;
    link.claims = address;
    void link.write(wire, welcome);
    link.wake?.(); // it is up: no need to wait before dialling it
  }

  // Connections that are known

  /** Hands on what comes until the connection ends, or breaks the rules. */
  async #read(wire: Wire, link: Link): Promise<void> {
    do {
      for (let step = wire.next(); step.type !== "more"; step = wire.next()) {
        const fault = step.type === "bad"
          ? step.reason
          : this.#take(step.payload, link.id, wire.proof);
        if (wire.closed) return;
        if (fault === undefined) continue;
        const text =
          `hung up on node ${link.id} (${wire.remote}): it sent ${fault}`;
        this.#handshake.say(`by ${link.id}`, text, fault.replace(/\d+/g, ""));
        return wire.close();
      }
    } while (await wire.fill());
    wire.close();
  }

  #take(
    payload: Uint8Array,
    ...[sender, proof]: [NodeId, PeerProof]
  ): Fault | undefined {
    if (payload.length === 0) return undefined; // a beat
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

  /** Tells all that we are here, and hangs up on who has not told us so for too long. */
  #beatAll(): void {
    const { beatMillis, silenceMillis, frameMillis } = this.#times;
    const now = performance.now();
    // A blocked isolate must hear what waits before it calls anyone silent (PITFALLS 2).
    const late = now - this.#beatMillis > 2 * beatMillis;
    this.#beatMillis = now;
    for (const link of this.#links.values()) {
      for (const wire of [link.dialled, link.accepted]) {
        if (wire === undefined) continue;
        const silent = now - wire.heardMillis > silenceMillis ||
          now - wire.framedMillis > frameMillis;
        if (silent && !late) {
          const whom = `node ${link.id} (${wire.remote})`;
          this.#options.log("warning", `hung up on ${whom}: it fell silent`);
          wire.close();
        } else if (!wire.busy) void link.write(wire, beat);
      }
    }
  }
}

/** Throws an Error with one sentence when the address cannot be listened on. */
export function listenForPeers(address: Address): Deno.TcpListener {
  return openPort(address, { whom: "peers", flag: "--raddr" });
}
