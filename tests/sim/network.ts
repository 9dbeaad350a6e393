// The network between the computers. It delays, loses, doubles and reorders messages as the
// options say, can be cut one way or both, and can bring back messages of long ago. A message
// arrives only if both disks are still those between which it was sent: in service the
// handshake of `raft/net/handshake.ts` compares incarnations. Not here: which cuts are made
// (`network_faults.ts`).

import {
  decodePeerMessage,
  encodePeerMessage,
} from "../../raft/core/message_codec.ts";
import type { Index, NodeId, PeerMessage } from "../../raft/core/types.ts";
import type { PeerProof } from "../../raft/identity/peer_ranks.ts";
import type { Computer } from "./computer.ts";
import { finds } from "./moves.ts";
import type { World } from "./world.ts";

type Packet = {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the sender's disk and the receiver's. */
  readonly incarnations: string;
  readonly bytes: Uint8Array;
  /** What the sender's handshake proved by then. */
  readonly proof: PeerProof;
  /** The cluster's commit index when it was sent. */
  readonly committed: Index;
  /** It was carried before. */
  readonly isOld: boolean;
};

/** Old packets that may come again. */
const packetsKept = 300;

export class Network {
  /** While true, no message is lost, doubled or late; cuts stay. */
  calm = false;
  readonly #world: World;
  readonly #cuts = new Set<string>();
  /** By sender and receiver: the moment when their last packet arrives, in µs. */
  readonly #arrivals = new Map<string, number>();
  readonly #old: Packet[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  send(from: Computer, message: PeerMessage): void {
    const { computers, random, options } = this.#world;
    const to = computers.get(message.to);
    if (to === undefined || !this.#isConnected(from, to)) return;
    const packet = {
      from: from.id,
      to: to.id,
      incarnations: incarnationsOf(from, to),
      bytes: encodePeerMessage(message).slice(),
      proof: from.proofFor(to),
      committed: this.#world.checker.commitIndex,
      isOld: false,
    };
    if (!this.calm) {
      if (random(1000) < options.lost) return;
      if (random(1000) < options.doubled) this.#carry(packet);
      this.#keep(packet);
    }
    this.#carry(packet);
  }

  /** Whether a connection from `from` to `id` is up; it stays up when it is cut. */
  reaches(from: Computer, id: NodeId): boolean {
    const to = this.#world.computers.get(id);
    return to?.isRunning === true && this.#isConnected(from, to);
  }

  /** A random old message comes again. */
  replay(): void {
    if (this.#old.length === 0) return;
    const packet = this.#old[this.#world.random(this.#old.length)]!;
    this.#carry({ ...packet, isOld: true });
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from} ${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Whether a new connection between the two would come about. */
  isOpen({ id: a }: Computer, { id: b }: Computer): boolean {
    return !this.#cuts.has(`${a} ${b}`) && !this.#cuts.has(`${b} ${a}`);
  }

  #keep(packet: Packet): void {
    if (this.#old.length < packetsKept) this.#old.push(packet);
    else this.#old[this.#world.random(packetsKept)] = packet;
  }

  #carry(packet: Packet): void {
    const { clock, random, options } = this.#world;
    let delay = options.latencyMicros + random(options.jitterMicros * 2);
    if (this.calm) delay = Math.min(delay, 1000);
    else if (random(200) === 0) delay += random(20 * options.jitterMicros + 1);
    if (options.ordered || this.calm) {
      const way = `${packet.from} ${packet.to}`;
      const arrival = Math.max(
        clock.now + delay,
        this.#arrivals.get(way) ?? 0,
      );
      this.#arrivals.set(way, arrival);
      delay = arrival - clock.now;
    }
    clock.after(delay, () => this.#deliver(packet));
  }

  #deliver(packet: Packet): void {
    const { from: sender, to: receiver, bytes, incarnations } = packet;
    const { computers } = this.#world;
    if (this.#cuts.has(`${sender} ${receiver}`)) {
      this.#world.counts.messagesCut++;
      return;
    }
    const from = computers.get(sender)!;
    const to = computers.get(receiver)!;
    if (incarnationsOf(from, to) !== incarnations) return;
    to.run(() => {
      if (!this.#isConnected(from, to)) return;
      const message = decodePeerMessage(bytes);
      if (packet.isOld && to.node !== undefined) {
        this.#world.counts.messagesReplayed++;
      }
      const { incarnation, about } = from;
      to.heardOf = packet.committed;
      to.node?.met(sender, { incarnation, mark: incarnation, ...about });
      to.node?.receive(message, packet.proof);
      const term = "term" in message ? message.term : "";
      return `${sender} ${message.type} ${term} ${bytes.length}`;
    });
  }

  /** Either may have dialled; a handshake refuses strangers. */
  #isConnected(a: Computer, b: Computer): boolean {
    const world = this.#world;
    const isFound = finds(world, { from: a, to: b }) ||
      finds(world, { from: b, to: a });
    return isFound && a.welcomes(b) && b.welcomes(a);
  }
}

function incarnationsOf(from: Computer, to: Computer): string {
  return `${from.incarnation} ${to.incarnation}`;
}
