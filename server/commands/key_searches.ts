// The turns of KEYS: one search of all clients at a time goes through the pages, in each isolate.
// Many at once would each keep names that nobody counts, and fill the desk for groups, so that
// a SCAN of another client would be told BUSY, and a GET would wait. Not here: what is searched
// (`keyspace_commands.ts`).

import { Fifo } from "../../base/fifo.ts";

/** Searches that may wait, of all connections of the isolate. */
export const searchesWaitingMax = 100;

/** A search that waits for its turn. */
export type KeySearch = {
  /** Whether anybody still waits for the reply. */
  readonly isWanted: () => boolean;
  /** Begins it; `done` is to be called once, when its last page was answered. */
  readonly begin: (done: () => void) => void;
};

/** The searches of one isolate's clients, first come, first served. */
export class KeySearches {
  readonly #waiting = new Fifo<KeySearch>();
  #isBusy = false;
  #isBeginning = false;

  /** Begins `search` now or later; false (BUSY) if too many wait: it will never begin. */
  admit(search: KeySearch): boolean {
    if (this.#waiting.size >= searchesWaitingMax) return false;
    this.#waiting.push(search);
    this.#next();
    return true;
  }

  #next(): void {
    if (this.#isBeginning) return; // a search that ends at once is followed by the loop below
    this.#isBeginning = true;
    try {
      for (let next; !this.#isBusy && (next = this.#waiting.shift());) {
        if (next.isWanted()) this.#begin(next);
      }
    } finally {
      this.#isBeginning = false;
    }
  }

  #begin({ begin }: KeySearch): void {
    this.#isBusy = true;
    const done = () => {
      this.#isBusy = false;
      this.#next();
    };
    try {
      begin(done);
    } catch (error) {
      done(); // or no client would ever search again
      throw error;
    }
  }
}
