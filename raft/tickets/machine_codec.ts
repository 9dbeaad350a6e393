// The commands of the log that change the machine, as bytes.
//
//   batch     = version u8 = 4 · sequencesMax u32 · count u32 · operation*   each by itself
//   group     = version u8 = 5 · sequencesMax u32 · count u32 · operation*   all or none
//   operation = take u8 = 1 · name text · count u64 · isCapped bool
//             | return   2 · name text · from big64 · to big64
//             | raise    3 · name text · to big64
//             | create   4 · name text · start big64
//             | policy   5 · | set-policy 6 · policy u8 (0: any | 1: created)
//             | last     7 · name text
//             | check    8 · name text · exists bool · (last big64, if it exists)
//
// A ticketd of before wrote these, which are still applied, without any limit:
//   take u8 = 1 · count u8 · (name text · wanted u64)* | return u8 = 2 · … | raise u8 = 3 · …

import { assert, present, unreachable } from "../../base/assert.ts";
import { Reader, Writer } from "../../base/bytes.ts";
import { isSequenceName } from "../../base/sequence_name.ts";
import type { Policy } from "../channel/operations.ts";
import { commandBytesMax } from "../core/entry_codec.ts";
import { NameBytes } from "./name_bytes.ts";

/** One operation of a command; `Name` is how it holds the name of its sequence. */
type Operation<Name> =
  /** Takes `count` numbers in a row, at least 1; if `isCapped`, none of them above 2^63 - 1. */
  | {
    readonly type: "take";
    readonly name: Name;
    readonly count: number;
    readonly isCapped: boolean;
  }
  /** Sets the last number back to `to` if it is still `from`: nobody has those between. */
  | {
    readonly type: "return";
    readonly name: Name;
    readonly from: bigint;
    readonly to: bigint;
  }
  /** Sets the last number to `to`, at least 1, unless it is above that. */
  | { readonly type: "raise"; readonly name: Name; readonly to: bigint }
  /** Begins a sequence whose first number is `start`, at least 1. */
  | { readonly type: "create"; readonly name: Name; readonly start: bigint }
  | { readonly type: "set-policy"; readonly policy: Policy }
  | { readonly type: "policy" }
  | { readonly type: "last"; readonly name: Name }
  /** Is refused unless the last number is `last`; `undefined`: there is no such sequence. */
  | {
    readonly type: "check";
    readonly name: Name;
    readonly last: bigint | undefined;
  };

/** One operation of a command that is to enter the log. */
export type SequenceOperation = Operation<string>;

/** One operation of a command that is read; the name lies in the command's bytes. */
export type ReadOperation =
  | Operation<NameBytes>
  /** Of a ticketd of before: takes `count` numbers, or as many as there are. */
  | {
    readonly type: "take-some";
    readonly name: NameBytes;
    readonly count: number;
  };

/** What a command says of all its operations. */
export type CommandOptions = {
  /** A new sequence is refused if there are so many already; 0 to 2^32 - 1. */
  readonly sequencesMax: number;
};

const versions = { takes: 1, return: 2, raise: 3, batch: 4, group: 5 } as const;
/** In the order of their bytes, from 1 on. */
const types = [
  "take",
  "return",
  "raise",
  "create",
  "policy",
  "set-policy",
  "last",
  "check",
] as const satisfies SequenceOperation["type"][];
const policies: readonly Policy[] = ["any", "created"];
/** Bytes before the first operation: version, maximum and count. */
const headBytes = 9;
const writer = new Writer();

/**
 * A command whose operations are carried out each by itself.
 *
 * @throws {InvariantError} if they do not fit ({@linkcode countThatFits}), or a field is wrong
 */
export function encodeBatch(
  operations: readonly SequenceOperation[],
  options: CommandOptions,
): Uint8Array<ArrayBuffer> {
  return encode(versions.batch, operations, options);
}

/** The same of operations of which all are carried out, or none. */
export function encodeGroup(
  operations: readonly SequenceOperation[],
  options: CommandOptions,
): Uint8Array<ArrayBuffer> {
  return encode(versions.group, operations, options);
}

/** How many of `operations`, from position `from` on, fit into one command. */
export function countThatFits(
  operations: readonly SequenceOperation[],
  from = 0,
): number {
  let bytes = headBytes;
  for (let i = from; i < operations.length; i++) {
    bytes += bytesOf(present(operations[i]));
    if (bytes > commandBytesMax) return i - from;
  }
  return operations.length - from;
}

/** Whether all of `operations` fit into one command. */
export function fitsCommand(operations: readonly SequenceOperation[]): boolean {
  return countThatFits(operations) === operations.length;
}

function bytesOf(operation: SequenceOperation): number {
  const nameBytes = "name" in operation ? 1 + operation.name.length : 0;
  switch (operation.type) {
    case "take":
      return 10 + nameBytes;
    case "return":
      return 17 + nameBytes;
    case "raise":
    case "create":
      return 9 + nameBytes;
    case "set-policy":
      return 2;
    case "policy":
    case "last":
      return 1 + nameBytes;
    case "check":
      return (operation.last === undefined ? 2 : 10) + nameBytes;
    default:
      return unreachable(operation);
  }
}

function encode(
  version: number,
  operations: readonly SequenceOperation[],
  { sequencesMax }: CommandOptions,
): Uint8Array<ArrayBuffer> {
  assert(operations.length > 0, "a command of no operations");
  writer.reset();
  writer.u8(version);
  writer.u32(sequencesMax);
  writer.u32(operations.length);
  for (const operation of operations) writeOperation(operation);
  const { length } = writer;
  assert(length <= commandBytesMax, `a command of ${length} bytes`);
  return writer.copy();
}

function writeOperation(operation: SequenceOperation): void {
  writer.u8(1 + types.indexOf(operation.type));
  if ("name" in operation) writeName(operation.name);
  switch (operation.type) {
    case "take":
      assert(operation.count > 0, "a take wants at least one number");
      writer.u64(operation.count);
      writer.u8(operation.isCapped ? 1 : 0);
      break;
    case "return": {
      const { from, to } = operation;
      assert(to < from, "a return gives at least one number back");
      writer.big64(from);
      writer.big64(to);
      break;
    }
    case "raise":
      assert(operation.to > 0n, "every number is above 0");
      writer.big64(operation.to);
      break;
    case "create":
      assert(operation.start > 0n, "every number is above 0");
      writer.big64(operation.start);
      break;
    case "set-policy":
      writer.u8(policies.indexOf(operation.policy));
      break;
    case "check":
      writer.u8(operation.last === undefined ? 0 : 1);
      if (operation.last !== undefined) writer.big64(operation.last);
      break;
    case "policy":
    case "last":
      break;
    default:
      unreachable(operation);
  }
}

function writeName(name: string): void {
  assert(isSequenceName(name), "a name of no sequence");
  writer.u8(name.length);
  for (let i = 0; i < name.length; i++) writer.u8(name.charCodeAt(i));
}

/** Whether a later ticketd wrote the command, in a version that this one does not know. */
export function isNewerCommand(command: Uint8Array): boolean {
  return (command[0] ?? 0) > versions.group;
}

/** Whether all of a command's operations are carried out, or none. */
export function isGroup(command: Uint8Array): boolean {
  return command[0] === versions.group;
}

/** All operations of a command; throws as {@linkcode CommandReader} does. */
export function readOperations(command: Uint8Array): readonly ReadOperation[] {
  const reader = new CommandReader(command);
  const operations: ReadOperation[] = [];
  // Not an array of `count`: few bytes must not reserve much memory (PITFALLS 33).
  for (let i = 0; i < reader.count; i++) operations.push(reader.next());
  reader.end();
  return operations;
}

/**
 * Reads a command from its first operation to its last.
 *
 * @throws {DecodeError} from every method, on bytes that are no command; an
 * {@linkcode InvariantError} on those of a newer version
 */
export class CommandReader {
  readonly isGroup: boolean;
  /** Whether a ticketd of before wrote it: it knows no policy and no maximum. */
  readonly isFormer: boolean;
  readonly sequencesMax: number;
  /** How many operations it has. */
  readonly count: number;
  readonly #version: number;
  readonly #reader: Reader;

  constructor(command: Uint8Array) {
    const reader = this.#reader = new Reader(command);
    const version = this.#version = reader.u8();
    assert(
      !isNewerCommand(command),
      `format ${version} in the log is newer than this ticketd, which knows ${versions.group}`,
    );
    if (version === 0) reader.fail("format 0");
    this.isGroup = isGroup(command);
    this.isFormer = version < versions.batch;
    this.sequencesMax = this.isFormer ? Infinity : reader.u32();
    this.count = version === versions.takes
      ? reader.u8()
      : this.isFormer
      ? 1
      : reader.u32();
    if (this.count === 0 && !this.isFormer) reader.fail("no operation");
  }

  /** The next operation: there are `count`. */
  next(): ReadOperation {
    if (this.#version === versions.takes) {
      const name = this.#name();
      return { type: "take-some", name, count: this.#wanted() };
    }
    const reader = this.#reader;
    const code = this.isFormer ? this.#version : reader.u8();
    const type = types[code - 1] ?? reader.fail(`operation ${code}`);
    switch (type) {
      case "take": {
        const [name, count] = [this.#name(), this.#wanted()];
        return { type, name, count, isCapped: reader.bool() };
      }
      case "return": {
        const [name, from, to] = [this.#name(), reader.big64(), reader.big64()];
        if (to >= from) reader.fail("nothing comes back");
        return { type, name, from, to };
      }
      case "raise":
        return { type, name: this.#name(), to: this.#number() };
      case "create":
        return { type, name: this.#name(), start: this.#number() };
      case "policy":
        return { type };
      case "set-policy": {
        const policy = policies[reader.u8()] ?? reader.fail("no policy");
        return { type, policy };
      }
      case "last":
        return { type, name: this.#name() };
      case "check": {
        const name = this.#name();
        return { type, name, last: reader.bool() ? reader.big64() : undefined };
      }
      default:
        return unreachable(type);
    }
  }

  /** Makes sure that nothing is left behind the last operation. */
  end(): void {
    this.#reader.end();
  }

  #name(): NameBytes {
    const reader = this.#reader;
    const length = reader.u8();
    return new NameBytes(reader.view, reader.skip(length), length);
  }

  #wanted(): number {
    const count = this.#reader.u64();
    if (count === 0) this.#reader.fail("a take wants at least one number");
    return count;
  }

  #number(): bigint {
    const number = this.#reader.big64();
    if (number === 0n) this.#reader.fail("every number is above 0");
    return number;
  }
}
