// The node's end of a door with a box beside it (`take_box.ts`). To the node it is a door
// like any other: an answer with numbers goes through the box if its request came through it,
// all else as a message, so that clients who are refused hear it in their turn.

import type { Door, FromNode, TakeRequests } from "./messages.ts";
import { NodeBox } from "./node_box.ts";

/** A door that prefers its box. */
export class TakeDoor implements Door<FromNode> {
  readonly #port: Door<FromNode>;
  #box: NodeBox | undefined;
  #requests: TakeRequests | undefined;
  #look: () => void = () => {};

  constructor(port: Door<FromNode>) {
    this.#port = port;
  }

  /** From now on `requests` hears what comes through the box in `memory`. */
  openBox(
    memory: SharedArrayBuffer,
    requests: TakeRequests,
    together?: (task: () => void) => void,
  ): void {
    this.#box = new NodeBox(memory);
    this.#requests = requests;
    this.#look = this.#box.onRequest(requests, together);
  }

  /** Hears now what lies in the box: a message means that the isolate sent it before. */
  lookIntoBox(): void {
    this.#look();
  }

  postMessage(message: FromNode): void {
    const box = this.#box;
    if (box === undefined) return this.#port.postMessage(message);
    switch (message.type) {
      case "taken": {
        const { name, last, count } = message;
        if (!box.isAsked(name)) break;
        const along = box.answerTake(name, last, count);
        if (along === undefined) return;
        // In a turn of its own, as any other take: the node is in the middle of one.
        return queueMicrotask(() => this.#requests?.take(along));
      }
      case "lent":
        if (!box.isAsked(message.name)) break;
        return box.answerRefill(message.name, message.last, message.count);
      case "refused":
      case "nothing-lent":
        box.refuse(message.name);
        break;
    }
    this.#port.postMessage(message);
  }
}
