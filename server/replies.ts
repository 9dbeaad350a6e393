// The replies of one connection, brought into the order of its requests. A reply that
// must wait for the node (TICKET, most RAFT commands) holds all later ones back. Not
// here: sockets, and when to write.
//
//   out | slot 1 | slot 2 | …      and in each slot:  what it waits for | tail
//
// `out` is what may leave. A slot waits for tickets or for one answer; `tail` is what
// comes after it and was known at once. When the first slot is complete, its tail
// joins `out` and the next becomes the first. A run of TICKETs is one slot; while
// nothing waits there is no slot at all, and replies go straight to `out`.

import type { Refusal } from "../raft/channel.ts";
import type { TicketClient } from "./dispenser.ts";
import { assert } from "../raft/core/assert.ts";
import { Fifo } from "./fifo.ts";
import { RespWriter } from "./resp_writer.ts";

/** Past any of these, the connection stops reading until replies have left. */
const outputBytesMax = 1024 * 1024;
const ticketsMax = 128 * 1024;
const slotsMax = 4 * 1024;

const refusals: Record<Refusal, string> = {
  "not-leader": "ERR node is not the leader",
  "leadership-lost": "ERR leadership lost while committing log",
  "exhausted": `ERR tickets are exhausted: ${2n ** 64n - 1n} was the last`,
};

type Slot = {
  /** Replies still to come: tickets, or the one answer. */
  waiting: number;
  /** Its replies, as long as it is not the first. */
  early: RespWriter | undefined;
  tail: RespWriter | undefined;
};

export class Replies implements TicketClient {
  readonly #changed: () => void;
  #out = new RespWriter();
  #leaving = new RespWriter();
  readonly #slots = new Fifo<Slot>();
  /** Those of the slots that wait for tickets: numbers come in this order. */
  readonly #ticketSlots = new Fifo<Slot>();
  #tickets = 0;
  /** In the tails of all slots but the last, the only one that still grows. */
  #tailBytes = 0;
  #gone = false;

  /** `changed` is called when the node's answer has added to what may leave. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Takes a reply that is known at once. */
  get writer(): RespWriter {
    const last = this.#slots.last;
    return last === undefined ? this.#out : last.tail ??= new RespWriter();
  }

  /** Enough waits: run no further command now. */
  get congested(): boolean {
    const last = this.#slots.last?.tail?.length ?? 0;
    return this.#out.length + this.#tailBytes + last >= outputBytesMax ||
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

  /** The connection is no more: what still comes is dropped. */
  forget(): void {
    this.#gone = true;
    this.#slots.clear();
    this.#ticketSlots.clear();
  }

  /** The next `count` replies are tickets. */
  expectTickets(count: number): void {
    this.#tickets += count;
    const last = this.#slots.last;
    if (
      last !== undefined && last === this.#ticketSlots.last &&
      last.tail === undefined
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

  refused(count: number, reason: Refusal): void {
    this.#give(count, (writer, part) => {
      for (let i = 0; i < part; i++) writer.error(refusals[reason]);
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
    this.#tailBytes += this.#slots.last?.tail?.length ?? 0;
    const slot: Slot = { waiting, early: undefined, tail: undefined };
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
      const { tail } = this.#slots.shift()!;
      if (tail !== undefined) {
        this.#out.append(tail.bytes());
        if (this.#slots.size > 0) this.#tailBytes -= tail.length;
      }
      const first = this.#slots.first;
      if (first?.early === undefined) continue;
      this.#out.append(first.early.bytes());
      first.early = undefined;
    }
    if (this.#out.length > 0) this.#changed();
  }
}
