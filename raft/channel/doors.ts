// The node's end of all doors: that of the main isolate, which starts and stops the node,
// and those of isolates that only serve clients (`--io-threads`). The node knows of one
// door. Not here: what a message means (`messages.ts`), or what the node does (`host.ts`).
//
// Takes are answered in the order in which they came, with counts that add up. So a queue of
// askers, with the tickets still owed to each, tells which isolate an answer is for. Admin
// commands get ids of their own here, because two isolates may use the same.

import type {
  AdminCommand,
  Door,
  FromNode,
  NodeOptions,
  NodeStatus,
  TakeRequests,
  ToNode,
} from "./messages.ts";
import { assert, unreachable } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import { TakeDoor } from "./take_door.ts";

/** The node's inputs from all doors: one method for each message of {@linkcode ToNode}. */
export interface NodeInputs extends TakeRequests {
  start(options: NodeOptions): void;
  returned(rest: Range): void;
  admin(id: number, command: AdminCommand): void;
  stop(): void;
}

/** A take under way: its door, and the tickets still to be answered. */
type Asker = { readonly door: Door<FromNode>; left: number };

/** All doors of one node; to the node they are one. */
export class Doors implements Door<FromNode> {
  readonly #main: TakeDoor;
  readonly #all: Door<FromNode>[];
  readonly #node: NodeInputs;
  /** The oldest first; an isolate has one take under way. */
  readonly #askers: Asker[] = [];
  /** By the id given here: the door of an admin command, and its id there. */
  readonly #admins = new Map<
    number,
    { readonly door: Door<FromNode>; readonly id: number }
  >();
  #lastId = 0;
  #status: NodeStatus | undefined;

  constructor(main: Door<FromNode>, node: NodeInputs) {
    this.#main = new TakeDoor(main);
    this.#all = [this.#main];
    this.#node = node;
  }

  /** To be called with each message of the main isolate (`ToNode`). */
  receive(message: ToNode): void {
    this.#receive(message, this.#main);
  }

  /** Opens a further door; the function that it returns takes each of its messages. */
  open(door: Door<FromNode>): (message: ToNode) => void {
    this.#all.push(door);
    const status = this.#status;
    if (status !== undefined) door.postMessage({ type: "status", status });
    return (message) => {
      const { type } = message;
      assert(type === "take" || type === "admin", `${type} is for main to say`);
      this.#receive(message, door);
    };
  }

  /** Brings what the node says to the isolate that it is for, or to all. */
  postMessage(message: FromNode): void {
    switch (message.type) {
      case "taken":
      case "refused":
        return this.#askerOf(message.count).postMessage(message);
      case "answered": {
        const asked = this.#admins.get(message.id);
        assert(asked !== undefined, `admin ${message.id} was never asked`);
        this.#admins.delete(message.id);
        return asked.door.postMessage({ ...message, id: asked.id });
      }
      case "status":
        this.#status = message.status;
        for (const door of this.#all) door.postMessage(message);
        return;
      case "lent":
      case "nothing-lent":
      case "recall":
      case "ready":
      case "removed":
      case "stopped":
        return this.#main.postMessage(message);
      default:
        unreachable(message);
    }
  }

  #receive(message: ToNode, door: Door<FromNode>): void {
    switch (message.type) {
      case "start":
        if (message.takeBoxMemory !== undefined) {
          this.#openBox(this.#main, message.takeBoxMemory);
        }
        return this.#node.start(message.options);
      case "door":
        return this.#openPort(message.port, message.takeBoxMemory);
      case "take":
        return this.#take(door, message.count);
      case "refill":
        return this.#node.refill();
      case "returned":
        return this.#node.returned(message);
      case "admin":
        return this.#admin(door, message);
      case "stop":
        return this.#node.stop();
      default:
        unreachable(message);
    }
  }

  #openPort(port: MessagePort, takeBoxMemory: SharedArrayBuffer): void {
    const door = new TakeDoor(port);
    const receive = this.open(door);
    port.onmessage = (event) => receive(event.data);
    this.#openBox(door, takeBoxMemory);
  }

  #openBox(door: TakeDoor, memory: SharedArrayBuffer): void {
    door.openBox(memory, {
      take: (count) => this.#take(door, count),
      refill: () => this.#node.refill(),
    });
  }

  #take(door: Door<FromNode>, count: number): void {
    // First, because the node may answer within the call.
    this.#askers.push({ door, left: count });
    this.#node.take(count);
  }

  #admin(
    door: Door<FromNode>,
    asked: { readonly id: number; readonly command: AdminCommand },
  ): void {
    const id = ++this.#lastId;
    this.#admins.set(id, { door, id: asked.id });
    this.#node.admin(id, asked.command);
  }

  /** The door of the oldest take, to which an answer of `count` tickets belongs. */
  #askerOf(count: number): Door<FromNode> {
    const asker = this.#askers[0];
    assert(
      asker !== undefined && (count <= asker.left || this.#all.length === 1),
      `${count} tickets answered, ${asker?.left ?? 0} were asked for`,
    );
    asker.left -= count;
    if (asker.left <= 0) this.#askers.shift();
    return asker.door;
  }
}
