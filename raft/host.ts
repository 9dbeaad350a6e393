// Gives a node its real disk, peers, clock and chance, and ties it to the channel; runs
// in the worker, or in the main isolate where no worker may be started. It decides
// where a life begins (resume, found a cluster, join one) and how it ends; what a node
// does in between is `node.ts`.
//
// Order at a start: sockets are taken before anything is written, so that a port in use
// changes nothing on disk; the directory is created before anybody hears of this node,
// so that what it promises is kept under one incarnation.

import { parseAddress } from "../base/address.ts";
import type {
  AdminAnswer,
  AdminCommand,
  Door,
  FromNode,
  NodeOptions,
} from "./channel/messages.ts";
import { Doors, type NodeInputs } from "./channel/doors.ts";
import { assert } from "../base/assert.ts";
import type { Range } from "../base/range.ts";
import type { Identity, NodeId, Saved } from "./core/types.ts";
import { type AskOptions, clusterOf, joinCluster } from "./members/join.ts";
import { lastWords, type Logger, openLog } from "../base/logger.ts";
import { Node } from "./node.ts";
import { blank, founded, isMember } from "./members/bootstrap.ts";
import { listenForPeers, Peers } from "./net/peers.ts";
import { onceFree } from "../base/listen.ts";
import { nobody } from "./identity/ranks.ts";
import { adviceOn } from "../storage/advice.ts";
import { openKv } from "../storage/kv.ts";
import { denoFiles } from "../storage/files.ts";
import type { Storage } from "../storage/storage.ts";
import { Wal } from "../storage/wal.ts";
import { type Clock, Ticker } from "./ticker.ts";
import type { NodeTimes } from "./environment.ts";

/** Durability medium and low sync this often. */
const flushMillis = 200;
/** A third of the shortest election timeout, which has three heartbeats of two ticks. */
const restTicksMax = 2;
/** Tickets a tick from which some are taken ahead of who asks: 640 a second, as it is. */
const paceMin = 32;
/** Between two snapshots that clients ask for. */
const snapshotMillis = 1000;
/** A change of members that got nowhere is answered after this. */
const changeMillis = 10_000;
/** A node that has joined again, and still hears that it is no member, joins once more. */
const rejoinMillis = 10_000;
/** A client that comes to a node which cannot join yet is kept waiting for so long. */
const startMillis = 5_000;

/** Of the connections of peers: the others are those that this node has dialled. */
const inboundShare = 0.8;
/** Between two lines that another cluster claims this node. */
const claimedMillis = 60_000;

export class Host implements NodeInputs {
  /** What the isolates say comes in through them, to the inputs below. */
  readonly doors: Doors;
  #options: NodeOptions | undefined;
  #log: Logger = () => {};
  #storage: Storage | undefined;
  #peers: Peers | undefined;
  #node: Node | undefined;
  #ticker: Ticker | undefined;
  #stopping = new AbortController();
  #joiningSinceMillis = 0;
  #joined = false;
  /** Until when it was said often enough. */
  #claimedMillis = -Infinity;
  #rejoinedMillis = -Infinity;
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  #ready = false;
  #ended = false;

  /** `main` is the door to the main isolate. */
  constructor(main: Door<FromNode>) {
    this.doors = new Doors(main, this);
  }

  start(options: NodeOptions): void {
    this.#start(options).catch((error) => this.#gaveUp(error));
  }

  take(count: number): void {
    if (this.#node !== undefined) return this.#node.take(count);
    if (this.#ended) return;
    this.doors.postMessage({ type: "refused", count, reason: "no-cluster" });
  }

  refill(): void {
    this.#node?.refill(); // before it is there nothing is lent
  }

  returned(rest: Range): void {
    this.#node?.returned(rest);
  }

  admin(id: number, command: AdminCommand): void {
    if (this.#node !== undefined) return this.#node.admin(id, command);
    if (this.#ended) return;
    const text = "this node has found no cluster to join yet";
    const answer: AdminAnswer = { type: "error", text };
    this.doors.postMessage({ type: "answered", id, answer });
  }

  stop(): void {
    this.#stopping.abort();
    this.#node?.stop();
  }

  /**
   * Another cluster dials this node as its member. If it is alone in its own, its data may
   * have been lost, and it gives again what the others have given. Anybody can say so who
   * reaches the port: people have to look, and nothing is done about it.
   */
  #claimed(sender: NodeId): void {
    const { id } = this.#options!;
    const now = performance.now();
    if (!this.#node?.isSoleVoter || now < this.#claimedMillis) return;
    this.#claimedMillis = now + claimedMillis;
    this.#log(
      "error",
      `whoever calls itself node ${sender} of another cluster holds node ${id} for ` +
        `a member: if this node's data were lost, it repeats numbers: stop it, send ` +
        `RAFT.REMOVESERVER ${id} to node ${sender}, then start it with an ` +
        `empty directory and --join`,
    );
  }

  /** Ends the process through the main isolate: a worker cannot (Deno.exit ends it alone). */
  fail(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    if (this.#node === undefined) this.#end(error);
    else this.#node.fail(error);
  }

  /** Starting or joining failed, or was cut short by a stop. */
  #gaveUp(error: unknown): void {
    if (error !== this.#stopping.signal.reason) this.fail(error);
    else if (this.#node === undefined) this.#end(undefined);
    // Otherwise the node is stopping, and ends by itself.
  }

  async #start(options: NodeOptions): Promise<void> {
    this.#options = options;
    this.#joiningSinceMillis = performance.now();
    this.#log = openLog({
      level: options.logLevel,
      format: options.logFormat,
      source: `node ${options.id}`,
    });
    // Before the storage, which writes when it is opened: a port in use changes nothing.
    const listener = await onceFree(
      () => listenForPeers(options.raftListen),
      { log: this.#log, signal: this.#stopping.signal },
    );
    const storage = this.#storage = await openStorage(options, this.#log);
    const resumed = storage.load();
    const saved = await this.#identify(resumed);
    const about = { client: options.clientAddress, version: options.version };
    const peers = this.#peers = new Peers({
      identity: saved.identity,
      address: options.advertise,
      members: () => this.#node?.members ?? nobody,
      about,
      met: (id, introduction) => this.#node?.met(id, introduction),
      moved: (id, address) => this.#node?.moved(id, address),
      claimed: (sender) => this.#claimed(sender),
      receive: (message, proof) => {
        this.#ticker?.heard();
        return this.#node?.receive(message, proof);
      },
      inboundMax: Math.ceil(options.peersMax * inboundShare),
      log: this.#log,
    }, listener);
    if (resumed === undefined) await create(storage, saved);
    const { directory } = options;
    for (const line of directory === undefined ? [] : adviceOn(directory)) {
      this.#log("warning", line);
    }
    if (this.#stopping.signal.aborted) return this.#end(undefined);

    const times = timesOf(options);
    const node = this.#node = new Node(
      {
        storage,
        peers,
        post: (message) => this.doors.postMessage(message),
        log: this.#log,
        now: Date.now,
        micros: () => performance.now() * 1000,
        about,
        joins: options.join.length > 0,
        ended: (error) => this.#end(error),
      },
      saved,
      times,
    );
    this.#ticker = new Ticker(
      {
        tick: () => {
          node.tick();
          this.#rejoin(node, saved.identity);
          this.#announce();
        },
        get restTicks() {
          return node.restTicks;
        },
      },
      times.tickMillis,
      realClock,
    );
    this.#compareAddress(node.address);
    if (!isMember(saved)) await this.#join(saved.identity);
    else if (options.join.length > 0) {
      this.#log(
        "info",
        "ignoring --join: this node already belongs to a cluster, unless that has removed it",
      );
    }
    this.#joined = true;
    this.#announce();
  }

  /** The others dial what the configuration names, until that leads nowhere. */
  #compareAddress(known: string | undefined): void {
    const { advertise } = this.#options!;
    // A host that was left out has been filled in when this node joined.
    if (known === undefined || known.endsWith(advertise)) return;
    this.#log(
      "info",
      `the cluster knows this node at ${known}, and learns that it is at ` +
        `${advertise} when it cannot reach it there`,
    );
  }

  /** Removed while it was away, this node was started with --join to be added again. */
  #rejoin(node: Node, identity: Identity): void {
    if (this.#options!.join.length === 0 || !node.removal.isOutside) return;
    // Once let in, its log tells it what becomes of it, unless it is cut off before that.
    const now = performance.now();
    if (!this.#joined || now - this.#rejoinedMillis < rejoinMillis) return;
    this.#joined = false;
    this.#joiningSinceMillis = now;
    this.#askCluster(identity).then(() => this.#join(identity)).then(() => {
      this.#joined = true;
      this.#rejoinedMillis = performance.now();
    }).catch((error) => this.#gaveUp(error));
  }

  /** What this node is: as its disk says, as a cluster says, or as nobody said before. */
  async #identify(resumed: Saved | undefined): Promise<Saved> {
    const options = this.#options!;
    if (resumed !== undefined && isMember(resumed)) return resumed;
    if (options.join.length > 0) {
      const cluster = await this.#askCluster(resumed?.identity);
      return resumed ?? blank(newIdentity(options.id, cluster));
    }
    if (resumed !== undefined) {
      throw new Error(
        `node ${options.id} is no member of its cluster ` +
          `${resumed.identity.cluster}; start it with --join ADDRESS of a ` +
          `member to become one`,
      );
    }
    this.#log("info", "founds a new cluster");
    if (parseAddress(options.advertise)?.host === "") {
      this.#log(
        "warning",
        `other hosts cannot dial "${options.advertise}": before they join, send ` +
          `RAFT.ADDVOTER ${options.id} HOST${options.advertise}`,
      );
    }
    return found(options);
  }

  /** The cluster that --join leads to; data of another one are not taken there. */
  async #askCluster(ours: Identity | undefined): Promise<string> {
    const options = this.#options!;
    // Not for a member: one whose disk is slow to open has clients that may wait.
    this.#startTimer ??= setTimeout(() => this.#announceEarly(), startMillis);
    const { cluster } = await clusterOf(options.join, this.#patience);
    if (ours === undefined || ours.cluster === cluster) return cluster;
    throw new Error(
      `cannot join cluster ${cluster}: this node's data in ` +
        `${options.directory ?? "Deno KV"} is of cluster ${ours.cluster}; ` +
        `choose another --join or another --dir`,
    );
  }

  async #join(identity: Identity): Promise<void> {
    const options = this.#options!;
    this.#log("info", `joins cluster ${identity.cluster}`);
    await joinCluster(options.join, {
      id: options.id,
      address: options.advertise,
      incarnation: identity.incarnation,
      cluster: identity.cluster,
      nonvoter: options.nonvoter,
      ...this.#patience,
    });
  }

  /** How long joining may take in all, from the first question to the last answer. */
  get #patience(): AskOptions {
    return {
      timeoutMillis: this.#options!.joinTimeoutMillis,
      sinceMillis: this.#joiningSinceMillis,
      log: this.#log,
      signal: this.#stopping.signal,
    };
  }

  /** Says `ready`, once a client that comes then can be told something. */
  #announce(): void {
    if (this.#joined && this.#node!.removal.isSettled) this.#serve();
  }

  /** To let clients wait until it has joined would be to keep them from the other nodes. */
  #announceEarly(): void {
    if (this.#joined || this.#ready || this.#ended) return;
    this.#log(
      "info",
      "no cluster has let this node in yet: serves clients, and gives them no tickets",
    );
    this.#serve();
  }

  #serve(): void {
    if (this.#ready || this.#ended) return;
    this.#ready = true;
    this.doors.postMessage({ type: "ready" });
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopping.abort();
    clearTimeout(this.#startTimer);
    this.#ticker?.stop();
    const stopped = () => {
      this.#storage?.close();
      // The process may end as soon as main has heard, with what has not left this isolate.
      lastWords().then(() =>
        this.doors.postMessage({ type: "stopped", error: error?.message })
      );
    };
    // A node that failed must say nothing more to anybody, and not wait for peers either.
    if (error !== undefined || this.#peers === undefined) return stopped();
    this.#peers.close().then(stopped, stopped);
  }
}

const realClock: Clock = {
  now: () => performance.now(),
  later: (run: () => void, millis: number) => setTimeout(run, millis),
  cancel: clearTimeout,
};

function timesOf(options: NodeOptions): NodeTimes {
  const heartbeatTicks = 2;
  const tickMillis = options.heartbeatMillis / heartbeatTicks;
  return {
    tickMillis,
    heartbeatTicks,
    electionTicks: Math.max(
      heartbeatTicks + 1,
      Math.round(options.electionMillis / tickMillis),
    ),
    flushTicks: Math.max(1, Math.round(flushMillis / tickMillis)),
    changeTicks: Math.round(changeMillis / tickMillis),
    snapshotTicks: Math.ceil(snapshotMillis / tickMillis),
    random: (below) => Math.floor(Math.random() * below),
    forward: options.forward,
    lends: options.lends,
    paceMin,
    // What is to be flushed every so often must not wait for a sleeper.
    restTicksMax: options.durability === "high" ? restTicksMax : 1,
  };
}

function openStorage(options: NodeOptions, log: Logger): Promise<Storage> {
  const { id: node, directory, durability } = options;
  if (options.storage === "kv") {
    return openKv({ directory, node, durability, log });
  }
  assert(directory !== undefined, "a file log has a directory");
  const files = denoFiles(directory);
  return Promise.resolve(new Wal({ files, node, durability, log }));
}

function create(storage: Storage, saved: Saved): Promise<void> {
  return new Promise((resolve, reject) =>
    storage.create(saved, (error) => error ? reject(error) : resolve())
  );
}

/** The founder of a new cluster, alone in it. */
function found({ id, advertise: address }: NodeOptions): Saved {
  const identity = newIdentity(id, randomHex(16));
  const { incarnation } = identity;
  return founded(identity, [{ id, address, suffrage: "voter", incarnation }]);
}

/** The first life of a data directory. */
function newIdentity(node: NodeId, cluster: string): Identity {
  return { cluster, node, incarnation: randomHex(8) };
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
