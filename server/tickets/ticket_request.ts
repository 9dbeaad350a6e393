// What clients ask a dispenser for, and what they hear. Types only: a connection's replies
// (`server/resp/reply_slots.ts`) and the tests play clients. Not here: what a command of a client
// means (`server/commands/`), and what the node is asked (`raft/channel/messages.ts`).

/** A client that asks for tickets of one sequence. */
export interface TicketClient {
  /**
   * The tickets of a `Range`, as scalars: there is one call for each client and answer. Those of
   * a run come in order, in parts; those of a block in one call.
   */
  granted(last: bigint, count: number): void;
  /** `text` is a RESP error that says why. */
  refused(count: number, text: string): void;
}

/** What a client asks for. */
export type TicketRequest = {
  /** At least 1. */
  readonly count: number;
  /** Whether the tickets are one block, in a row and with one reply, or a run of single ones. */
  readonly isBlock: boolean;
  /** None of them may be above 2^63 - 1. */
  readonly isCapped: boolean;
};
