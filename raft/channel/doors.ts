// The node's end of all doors: that of the main isolate, which starts and stops the node,
// and those of isolates that only serve clients (`--io-threads`). The node tells them apart by
// a number. Not here: what a message means (`messages.ts`), or what the node does (`host.ts`).
//
// Admin commands get ids of their own here, because two isolates may use the same.

import type {
  AdminCommand,
  Door,
  DoorId,
  FromNode,
  NodeOptions,
  NodeStatus,
  TakeRequest,
  ToNode,
} from "./messages.ts";
import { assert, unreachable } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import { TakeDoor } from "./take_door.ts";

/** The node's inputs from all doors: one method for each message of {@linkcode ToNode}. */
export interface NodeInputs {
  start(options: NodeOptions): void;
  take(door: DoorId, request: TakeRequest): void;
  refill(name: string): void;
  returned(rest: { readonly name: string } & Range): void;
  /** `data` is as `operation_codec.ts` encodes groups. */
  operations(door: DoorId, data: Uint8Array): void;
  admin(id: number, command: AdminCommand): void;
  stop(): void;
  /** Runs a task that makes several of the inputs above: the node may see them as one. */
  together?(task: () => void): void;
}

/** The door of the main isolate. */
const mainId: DoorId = 0;

/** What an isolate that only serves clients may say. */
const fromOthers: readonly ToNode["type"][] = ["take", "operations", "admin"];

/** All doors of one node. */
export class Doors implements Door<FromNode> {
  readonly #main: TakeDoor;
  /** By their ids; `#main` first. */
  readonly #all: Door<FromNode>[];
  readonly #node: NodeInputs;
  /** By the id given here: the door of an admin command, and its id there. */
  readonly #admins = new Map<
    number,
    { readonly door: DoorId; readonly id: number }
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
    this.#receive(message, mainId);
  }

  /** Opens a further door; the function that it returns takes each of its messages. */
  open(door: Door<FromNode>): (message: ToNode) => void {
    const id = this.#all.push(door) - 1;
    const status = this.#status;
    if (status !== undefined) door.postMessage({ type: "status", status });
    return (message) => {
      const { type } = message;
      assert(fromOthers.includes(type), `${type} is for main to say`);
      this.#receive(message, id);
    };
  }

  /** Brings what the node says to the isolate that it is for, or to all. */
  postMessage(message: FromNode): void {
    switch (message.type) {
      case "taken":
      case "refused":
      case "results":
        return this.#door(message.door).postMessage(message);
      case "answered": {
        const asked = this.#admins.get(message.id);
        assert(asked !== undefined, `admin ${message.id} was never asked`);
        this.#admins.delete(message.id);
        return this.#door(asked.door).postMessage({ ...message, id: asked.id });
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

  #receive(message: ToNode, door: DoorId): void {
    switch (message.type) {
      case "start":
        if (message.takeBoxMemory !== undefined) {
          this.#openBox(this.#main, mainId, message.takeBoxMemory);
        }
        return this.#node.start(message.options);
      case "door":
        return this.#openPort(message.port, message.takeBoxMemory);
      case "take":
        return this.#node.take(door, message);
      case "refill":
        return this.#node.refill(message.name);
      case "returned":
        // The rest of a loan may have come back with a take before.
        this.#main.lookIntoBox();
        return this.#node.returned(message);
      case "operations":
        return this.#node.operations(door, message.data);
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
    const id = this.#all.length;
    const receive = this.open(door);
    port.onmessage = (event) => receive(event.data);
    this.#openBox(door, id, takeBoxMemory);
  }

  #openBox(door: TakeDoor, id: DoorId, memory: SharedArrayBuffer): void {
    door.openBox(memory, {
      take: (request) => this.#node.take(id, request),
      refill: (name) => this.#node.refill(name),
    }, (task) => {
      if (this.#node.together === undefined) task();
      else this.#node.together(task);
    });
  }

  #admin(
    door: DoorId,
    asked: { readonly id: number; readonly command: AdminCommand },
  ): void {
    const id = ++this.#lastId;
    this.#admins.set(id, { door, id: asked.id });
    this.#node.admin(id, asked.command);
  }

  #door(id: DoorId): Door<FromNode> {
    const door = this.#all[id];
    assert(door !== undefined, `there is no door ${id}`);
    return door;
  }
}
