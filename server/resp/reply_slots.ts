// The places of replies that wait (`replies.ts`), each for what it waits: a run of tickets, a
// block of them, or one answer. The first two are what a dispenser knows of a client: a
// `TicketClient` of `tickets/ticket_request.ts` without an `implements`, because this folder imports
// nothing but `base/`.

import type { RespWriter } from "./resp_writer.ts";
import type { Turn, TurnKind } from "./reply_turns.ts";

/** A reply to each ticket: `+N`, or `:N` as for INCR. */
export type RunFormat = "simple" | "integer";

/** One reply to all tickets: the first and the last as bulk strings, or the last as `:N`. */
export type BlockFormat = "range" | "last";

/** Where the replies of a slot go. */
export interface SlotOwner {
  /** Writes `part` of the replies for which `slot` waits: now, or when it is their turn. */
  fill(
    slot: Slot,
    part: number,
    write: (writer: RespWriter) => void,
  ): void;
}

/** One place. */
export class Slot implements Turn {
  /** Replies still to come: tickets, or the one answer. */
  waiting: number;
  /** Where its tail begins in `ReplyTails`. */
  readonly tailFrom: number;
  /** Its replies that came while it was not the first. */
  early: RespWriter | undefined;
  /** The same, if they came at once and are short to keep: a buffer costs more than to wait. */
  late: ((writer: RespWriter) => void) | undefined;
  kind: TurnKind | undefined;
  isOpen = false;

  constructor(waiting: number, tailFrom: number) {
    this.waiting = waiting;
    this.tailFrom = tailFrom;
  }
}

/** A run of tickets of one sequence, with a reply each. */
export class RunSlot extends Slot {
  readonly name: string;
  readonly format: RunFormat;
  readonly #owner: SlotOwner;

  constructor(
    owner: SlotOwner,
    { count, tailFrom, name, format }: {
      readonly count: number;
      readonly tailFrom: number;
      readonly name: string;
      readonly format: RunFormat;
    },
  ) {
    super(count, tailFrom);
    this.#owner = owner;
    this.name = name;
    this.format = format;
  }

  /** The tickets of a `Range` are the next replies. */
  granted(last: bigint, count: number): void {
    const prefix = this.format === "simple" ? "+" : ":";
    this.#owner.fill(
      this,
      count,
      (writer) => writer.ticketRun(last, count, prefix),
    );
  }

  /** The next `count` replies are an error. */
  refused(count: number, text: string): void {
    this.#owner.fill(this, count, (writer) => {
      for (let i = 0; i < count; i++) writer.error(text);
    });
  }
}

/** The reply to a block, which is that of a `Range`. */
export function writeBlock(
  writer: RespWriter,
  { last, count, format }: {
    readonly last: bigint;
    readonly count: number;
    readonly format: BlockFormat;
  },
): void {
  if (format === "last") return writer.integerBig(last);
  writer.array(2);
  writer.bulk(String(last - BigInt(count - 1)));
  writer.bulk(String(last));
}

/** A block of tickets, with one reply. */
export class BlockSlot extends Slot {
  readonly #format: BlockFormat;
  readonly #owner: SlotOwner;

  constructor(
    owner: SlotOwner,
    { tailFrom, format }: {
      readonly tailFrom: number;
      readonly format: BlockFormat;
    },
  ) {
    super(1, tailFrom);
    this.#owner = owner;
    this.#format = format;
  }

  /** The block is that of a `Range`. */
  granted(last: bigint, count: number): void {
    const format = this.#format;
    this.#owner.fill(
      this,
      1,
      (writer) => writeBlock(writer, { last, count, format }),
    );
  }

  /** There is no block: the reply is an error. */
  refused(_count: number, text: string): void {
    this.#owner.fill(this, 1, (writer) => writer.error(text));
  }
}
