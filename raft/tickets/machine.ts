// The replicated state: the last number taken of each sequence. Knows no terms, nodes
// or clients; equal commands in equal order make equal states.
//
//   command  = take | return | raise
//   take     = version u8 = 1 · count u8 · (name text · wanted u64)*
//   return   = version u8 = 2 · name text · from big64 · to big64
//   raise    = version u8 = 3 · name text · to big64
//   snapshot = version u8 = 1 · count u32 · (name text · last big64)*   in order of creation
//
// A return sets the last number back to `to` if it is still `from`: the numbers between were
// taken and given to nobody. A raise sets the last number to `to` unless it is above that. TICKET
// uses one sequence; a take lists several so that others can be added without a new format.
// Numbers are uint64, and BigInt throughout: they go beyond 2^53.

import { assert } from "../../base/assert.ts";
import { DecodeError, Reader, Writer } from "../../base/bytes.ts";
import type { Range } from "../../base/range.ts";
import type { PeerMessage } from "../core/types.ts";

/** The sequence that TICKET takes from. */
export const ticketSequence = "ticket";

/** The last number that a sequence can give. */
export const lastTicket = 2n ** 64n - 1n;

const version = 1;
const returnVersion = 2;
const raiseVersion = 3;
const writer = new Writer();

/** The log entry that takes `wanted` numbers of `name`. */
export function encodeTake(name: string, wanted: number): Uint8Array {
  writer.reset();
  writer.u8(version);
  writer.u8(1);
  writer.text(name);
  writer.u64(wanted);
  return writer.written.slice();
}

/** The log entry that gives numbers `to + 1` to `from` of `name` back. */
export function encodeReturn(
  name: string,
  { from, to }: { readonly from: bigint; readonly to: bigint },
): Uint8Array {
  assert(to < from, `numbers ${to + 1n} to ${from} are none`);
  writer.reset();
  writer.u8(returnVersion);
  writer.text(name);
  writer.big64(from);
  writer.big64(to);
  return writer.written.slice();
}

/** The log entry after which no number of `name` up to `to` is given; `to` is at least 1. */
export function encodeRaise(name: string, to: bigint): Uint8Array {
  assert(to > 0n, "every number is above 0");
  writer.reset();
  writer.u8(raiseVersion);
  writer.text(name);
  writer.big64(to);
  return writer.written.slice();
}

/** The last number taken of each sequence; changed by the commands of the log alone. */
export class Machine {
  #sequences = new Map<string, bigint>();

  /** A machine whose sequences have taken these last numbers, each 0 to 2^64 - 1. */
  static of(sequences: Iterable<readonly [string, bigint]>): Machine {
    const machine = new Machine();
    for (const [name, last] of sequences) machine.#sequences.set(name, last);
    return machine;
  }

  /** Whether no sequence exists yet. */
  get isEmpty(): boolean {
    return this.#sequences.size === 0;
  }

  /** The last number taken of `name`; 0 before the first. */
  last(name: string): bigint {
    return this.#sequences.get(name) ?? 0n;
  }

  /** Every sequence, and the last number taken of it, in order of creation. */
  get sequences(): readonly (readonly [name: string, last: bigint])[] {
    return [...this.#sequences];
  }

  /**
   * Applies a command. Returns the numbers that it takes, in the command's order: fewer than
   * it wants only if the sequence has no more.
   *
   * @throws {DecodeError} or {InvariantError} if this version cannot apply it
   */
  apply(command: Uint8Array): Range[] {
    const reader = new Reader(command);
    const format = reader.u8();
    const given: Range[] = [];
    if (format === returnVersion) {
      const [name, from, to] = [reader.text(), reader.big64(), reader.big64()];
      reader.end();
      this.#takeBack(name, from, to);
      return given;
    }
    if (format !== version) {
      checkVersion(format, raiseVersion);
      const [name, to] = [reader.text(), reader.big64()];
      reader.end();
      this.#raise(name, to);
      return given;
    }
    for (let left = reader.u8(); left > 0; left--) {
      given.push(this.#give(reader.text(), reader.u64()));
    }
    reader.end();
    return given;
  }

  /** The whole state, as {@linkcode Machine.restore} reads it. */
  snapshot(): Uint8Array {
    writer.reset();
    writer.u8(version);
    writer.u32(this.#sequences.size);
    for (const [name, last] of this.#sequences) {
      writer.text(name);
      writer.big64(last);
    }
    return writer.written.slice();
  }

  /** Takes the state of `snapshot`; no bytes at all are the state before any command. */
  restore(snapshot: Uint8Array): void {
    this.#sequences.clear();
    if (snapshot.length === 0) return;
    const reader = new Reader(snapshot);
    checkVersion(reader.u8(), version);
    for (let left = reader.u32(); left > 0; left--) {
      const name = reader.text();
      this.#sequences.set(name, reader.big64());
    }
    reader.end();
  }

  #takeBack(name: string, from: bigint, to: bigint): void {
    assert(to < from, `numbers ${to + 1n} to ${from} come back`);
    if (this.last(name) === from) this.#sequences.set(name, to);
  }

  #raise(name: string, to: bigint): void {
    if (to > this.last(name)) this.#sequences.set(name, to);
  }

  #give(name: string, wanted: number): Range {
    assert(wanted > 0, "a take wants at least one number");
    const before = this.last(name);
    const left = lastTicket - before;
    const count = BigInt(wanted) <= left ? wanted : Number(left);
    const last = before + BigInt(count);
    this.#sequences.set(name, last);
    return { last, count };
  }
}

/** Whether this version can apply a command: one that it cannot must not enter the log. */
export function isCommand(data: Uint8Array): boolean {
  const reader = new Reader(data);
  return isReadable(() => {
    const format = reader.u8();
    if (format === returnVersion) {
      reader.text();
      const [from, to] = [reader.big64(), reader.big64()];
      if (to >= from) reader.fail("nothing comes back");
    } else if (format === raiseVersion) {
      reader.text();
      if (reader.big64() === 0n) reader.fail("every number is above 0");
    } else {
      if (format !== version) reader.fail("another format");
      for (let left = reader.u8(); left > 0; left--) {
        reader.text();
        if (reader.u64() === 0) reader.fail("nothing is taken");
      }
    }
    reader.end();
  });
}

/** Whether a command may lower a last number. */
export function isReturn(data: Uint8Array): boolean {
  return data[0] === returnVersion;
}

/** Whether this version can restore a snapshot ({@linkcode Machine.snapshot}). */
export function isState(data: Uint8Array): boolean {
  return isReadable(() => {
    if (data.length > 0 && data[0] !== version) {
      throw new DecodeError("another format");
    }
    new Machine().restore(data);
  });
}

/**
 * Whether this version can apply all entries of `message`. A snapshot comes in parts: the core
 * asks for the whole ({@linkcode isState}).
 */
export function canApply(message: PeerMessage): boolean {
  switch (message.type) {
    case "AppendEntries":
      return message.entries.every((entry) =>
        entry.type !== "command" || isCommand(entry.data)
      );
    default:
      return true;
  }
}

function isReadable(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** All nodes must apply an entry alike, so a node that cannot must end. */
function checkVersion(found: number, known: number): void {
  assert(
    found === known,
    `format ${found} in the log is newer than this ticketd, which knows ${known}`,
  );
}
