// Several nodes, as raft/node.ts is, in one synchronous world of disks, a network and
// clients. Nothing happens by itself: messages wait in `network` until delivered,
// dropped or repeated; a save is durable when told; a crash loses what is not; time is
// `tick`. No timers, no promises, no chance but a seed's.
//
// Watched at every answer, whatever a test does: nothing is answered twice or unasked,
// no ticket is given twice, and one asked for after another was received is larger.
//
//   disk  →  computer.disk.finish()      network  →  nodes.deliver()
//   or both until nothing is left:  nodes.settle()

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  AdminCommand,
  Forwarding,
  FromNode,
  NodeStatus,
  Refusal,
} from "../../raft/channel/messages.ts";
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
import type { About } from "../../raft/identity/hello.ts";
import { Node } from "../../raft/node.ts";
import * as origin from "../../raft/members/bootstrap.ts";
import {
  honestProof,
  nobody,
  type PeerProof,
  rankOf,
} from "../../raft/identity/ranks.ts";
import type { NodeTimes } from "../../raft/environment.ts";
import type { Range } from "../../base/range.ts";
import { type Random, randomOf } from "./random.ts";
import { Disk } from "../unit/raft/disk.ts";
import { stateAt } from "../unit/raft/state.ts";

export const tickMillis = 50;
export const electionTicks = 5;
export const changeTicks = 40;
export const snapshotTicks = 5;
export const cluster = "c".repeat(32);

export function addressOf(id: NodeId): string {
  return `${id}.example:1`;
}

/** A take, and what became of it. */
export type Asked = {
  readonly count: number;
  /** Not yet answered. */
  left: number;
  readonly given: bigint[];
  readonly refusals: { readonly reason: Refusal; readonly count: number }[];
  /** The highest number that any client had received when this was asked. */
  readonly floor: bigint;
};

/** An admin command, and what was answered. */
export type Question = { answer: AdminAnswer | undefined };

/** One computer: its disk outlives its node. */
export class Computer {
  readonly disk: Disk;
  node: Node | undefined;
  /** Of the present life, without what the questions below took. */
  posted: FromNode[] = [];
  status: NodeStatus | undefined;
  /** Its node says that it was removed. Here it lives on until somebody stops it. */
  removed = false;
  logged: string[] = [];
  /** Whom the node wants to be connected to. */
  connected: readonly { readonly id: string; readonly address: string }[] = [];
  /** How the last life ended, once it has. */
  end: { readonly error: Error | undefined } | undefined;
  readonly takes: Asked[] = [];
  readonly questions = new Map<number, Question>();
  lastGiven = 0n;
  /** Numbers that the node has lent to its clients' isolate, rising; and wants back. */
  stock: bigint[] = [];
  recalled = false;
  /** More was asked for, and it is not answered. */
  refilling = false;

  constructor(readonly id: NodeId, saved: Saved, disk: Disk = new Disk(saved)) {
    this.disk = disk;
  }

  get incarnation(): string {
    return this.disk.saved.identity.incarnation;
  }

  get about(): About {
    return { client: `${this.id}.example:2`, version: "1.2.3" };
  }

  dials(id: NodeId): boolean {
    return this.connected.some((server) => server.id === id);
  }
}

export type NodesOptions = {
  readonly spares?: string;
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
  now = Date.UTC(2026, 10, 22, 17);
  /** Every ticket that any client has received. */
  readonly given = new Set<bigint>();
  highest = 0n;
  /** Ends that nobody asked for. */
  readonly failures: string[] = [];
  readonly #cuts = new Set<string>();
  readonly #snapshots = new Map<Index, string>();
  readonly #forward: Forwarding;
  #questions = 0;

  constructor(disks: Iterable<Saved>, options: NodesOptions = {}) {
    const { seed = 1, forward = "yes" } = options;
    this.#forward = forward;
    this.random = randomOf(seed);
    for (const saved of disks) {
      this.computers.set(saved.identity.node, this.#computer(saved));
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

  get up(): Computer[] {
    return [...this.computers.values()].filter(({ node }) =>
      node !== undefined
    );
  }

  // Lives.

  start(
    id: NodeId,
    { joins = false, ...times }: Partial<NodeTimes> & { joins?: boolean } = {},
  ): void {
    const computer = this.computer(id);
    assert(computer.node === undefined, `${id} is up`);
    computer.end = undefined;
    computer.posted = [];
    computer.status = undefined;
    computer.removed = false;
    computer.lastGiven = 0n;
    computer.stock = [];
    computer.recalled = false;
    computer.refilling = false;
    computer.node = new Node(
      {
        storage: computer.disk,
        peers: {
          send: (messages) => this.#send(computer, messages),
          connect: (servers) => computer.connected = servers,
          reaches: (id) => {
            const other = this.computers.get(id);
            return other?.node !== undefined &&
              this.#isConnected(computer, other);
          },
        },
        post: (message) => this.#post(computer, message),
        log: (level, text) => computer.logged.push(`${level}: ${text}`),
        now: () => this.now,
        micros: () => this.now * 1000,
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
        paceMin: Infinity,
        restTicksMax: 2,
        random: this.random,
        ...times,
      },
    );
  }

  /** Kills the node; of the save under way either all or nothing reached the disk. */
  crash(id: NodeId, { saved = false } = {}): void {
    const computer = this.computer(id);
    if (computer.node !== undefined) this.#forget(computer, { saved });
  }

  // Inputs.

  /** What a client asks here and now, to be answered once; from the stock, if there is any. */
  take(id: NodeId, count = 1): Asked {
    const computer = this.computer(id);
    const given = this.serve(id, Math.min(count, computer.stock.length));
    const left = count - given.length;
    const { highest: floor } = this;
    const asked: Asked = { count, left, given, refusals: [], floor };
    if (left === 0) return asked;
    computer.takes.push(asked);
    this.node(id).take(left);
    return asked;
  }

  /** The isolate's stock is low, and it asks for more. */
  refill(id: NodeId): void {
    const computer = this.computer(id);
    assert(!computer.refilling, "one refill is under way");
    computer.refilling = true;
    this.node(id).refill();
  }

  /** A client is served from what was lent. */
  serve(id: NodeId, count = 1): bigint[] {
    const computer = this.computer(id);
    assert(computer.stock.length >= count, `${id} has not so much in stock`);
    const served = computer.stock.splice(0, count);
    for (const number of served) this.#give(computer, number, this.highest);
    return served;
  }

  /** What was lent comes back, all that is left of it. */
  giveBack(id: NodeId): void {
    const computer = this.computer(id);
    assert(computer.recalled, `nobody has recalled ${id}'s stock`);
    computer.recalled = false;
    const { length } = computer.stock;
    const last = computer.stock.at(-1) ?? 0n;
    computer.stock = [];
    computer.node!.returned({ last, count: length });
  }

  ask(id: NodeId, command: AdminCommand): Question {
    const question: Question = { answer: undefined };
    const number = ++this.#questions;
    this.computer(id).questions.set(number, question);
    this.node(id).admin(number, command);
    return question;
  }

  /** One pair of RAFT.STATS. */
  stat(id: NodeId, key: string): string {
    const { answer } = this.ask(id, { type: "stats" });
    assert(answer?.type === "pairs");
    return answer.pairs.find(([name]) => name === key)![1];
  }

  /** Voters, (learners) and [nonvoters]. */
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

  /** From now on messages of a type do not arrive; returns them. */
  keepBack(type: PeerMessage["type"]): PeerMessage[] {
    const kept: PeerMessage[] = [];
    this.passes = (message) => {
      if (message.type === type) kept.push(message);
      return message.type !== type;
    };
    return kept;
  }

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

  /** Brings `message` to where it is for, as if its sender had said it. */
  hand(message: PeerMessage): string | undefined {
    const { from, to } = message;
    return this.node(to).receive(message, this.proofOf(from, to));
  }

  /** What a handshake proves of `from` to `to`. */
  proofOf(from: NodeId, to: NodeId): PeerProof {
    const [one, other] = [this.computer(from), this.computer(to)];
    const { identity } = one.disk.saved;
    const members = one.node?.members ?? nobody;
    const proof = honestProof({ identity, members }, other.disk.saved.identity);
    // A blank node has asked to join, if not here: so its disk is known.
    const isJoining = other.node?.members.configurationIndex === 0;
    return { ...proof, knowsUs: proof.knowsUs || isJoining };
  }

  /** Disks and network do all that there is to do; time stands still. */
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

  run(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      this.now += tickMillis;
      for (const id of this.computers.keys()) this.tick(id);
      this.settle();
    }
  }

  /** Lets `id`'s time alone pass until it leads. */
  elect(id: NodeId): void {
    for (let i = 0; i <= 2 * electionTicks; i++) {
      this.tick(id);
      this.settle();
      if (this.stat(id, "state") === "Leader") return this.run(2);
    }
    assert.fail(`${id} is not elected`);
  }

  /** Runs until there is one leader that all agree on; its id. */
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

  /** What a disk keeps of a state must be the same at the same index everywhere. */
  checkSnapshot({ snapshot: { index, data } }: Saved): void {
    const text = data.join(" ");
    const known = this.#snapshots.get(index) ?? text;
    this.#snapshots.set(index, known);
    assert.equal(text, known, `states differ at index ${index}`);
  }

  #computer(saved: Saved): Computer {
    const disk = new Disk(saved, (saved) => this.checkSnapshot(saved));
    return new Computer(saved.identity.node, saved, disk);
  }

  /** As raft/net/peers.ts: through bytes, to whom there is a connection, or not at all. */
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

  /** Either may have dialled; the handshake refuses whom the configuration disowns. */
  #isConnected(a: Computer, b: Computer): boolean {
    const welcomes = (one: Computer, other: Computer) => {
      const proof = this.proofOf(other.id, one.id);
      return rankOf(other.id, proof, one.node?.members ?? nobody) !==
        "stranger";
    };
    return (a.dials(b.id) || b.dials(a.id)) && welcomes(a, b) && welcomes(b, a);
  }

  // The clients.

  #post(computer: Computer, message: FromNode): void {
    const { id } = computer;
    assert(computer.end === undefined, `${id} speaks after its end`);
    computer.posted.push(message);
    switch (message.type) {
      case "taken":
        return this.#taken(computer, message);
      case "lent":
        this.#refilled(computer);
        return this.#lent(computer, message);
      case "nothing-lent":
        return this.#refilled(computer);
      case "refused": {
        const { count, reason } = message;
        this.#answered(computer, count).refusals.push({ count, reason });
        return;
      }
      case "answered": {
        const question = computer.questions.get(message.id);
        assert(question, `${id} answers ${message.id}, which is not asked`);
        computer.questions.delete(message.id);
        question.answer = message.answer;
        return;
      }
      case "status":
        computer.status = message.status;
        return;
      case "recall":
        assert(!computer.recalled, `${id} recalls twice`);
        computer.recalled = true;
        return;
      case "removed":
        assert(!computer.removed, `${id} says twice that it was removed`);
        computer.removed = true;
        return;
      default:
        assert.fail(`${id} says ${message.type}`);
    }
  }

  #answered({ id, takes }: Computer, count: number): Asked {
    const asked = takes[0];
    assert(
      asked !== undefined && 0 < count && count <= asked.left,
      `${id} answers ${count}, ${asked?.left} are asked for`,
    );
    asked.left -= count;
    if (asked.left === 0) takes.shift();
    return asked;
  }

  #taken(
    computer: Computer,
    { last, count }: Range,
  ): void {
    const wanted = Math.min(count, computer.takes[0]?.left ?? 0);
    const asked = this.#answered(computer, wanted);
    let number = last - BigInt(count);
    for (let i = 0; i < wanted; i++) {
      this.#give(computer, ++number, asked.floor);
      asked.given.push(number);
    }
    if (number < last) {
      this.#lent(computer, { last, count: Number(last - number) });
    }
  }

  #lent(computer: Computer, { last, count }: Range): void {
    assert(count > 0, `${computer.id} lends nothing`);
    assert(!computer.recalled, `${computer.id} lends and recalls`);
    for (let left = count - 1; left >= 0; left--) {
      computer.stock.push(last - BigInt(left));
    }
  }

  #refilled(computer: Computer): void {
    assert(computer.refilling, `${computer.id} answers a refill unasked`);
    computer.refilling = false;
  }

  #give(computer: Computer, number: bigint, floor: bigint): void {
    const label = `ticket ${number} of ${computer.id}`;
    assert(!this.given.has(number), `${label} is given twice`);
    assert(number > floor, `${label} was passed by ${floor}`);
    assert(number > computer.lastGiven, `${label} comes out of order`);
    this.given.add(number);
    computer.lastGiven = number;
    if (number > this.highest) this.highest = number;
  }

  #ended(computer: Computer, error: Error | undefined): void {
    assert(computer.end === undefined, `${computer.id} ends twice`);
    computer.end = { error };
    if (error !== undefined) this.failures.push(`${computer.id}: ${error}`);
    else {
      assert.equal(computer.takes.length, 0, "a take is left unanswered");
      assert.equal(computer.questions.size, 0, "a question is left unanswered");
    }
    this.#forget(computer, { saved: false });
  }

  /** The clients of a dead node never hear of what they asked. */
  #forget(computer: Computer, { saved }: { saved: boolean }): void {
    computer.node = undefined;
    computer.disk.crash({ saved });
    computer.takes.length = 0;
    computer.questions.clear();
    computer.connected = [];
  }
}

/** What tickets a client got: numbers, then refusals. */
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

/** What raft/host.ts writes for a node that knows nothing yet … */
export function blank(id: NodeId, incarnation = `life of ${id}`): Saved {
  return origin.blank({ cluster, node: id, incarnation });
}

/** … and for one that founds a cluster. */
export function foundedBy(id: NodeId, { servers }: Configuration): Saved {
  return origin.founded(blank(id).identity, servers);
}

/** A node, alone, whose sequence stands at `last`. */
export function nodesAt(
  last: bigint,
  times: Partial<NodeTimes> = {},
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
  nodes.start("a", times);
  nodes.elect("a");
  return nodes;
}
