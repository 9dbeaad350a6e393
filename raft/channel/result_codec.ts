// The results of a group's operations as bytes: a part of its outcome (`operation_codec.ts`).
//
//   results = size · result*
//   page    = next size · size · (name text · last big64)*
//   backup  = next size · size · (key long · value long)*       long = size · UTF-8
//
// Tags tell the other results apart, and stand for those that have no fields.

import { utf8In } from "../../base/bytes.ts";
import type { Reader, Writer } from "../../base/bytes.ts";
import { isSequenceName } from "../../base/sequence_name.ts";
import {
  backupHeadMax,
  operationCountMax,
  operationsMax,
  pageLengthMax,
} from "./operation_limits.ts";
import type { Result } from "./operations.ts";
import { readSize, writeSize } from "./text_table.ts";

/** Tags of results. Those of two kinds have two tags, instead of a field. */
const tags = {
  taken: 1,
  last: 2,
  lastNone: 3,
  done: 4,
  policyAny: 5,
  policyCreated: 6,
  page: 7,
  size: 8,
  backup: 9,
} as const;

/** Bytes of a key or value: an address of 255 bytes, with the words beside it. */
const longBytesMax = 512;

const utf8 = new TextEncoder();

/** Bytes that the sequence `name` takes in a page. */
export function sequenceBytes(name: string): number {
  return 1 + name.length + 8;
}

/** Appends `results`. */
export function writeResults(
  writer: Writer,
  results: readonly Result[],
): void {
  writeSize(writer, results.length);
  for (const result of results) writeResult(writer, result);
}

/**
 * Inverts {@linkcode writeResults}.
 *
 * @throws {DecodeError} on anything that it does not make
 */
export function readResults(reader: Reader): Result[] {
  const results: Result[] = [];
  let left = readSize(reader);
  if (left === 0 || left > operationsMax) reader.fail(`${left} results`);
  for (; left > 0; left--) results.push(readResult(reader));
  return results;
}

function writeResult(writer: Writer, result: Result): void {
  switch (result.type) {
    case "taken":
      writer.u8(tags.taken);
      writer.big64(result.last);
      return writeSize(writer, result.count);
    case "last":
      if (result.last === undefined) return writer.u8(tags.lastNone);
      writer.u8(tags.last);
      return writer.big64(result.last);
    case "done":
      return writer.u8(tags.done);
    case "policy":
      return writer.u8(
        result.policy === "any" ? tags.policyAny : tags.policyCreated,
      );
    case "page":
      writer.u8(tags.page);
      writeSize(writer, result.next);
      writeSize(writer, result.sequences.length);
      for (const [name, last] of result.sequences) {
        writer.text(name);
        writer.big64(last);
      }
      return;
    case "size":
      writer.u8(tags.size);
      return writeSize(writer, result.size);
    case "backup":
      writer.u8(tags.backup);
      writeSize(writer, result.next);
      writeSize(writer, result.pairs.length);
      for (const [key, value] of result.pairs) {
        writeLong(writer, key);
        writeLong(writer, value);
      }
      return;
    default:
      result satisfies never;
  }
}

function readResult(reader: Reader): Result {
  const tag = reader.u8();
  switch (tag) {
    case tags.taken: {
      const last = reader.big64();
      const count = readSize(reader);
      const isSound = count > 0 && count <= operationCountMax;
      if (!isSound || BigInt(count) > last) reader.fail(`${count} numbers`);
      return { type: "taken", last, count };
    }
    case tags.last:
      return { type: "last", last: reader.big64() };
    case tags.lastNone:
      return { type: "last", last: undefined };
    case tags.done:
      return { type: "done" };
    case tags.policyAny:
      return { type: "policy", policy: "any" };
    case tags.policyCreated:
      return { type: "policy", policy: "created" };
    case tags.page:
      return readPage(reader);
    case tags.size:
      return { type: "size", size: readSize(reader) };
    case tags.backup:
      return readBackup(reader);
    default:
      return reader.fail(`result ${tag}`);
  }
}

function readPage(reader: Reader): Result {
  const next = readSize(reader);
  const sequences: (readonly [string, bigint])[] = [];
  for (let left = length(reader, pageLengthMax); left > 0; left--) {
    const name = reader.text();
    if (!isSequenceName(name)) reader.fail("no name of a sequence");
    sequences.push([name, reader.big64()]);
  }
  return { type: "page", next, sequences };
}

function readBackup(reader: Reader): Result {
  const next = readSize(reader);
  const pairs: (readonly [string, string])[] = [];
  const pairsMax = backupHeadMax + pageLengthMax;
  for (let left = length(reader, pairsMax); left > 0; left--) {
    const key = readLong(reader);
    pairs.push([key, readLong(reader)]);
  }
  return { type: "backup", pairs, next };
}

function length(reader: Reader, max: number): number {
  const length = readSize(reader);
  if (length > max) reader.fail(`${length} in a page`);
  return length;
}

function writeLong(writer: Writer, text: string): void {
  const bytes = utf8.encode(text);
  writeSize(writer, bytes.length);
  writer.raw(bytes);
}

function readLong(reader: Reader): string {
  const length = readSize(reader);
  if (length > longBytesMax) reader.fail(`a text of ${length} bytes`);
  return utf8In(reader.raw(length)) ?? reader.fail("a text that is not UTF-8");
}
