// The replicated state: the last number taken of each sequence, and the policy for new ones.
// Knows no terms, nodes or clients; equal commands in equal order make equal states. Whether an
// operation is carried out is decided here, when its command is applied, and nowhere else.
//
// Not here: the bytes of commands (`machine_codec.ts`), and those of the state, which are its
// snapshot (`sequence_table.ts`). Numbers are uint64, and BigInt throughout: they go beyond 2^53.

import { InvariantError, unreachable } from "../../base/assert.ts";
import { DecodeError } from "../../base/bytes.ts";
import { int64Max } from "../../base/range.ts";
import type { Policy, Result, SequenceRefusal } from "../channel/operations.ts";
import type { PeerMessage } from "../core/types.ts";
import {
  CommandReader,
  isNewerCommand,
  type ReadOperation,
  readOperations,
} from "./machine_codec.ts";
import { bytesOfName, type NameBytes } from "./name_bytes.ts";
import { isNewerState, SequenceTable } from "./sequence_table.ts";

export {
  countThatFits,
  encodeBatch,
  encodeGroup,
  fitsCommand,
} from "./machine_codec.ts";
export type { CommandOptions, SequenceOperation } from "./machine_codec.ts";

/** The last number that a sequence can give. */
export const lastTicket = 2n ** 64n - 1n;

/** What the machine made of one operation. */
export type Outcome =
  | Extract<Result, { type: "taken" | "last" | "done" | "policy" }>
  /** Nothing was done; `at` is the operation's position in its command, from 0 on. */
  | {
    readonly type: "refused";
    readonly reason: SequenceRefusal;
    readonly at: number;
  };

const done: Outcome = { type: "done" };

/** What a group has changed, for the case that it is refused. */
type Undo = {
  readonly size: number;
  readonly policy: Policy;
  /** Places of last numbers and what stood there, the latest last. */
  readonly lasts: (readonly [place: number, last: bigint])[];
};

/** The last number taken of each sequence; changed by the commands of the log alone. */
export class Machine {
  #table = new SequenceTable();
  /** A snapshot that was read, and is not restored yet. */
  #read:
    | { readonly snapshot: Uint8Array; readonly table: SequenceTable }
    | undefined;
  /** While a group is applied. */
  #undo: Undo | undefined;

  /**
   * A machine whose sequences have taken these last numbers, each 0 to 2^64 - 1.
   *
   * @throws {InvariantError} if a name is none, or stands there twice
   */
  static of(
    sequences: Iterable<readonly [name: string, last: bigint]>,
    policy: Policy = "any",
  ): Machine {
    const machine = new Machine();
    const table = machine.#table;
    table.policy = policy;
    for (const [name, last] of sequences) {
      const bytes = bytesOfName(name);
      if (bytes === undefined || table.find(bytes) !== undefined) {
        throw new InvariantError(`no name of a sequence: ${name}`);
      }
      table.setLast(table.add(bytes), last);
    }
    return machine;
  }

  /** Whether no command has changed anything yet. */
  get isEmpty(): boolean {
    return this.#table.size === 0 && this.policy === "any";
  }

  /** How many sequences there are. */
  get size(): number {
    return this.#table.size;
  }

  /** Whether a name that nobody created is begun at 1 when it is first used. */
  get policy(): Policy {
    return this.#table.policy;
  }

  /** The last number taken of `name`; `undefined` if there is no such sequence. */
  last(name: string): bigint | undefined {
    const bytes = bytesOfName(name);
    return bytes && this.#last(bytes);
  }

  /** Every sequence, and the last number taken of it, in order of creation. */
  get sequences(): readonly (readonly [name: string, last: bigint])[] {
    return this.#table.sequences(0, this.size);
  }

  /**
   * Up to `count` sequences in order of creation, from position `cursor` on, and the position
   * behind them, or 0 if no more follow. Sequences are never removed, so that a reader who
   * goes from page to page misses none that was there when it began.
   */
  page(cursor: number, count: number): {
    readonly next: number;
    readonly sequences: readonly (readonly [name: string, last: bigint])[];
  } {
    const next = cursor + count;
    return {
      next: next < this.size ? next : 0,
      sequences: this.#table.sequences(cursor, next),
    };
  }

  /**
   * Applies a command. Returns one outcome for each of its operations, in their order; of a
   * group that is refused, the refusal alone, and the state is as it was.
   *
   * @throws {DecodeError} or {InvariantError} if this version cannot apply it
   */
  apply(command: Uint8Array): readonly Outcome[] {
    this.#table.goOn();
    const reader = new CommandReader(command);
    if (reader.isGroup) return this.#applyGroup(reader);
    const outcomes: Outcome[] = [];
    for (let at = 0; at < reader.count; at++) {
      outcomes.push(this.#applyOne(reader.next(), { at, reader }));
    }
    reader.end();
    return outcomes;
  }

  /** Whether a snapshot would take long now. Commands and ticks bring this to an end. */
  get isBehind(): boolean {
    return this.#table.isBehind;
  }

  /** A tick has passed, or several: does a part of what the last snapshot has put off. */
  tick(): void {
    this.#table.tick();
  }

  /**
   * The whole state, as {@linkcode Machine.restore} reads it. Not a copy, so that it takes no
   * time, unless the machine is behind: nobody may change these bytes.
   */
  snapshot(): Uint8Array {
    return this.#table.state();
  }

  /**
   * Takes the state of `snapshot`; no bytes at all are the state before any command. The bytes
   * are kept: nobody may change them any more.
   *
   * @throws {DecodeError} or {InvariantError} if it is none; the state is then as it was
   */
  restore(snapshot: Uint8Array): void {
    const read = this.#read;
    this.#read = undefined;
    this.#table = read?.snapshot === snapshot
      ? read.table
      : SequenceTable.of(snapshot);
  }

  /**
   * Whether this version can restore `snapshot`. What it has read is kept for
   * {@linkcode Machine.restore}: reading 100,000 sequences twice would hold up tickets.
   */
  canRestore(snapshot: Uint8Array): boolean {
    this.#read = undefined;
    return !isNewerState(snapshot) && isReadable(() => {
      this.#read = { snapshot, table: SequenceTable.of(snapshot) };
    });
  }

  #applyGroup(reader: CommandReader): readonly Outcome[] {
    const { size, policy } = this;
    const undo: Undo = this.#undo = { size, policy, lasts: [] };
    const outcomes: Outcome[] = [];
    let refused: Outcome | undefined;
    for (let at = 0; at < reader.count; at++) {
      const operation = reader.next();
      if (refused !== undefined) continue; // to read it to its end
      const outcome = this.#applyOne(operation, { at, reader });
      if (outcome.type === "refused") refused = outcome;
      else outcomes.push(outcome);
    }
    reader.end();
    this.#undo = undefined;
    if (refused === undefined) return outcomes;
    for (const [place, last] of undo.lasts.toReversed()) {
      this.#table.setLast(place, last);
    }
    this.#table.cut(undo.size);
    this.#table.policy = undo.policy;
    return [refused];
  }

  #applyOne(
    operation: ReadOperation,
    { at, reader }: { readonly at: number; readonly reader: CommandReader },
  ): Outcome {
    const result = this.#carryOut(operation, reader);
    return typeof result === "string"
      ? { type: "refused", reason: result, at }
      : result;
  }

  #carryOut(
    operation: ReadOperation,
    limits: CommandReader,
  ): Outcome | SequenceRefusal {
    switch (operation.type) {
      case "take": {
        const place = this.#begun(operation.name, limits);
        return typeof place === "string" ? place : this.#take(place, operation);
      }
      case "take-some": {
        const place = this.#begun(operation.name, limits);
        return typeof place === "string"
          ? place
          : this.#takeSome(place, operation.count);
      }
      case "return": {
        const { name, from, to } = operation;
        const place = this.#table.find(name);
        if (place !== undefined && this.#table.lastAt(place) === from) {
          this.#set(place, to);
        }
        return done;
      }
      case "raise": {
        const { name, to } = operation;
        const place = this.#begun(name, limits);
        if (typeof place === "string") return place;
        if (to > this.#table.lastAt(place)) this.#set(place, to);
        return done;
      }
      case "create":
        return this.#create(operation, limits);
      case "set-policy":
        this.#table.policy = operation.policy;
        return done;
      case "policy":
        return { type: "policy", policy: this.policy };
      case "last":
        return { type: "last", last: this.#last(operation.name) };
      case "check": {
        const isUnchanged = this.#last(operation.name) === operation.last;
        return isUnchanged ? done : "changed";
      }
      default:
        return unreachable(operation);
    }
  }

  /** Where the last number of `name` lies; begins the sequence if it may. */
  #begun(name: NameBytes, limits: CommandReader): number | SequenceRefusal {
    const place = this.#table.find(name);
    if (place !== undefined) return place;
    // What follows cannot fail on a sequence at 0: none is begun for an operation that does.
    // Before there was a policy, every name could be used.
    if (this.policy === "created" && !limits.isFormer) {
      return "unknown-sequence";
    }
    if (this.size >= limits.sequencesMax) return "too-many-sequences";
    return this.#table.add(name);
  }

  #take(
    place: number,
    { count, isCapped }: { readonly count: number; readonly isCapped: boolean },
  ): Outcome | SequenceRefusal {
    const last = this.#table.lastAt(place) + BigInt(count);
    if (isCapped && last > int64Max) return "above-int64";
    if (last > lastTicket) return "exhausted";
    this.#set(place, last);
    return { type: "taken", last, count };
  }

  #takeSome(place: number, wanted: number): Outcome {
    const before = this.#table.lastAt(place);
    const left = lastTicket - before;
    const count = BigInt(wanted) <= left ? wanted : Number(left);
    const last = before + BigInt(count);
    this.#set(place, last);
    return { type: "taken", last, count };
  }

  #create(
    { name, start }: { readonly name: NameBytes; readonly start: bigint },
    { sequencesMax }: CommandReader,
  ): Outcome | SequenceRefusal {
    if (this.#table.find(name) !== undefined) return "exists";
    if (this.size >= sequencesMax) return "too-many-sequences";
    this.#table.setLast(this.#table.add(name), start - 1n);
    return done;
  }

  #last(name: NameBytes): bigint | undefined {
    const place = this.#table.find(name);
    return place === undefined ? undefined : this.#table.lastAt(place);
  }

  #set(place: number, last: bigint): void {
    this.#undo?.lasts.push([place, this.#table.lastAt(place)]);
    this.#table.setLast(place, last);
  }
}

/** Whether this version can apply a command: one that it cannot must not enter the log. */
export function isCommand(data: Uint8Array): boolean {
  return !isNewerCommand(data) && isReadable(() => {
    const reader = new CommandReader(data);
    for (let left = reader.count; left > 0; left--) reader.next();
    reader.end();
  });
}

/** Whether a command may lower a last number. */
export function isReturn(data: Uint8Array): boolean {
  let isLowering = false;
  const isSound = !isNewerCommand(data) && isReadable(() => {
    isLowering = readOperations(data).some(({ type }) => type === "return");
  });
  return isSound && isLowering;
}

/** Whether this version can restore a snapshot ({@linkcode Machine.snapshot}). */
export function isState(data: Uint8Array): boolean {
  return !isNewerState(data) && isReadable(() => SequenceTable.of(data));
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
