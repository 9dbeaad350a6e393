// What one client may do in one turn of the event loop, before others get theirs
// (`fair_turns.ts`). It is counted in tickets: what else a client does costs as many as take
// as long to make. To read costs, too, even if no command is in what was read, or none is
// run any more.

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
