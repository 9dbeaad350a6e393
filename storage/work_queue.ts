// Pieces of disk work, one at a time, each up to its next sync and then on. It keeps their
// order, and no more: `wal.ts` and `next_segment.ts` say what a piece does. The log has two
// queues: for all that waits for its turn in the segment in use, and for what a compaction does
// beside that.

import type { Syncable } from "./files.ts";
import type { Done } from "./storage.ts";

/** A piece of work that yields each file or directory that must be durable before it goes on. */
export type Steps = Generator<Syncable, void, void>;

type Piece = { readonly steps: Steps; readonly done: Done };

/** The dependencies of a queue. */
export type WorkQueueOptions = {
  /** Runs a callback after the present call has returned. */
  readonly defer: (callback: () => void) => void;
  /** Hears of the error of a piece, which stays in the queue: nothing goes on after it. */
  readonly failed: (error: unknown) => void;
};

/** Runs pieces of work in the order in which they came. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #pieces: Piece[] = [];
  #isWorking = false;
  #isClosed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Runs `steps` when all before them are done, and then `done`, never within this call. */
  enqueue(steps: Steps, done: Done): void {
    this.#pieces.push({ steps, done });
    if (!this.#isWorking) this.#advance({ deferred: true });
  }

  /** Ends all work, and calls nobody back. */
  close(): void {
    this.#isClosed = true;
  }

  /** Empties the queue, and returns what was to be told to whom. */
  abandon(): Done[] {
    return this.#pieces.splice(0).map(({ done }) => done);
  }

  /** Runs the first piece up to its next sync, or to its end. */
  #advance({ deferred }: { deferred: boolean }): void {
    const piece = this.#pieces[0];
    if (piece === undefined || this.#isClosed) return;
    this.#isWorking = true;
    let step: IteratorResult<Syncable, void>;
    try {
      step = piece.steps.next();
    } catch (error) {
      return this.#options.failed(error);
    }
    if (!step.done) {
      return step.value.sync((error) => {
        if (this.#isClosed) return;
        if (error !== undefined) this.#options.failed(error);
        else this.#advance({ deferred: false });
      });
    }
    this.#pieces.shift();
    this.#isWorking = false;
    // `done` must not run inside the call that was given it.
    if (deferred) this.#options.defer(piece.done);
    else piece.done();
    if (!this.#isWorking) this.#advance({ deferred });
  }
}
