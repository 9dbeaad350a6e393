// Lets admin commands of all clients through to the node, few at a time: each crosses to
// the worker, and may take ten seconds there. The others wait, first come, first served;
// questions not behind changes of members, for which not all places are there. Who asks
// is not known here: how many one client may have waiting is said in `replies.ts`.

import type { ClientCount } from "../client_count.ts";
import { Fifo } from "../../base/fifo.ts";

/** In each isolate; more are to be told that they ask too much. */
const waitingMax = 1000;
/** Before it is tried again whether another isolate has left a place. */
const retryMillis = 20;

export type Passage = {
  /** Whether it changes the members. */
  readonly isChange: boolean;
  /** Whether anybody still waits for the answer. */
  readonly isWanted: () => boolean;
  /** Asks the node; `done` is to be called when that has answered. */
  readonly begin: (done: () => void) => void;
};

export class AdminGate {
  readonly #clientCount: ClientCount;
  readonly #changes = new Fifo<Passage>();
  readonly #questions = new Fifo<Passage>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(clientCount: ClientCount) {
    this.#clientCount = clientCount;
  }

  /** False when too many wait already: nothing was done, and nothing will be. */
  pass(passage: Passage): boolean {
    const queue = passage.isChange ? this.#changes : this.#questions;
    if (queue.size >= waitingMax) return false;
    queue.push(passage);
    this.#letThrough();
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #letThrough(): void {
    for (const queue of [this.#questions, this.#changes]) {
      for (let first; (first = queue.first) !== undefined;) {
        if (!first.isWanted()) {
          queue.shift();
          continue;
        }
        const { isChange, begin } = first;
        if (!this.#clientCount.enterAdmin({ isChange })) {
          this.#tryAgain();
          break;
        }
        queue.shift();
        this.#begin(begin, isChange);
      }
    }
  }

  #begin(begin: Passage["begin"], isChange: boolean): void {
    const leave = () => {
      this.#clientCount.leaveAdmin({ isChange });
      this.#letThrough();
    };
    try {
      begin(leave);
    } catch (error) {
      leave(); // or a place would be lost for good
      throw error;
    }
  }

  #tryAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#letThrough();
    }, retryMillis);
  }
}
