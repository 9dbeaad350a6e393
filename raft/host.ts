// Gives a node its real disk, peers and clocks, and ties it to the channel; runs in the
// worker, or in the main isolate where no worker may be started. It runs a process from
// `start` to `stopped`. Not here: whether the node resumes, founds a cluster or joins one
// (`resume_or_join.ts`), how it is let in (`joining.ts`), when clients are served (`opening.ts`),
// and what the node does then (`node.ts`).
//
// A start takes its sockets before it writes anything, so that a port in use changes
// nothing on disk; and it creates the data directory before the other nodes hear of this
// one, so that all that it promises is kept under one incarnation.

import type {
  AdminAnswer,
  AdminCommand,
  Door,
  DoorId,
  FromNode,
  NodeOptions,
  TakeRequest,
} from "./channel/messages.ts";
import { Doors, type NodeInputs } from "./channel/doors.ts";
import { refuseGroups } from "./channel/operation_codec.ts";
import type { Identity, Saved } from "./core/types.ts";
import type { About } from "./identity/hello.ts";
import { noMembers } from "./identity/peer_ranks.ts";
import { Founding } from "./founding.ts";
import { Hints } from "./hints.ts";
import { HostNotices } from "./host_notices.ts";
import { identify } from "./resume_or_join.ts";
import { Joining } from "./joining.ts";
import { isMember } from "./members/bootstrap.ts";
import type { Asker, Pairs } from "./members/founding_answer.ts";
import { noClusterText } from "./members/join_obstacles.ts";
import { listenForPeers, Peers } from "./net/peers.ts";
import type { Sleep } from "./environment.ts";
import { Node } from "./node.ts";
import { Opening } from "./opening.ts";
import { settingsOf } from "./node_settings.ts";
import { createStorage, openStorage } from "./open_storage.ts";
import { realClock, Ticker } from "./ticker.ts";
import { openWhenFree } from "../base/listen.ts";
import { lastWords, type Logger, openLog } from "../base/logger.ts";
import type { Range } from "../base/range.ts";
import { adviceOn } from "../storage/advice.ts";
import type { Storage } from "../storage/storage.ts";

/** The share of peers' connections that other nodes may dial; this node dials the rest. */
const inboundShare = 0.8;

/** One node with its real disk, peers and clocks. */
export class Host implements NodeInputs {
  /** Messages of the isolates come in through them, to the inputs below. */
  readonly doors: Doors;
  readonly #stopping = new AbortController();
  #log: Logger = () => {};
  #options: NodeOptions | undefined;
  #storage: Storage | undefined;
  #peers: Peers | undefined;
  #founding: Founding | undefined;
  #node: Node | undefined;
  #ticker: Ticker | undefined;
  #notices = new HostNotices(() => {});
  readonly #opening = new Opening({
    open: () => this.doors.postMessage({ type: "ready" }),
    take: (door, request) => this.take(door, request),
    log: (level, text) => this.#log(level, text),
  });
  #identity: Identity | undefined;
  #hasEnded = false;

  /** `main` is the door to the main isolate. */
  constructor(main: Door<FromNode>) {
    this.doors = new Doors(main, this);
  }

  // Inputs from the isolates.

  start(options: NodeOptions): void {
    this.#start(options).catch((error) => this.#gaveUp(error));
  }

  take(door: DoorId, request: TakeRequest): void {
    if (this.#opening.holds(door, request)) return;
    if (this.#node !== undefined) return this.#node.take(door, request);
    if (this.#hasEnded) return;
    const refused = { name: request.name, reason: "no-cluster" } as const;
    this.doors.postMessage({ type: "refused", door, ...refused });
  }

  refill(name: string): void {
    this.#node?.refill(name); // a node that has not begun has lent nothing
  }

  returned(rest: Range & { readonly name: string }): void {
    this.#node?.returned(rest);
  }

  operations(door: DoorId, data: Uint8Array): void {
    if (this.#node !== undefined) return this.#node.operations(door, data);
    const refused = refuseGroups(data, this.#stateWithoutNode);
    this.doors.postMessage({ type: "results", door, data: refused });
  }

  together(task: () => void): void {
    if (this.#node === undefined) task();
    else this.#node.together(task);
  }

  admin(id: number, command: AdminCommand): void {
    if (command.type === "node") return this.#answer(id, this.#introduction);
    const node = this.#node;
    // A node that asks itself to be let in would wait for a leader that it cannot know.
    const isOwnJoin = command.type === "join" &&
      command.incarnation === this.#identity?.incarnation;
    if (node !== undefined && command.type !== "bootstrap" && !isOwnJoin) {
      return node.admin(id, command);
    }
    const pairs = command.type === "bootstrap"
      ? this.#tellFounder(command)
      : undefined;
    const answer: AdminAnswer = pairs === undefined
      ? { type: "error", text: this.#stateWithoutNode }
      : { type: "pairs", pairs };
    this.#answer(id, answer);
  }

  #tellFounder(asker: Asker): Pairs | undefined {
    const { cluster = "" } = this.#identity ?? {};
    const isLed = this.#node?.core.leaderId !== undefined;
    const place = this.#node && { cluster, isLed };
    return this.#founding?.answer(asker, place);
  }

  get #stateWithoutNode(): string {
    if (this.#node !== undefined) return "this node itself asks to join";
    return this.#founding?.isWanted === true
      ? `this node ${this.#founding.state}`
      : noClusterText;
  }

  stop(): void {
    this.#opening.stop();
    this.#stopping.abort();
    this.#node?.stop();
  }

  /** Ends the process through the main isolate: in a worker, Deno.exit ends only the worker. */
  fail(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    if (this.#node === undefined) this.#end(error);
    else this.#node.fail(error);
  }

  #answer(id: number, answer: AdminAnswer): void {
    if (this.#hasEnded) return;
    this.doors.postMessage({ type: "answered", id, answer });
  }

  /** The answer to RAFT.NODE, which members that look for this one understand (`hints.ts`). */
  get #introduction(): AdminAnswer {
    const { id = "", advertise = "" } = this.#options ?? {};
    return { type: "pairs", pairs: [["id", id], ["address", advertise]] };
  }

  // The start.

  async #start(options: NodeOptions): Promise<void> {
    const { signal } = this.#stopping;
    this.#options = options;
    const log = this.#log = openLog({
      level: options.logLevel,
      format: options.logFormat,
      source: `node ${options.id}`,
    });
    this.#notices = new HostNotices(log);
    const joining = new Joining(options, {
      log,
      signal,
      asking: () => this.#opening.limit(() => joining.isOver),
    });
    // Before the storage, which may write when it is opened.
    const listener = await openWhenFree(
      () => listenForPeers(options.raftListen),
      { log, signal },
    );
    const storage = this.#storage = await openStorage(options, log);
    const resumed = storage.load();
    const founding = this.#founding = new Founding(options, {
      log,
      signal,
      storage,
    });
    founding.load({ hasLog: resumed !== undefined });
    // The others can ask only if clients are served.
    const isFounding = founding.isWanted && resumed === undefined;
    if (isFounding) this.#opening.openEarly(() => joining.isOver);
    const saved = await identify(resumed, { options, joining, founding, log });
    const { identity } = saved;
    this.#identity = identity;
    const peers = this.#peers = this.#openPeers(options, identity, listener);
    if (resumed === undefined) await createStorage(storage, saved);
    await founding.begun(identity.cluster);
    const { directory } = options;
    for (const line of directory === undefined ? [] : adviceOn(directory)) {
      log("warning", line);
    }
    if (signal.aborted) return this.#end(undefined);
    const node = this.#run(saved, { options, storage, peers, joining });
    this.#notices.compareAddress(node.address, options);
    if (!isMember(saved)) await joining.join(identity);
    else {
      joining.skip();
      if (joining.isWanted && !isFounding) {
        this.#notices.ignoredFlags({ isFounding: founding.isWanted });
      }
    }
    this.#announce(node, joining);
  }

  #openPeers(
    options: NodeOptions,
    identity: Identity,
    listener: Deno.TcpListener,
  ): Peers {
    const hints = new Hints({
      addresses: options.join,
      found: (id, address) => this.#peers?.hint(id, address),
      log: this.#log,
      signal: this.#stopping.signal,
    });
    return new Peers({
      identity,
      address: options.advertise,
      members: () => this.#node?.members ?? noMembers,
      about: aboutOf(options),
      met: (id, introduction) => this.#node?.met(id, introduction),
      moved: (id, address) => this.#node?.moved(id, address),
      missing: () => hints.wanted(),
      claimed: (sender) => this.#notices.claimed(sender, this.#node),
      receive: (message, proof) => this.#node?.receive(message, proof),
      inboundMax: Math.ceil(options.peersMax * inboundShare),
      log: this.#log,
    }, listener);
  }

  /** Makes the node, and lets its time pass. */
  #run(
    saved: Saved,
    { options, storage, peers, joining }: {
      readonly options: NodeOptions;
      readonly storage: Storage;
      readonly peers: Peers;
      readonly joining: Joining;
    },
  ): Node {
    const settings = settingsOf(options);
    const node = this.#node = new Node(
      {
        storage,
        diskName: options.directory ?? "Deno KV",
        peers,
        post: (message) => this.doors.postMessage(message),
        log: this.#log,
        now: Date.now,
        micros: () => performance.now() * 1000,
        about: aboutOf(options),
        sleep: this.#sleep,
        joins: joining.isWanted,
        ended: (error) => this.#end(error),
      },
      saved,
      settings,
    );
    const tick = (count: number) => {
      node.tick(count);
      if (node.removal.mustAskToJoin) {
        joining.again(saved.identity, (error) => this.#gaveUp(error));
      }
      this.#announce(node, joining);
    };
    this.#ticker = new Ticker(
      {
        tick,
        stoodStill: (millis) => node.stoodStill(millis),
        // What a tick does here besides must not wait for a sleep to end.
        restTicks: () =>
          this.#opening.isReady && !node.removal.mustAskToJoin
            ? node.restTicks
            : 1,
      },
      settings.tickMillis,
      realClock,
    );
    return node;
  }

  get #sleep(): Sleep {
    const ticker = () => this.#ticker;
    return {
      catchUp: () => ticker()?.catchUp() ?? 0,
      cutShort: () => ticker()?.cutShort(),
      get lateMillis() {
        return ticker()?.lateMillis ?? 0;
      },
    };
  }

  /** Clients are served once one can be given a number, or refused with a reason. */
  #announce(node: Node, joining: Joining): void {
    if (joining.isOver && node.removal.isSettled) this.#opening.serve();
  }

  // The end.

  /** Starting or joining failed, or was cut short by a stop. */
  #gaveUp(error: unknown): void {
    if (error !== this.#stopping.signal.reason) this.fail(error);
    else if (this.#node === undefined) this.#end(undefined);
    // Otherwise the node is stopping, and ends by itself.
  }

  #end(error: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopping.abort();
    this.#opening.end();
    this.#ticker?.stop();
    const stopped = () => {
      this.#storage?.close();
      // Before `stopped`: the main isolate may end the process as soon as it hears that,
      // and with it the log lines that have not left this isolate.
      lastWords().then(() =>
        this.doors.postMessage({ type: "stopped", error: error?.message })
      );
    };
    // A node that failed must say nothing more to other nodes, and does not wait for them.
    if (error !== undefined || this.#peers === undefined) return stopped();
    this.#peers.close().then(stopped, stopped);
  }
}

function aboutOf({ clientAddress, version }: NodeOptions): About {
  return { client: clientAddress, version };
}
