// The replies of one connection, brought into the order of its requests. A reply that
// must wait for the node (TICKET, GET, most RAFT commands) holds all later ones back. Not
// here: sockets, when to write, and what waits for a slot (`reply_slots.ts`).
//
//   out | slot 1 | slot 2 | …      and in each slot:  what it waits for | tail
//
// `out` is what may leave. A slot waits for tickets or for one answer; its tail is what
// comes after it and was known at once. When the first slot is complete, its tail
// joins `out` and the next becomes the first. A run of TICKETs of one sequence is one slot;
// while nothing waits there is no slot at all, and replies go straight to `out`. A long reply
// is made piece by piece, as the client reads.

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import { RespWriter } from "./resp_writer.ts";
import {
  type BlockFormat,
  BlockSlot,
  type RunFormat,
  RunSlot,
  Slot,
  type SlotOwner,
} from "./reply_slots.ts";
import { ReplyTails } from "./reply_tails.ts";
import { ReplyTurns, type TurnKind } from "./reply_turns.ts";

// Past any of the next five, the connection stops reading until replies have left.

/** Bytes of replies that were not sent yet. */
const outputBytesMax = 256 * 1024;
/** Tickets that are awaited: so few that a greedy client's numbers delay nobody for long. */
export const ticketsMax = 4096;
const slotsMax = 512;
/** Answers to admin commands that are awaited; later commands are run meanwhile. */
const answersMax = 16;
/** Outcomes of groups of operations that are awaited. */
const groupsMax = 64;
/** Bytes of a long reply that are made ahead of the client. */
const pieceBytes = 64 * 1024;
/** About the bytes that a slot takes in memory. */
const slotBytes = 150;

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
export class Replies implements SlotOwner {
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  #out = new RespWriter();
  /** What a socket is writing, once it has not taken all at once. */
  #leaving: RespWriter | undefined;
  readonly #slots = new Fifo<Slot>();
  readonly #turns = new ReplyTurns();
  /** The rest of the long reply that waits in the last slot, if one does. */
  #long: LongReply | undefined;
  /** Tickets that are awaited; a block counts as one. */
  #tickets = 0;
  /** Replies that are not complete and let no further command run: one, or none. */
  #alone = 0;
  /** Answers of the node that are awaited, to admin commands and to groups. */
  readonly #answers = { admin: 0, group: 0 };
  /** Bytes of replies that came before their turn. */
  #earlyBytes = 0;
  readonly #tails = new ReplyTails();
  #gone = false;
  /** Where replies go while one command's are captured. */
  #captured: RespWriter | undefined;

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
    if (this.#captured !== undefined) return this.#captured;
    return this.#slots.size === 0 ? this.#out : this.#tails.writer;
  }

  /** Whether so much waits that no further command is to be run now. */
  get congested(): boolean {
    const { end } = this.#tails;
    const held = end - (this.#slots.first?.tailFrom ?? end);
    const bytes = this.#out.length + held + this.#earlyBytes;
    return bytes >= outputBytesMax || this.#alone > 0 ||
      this.#answers.admin >= answersMax || this.#answers.group >= groupsMax ||
      this.#tickets >= ticketsMax || this.#slots.size >= slotsMax;
  }

  /** How many tickets more may be asked for now. */
  get ticketsLeft(): number {
    return Math.max(0, ticketsMax - this.#tickets);
  }

  /** Bytes that all of this keeps in memory. */
  get reservedBytes(): number {
    return this.#out.reservedBytes + (this.#leaving?.reservedBytes ?? 0) +
      this.#tails.reservedBytes + this.#earlyBytes +
      this.#slots.size * slotBytes +
      (this.#long?.keptBytes ?? 0);
  }

  /** Whether any reply is awaited, or captured: the next one is not known at once then. */
  get isWaiting(): boolean {
    return this.#slots.size > 0 || this.#captured !== undefined;
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
    this.#turns.clear();
    this.#long = undefined;
    this.#tickets = this.#alone = this.#earlyBytes = 0;
    this.#answers.admin = this.#answers.group = 0;
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

  /**
   * The next `count` replies are tickets of the sequence `name`, which what this returns is to
   * be told. `startTake` must follow.
   */
  expectTickets(
    count: number,
    { name, format }: { readonly name: string; readonly format: RunFormat },
  ): RunSlot {
    this.#tickets += count;
    const last = this.#slots.last;
    if (
      last instanceof RunSlot && last.name === name && last.format === format &&
      last.waiting > 0 && last.tailFrom === this.#tails.end
    ) {
      last.waiting += count;
      return last;
    }
    const tailFrom = this.#tails.end;
    return this.#open(new RunSlot(this, { count, tailFrom, name, format }));
  }

  /** The next reply is a block of tickets. `startTake` must follow. */
  expectBlock(format: BlockFormat): BlockSlot {
    this.#tickets++;
    const tailFrom = this.#tails.end;
    return this.#open(new BlockSlot(this, { tailFrom, format }));
  }

  /**
   * The next reply waits until the returned function is called, once, to write it. `startGroup`
   * must follow if it is that of a group of operations. `isAlone`: no further command is run
   * meanwhile.
   */
  expectAnswer(
    of: "admin" | "group" = "admin",
    { isAlone = false } = {},
  ): (write: (writer: RespWriter) => void) => void {
    const slot = this.#open(new Slot(1, this.#tails.end));
    this.#answers[of]++;
    if (isAlone) this.#alone++;
    return (write) => {
      if (this.#gone) return;
      assert(slot.waiting === 1, "a request was answered twice");
      this.#answers[of]--;
      if (isAlone) this.#alone--;
      this.#fill(slot, 1, () => write(this.#writerOf(slot)));
    };
  }

  /**
   * Runs `run`, which asks for the tickets that the newest slot waits for: now, or when the
   * groups before it have been answered.
   */
  startTake(run: () => void): void {
    this.#start("take", run);
  }

  /**
   * Runs `run`, which asks for the outcome that the newest slot waits for: now, or when the
   * takes before it have been answered.
   */
  startGroup(run: () => void): void {
    this.#start("group", run);
  }

  #start(kind: TurnKind, run: () => void): void {
    const slot = this.#slots.last;
    assert(slot !== undefined, "no reply waits for what is to be started");
    this.#turns.start(slot, kind, run);
  }

  /**
   * What `run` replies, which would have been the next reply. `undefined` if that is too long
   * to be kept whole.
   */
  capture(run: () => void): Uint8Array<ArrayBuffer> | undefined {
    assert(this.#captured === undefined, "one command is captured at a time");
    const captured = this.#captured = new RespWriter();
    try {
      run();
    } finally {
      this.#captured = undefined;
    }
    return captured.length > outputBytesMax
      ? undefined
      : captured.bytes().slice();
  }

  /**
   * The next reply is a bulk string of `bytes` bytes, made as the client reads. No further
   * command is run meanwhile.
   */
  long(bytes: number, reply: LongReply): void {
    this.writer.bulkHeader(bytes);
    if (this.#captured !== undefined) return this.#captureLong(reply);
    this.#open(new Slot(1, this.#tails.end));
    this.#long = reply;
    this.#alone++;
    this.#makePieces();
  }

  #captureLong({ pieces }: LongReply): void {
    const { writer } = this;
    for (let next; (next = pieces.next()).done !== true;) {
      writer.ascii(next.value);
      if (writer.length > outputBytesMax) return; // `capture` gives it up
    }
    writer.ascii("\r\n");
  }

  #open<S extends Slot>(slot: S): S {
    assert(this.#captured === undefined, "a captured command replies at once");
    this.#slots.push(slot);
    return slot;
  }

  /** Makes some more of a long reply, if it is its turn. */
  #makePieces(): void {
    const slot = this.#slots.first;
    const long = this.#long;
    if (slot === undefined || long === undefined) return;
    if (this.#slots.size > 1) return;
    while (this.#out.length < pieceBytes && slot.waiting > 0) {
      const { done, value } = long.pieces.next();
      if (!done) {
        this.#out.ascii(value);
        continue;
      }
      this.#out.ascii("\r\n");
      slot.waiting = 0;
      this.#long = undefined;
      this.#alone--;
      this.#release();
    }
  }

  /** Writes `part` of the tickets for which `slot` waits; for slots alone. */
  fill(
    slot: Slot,
    part: number,
    write: (writer: RespWriter) => void,
  ): void {
    this.#fill(slot, part, () => {
      this.#tickets -= part;
      const isWhole = part === slot.waiting && slot.early === undefined;
      if (isWhole && slot !== this.#slots.first) slot.late = write;
      else write(this.#writerOf(slot));
    });
  }

  #fill(slot: Slot, part: number, write: () => void): void {
    if (this.#gone) return;
    try {
      assert(part <= slot.waiting, "more replies than are awaited");
      const before = slot.early?.reservedBytes ?? 0;
      write();
      this.#earlyBytes += (slot.early?.reservedBytes ?? 0) - before;
      slot.waiting -= part;
      this.#release();
      if (slot.waiting === 0) this.#turns.ended(slot);
    } catch (error) {
      this.#failed(error);
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
      if (to > slot.tailFrom) {
        this.#tails.move(this.#out, { from: slot.tailFrom, to });
      }
      next?.late?.(this.#out);
      if (next?.early === undefined) continue;
      this.#earlyBytes -= next.early.reservedBytes;
      this.#out.append(next.early.bytes());
      next.early.rest();
      next.early = undefined;
    }
    this.#makePieces();
    if (this.#out.length > 0) this.#changed();
  }
}

function rethrow(error: unknown): void {
  throw error;
}
