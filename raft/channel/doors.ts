// Several doors in front of one node: that of the main isolate, which starts and stops it,
// and those of isolates that only serve clients (`--io-threads`). To the node they are
// one. Not here: what a message means (`messages.ts`), or when to open a door
// (`worker.ts`).
//
// Takes are answered in the order in which they came, with counts that add up: a queue
// of who asked, with what is still owed to each, tells whose an answer is. Numbers beyond
// what was asked for come, and are recalled, while main is alone. The ids of
// admin commands are each isolate's own, and get another here. The status is for
// everybody; of the node's life only the main isolate hears.

import type { Door, FromNode, NodeStatus, ToNode } from "./messages.ts";
import { assert, unreachable } from "../../base/assert.ts";

type Asker = { readonly door: Door<FromNode>; left: number };

export class Doors implements Door<FromNode> {
  readonly #main: Door<FromNode>;
  readonly #all: Door<FromNode>[];
  readonly #node: (message: ToNode) => void;
  /** A handful: no isolate has more than a few takes under way. */
  readonly #askers: Asker[] = [];
  readonly #admins = new Map<
    number,
    { readonly door: Door<FromNode>; readonly id: number }
  >();
  #lastId = 0;
  #status: NodeStatus | undefined;

  /** `node` gets what comes through any of them. */
  constructor(main: Door<FromNode>, node: (message: ToNode) => void) {
    this.#main = main;
    this.#all = [main];
    this.#node = node;
  }

  /** What the main isolate says. */
  receive(message: ToNode): void {
    this.#pass(message, this.#main);
  }

  /** Opens a further door; what comes through it is to be given to what this returns. */
  open(door: Door<FromNode>): (message: ToNode) => void {
    this.#all.push(door);
    const status = this.#status;
    if (status !== undefined) door.postMessage({ type: "status", status });
    return (message) => {
      const { type } = message;
      assert(type === "take" || type === "admin", `${type} is for main to say`);
      this.#pass(message, door);
    };
  }

  /** What the node says goes to whom it is for. */
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
      case "recall":
      case "ready":
      case "removed":
      case "stopped":
        return this.#main.postMessage(message);
      default:
        unreachable(message);
    }
  }

  #pass(message: ToNode, door: Door<FromNode>): void {
    // Before the node hears of it: it may answer at once.
    if (message.type === "take") {
      this.#askers.push({ door, left: message.count });
    } else if (message.type === "admin") {
      const id = ++this.#lastId;
      this.#admins.set(id, { door, id: message.id });
      return this.#node({ ...message, id });
    }
    this.#node(message);
  }

  /** Whose `count` tickets are: they are of the oldest take. */
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
