// Several nodes, each a raft/node.ts, with disks, a network and clients that are played, in
// one thread of events. Nothing happens by itself: messages wait in `network` until they are delivered,
// dropped or repeated; a save is durable when told; a crash loses what is not; time is
// `tick`. No timers, no promises, no chance but a seed's. `computer.ts` checks answers.
//
//   disk  →  computer.disk.finish()      network  →  nodes.deliver()
//   or both until nothing is left:  nodes.settle()

import assert from "node:assert/strict";
import { defaultSequence } from "../../base/sequence_name.ts";
import type { Forwarding } from "../../raft/channel/messages.ts";
import type { Group } from "../../raft/channel/operations.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
} from "../../raft/core/message_codec.ts";
import type {
  Configuration,
  Index,
  NodeId,
  PeerMessage,
  Saved,
} from "../../raft/core/types.ts";
import type { Sleep } from "../../raft/environment.ts";
import { Node } from "../../raft/node.ts";
import type { NodeCommand } from "../../raft/node_command.ts";
import * as bootstrap from "../../raft/members/bootstrap.ts";
import {
  honestProof,
  noMembers,
  type PeerProof,
  rankOf,
} from "../../raft/identity/peer_ranks.ts";
import type { NodeSettings } from "../../raft/node_settings.ts";
import {
  type Asked,
  type AskOptions,
  Computer,
  type Question,
  Received,
} from "./computer.ts";
import type { AllReceived, Grouped } from "./grouped.ts";
import { type Random, randomOf } from "./random.ts";
import type { Disk } from "../unit/raft/disk.ts";
import { stateAt } from "../unit/raft/state.ts";

/** Milliseconds a tick. */
export const tickMillis = 50;
export const electionTicks = 5;
export const changeTicks = 40;
export const snapshotTicks = 5;
export const cluster = "c".repeat(32);
/** Of a node that is told of each tick. */
const awake: Sleep = { catchUp: () => 0, cutShort() {} };

export function addressOf(id: NodeId): string {
  return `${id}.example:1`;
}

export type NodesOptions = {
  /** Nodes of no cluster yet, one a letter. */
  readonly spares?: string;
  /** Of `random`; 1 when left out. */
  readonly seed?: number;
  /** What becomes of takes on nodes that do not lead. */
  readonly forward?: Forwarding;
};

export class Nodes {
  readonly computers = new Map<NodeId, Computer>();
  readonly random: Random;
  /** Under way, oldest first. */
  network: PeerMessage[] = [];
  /** Decides what the network takes; tests lose messages with it. */
  passes: (message: PeerMessage) => boolean = () => true;
  /** Whether node `from` reaches node `to` at its configured address. */
  directly: (from: NodeId, to: NodeId) => boolean = () => false;
  /** Milliseconds since 1970. */
  now = Date.UTC(2026, 10, 22, 17);
  /** Ends that nobody asked for. */
  readonly failures: string[] = [];
  /** By sequence. */
  readonly #received = new Map<string, Received>();
  readonly #cuts = new Set<string>();
  readonly #snapshots = new Map<Index, string>();
  readonly #forward: Forwarding;

  constructor(disks: Iterable<Saved>, options: NodesOptions = {}) {
    const { seed = 1, forward = "yes" } = options;
    this.#forward = forward;
    this.random = randomOf(seed);
    const all = this.#received;
    const received: AllReceived = {
      of: (name) => this.received(name),
      get names() {
        return all.keys();
      },
    };
    for (const saved of disks) {
      const computer = new Computer(saved, {
        received,
        changed: (saved) => this.checkSnapshot(saved),
      });
      this.computers.set(computer.id, computer);
    }
    for (const id of this.computers.keys()) this.start(id);
  }

  /** Nodes named by letters: `voters` of one new cluster, and `spares` of none yet. */
  static of(voters: string, options: NodesOptions = {}): Nodes {
    const { spares = "" } = options;
    return new Nodes([
      ...[...voters].map((id) => foundedBy(id, membersOf(voters))),
      ...[...spares].map((id) => blank(id)),
    ], options);
  }

  /** As {@linkcode Nodes.of}, with the first of the voters as its leader. */
  static ledBy(voters: string, options: NodesOptions = {}): Nodes {
    const nodes = Nodes.of(voters, options);
    nodes.elect(voters[0]!);
    return nodes;
  }

  computer(id: NodeId): Computer {
    const computer = this.computers.get(id);
    assert(computer, `there is no computer ${id}`);
    return computer;
  }

  node(id: NodeId): Node {
    const { node } = this.computer(id);
    assert(node, `${id} is down`);
    return node;
  }

  disk(id: NodeId): Disk {
    return this.computer(id).disk;
  }

  /** The computers whose node runs. */
  get up(): Computer[] {
    return [...this.computers.values()].filter(({ node }) =>
      node !== undefined
    );
  }

  /** The tickets of a sequence that any client has received. */
  received(name = defaultSequence): Received {
    const known = this.#received.get(name);
    if (known !== undefined) return known;
    const fresh = new Received();
    this.#received.set(name, fresh);
    return fresh;
  }

  /** Every number of `ticket` that any client has received. */
  get given(): ReadonlySet<bigint> {
    return this.received().numbers;
  }

  /** The highest of them; 0n before any. */
  get highest(): bigint {
    return this.received().highest;
  }

  // Processes.

  /** Starts node `id` with what its disk holds; settings left out are the usual ones. */
  start(
    id: NodeId,
    { joins = false, sleep = awake, ...settings }: Partial<NodeSettings> & {
      joins?: boolean;
      sleep?: Sleep;
    } = {},
  ): void {
    const computer = this.computer(id);
    computer.begin();
    computer.node = new Node(
      {
        storage: computer.disk,
        peers: {
          send: (messages) => this.#send(computer, messages),
          connect: (servers) => computer.connected = servers,
          reachesDirectly: (other) => this.directly(id, other),
          reaches: (id) => {
            const other = this.computers.get(id);
            return other?.node !== undefined &&
              this.#isConnected(computer, other);
          },
        },
        post: (message) => computer.hear(message),
        log: (level, text) => computer.logged.push(`${level}: ${text}`),
        now: () => this.now,
        micros: () => this.now * 1000,
        sleep,
        about: computer.about,
        joins,
        ended: (error) => this.#ended(computer, error),
      },
      computer.disk.load()!,
      {
        tickMillis,
        heartbeatTicks: 1,
        electionTicks,
        flushTicks: 4,
        changeTicks,
        snapshotTicks,
        forward: this.#forward,
        lends: false,
        takesMin: Infinity,
        aheadMax: 2 ** 20,
        sequencesMax: 100,
        restTicksMax: 2,
        chunkBytes: 16,
        random: this.random,
        ...settings,
      },
    );
  }

  /** Kills node `id`; of the save under way all reached the disk if `saved`, else nothing. */
  crash(id: NodeId, { saved = false } = {}): void {
    const computer = this.computer(id);
    if (computer.node !== undefined) computer.forget({ saved });
  }

  // Inputs.

  /** A client of `id` asks for `count` tickets. */
  take(id: NodeId, count = 1, options: AskOptions = {}): Asked {
    return this.computer(id).take(count, options);
  }

  /** What was lent to the clients of `id` is low: more is asked for. */
  refill(id: NodeId, name?: string): void {
    this.computer(id).refill(name);
  }

  /** A client of `id` is served from what was lent. */
  serve(id: NodeId, count = 1, name?: string): bigint[] {
    return this.computer(id).serve(count, name);
  }

  /** What was lent to the clients of `id` comes back, all that is left of it. */
  giveBack(id: NodeId, name?: string): void {
    this.computer(id).giveBack(name);
  }

  /** Clients of node `id` ask for groups of operations, in one message. */
  group(id: NodeId, ...groups: readonly Group[]): Grouped {
    return this.computer(id).group(groups);
  }

  ask(id: NodeId, command: NodeCommand): Question {
    return this.computer(id).ask(command);
  }

  /** One pair of RAFT.STATS. */
  stat(id: NodeId, key: string): string {
    const { answer } = this.ask(id, { type: "stats" });
    assert(answer?.type === "pairs");
    return answer.pairs.find(([name]) => name === key)![1];
  }

  /** The members that node `id` knows: voters, (learners) and [nonvoters]. */
  servers(id: NodeId): string {
    const { answer } = this.ask(id, { type: "configuration" });
    assert(answer?.type === "servers");
    const shown = { voter: "*", learner: "(*)", nonvoter: "[*]" };
    return answer.servers.map((s) => shown[s.suffrage].replace("*", s.id))
      .join("");
  }

  get leaders(): NodeId[] {
    return this.up.map(({ id }) => id)
      .filter((id) => this.stat(id, "state") === "Leader");
  }

  tick(id: NodeId): void {
    this.computer(id).node?.tick();
  }

  /** From now on messages of `type` do not arrive; they gather in the array returned. */
  keepBack(type: PeerMessage["type"]): PeerMessage[] {
    const kept: PeerMessage[] = [];
    this.passes = (message) => {
      if (message.type === type) kept.push(message);
      return message.type !== type;
    };
    return kept;
  }

  /** Delivers the message at `at` of `network`; with `keep`, it can be delivered again. */
  deliver(at = 0, { keep = false } = {}): void {
    const message = keep ? this.network[at] : this.network.splice(at, 1)[0];
    assert(message, `no message ${at}`);
    const { from, to } = message;
    if (this.isCut(from, to)) return;
    // The handshake of the connection on which it comes.
    const { node } = this.computer(to);
    const { incarnation, about } = this.computer(from);
    node?.met(from, { incarnation, mark: incarnation, ...about });
    node?.receive(message, this.proofOf(from, to));
  }

  /** Hands `message` to its receiver, as if its sender had sent it; why it is refused. */
  hand(message: PeerMessage): string | undefined {
    const { from, to } = message;
    return this.node(to).receive(message, this.proofOf(from, to));
  }

  /** What a handshake proves of `from` to `to`. */
  proofOf(from: NodeId, to: NodeId): PeerProof {
    const [one, other] = [this.computer(from), this.computer(to)];
    const { identity } = one.disk.saved;
    const members = one.node?.members ?? noMembers;
    const proof = honestProof({ identity, members }, other.disk.saved.identity);
    // A blank node has asked to join, perhaps elsewhere: the members know its disk.
    const isJoining = other.node?.members.configurationIndex === 0;
    return { ...proof, knowsUs: proof.knowsUs || isJoining };
  }

  /** Disks and network do all that they have to do; time stands still. */
  settle(): void {
    for (let steps = 0, busy = true; busy; steps++) {
      assert(steps < 10_000, "the cluster never comes to rest");
      busy = this.network.length > 0;
      for (let left = this.network.length; left > 0; left--) this.deliver();
      for (const { disk } of this.computers.values()) {
        while (!disk.stuck && disk.finish()) busy = true;
      }
    }
  }

  /** Lets `ticks` ticks pass everywhere, and all that follows from each. */
  run(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      this.now += tickMillis;
      for (const id of this.computers.keys()) this.tick(id);
      this.settle();
    }
  }

  /** Lets time pass for `id` alone until it leads. */
  elect(id: NodeId): void {
    for (let i = 0; i <= 2 * electionTicks; i++) {
      this.tick(id);
      this.settle();
      if (this.stat(id, "state") === "Leader") return this.run(2);
    }
    assert.fail(`${id} is not elected`);
  }

  /** Runs until one node leads and no other takes itself for the leader; its id. */
  awaitLeader(ticksMax = 20 * electionTicks): NodeId {
    for (let i = 0; i < ticksMax; i++) {
      this.run();
      const [leader, ...others] = this.leaders;
      if (leader !== undefined && others.length === 0) return leader;
    }
    return assert.fail(`no leader in ${ticksMax} ticks`);
  }

  // The network.

  cut(a: NodeId, b: NodeId): void {
    this.#cuts.add(`${a} ${b}`).add(`${b} ${a}`);
  }

  isolate(id: NodeId): void {
    for (const other of this.computers.keys()) {
      if (other !== id) this.cut(id, other);
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  isCut(a: NodeId, b: NodeId): boolean {
    return this.#cuts.has(`${a} ${b}`);
  }

  /** Fails unless all snapshots of one index hold the same state, on whatever disk. */
  checkSnapshot({ snapshot: { index, data } }: Saved): void {
    const text = data.join(" ");
    const known = this.#snapshots.get(index) ?? text;
    this.#snapshots.set(index, known);
    assert.equal(text, known, `states differ at index ${index}`);
  }

  /** As raft/net/peers.ts: as bytes, and only to nodes with a connection. */
  #send(from: Computer, messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      assert.equal(message.from, from.id, "nobody speaks for another");
      const bytes = encodePeerMessage(message);
      const to = this.computers.get(message.to);
      if (to === undefined || !this.#isConnected(from, to)) continue;
      if (this.isCut(from.id, to.id) || !this.passes(message)) continue;
      this.network.push(decodePeerMessage(bytes));
    }
  }

  /** Either may have dialled; the handshake refuses a stranger to the configuration. */
  #isConnected(a: Computer, b: Computer): boolean {
    const welcomes = (one: Computer, other: Computer) => {
      const proof = this.proofOf(other.id, one.id);
      return rankOf(other.id, proof, one.node?.members ?? noMembers) !==
        "stranger";
    };
    return (a.dials(b.id) || b.dials(a.id)) && welcomes(a, b) && welcomes(b, a);
  }

  #ended(computer: Computer, error: Error | undefined): void {
    computer.ended(error);
    if (error !== undefined) this.failures.push(`${computer.id}: ${error}`);
  }
}

/** What became of a take, as text: `1, 2, 3 not-leader, 4 waiting`. */
export function outcome({ given, refusals, left }: Asked): string {
  const texts = given.map(String);
  for (const { count, reason } of refusals) {
    const text = typeof reason === "string" ? reason : reason.movedTo;
    texts.push(`${count} ${text}`);
  }
  if (left > 0) texts.push(`${left} waiting`);
  return texts.join(", ");
}

export function membersOf(voters: string): Configuration {
  return {
    servers: [...voters].map((id) => ({
      id,
      address: addressOf(id),
      suffrage: "voter" as const,
      incarnation: `life of ${id}`,
    })),
  };
}

/** The first content of the disk of a node that joins a cluster. */
export function blank(id: NodeId, incarnation = `life of ${id}`): Saved {
  return bootstrap.blank({ cluster, node: id, incarnation });
}

/** The first content of the disk of a node that founds a cluster with `servers`. */
export function foundedBy(id: NodeId, { servers }: Configuration): Saved {
  return bootstrap.founded(blank(id).identity, servers);
}

/** Node `a`, alone, whose last ticket is `last`. */
export function nodesAt(
  last: bigint,
  settings: Partial<NodeSettings> = {},
): Nodes {
  const saved = foundedBy("a", membersOf("a"));
  const nodes = new Nodes([{
    ...saved,
    snapshot: {
      index: 9,
      term: 1,
      configuration: membersOf("a"),
      configurationIndex: 1,
      data: stateAt(last),
    },
    entries: [],
  }]);
  nodes.crash("a");
  nodes.start("a", settings);
  nodes.elect("a");
  return nodes;
}
