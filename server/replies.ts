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
// kilobyte for the seven bytes of a PONG.

import type { TicketClient } from "./dispenser.ts";
import { assert } from "../raft/core/assert.ts";
import { Fifo } from "./fifo.ts";
import { RespWriter } from "./resp_writer.ts";

/** Past any of these, the connection stops reading until replies have left. */
const outputBytesMax = 1024 * 1024;
const ticketsMax = 128 * 1024;
const slotsMax = 512;

type Slot = {
  /** Replies still to come: tickets, or the one answer. */
  waiting: number;
  /** Its replies, as long as it is not the first. */
  early: RespWriter | undefined;
  /** Where its tail begins, counted from the first byte ever held. */
  readonly tailFrom: number;
};

export class Replies implements TicketClient {
  readonly #changed: () => void;
  #out = new RespWriter();
  #leaving = new RespWriter();
  readonly #slots = new Fifo<Slot>();
  /** Those of the slots that wait for tickets: numbers come in this order. */
  readonly #ticketSlots = new Fifo<Slot>();
  #tickets = 0;
  /** The tails; those of slots that are complete are cut off in bulk. */
  readonly #held = new RespWriter();
  /** Bytes that were cut off. */
  #cut = 0;
  #gone = false;

  /** `changed` is called when the node's answer has added to what may leave. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Takes a reply that is known at once. */
  get writer(): RespWriter {
    return this.#slots.size === 0 ? this.#out : this.#held;
  }

  /** Enough waits: run no further command now. */
  get congested(): boolean {
    const held = this.#heldTo - (this.#slots.first?.tailFrom ?? this.#heldTo);
    return this.#out.length + held >= outputBytesMax ||
      this.#tickets >= ticketsMax || this.#slots.size >= slotsMax;
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
    return this.#leaving.bytes();
  }

  /** What `leave()` gave has left: if nothing follows, no memory is kept for it. */
  rest(): void {
    this.#leaving.rest();
    if (this.ready === 0) this.#out.rest();
  }

  /** The connection is no more: what still comes is dropped. */
  forget(): void {
    this.#gone = true;
    this.#slots.clear();
    this.#ticketSlots.clear();
    this.#tickets = 0;
    this.#held.rest();
    this.#out.rest();
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

  /** The next reply waits: call the returned function, once, to write it. */
  expectAnswer(): (write: (writer: RespWriter) => void) => void {
    const slot = this.#open(1);
    return (write) => {
      if (this.#gone) return;
      assert(slot.waiting === 1, "a request was answered twice");
      slot.waiting = 0;
      write(this.#writerOf(slot));
      this.#release();
    };
  }

  #open(waiting: number): Slot {
    const slot: Slot = { waiting, early: undefined, tailFrom: this.#heldTo };
    this.#slots.push(slot);
    return slot;
  }

  #give(
    count: number,
    write: (writer: RespWriter, part: number) => void,
  ): void {
    if (this.#gone) return;
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
      first.early = undefined;
    }
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
