// The replies of one connection, brought into the order of its requests. A reply that
// must wait for the node (TICKET, most RAFT commands) holds all later ones back. Not
// here: sockets, and when to write.
//
//   out | slot 1 | slot 2 | …      and in each slot:  what it waits for | tail
//
// `out` is what may leave. A slot waits for tickets or for one answer; its tail is what
// comes after it and was known at once. When the first slot is complete, its tail
// joins `out` and the next becomes the first. A run of TICKETs is one slot; while
// nothing waits there is no slot at all, and replies go straight to `out`. A long reply
// is made piece by piece, as the client reads.
//
// It is a `TicketClient` of `tickets/dispenser.ts` without an `implements`: this folder
// imports nothing but `base/`.

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import { RespWriter } from "./resp_writer.ts";
import { ReplyTails } from "./reply_tails.ts";

// Past any of the next four, the connection stops reading until replies have left.

/** Bytes of replies that were not sent yet. */
const outputBytesMax = 256 * 1024;
/** Tickets that are awaited: so few that a greedy client's numbers delay nobody for long. */
export const ticketsMax = 4096;
const slotsMax = 512;
/** Answers of the node that are awaited; later commands are run meanwhile. */
const answersMax = 16;
/** Bytes of a long reply that are made ahead of the client. */
const pieceBytes = 64 * 1024;
/** About the bytes that a slot takes in memory. */
const slotBytes = 100;

type Slot = {
  /** Replies still to come: tickets, or the one answer. */
  waiting: number;
  /** Its replies that came while it was not the first. */
  early: RespWriter | undefined;
  /** Where its tail begins in `ReplyTails`. */
  readonly tailFrom: number;
  /** The rest of a long reply. */
  readonly long?: LongReply | undefined;
  /** To be called when it is the first. */
  onFirst?: (() => void) | undefined;
};

/** A reply that is too long to be kept whole. */
export type LongReply = {
  /** ASCII, made as the client reads. */
  readonly pieces: Iterator<string>;
  /** About the bytes that they are made from, which stay in memory until then. */
  readonly keptBytes: number;
};

/** How far the replies had come before a command. */
export type ReplyMark = { readonly slots: number; readonly bytes: number };

/** The replies of one connection. */
export class Replies {
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  #out = new RespWriter();
  /** What a socket is writing, once it has not taken all at once. */
  #leaving: RespWriter | undefined;
  readonly #slots = new Fifo<Slot>();
  /** The slots that wait for tickets: numbers come in this order. */
  readonly #ticketSlots = new Fifo<Slot>();
  /** Tickets that are awaited. */
  #tickets = 0;
  /** Replies that are not complete and let no further command run: one, or none. */
  #alone = 0;
  /** Answers of the node that are awaited. */
  #answers = 0;
  readonly #tails = new ReplyTails();
  #gone = false;

  /**
   * `changed` is called when an answer of the node has added to what may leave, `failed`
   * when one could not be written: a fault that is this client's alone.
   */
  constructor(
    changed: () => void,
    failed: (error: unknown) => void = rethrow,
  ) {
    this.#changed = changed;
    this.#failed = failed;
  }

  /** The writer for a reply that is known at once. */
  get writer(): RespWriter {
    return this.#slots.size === 0 ? this.#out : this.#tails.writer;
  }

  /** Whether so much waits that no further command is to be run now. */
  get congested(): boolean {
    const { end } = this.#tails;
    const held = end - (this.#slots.first?.tailFrom ?? end);
    return this.#out.length + held >= outputBytesMax || this.#alone > 0 ||
      this.#answers >= answersMax ||
      this.#tickets >= ticketsMax || this.#slots.size >= slotsMax;
  }

  /** How many tickets more may be asked for now. */
  get ticketsLeft(): number {
    return Math.max(0, ticketsMax - this.#tickets);
  }

  /** Bytes that all of this keeps in memory. */
  get reservedBytes(): number {
    return this.#out.reservedBytes + (this.#leaving?.reservedBytes ?? 0) +
      this.#tails.reservedBytes + this.#slots.size * slotBytes +
      (this.#slots.last?.long?.keptBytes ?? 0);
  }

  /** Whether nobody reads them any more. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Bytes that may leave now. */
  get ready(): number {
    return this.#out.length;
  }

  /** Whether every request was answered, and every answer taken away. */
  get empty(): boolean {
    return this.#slots.size === 0 && this.#out.length === 0;
  }

  /** All that may leave, where it lies: `left()` or `setAside()` must follow. */
  next(): Uint8Array<ArrayBuffer> {
    return this.#out.bytes();
  }

  /** The bytes of `next()` have left. */
  left(): void {
    this.#out.clear();
    this.#makePieces();
  }

  /** The bytes of `next()` are leaving, and stay as they are until `rest()`. */
  setAside(): void {
    const spare = this.#leaving ?? new RespWriter();
    spare.clear();
    this.#leaving = this.#out;
    this.#out = spare;
    this.#makePieces();
  }

  /** The bytes that were set aside have left. Keeps no large buffer when nothing follows. */
  rest(): void {
    this.#leaving?.rest();
    if (this.ready === 0) this.#out.rest();
  }

  /**
   * The connection has ended: drops all replies, now and later. Bytes that are leaving are
   * dropped by `rest()`, when the socket has written them.
   */
  forget(): void {
    this.#gone = true;
    for (let slot; (slot = this.#slots.shift()) !== undefined;) {
      slot.early?.rest();
    }
    this.#ticketSlots.clear();
    this.#tickets = this.#alone = this.#answers = 0;
    this.#tails.rest();
    this.#out.rest();
  }

  /** How far the replies are: to be called before a command, for `undo` if that fails. */
  mark(): ReplyMark {
    return { slots: this.#slots.size, bytes: this.writer.length };
  }

  /**
   * Forgets what was written since `mark`. False, and nothing is done, if a reply was promised
   * meanwhile: it may never be given.
   */
  undo({ slots, bytes }: ReplyMark): boolean {
    if (this.#slots.size !== slots || this.writer.length < bytes) return false;
    this.writer.truncate(bytes);
    return true;
  }

  /** Bytes of the reply to the command that followed `mark`; 0 if it was not known at once. */
  writtenSince({ slots, bytes }: ReplyMark): number {
    // It may have left already: the end of a connection sends all.
    return this.#slots.size === slots
      ? Math.max(0, this.writer.length - bytes)
      : 0;
  }

  /** The next `count` replies are tickets. */
  expectTickets(count: number): void {
    this.#tickets += count;
    const last = this.#slots.last;
    if (
      last !== undefined && last === this.#ticketSlots.last &&
      last.tailFrom === this.#tails.end
    ) last.waiting += count;
    else this.#ticketSlots.push(this.#open(count));
  }

  /** The tickets of a `Range` answer the oldest requests for some. */
  granted(last: bigint, count: number): void {
    let left = count;
    this.#give(count, (writer, part) => {
      left -= part;
      writer.ticketRun(last - BigInt(left), part);
    });
  }

  /** The oldest `count` requests for tickets get an error instead. */
  refused(count: number, text: string): void {
    this.#give(count, (writer, part) => {
      for (let i = 0; i < part; i++) writer.error(text);
    });
  }

  /**
   * The next reply waits until the returned function is called, once, to write it. `isAlone`:
   * no further command is run meanwhile.
   */
  expectAnswer(
    { isAlone = false } = {},
  ): (write: (writer: RespWriter) => void) => void {
    const slot = this.#open(1);
    this.#answers++;
    if (isAlone) this.#alone++;
    return (write) => {
      if (this.#gone) return;
      assert(slot.waiting === 1, "a request was answered twice");
      slot.waiting = 0;
      this.#answers--;
      if (isAlone) this.#alone--;
      try {
        write(this.#writerOf(slot));
        this.#release();
      } catch (error) {
        this.#failed(error);
      }
    };
  }

  /** Calls `run` once, when all replies before the newest that waits are complete. */
  whenFirst(run: () => void): void {
    const { first, last } = this.#slots;
    assert(last !== undefined, "a reply waits");
    if (first === last) run();
    else last.onFirst = run;
  }

  /**
   * The next reply is a bulk string of `bytes` bytes, made as the client reads. No further
   * command is run meanwhile.
   */
  long(bytes: number, reply: LongReply): void {
    this.writer.bulkHeader(bytes);
    this.#open(1, reply);
    this.#alone++;
    this.#makePieces();
  }

  #open(waiting: number, long?: LongReply): Slot {
    const tailFrom = this.#tails.end;
    const slot: Slot = { waiting, early: undefined, tailFrom, long };
    this.#slots.push(slot);
    return slot;
  }

  /** Makes some more of a long reply, if it is its turn. */
  #makePieces(): void {
    const slot = this.#slots.first;
    if (slot?.long === undefined) return;
    while (this.#out.length < pieceBytes && slot.waiting > 0) {
      const { done, value } = slot.long.pieces.next();
      if (!done) {
        this.#out.ascii(value);
        continue;
      }
      this.#out.ascii("\r\n");
      slot.waiting = 0;
      this.#alone--;
      this.#release();
    }
  }

  #give(
    count: number,
    write: (writer: RespWriter, part: number) => void,
  ): void {
    if (this.#gone) return;
    try {
      this.#giveAll(count, write);
    } catch (error) {
      this.#failed(error);
    }
  }

  #giveAll(
    count: number,
    write: (writer: RespWriter, part: number) => void,
  ): void {
    while (count > 0) {
      const slot = this.#ticketSlots.first;
      assert(slot !== undefined, "tickets for a connection that awaits none");
      const part = Math.min(slot.waiting, count);
      write(this.#writerOf(slot), part);
      slot.waiting -= part;
      this.#tickets -= part;
      count -= part;
      if (slot.waiting === 0) this.#ticketSlots.shift();
      this.#release();
    }
  }

  #writerOf(slot: Slot): RespWriter {
    if (slot === this.#slots.first) return this.#out;
    return slot.early ??= new RespWriter();
  }

  /** Moves to `out` all that nothing holds back any more. */
  #release(): void {
    for (let slot; (slot = this.#slots.first) !== undefined;) {
      if (slot.waiting > 0) break;
      this.#slots.shift();
      const next = this.#slots.first;
      const to = next?.tailFrom ?? this.#tails.end;
      this.#tails.move(this.#out, { from: slot.tailFrom, to });
      if (next?.early === undefined) continue;
      this.#out.append(next.early.bytes());
      next.early.rest();
      next.early = undefined;
    }
    this.#makePieces();
    this.#tellFirst();
    if (this.#out.length > 0) this.#changed();
  }

  #tellFirst(): void {
    const slot = this.#slots.first;
    if (slot?.onFirst === undefined) return;
    const run = slot.onFirst;
    slot.onFirst = undefined;
    run();
  }
}

function rethrow(error: unknown): void {
  throw error;
}
