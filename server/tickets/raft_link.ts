// An isolate's end of its door to the node: posts what clients ask, dispatches what the node
// says, remembers its last status. The rules of the door stand in
// `raft/channel/messages.ts`. Not here: what a command means, or what to do when the node
// stops.

import type {
  AdminAnswer,
  AdminCommand,
  Door,
  FromNode,
  NodeOptions,
  NodeStatus,
  TakeOffers,
  TakeRequests,
  ToNode,
} from "../../raft/channel/messages.ts";
import { assert, unreachable } from "../../base/assert.ts";
import type { TakeBox } from "../../raft/channel/take_box.ts";
import { Dispenser, type DispenserOptions } from "./dispenser.ts";
import { GroupDesk } from "./group_desk.ts";

/** How messages of the node are received. */
export type RaftLinkOptions = {
  /** The node can serve clients. */
  readonly ready: () => void;
  /** The cluster has removed the node, which is to be stopped. */
  readonly removed: () => void;
  /** The node has ended; with an error if it was not asked to. */
  readonly stopped: (error: string | undefined) => void;
  /** Takes and refills pass through it instead of the door. */
  readonly takeBox?: TakeBox | undefined;
  /** `takeBox` unless a simulator plays it. */
  readonly offers?: TakeOffers | undefined;
  /** `queueMicrotask` unless a test says otherwise. */
  readonly defer?: DispenserOptions["defer"] | undefined;
} & Pick<DispenserOptions, "broken" | "timeoutMillis" | "asksAgain">;

const stopping: AdminAnswer = { type: "error", text: "the node is stopping" };

/** An isolate's end of its door. */
export class RaftLink {
  readonly dispenser: Dispenser;
  /** For groups of operations. */
  readonly groups: GroupDesk;
  readonly #door: Door<ToNode>;
  readonly #options: RaftLinkOptions;
  /** Deals an answer that lies in the box and has not been seen here. */
  readonly #lookIntoBox: () => void;
  readonly #callbacks = new Map<number, (answer: AdminAnswer) => void>();
  #lastId = 0;
  #gaveUp = false;
  #status: NodeStatus = {
    state: "Follower",
    term: 0,
    leaderAddress: "",
    memberHosts: [],
    lastTicket: 0n,
    sequences: 0,
  };

  constructor(door: Door<ToNode>, options: RaftLinkOptions) {
    this.#door = door;
    this.#options = options;
    const { takeBox, offers = takeBox, defer = queueMicrotask } = options;
    const messages: TakeRequests = {
      take: (request) => door.postMessage({ type: "take", ...request }),
      refill: (name) => door.postMessage({ type: "refill", name }),
    };
    takeBox?.begin({
      messages,
      isAsking: (name) => this.dispenser.isAsking(name),
    });
    const requests = takeBox ?? messages;
    const together = takeBox && ((task: () => void) => takeBox.together(task));
    const shared = { requests, offers, together, defer };
    this.dispenser = new Dispenser({ ...options, ...shared });
    this.groups = new GroupDesk({
      post: (data) => door.postMessage({ type: "operations", data }),
      defer,
    });
    this.#lookIntoBox = takeBox?.onAnswer(this.dispenser) ?? (() => {});
  }

  /** As the node said last. */
  get status(): NodeStatus {
    return this.#status;
  }

  /** Starts the node; main does, once. */
  start(options: NodeOptions): void {
    const takeBoxMemory = this.#options.takeBox?.memory;
    this.#door.postMessage({ type: "start", options, takeBoxMemory });
  }

  /** Gives the node its end of a further isolate's door, and of the box beside it. */
  openDoor(port: MessagePort, takeBoxMemory: SharedArrayBuffer): void {
    this.#door.postMessage({ type: "door", port, takeBoxMemory }, [port]);
  }

  /** Tells all clients that still wait that they get nothing: the process is about to end. */
  giveUp(): void {
    this.#gaveUp = true;
    this.dispenser.close();
    this.groups.close();
    const waiting = [...this.#callbacks.values()];
    this.#callbacks.clear();
    for (const callback of waiting) {
      callback(stopping);
    }
  }

  /** Stops the node; `stopped` is called when it has handed over and answered all that waits. */
  stop(): void {
    this.giveUp();
    this.#door.postMessage({ type: "stop" });
  }

  /** Calls `callback` once, with the answer. Commands may be answered in any order. */
  admin(command: AdminCommand, callback: (answer: AdminAnswer) => void): void {
    if (this.#gaveUp) return callback(stopping);
    const id = ++this.#lastId;
    this.#callbacks.set(id, callback);
    this.#door.postMessage({ type: "admin", id, command });
  }

  /** To be called with each message that the node sends. */
  receive(message: FromNode): void {
    switch (message.type) {
      case "ready":
        return this.#options.ready();
      // The answer to an earlier take may lie in the box: takes of a sequence are answered
      // in order.
      case "taken":
        this.#lookIntoBox();
        return this.dispenser.taken(message.name, message.last, message.count);
      case "refused":
        this.#lookIntoBox();
        return this.dispenser.refused(message.name, message.reason);
      case "lent":
        this.#lookIntoBox();
        return this.dispenser.lent(message.name, message.last, message.count);
      case "nothing-lent":
        return this.dispenser.nothingLent(message.name);
      case "recall": {
        const { name } = message;
        // Numbers that the node has put there before are part of the loan.
        this.#lookIntoBox();
        const { last, count } = this.dispenser.recall(name);
        this.#options.takeBox?.flush(); // a take may bring the rest of the loan
        return this.#door.postMessage({ type: "returned", name, last, count });
      }
      case "results":
        return this.groups.results(message.data);
      case "status":
        this.#status = message.status;
        return;
      case "answered":
        return this.#answered(message.id, message.answer);
      case "removed":
        return this.#options.removed();
      case "stopped":
        return this.#options.stopped(message.error);
      default:
        unreachable(message);
    }
  }

  #answered(id: number, answer: AdminAnswer): void {
    const callback = this.#callbacks.get(id);
    if (callback === undefined && this.#gaveUp) return;
    assert(callback !== undefined, `admin ${id} was answered, but never asked`);
    this.#callbacks.delete(id);
    callback(answer);
  }
}
