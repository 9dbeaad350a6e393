// Stations: Peers on real loopback sockets that keep all that they are told, and fake nodes for
// them to meet. Every wait is for an event, a message, a log line or the end of a connection,
// and fails after `waitMillisMax` with the words of what it waited for.

import assert from "node:assert/strict";
import type { Address } from "../../../../base/address.ts";
import { encodePeerMessage } from "../../../../raft/core/message_codec.ts";
import type { NodeId, PeerMessage } from "../../../../raft/core/types.ts";
import type { RefusalReason } from "../../../../raft/identity/hello.ts";
import type { Members } from "../../../../raft/identity/peer_ranks.ts";
import { encodeFrame, type Step } from "../../../../raft/net/frame.ts";
import { Peers, type PeersOptions } from "../../../../raft/net/peers.ts";
import { Wire } from "../../../../raft/net/wire.ts";
import { FakePeer, nextFrame, type Role } from "../../../lib/fake_peer.ts";
import { within } from "../../../lib/until.ts";

export const cluster = "c".repeat(32);
export const host = "127.0.0.1";

/** Far above what any event takes; a suite in which all waits fail still ends. */
const waitMillisMax = 10_000;
const deadline = { millisMax: waitMillisMax };

/** Dials again at once, and sends no keepalives unless a test is about them. */
const times = {
  dialMillis: 2000,
  retryMinMillis: 1,
  retryMaxMillis: 4,
  keepaliveMillis: 60_000,
  strayMillis: 0,
  movedMillis: 0,
  moveToldMillis: 1,
};

/** Times with which it warns about every fault, and tells every connection. */
export const talkative = { faultMillis: 0 };

export function incarnationOf(id: NodeId): string {
  return id.repeat(16);
}

/** A Peers, and all that it told. */
export class Station {
  readonly id: NodeId;
  readonly received: PeerMessage[] = [];
  /** By the nodes that it dialled. */
  readonly refusals: string[] = [];
  /** What the others told of themselves. */
  readonly met = new Map<NodeId, string>();
  readonly lines: string[] = [];
  readonly moves: string[] = [];
  /** Members that it could not find. */
  readonly missing: NodeId[] = [];
  /** Dials that failed: each is followed by a pause. */
  failures = 0;
  /** What its configuration says: of the first three ids the disks that they have. */
  readonly incarnations = new Map<NodeId, string>(
    ["1", "2", "3"].map((id) => [id, incarnationOf(id)]),
  );
  configurationIndex = 0;
  readonly peers: Peers;
  readonly #callers: Wire[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(
    id: NodeId,
    options: Partial<PeersOptions> & {
      readonly port?: number | undefined;
      readonly listen?: Address;
    } = {},
  ) {
    this.id = id;
    this.peers = Peers.listen({
      identity: { cluster, node: id, incarnation: incarnationOf(id) },
      about: { client: `:${id}`, version: `${id}.0.0` },
      address: `${host}:${options.port ?? id}`,
      listen: { host, port: options.port ?? 0 },
      members: () => this.members,
      receive: (message) => void this.#note(() => this.received.push(message)),
      met: (by, { client, version }) =>
        this.#note(() => this.met.set(by, `${client} ${version}`)),
      refused: (by, reason) =>
        this.#note(() => this.refusals.push(`${by} ${reason}`)),
      moved: (id, address) =>
        this.#note(() => this.moves.push(`${id} ${address}`)),
      missing: (id) => this.#note(() => this.missing.push(id)),
      random: () => {
        this.#note(() => this.failures++);
        return 0.5;
      },
      log: (_level, text) => this.#note(() => this.lines.push(text)),
      ...options,
      times: { ...times, ...options.times },
    });
  }

  /** As `connect()` takes it. */
  get address(): { id: NodeId; address: string } {
    return { id: this.id, address: `${host}:${this.peers.port}` };
  }

  get members(): Members {
    const { configurationIndex, incarnations } = this;
    return {
      configurationIndex,
      decidedIndex: configurationIndex,
      incarnationOf: (id) => incarnations.get(id) ?? "",
      disksOf: (id) => incarnations.has(id) ? [incarnations.get(id)!] : [],
    };
  }

  /** Waits until `holds`, which is asked again whenever the station is told something. */
  async until(state: string, holds: () => boolean): Promise<void> {
    const wait = async () => {
      while (!holds()) await this.#changed.promise;
    };
    await within(`station ${this.id} ${state}`, wait(), deadline);
  }

  /** Waits for `count` log lines with `part`. */
  async says(part: string, count = 1): Promise<void> {
    const saying = () => this.lines.filter((line) => line.includes(part));
    const state = `logs "${part}" ${count} times`;
    await this.until(state, () => saying().length >= count);
  }

  /** Waits until `count` messages have come since it began. */
  async receives(count: number): Promise<void> {
    const state = `has received ${count} messages`;
    await this.until(state, () => this.received.length >= count);
  }

  /** Sends numbered messages and returns once the last one has come. */
  async reaches(other: Station, count = 1): Promise<void> {
    const messages = numbered(this.id, other.id, count);
    const before = other.received.length;
    this.peers.send(messages);
    await other.receives(before + count);
    assert.deepEqual(other.received.slice(before), messages);
  }

  /** A node is let in, as node 2 unless `fields` say otherwise. */
  async enter(fields: Partial<Role> = {}): Promise<FakePeer> {
    const peer = await this.#introduce(fields);
    assert.ok(peer instanceof FakePeer, `${peer}`);
    return peer;
  }

  /** A node is not let in, and told why. */
  async refusal(
    fields: Partial<Role> = {},
  ): Promise<RefusalReason | "closed"> {
    const answer = await this.#introduce(fields);
    assert.ok(!(answer instanceof FakePeer), "let in");
    return answer;
  }

  /** What a node 2 that is a member says to this one. */
  roleOf(fields: Partial<Role> = {}): Role {
    return {
      cluster,
      id: "2",
      incarnation: incarnationOf("2"),
      other: this.id,
      otherDisk: incarnationOf(this.id),
      address: `${host}:2`,
      ...fields,
    };
  }

  /** A caller that has said nothing yet. */
  async call(): Promise<Wire> {
    const { port } = this.peers;
    const wire = new Wire(await Deno.connect({ hostname: host, port }));
    this.#callers.push(wire);
    return wire;
  }

  /** Hangs up on its callers, too. */
  async close(): Promise<void> {
    for (const wire of this.#callers) wire.close();
    const state = `station ${this.id} has closed its connections`;
    await within(state, this.peers.close(), deadline);
  }

  async #introduce(
    fields: Partial<Role>,
  ): Promise<FakePeer | RefusalReason | "closed"> {
    const { port } = this.peers;
    const peer = await FakePeer.enter(
      { hostname: host, port, ...deadline },
      this.roleOf(fields),
    );
    if (peer instanceof FakePeer) this.#callers.push(peer.wire);
    return peer;
  }

  #note(change: () => void): void {
    change();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Listens as node 2, and hands over each connection. */
export class FakeNode {
  readonly #listener = Deno.listen({ hostname: host, port: 0 });
  readonly #wires: Wire[] = [];
  readonly #role = {
    cluster,
    id: "2",
    incarnation: incarnationOf("2"),
    other: "1",
    otherDisk: incarnationOf("1"),
  };

  get address(): { id: NodeId; address: string } {
    return { id: "2", address: `${host}:${this.#listener.addr.port}` };
  }

  /** The next node that dials it. */
  async accept(fields: Partial<Role> = {}): Promise<FakePeer> {
    const state = "the fake node is dialled";
    const conn = await within(state, this.#listener.accept(), deadline);
    const role = { ...this.#role, ...fields };
    const peer = await FakePeer.accept(conn, { ...role, ...deadline });
    this.#wires.push(peer.wire);
    return peer;
  }

  close(): Promise<void> {
    this.#listener.close();
    for (const wire of this.#wires) wire.close();
    return Promise.resolve();
  }
}

/** Runs `body`, and closes the nodes whatever happens. */
export async function withNodes(
  nodes: readonly { close(): Promise<void> }[],
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

/** Messages that differ from each other. */
export function numbered(
  from: NodeId,
  to: NodeId,
  count: number,
): PeerMessage[] {
  return Array.from({ length: count }, (_, i) => (
    { type: "NotMember", from, to, term: 7, configurationIndex: i }
  ));
}

/** The frame of one such message. */
export function messageFrame(from: NodeId, to: NodeId): Uint8Array {
  return encodeFrame(encodePeerMessage(numbered(from, to, 1)[0]!));
}

/** The next frame on `wire`, or its end. */
export function frameOn(wire: Wire): Promise<Step> {
  return nextFrame(wire, deadline);
}

/** Resolves when `promise` does, if that is in time. */
export function inTime<T>(state: string, promise: Promise<T>): Promise<T> {
  return within(state, promise, deadline);
}
