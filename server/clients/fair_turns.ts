// Fair shares of the event loop, for connections that have more to do than one turn's share.
// What a client has already sent is read without asking the loop, so one that never stops
// sending would keep all others waiting. A connection that has used up its share of a turn
// (`turn_share.ts`) waits here until all others have had theirs.
//
// A turn ends with a detour through another thread, the shortest that needs no permission:
// sockets are polled only while the isolate has nothing at hand. A message to oneself is at
// hand again at once, and thousands of such turns pass between two polls of the sockets; a
// timer would do, but waits for a millisecond.

const nothing = new Uint8Array(0);

/** Comes back from another thread. */
async function detour(): Promise<void> {
  await crypto.subtle.digest("SHA-1", nothing);
}

export class FairTurns {
  readonly #end: () => Promise<void>;
  #waiting: (() => void)[] = [];

  /** `end` ends a turn; tests end turns by hand. */
  constructor(end = detour) {
    this.#end = end;
  }

  /** Runs `resume` in the next turn, in the order of the calls. */
  next(resume: () => void): void {
    this.#waiting.push(resume);
    if (this.#waiting.length === 1) this.#endTurn();
  }

  async #endTurn(): Promise<void> {
    await this.#end();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
