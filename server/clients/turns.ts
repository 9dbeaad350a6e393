// Turns of the event loop, for connections that have more to do than is fair. What a
// client has already sent is read without the loop being asked, so one that never stops
// sending would keep everybody else waiting; whoever has used up a turn's share waits
// here until all others have had theirs.
//
// A turn ends with a detour through another thread, the shortest that needs no permission:
// sockets are polled only while the isolate has nothing at hand. A message to oneself is at
// hand again at once, and thousands of such turns pass between two looks at the sockets;
// a timer would do, but waits for a millisecond.

const nothing = new Uint8Array(0);

/** Comes back from another thread. */
async function detour(): Promise<void> {
  await crypto.subtle.digest("SHA-1", nothing);
}

export class Turns {
  readonly #end: () => Promise<void>;
  #waiting: (() => void)[] = [];

  /** `end` ends a turn. */
  constructor(end = detour) {
    this.#end = end;
  }

  /** Runs `resume` in the next turn, in the order in which it was asked for. */
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
