// The node's end of a door with a box beside it (`take_box.ts`). To the node it is a door
// like any other: an answer that fits goes through the box, all else as a message, so that
// clients who are refused hear it in their turn.

import type { Door, FromNode, TakeRequests } from "./messages.ts";
import { TakeBox } from "./take_box.ts";

/** A door that prefers its box. */
export class TakeDoor implements Door<FromNode> {
  readonly #port: Door<FromNode>;
  #box: TakeBox | undefined;
  #requests: TakeRequests | undefined;

  constructor(port: Door<FromNode>) {
    this.#port = port;
  }

  /** From now on `requests` hears what comes through the box in `memory`. */
  openBox(memory: SharedArrayBuffer, requests: TakeRequests): void {
    this.#box = new TakeBox(memory);
    this.#box.onRequest(requests);
    this.#requests = requests;
  }

  postMessage(message: FromNode): void {
    const box = this.#box;
    if (box === undefined) return this.#port.postMessage(message);
    // An answer in parts goes the way of all messages, in their order.
    if (message.type === "taken" && message.count >= box.wanted) {
      const along = box.answerTake(message.last, message.count);
      // In a turn of its own, as any other take: the node is in the middle of one.
      if (along > 0) queueMicrotask(() => this.#requests?.take(along));
      return;
    }
    if (message.type === "lent") {
      return box.answerRefill(message.last, message.count);
    }
    this.#port.postMessage(message);
  }
}
