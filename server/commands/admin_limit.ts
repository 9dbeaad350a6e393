// Limits how many admin commands of all clients are under way at the node: each crosses to
// the worker, and may take ten seconds there. The others wait, first come, first served;
// when too many wait, a client is told BUSY. Questions never wait behind changes of
// members, which may not take up all places. How many commands one client may have waiting
// is said in `replies.ts`.

import type { ClientCount } from "../client_count.ts";
import { Fifo } from "../../base/fifo.ts";

/** Commands that wait, in each isolate, for changes and for questions alike. */
const waitingMax = 1000;
/** Milliseconds to the next try when commands of other isolates have all the places. */
const retryMillis = 20;

/** An admin command that waits to begin. */
export type AdminRequest = {
  /** Whether it changes the members. */
  readonly isChange: boolean;
  /** Whether anybody still waits for the answer. */
  readonly isWanted: () => boolean;
  /** Asks the node; `done` is to be called when the node has answered. */
  readonly begin: (done: () => void) => void;
};

/** The admin commands of one isolate's clients. */
export class AdminLimit {
  readonly #clientCount: ClientCount;
  readonly #changes = new Fifo<AdminRequest>();
  readonly #questions = new Fifo<AdminRequest>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(clientCount: ClientCount) {
    this.#clientCount = clientCount;
  }

  /** Begins `request` now or later; false (BUSY) if too many wait: it will never begin. */
  admit(request: AdminRequest): boolean {
    const queue = request.isChange ? this.#changes : this.#questions;
    if (queue.size >= waitingMax) return false;
    queue.push(request);
    this.#beginAll();
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Begins as many as there are places for. */
  #beginAll(): void {
    for (const queue of [this.#questions, this.#changes]) {
      for (let first; (first = queue.first) !== undefined;) {
        if (!first.isWanted()) {
          queue.shift();
          continue;
        }
        const { isChange, begin } = first;
        if (!this.#clientCount.enterAdmin({ isChange })) {
          this.#retryLater();
          break;
        }
        queue.shift();
        this.#begin(begin, isChange);
      }
    }
  }

  #begin(begin: AdminRequest["begin"], isChange: boolean): void {
    const leave = () => {
      this.#clientCount.leaveAdmin({ isChange });
      this.#beginAll();
    };
    try {
      begin(leave);
    } catch (error) {
      leave(); // or a place would be lost for good
      throw error;
    }
  }

  #retryLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#beginAll();
    }, retryMillis);
  }
}
