// The replies of one connection, brought into the order of its requests. A reply that
// must wait for the node (TICKET, most RAFT commands) holds all later ones back. Not
// here: sockets, and when to write.
//
//   out | slot 1 | slot 2 | …      and in each slot:  what it waits for | tail
//
// `out` is what may leave. A slot waits for tickets or for one answer; its tail is what
// comes after it and was known at once. When the first slot is complete, its tail
// joins `out` and the next becomes the first. A run of TICKETs is one slot; while
// nothing waits there is no slot at all, and replies go straight to `out`. All tails
// lie in one buffer, `held`, one after the other: a buffer each would cost half a
// kilobyte for the seven bytes of a PONG. A long reply is made piece by piece, as the
// client reads.

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import { RespWriter } from "./resp_writer.ts";

/** Past any of these, the connection stops reading until replies have left. */
const outputBytesMax = 256 * 1024;
/** So few that a greedy client's numbers hold nobody up for long. */
export const ticketsMax = 4096;
const slotsMax = 512;
/** Questions to the node of one client; what follows them is run meanwhile. */
const answersMax = 16;
/** A long reply is made for as many bytes ahead of the client. */
const pieceBytes = 64 * 1024;
/** About what a slot takes in memory. */
const slotBytes = 100;

type Slot = {
  /** Replies still to come: tickets, or the one answer. */
  waiting: number;
  /** Its replies, as long as it is not the first. */
  early: RespWriter | undefined;
  /** Where its tail begins, counted from the first byte ever held. */
  readonly tailFrom: number;
  /** What is still to come of a long reply. */
  readonly long?: LongReply | undefined;
};

/** A reply that is too long to be kept whole. */
export type LongReply = {
  /** ASCII, made as the client reads. */
  readonly pieces: Iterator<string>;
  /** About what they are made from, and keep in memory until then. */
  readonly keptBytes: number;
};

/** How far the replies had come before a command. */
export type ReplyMark = { readonly slots: number; readonly bytes: number };

export class Replies {
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  #out = new RespWriter();
  #leaving = new RespWriter();
  readonly #slots = new Fifo<Slot>();
  /** Those of the slots that wait for tickets: numbers come in this order. */
  readonly #ticketSlots = new Fifo<Slot>();
  #tickets = 0;
  /** Long replies that are not complete: one, or none. */
  #alone = 0;
  /** Answers of the node that are awaited. */
  #answers = 0;
  /** The tails; those of slots that are complete are cut off in bulk. */
  readonly #held = new RespWriter();
  /** Bytes that were cut off. */
  #cut = 0;
  #gone = false;

  /**
   * `changed` is called when the node's answer has added to what may leave, `failed` when
   * one could not be written: a fault of this client's, which must not reach the node.
   */
  constructor(
    changed: () => void,
    failed: (error: unknown) => void = rethrow,
  ) {
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Takes a reply that is known at once. */
  get writer(): RespWriter {
    return this.#slots.size === 0 ? this.#out : this.#held;
  }

  /** Enough waits: run no further command now. */
  get congested(): boolean {
    const held = this.#heldTo - (this.#slots.first?.tailFrom ?? this.#heldTo);
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
    return this.#out.reservedBytes + this.#leaving.reservedBytes +
      this.#held.reservedBytes + this.#slots.size * slotBytes +
      (this.#slots.last?.long?.keptBytes ?? 0);
  }

  /** Nobody reads them any more. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Bytes that may leave now. */
  get ready(): number {
    return this.#out.length;
  }

  /** Every request was answered, and every answer taken away. */
  get empty(): boolean {
    return this.#slots.size === 0 && this.#out.length === 0;
  }

  /** What may leave; the bytes are good until the next call. */
  leave(): Uint8Array<ArrayBuffer> {
    this.#leaving.clear();
    [this.#out, this.#leaving] = [this.#leaving, this.#out];
    this.#makePieces();
    return this.#leaving.bytes();
  }

  /** What `leave()` gave has left: if nothing follows, no memory is kept for it. */
  rest(): void {
    this.#leaving.rest();
    if (this.ready === 0) this.#out.rest();
  }

  /**
   * The connection is no more: what still comes is dropped. What is leaving is `rest()`'s to
   * forget, when no socket reads it any more.
   */
  forget(): void {
    this.#gone = true;
    for (let slot; (slot = this.#slots.shift()) !== undefined;) {
      slot.early?.rest();
    }
    this.#ticketSlots.clear();
    this.#tickets = this.#alone = this.#answers = 0;
    this.#held.rest();
    this.#out.rest();
  }

  /** To be called before a command, for `undo` if that fails. */
  mark(): ReplyMark {
    return { slots: this.#slots.size, bytes: this.writer.length };
  }

  /**
   * Forgets what was written since `mark`; false if a reply was promised meanwhile, which
   * nobody may be left to give.
   */
  undo({ slots, bytes }: ReplyMark): boolean {
    if (this.#slots.size !== slots || this.writer.length < bytes) return false;
    this.writer.truncate(bytes);
    return true;
  }

  /** Bytes of the reply to the command before which `mark` was made, if known at once. */
  writtenSince({ slots, bytes }: ReplyMark): number {
    // It may have left already: to end a connection writes all.
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
      last.tailFrom === this.#heldTo
    ) last.waiting += count;
    else this.#ticketSlots.push(this.#open(count));
  }

  granted(last: bigint, count: number): void {
    let left = count;
    this.#give(count, (writer, part) => {
      left -= part;
      writer.ticketRun(last - BigInt(left), part);
    });
  }

  refused(count: number, text: string): void {
    this.#give(count, (writer, part) => {
      for (let i = 0; i < part; i++) writer.error(text);
    });
  }

  /**
   * The next reply waits: call the returned function, once, to write it.
   */
  expectAnswer(): (write: (writer: RespWriter) => void) => void {
    const slot = this.#open(1);
    this.#answers++;
    return (write) => {
      if (this.#gone) return;
      assert(slot.waiting === 1, "a request was answered twice");
      slot.waiting = 0;
      this.#answers--;
      try {
        write(this.#writerOf(slot));
        this.#release();
      } catch (error) {
        this.#failed(error);
      }
    };
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
    const tailFrom = this.#heldTo;
    const slot: Slot = { waiting, early: undefined, tailFrom, long };
    this.#slots.push(slot);
    return slot;
  }

  /** Some more of a long reply, if it is its turn. */
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
    while (this.#slots.first?.waiting === 0) {
      const { tailFrom } = this.#slots.shift()!;
      const first = this.#slots.first;
      this.#letGo(tailFrom, first?.tailFrom ?? this.#heldTo);
      if (first?.early === undefined) continue;
      this.#out.append(first.early.bytes());
      first.early.rest();
      first.early = undefined;
    }
    this.#makePieces();
    if (this.#out.length > 0) this.#changed();
  }

  /** Moves what was held from `from` to `to`, and nothing before it, to `out`. */
  #letGo(from: number, to: number): void {
    const held = this.#held;
    this.#out.append(held.bytes().subarray(from - this.#cut, to - this.#cut));
    const done = to - this.#cut;
    // Only ever the larger half: to move the rest for each slot would be quadratic.
    if (done * 2 < held.length) return;
    this.#cut = to;
    if (done < held.length) held.drop(done);
    else held.rest();
  }

  /** Where the next byte that is held will lie, counted as in `tailFrom`. */
  get #heldTo(): number {
    return this.#cut + this.#held.length;
  }
}

function rethrow(error: unknown): void {
  throw error;
}
