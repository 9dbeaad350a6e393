// Fair shares of the event loop. Deno reads up to 32 times 64 KiB from one socket before it
// turns to the next, so a client that never stops sending would keep all others waiting. A
// connection that has used up its share of a turn (`TurnShare`) waits until all others have had
// theirs (`FairTurns`), and is read no further meanwhile.
//
// A share is counted in tickets: all else that a client does costs as many tickets as take as
// long to make. Reading costs, too, even if the bytes hold no command, or none is run any more.
//
// A turn ends with a detour through another thread, the shortest that needs no permission:
// sockets are polled only while the isolate has nothing at hand. A message to oneself is at
// hand again at once, and thousands of such turns pass between two polls of the sockets; a
// timer would do, but waits for a millisecond.

/** As many TICKETs as one read brings, about a third of a millisecond. */
const ticketsPerTurn = 4096;
/** Tickets that each word of a command costs. */
const wordCost = 8;
/** Bytes of replies that cost as much as a ticket. */
const replyBytesPerTicket = 4;
/** Bytes that may be read in one turn. */
const bytesPerTurn = 64 * 1024;
/** Smaller reads count as if they had brought so many bytes. */
const readBytesLeast = 256;

/** The work that one client may cause in one turn. */
export class TurnShare {
  #tickets = ticketsPerTurn;
  #bytes = bytesPerTurn;

  /** Tickets that may still be asked for in this turn; below 1 no command is run. */
  get ticketsLeft(): number {
    return this.#tickets;
  }

  /** Whether nothing more may be read or run in this turn. */
  get isUsedUp(): boolean {
    return this.#tickets <= 0 || this.#bytes <= 0;
  }

  /** `count` tickets were asked for, or done what takes about as long. */
  spend(count: number): void {
    this.#tickets -= count;
  }

  /** A command of so many words has run, and written so many bytes. */
  ranCommand(
    { words, replyBytes }: {
      readonly words: number;
      readonly replyBytes: number;
    },
  ): void {
    this.spend(wordCost * words + Math.ceil(replyBytes / replyBytesPerTicket));
  }

  /** A read has brought `count` bytes. */
  read(count: number): void {
    this.#bytes -= Math.max(count, readBytesLeast);
  }

  /** The next turn begins. */
  renew(): void {
    this.#tickets = ticketsPerTurn;
    this.#bytes = bytesPerTurn;
  }
}

const nothing = new Uint8Array(0);

/** Comes back from another thread. */
async function detour(): Promise<void> {
  await crypto.subtle.digest("SHA-1", nothing);
}

/** The turns of one isolate. */
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
