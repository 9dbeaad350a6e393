// Groups of operations and their outcomes as bytes: what crosses the door between isolates, and
// in Forward and ForwardResponse the wire between nodes. Little-endian:
//
//   groups   = 1 u8 · size · (size · operation*)*      at least one group, of at least one
//   outcomes = 2 u8 · size · outcome*                  in the order of the groups
//
//   size     = 7 bits a byte, the lowest first, the top bit set in all but the last byte
//   name     = size, its place in the order of first use in these bytes · text at first use
//   words    = as `name`, of the texts of errors and addresses
//
// Operations, results and outcomes begin with a tag (the tables below). Each value has one
// encoding; nothing else decodes, for the bytes may come from another node.

import { assert } from "../../base/assert.ts";
import { Reader, Writer } from "../../base/bytes.ts";
import { isSequenceName } from "../../base/sequence_name.ts";
import { readResults, writeResults } from "./result_codec.ts";
import { readSize, sizeMax, Texts, writeSize } from "./text_table.ts";
import {
  groupsMax,
  groupWeight,
  listCountMax,
  operationCountMax,
  operationsMax,
  weightMax,
  weightOf,
} from "./operation_limits.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  SequenceRefusal,
} from "./operations.ts";

const groupsTag = 1;
const outcomesTag = 2;

/** Tags of operations. Those of two kinds have two tags, instead of a field. */
const tags = {
  take: 1,
  cappedTake: 2,
  last: 3,
  raise: 4,
  create: 5,
  setPolicyAny: 6,
  setPolicyCreated: 7,
  policy: 8,
  list: 9,
  size: 10,
  check: 11,
  checkNone: 12,
  backup: 13,
} as const;

/** Tags of outcomes. */
const outcomeTags = { done: 1, refused: 2, notLeader: 3, moved: 4, error: 5 };

/** Each is written as its place here. */
const refusals: readonly SequenceRefusal[] = [
  "exhausted",
  "above-int64",
  "unknown-sequence",
  "too-many-sequences",
  "exists",
  "changed",
];

const writer = new Writer();

/**
 * The bytes of `groups`, which the caller owns.
 *
 * @throws {InvariantError} if the groups break a limit of `operation_limits.ts`
 */
export function encodeGroups(
  groups: readonly Group[],
): Uint8Array<ArrayBuffer> {
  assert(isBetween(groups.length, 1, groupsMax), "too many groups, or none");
  const names = new Texts();
  let weight = 0;
  writer.reset();
  writer.u8(groupsTag);
  writeSize(writer, groups.length);
  for (const group of groups) {
    assert(isBetween(group.length, 1, operationsMax), "a group's length");
    writeSize(writer, group.length);
    weight += groupWeight;
    for (const operation of group) {
      weight += weightOf(operation);
      writeOperation(operation, names);
    }
  }
  assert(weight <= weightMax, `groups of weight ${weight}`);
  return writer.copy();
}

/**
 * Inverts {@linkcode encodeGroups}.
 *
 * @throws {DecodeError} on anything that it does not make
 */
export function decodeGroups(bytes: Uint8Array): Operation[][] {
  const reader = new Reader(bytes);
  if (reader.u8() !== groupsTag) reader.fail("no groups of operations");
  const names = new Texts();
  const groups: Operation[][] = [];
  let weight = 0;
  for (let left = sizeIn(reader, 1, groupsMax); left > 0; left--) {
    const group: Operation[] = [];
    weight += groupWeight;
    for (let rest = sizeIn(reader, 1, operationsMax); rest > 0; rest--) {
      const operation = readOperation(reader, names);
      weight += weightOf(operation);
      group.push(operation);
    }
    groups.push(group);
  }
  reader.end();
  // The results would not fit one message.
  if (weight > weightMax) reader.fail(`groups of weight ${weight}`);
  return groups;
}

/** The bytes of `outcomes`, which the caller owns. */
export function encodeOutcomes(
  outcomes: readonly GroupOutcome[],
): Uint8Array<ArrayBuffer> {
  assert(
    isBetween(outcomes.length, 1, groupsMax),
    "too many outcomes, or none",
  );
  const words = new Texts();
  writer.reset();
  writer.u8(outcomesTag);
  writeSize(writer, outcomes.length);
  for (const outcome of outcomes) writeOutcome(outcome, words);
  return writer.copy();
}

/**
 * Inverts {@linkcode encodeOutcomes}. Whether they fit the groups that were asked is for
 * the node that asked to say.
 *
 * @throws {DecodeError} on anything that it does not make
 */
export function decodeOutcomes(bytes: Uint8Array): GroupOutcome[] {
  const reader = new Reader(bytes);
  if (reader.u8() !== outcomesTag) reader.fail("no outcomes of groups");
  const words = new Texts();
  const outcomes: GroupOutcome[] = [];
  for (let left = sizeIn(reader, 1, groupsMax); left > 0; left--) {
    outcomes.push(readOutcome(reader, words));
  }
  reader.end();
  return outcomes;
}

/** The outcomes of the groups in `data` if none can be carried out, because of `text`. */
export function refuseGroups(
  data: Uint8Array,
  text: string,
): Uint8Array<ArrayBuffer> {
  const outcome: GroupOutcome = { type: "error", text };
  return encodeOutcomes(decodeGroups(data).map(() => outcome));
}

function writeOperation(operation: Operation, names: Texts): void {
  switch (operation.type) {
    case "take": {
      const { name, count, isCapped } = operation;
      assert(isBetween(count, 1, operationCountMax), "the count of a take");
      writer.u8(isCapped ? tags.cappedTake : tags.take);
      writeName(name, names);
      return writeSize(writer, count);
    }
    case "last":
      writer.u8(tags.last);
      return writeName(operation.name, names);
    case "raise":
      assert(operation.to > 0n, "every number is above 0");
      writer.u8(tags.raise);
      writeName(operation.name, names);
      return writer.big64(operation.to);
    case "create":
      assert(operation.start > 0n, "the first number is at least 1");
      writer.u8(tags.create);
      writeName(operation.name, names);
      return writer.big64(operation.start);
    case "set-policy":
      return writer.u8(
        operation.policy === "any" ? tags.setPolicyAny : tags.setPolicyCreated,
      );
    case "policy":
      return writer.u8(tags.policy);
    case "list":
      assert(isBetween(operation.count, 1, listCountMax), "a page's length");
      writer.u8(tags.list);
      writeSize(writer, operation.cursor);
      return writeSize(writer, operation.count);
    case "size":
      return writer.u8(tags.size);
    case "check": {
      const { name, last } = operation;
      writer.u8(last === undefined ? tags.checkNone : tags.check);
      writeName(name, names);
      if (last !== undefined) writer.big64(last);
      return;
    }
    case "backup":
      writer.u8(tags.backup);
      return writeSize(writer, operation.cursor);
    default:
      operation satisfies never;
  }
}

function readOperation(reader: Reader, names: Texts): Operation {
  const tag = reader.u8();
  switch (tag) {
    case tags.take:
    case tags.cappedTake: {
      const name = readName(reader, names);
      const count = sizeIn(reader, 1, operationCountMax);
      return { type: "take", name, count, isCapped: tag === tags.cappedTake };
    }
    case tags.last:
      return { type: "last", name: readName(reader, names) };
    case tags.raise:
      return {
        type: "raise",
        name: readName(reader, names),
        to: number(reader),
      };
    case tags.create: {
      const name = readName(reader, names);
      return { type: "create", name, start: number(reader) };
    }
    case tags.setPolicyAny:
      return { type: "set-policy", policy: "any" };
    case tags.setPolicyCreated:
      return { type: "set-policy", policy: "created" };
    case tags.policy:
      return { type: "policy" };
    case tags.list: {
      const cursor = sizeIn(reader, 0, sizeMax);
      return { type: "list", cursor, count: sizeIn(reader, 1, listCountMax) };
    }
    case tags.size:
      return { type: "size" };
    case tags.check: {
      const name = readName(reader, names);
      return { type: "check", name, last: reader.big64() };
    }
    case tags.checkNone:
      return { type: "check", name: readName(reader, names), last: undefined };
    case tags.backup:
      return { type: "backup", cursor: sizeIn(reader, 0, sizeMax) };
    default:
      return reader.fail(`operation ${tag}`);
  }
}

function writeOutcome(outcome: GroupOutcome, words: Texts): void {
  switch (outcome.type) {
    case "done":
      writer.u8(outcomeTags.done);
      return writeResults(writer, outcome.results);
    case "refused":
      writer.u8(outcomeTags.refused);
      writer.u8(refusals.indexOf(outcome.reason));
      return writeSize(writer, outcome.at);
    case "not-leader":
      return writer.u8(outcomeTags.notLeader);
    case "moved":
      writer.u8(outcomeTags.moved);
      words.write(writer, outcome.to);
      return;
    case "error":
      writer.u8(outcomeTags.error);
      words.write(writer, outcome.text);
      return;
    default:
      outcome satisfies never;
  }
}

function readOutcome(reader: Reader, words: Texts): GroupOutcome {
  const tag = reader.u8();
  switch (tag) {
    case outcomeTags.done:
      return { type: "done", results: readResults(reader) };
    case outcomeTags.refused: {
      const reason = refusals[reader.u8()] ?? reader.fail("a reason");
      return {
        type: "refused",
        reason,
        at: sizeIn(reader, 0, operationsMax - 1),
      };
    }
    case outcomeTags.notLeader:
      return { type: "not-leader" };
    case outcomeTags.moved:
      return { type: "moved", to: words.read(reader) };
    case outcomeTags.error:
      return { type: "error", text: words.read(reader) };
    default:
      return reader.fail(`outcome ${tag}`);
  }
}

function writeName(name: string, names: Texts): void {
  if (names.write(writer, name)) assert(isSequenceName(name), "no name");
}

function readName(reader: Reader, names: Texts): string {
  return names.read(reader, isSequenceName);
}

/** A number that a sequence can give. */
function number(reader: Reader): bigint {
  return reader.big64() || reader.fail("number 0");
}

function sizeIn(reader: Reader, min: number, max: number): number {
  const size = readSize(reader);
  if (!isBetween(size, min, max)) reader.fail(`${size}, not ${min} to ${max}`);
  return size;
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
