// Turns of the event loop, for connections that have more to do than is fair. What a
// client has already sent is read without the loop being asked, so one that never stops
// sending would keep everybody else waiting; whoever has used up a turn's share waits
// here until all others have had theirs.
//
// A message to oneself ends the turn: sockets are polled before it arrives, and unlike
// a timer it does not wait for a millisecond.

export class Turns {
  readonly #channel = new MessageChannel();
  #waiting: (() => void)[] = [];

  constructor() {
    this.#channel.port2.onmessage = () => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resume of waiting) resume();
    };
  }

  /** Runs `resume` in the next turn, in the order in which it was asked for. */
  next(resume: () => void): void {
    this.#waiting.push(resume);
    if (this.#waiting.length === 1) this.#channel.port1.postMessage(0);
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
