// The node's end of a door with a box for takes beside it (`take_box.ts`). To the node it is
// a door like any other: an answer that fits goes through the box, all else as a message, so
// that clients who are refused hear it in their turn.

import type { Door, FromNode } from "./messages.ts";
import { TakeBox } from "./take_box.ts";

export class TakeDoor implements Door<FromNode> {
  readonly #port: Door<FromNode>;
  #box: TakeBox | undefined;

  constructor(port: Door<FromNode>) {
    this.#port = port;
  }

  /** From now on takes come through the box in `memory`, and are given to `take`. */
  openBox(memory: SharedArrayBuffer, take: (count: number) => void): void {
    this.#box = new TakeBox(memory);
    this.#box.onTake(take);
  }

  postMessage(message: FromNode): void {
    // An answer in parts goes the way of all messages, in their order.
    const box = this.#box;
    const isWhole = box !== undefined && message.type === "taken" &&
      message.count >= box.wanted;
    if (isWhole) box.answer(message.last, message.count);
    else this.#port.postMessage(message);
  }
}
