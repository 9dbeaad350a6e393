// The bytes of takes between nodes: a Take and its answers, each about many sequences, with the
// bounds that another node's numbers must keep. Not here: what stands before them in a message
// (`message_codec.ts`), and what they mean (`types.ts`).
//
//   Take         = id · process · term · answered · count u32, at least 1 · part*
//   part         = name text · count · isCapped bool
//   TakeResponse = id · process · count u32 · answer*
//   answer       = at u32 · (u8 = 0 · last big64 | refusal u8, from 1 on)
//
// Numbers are u64; a count is 1 to `takeCountMax`.

import { assert } from "../../base/assert.ts";
import type { Reader, Writer } from "../../base/bytes.ts";
import { isSequenceName } from "../../base/sequence_name.ts";
import { counter, takeCountMax, takePartsMax } from "./limits.ts";
import type {
  NodeId,
  Take,
  TakeAnswer,
  TakePart,
  TakeResponse,
} from "./types.ts";

/** Bytes of a part beside its name. */
export const takePartBytes = 10;

/** The refusals of an answer, in the order of their bytes. */
const refusals = [
  "lost",
  "exhausted",
  "above-int64",
  "unknown-sequence",
  "too-many-sequences",
] as const satisfies readonly TakeAnswer["refusal"][];

/** The fields that stand before the body. */
type Ends = { readonly from: NodeId; readonly to: NodeId };

/** Writes all but the ends of a Take. */
export function writeTake(writer: Writer, take: Take): void {
  writer.u64(take.id);
  writer.u64(take.process);
  writer.u64(take.term);
  writer.u64(take.answered);
  assert(take.parts.length <= takePartsMax, "a take of too many sequences");
  writer.u32(take.parts.length);
  for (const { name, count, isCapped } of take.parts) {
    writer.text(name);
    writer.u64(count);
    writer.u8(isCapped ? 1 : 0);
  }
}

/** @throws {DecodeError} on what {@linkcode writeTake} does not write */
export function readTake(reader: Reader, ends: Ends): Take {
  const run = { id: reader.u64(), process: reader.u64() };
  const term = counter(reader);
  const answered = reader.u64();
  if (answered >= run.id) reader.fail(`an answer to take ${answered}`);
  const count = readCount(reader);
  if (count === 0) reader.fail("a take of nothing");
  const parts = Array.from({ length: count }, () => readPart(reader));
  return { type: "Take", ...ends, ...run, term, answered, parts };
}

/** Writes all but the ends of a TakeResponse. */
export function writeTakeResponse(
  writer: Writer,
  response: TakeResponse,
): void {
  writer.u64(response.id);
  writer.u64(response.process);
  writer.u32(response.answers.length);
  for (const { at, last, refusal } of response.answers) {
    writer.u32(at);
    writer.u8(refusal === undefined ? 0 : 1 + refusals.indexOf(refusal));
    if (refusal !== undefined) continue;
    assert(last !== undefined, "an answer without a refusal has numbers");
    writer.big64(last);
  }
}

/** @throws {DecodeError} on what {@linkcode writeTakeResponse} does not write */
export function readTakeResponse(reader: Reader, ends: Ends): TakeResponse {
  const run = { id: reader.u64(), process: reader.u64() };
  const answers = Array.from(
    { length: readCount(reader) },
    () => readAnswer(reader),
  );
  return { type: "TakeResponse", ...ends, ...run, answers };
}

function readCount(reader: Reader): number {
  const count = reader.u32();
  if (count > takePartsMax) reader.fail(`${count} parts of a take`);
  return count;
}

function readPart(reader: Reader): TakePart {
  const name = reader.text();
  if (!isSequenceName(name)) reader.fail("a name of no sequence");
  const count = reader.u64();
  if (count === 0) reader.fail("a part of nothing");
  if (count > takeCountMax) reader.fail(`${count} tickets in one take`);
  return { name, count, isCapped: reader.bool() };
}

function readAnswer(reader: Reader): TakeAnswer {
  const at = reader.u32();
  if (at >= takePartsMax) reader.fail(`part ${at} of a take`);
  const code = reader.u8();
  if (code === 0) return { at, last: reader.big64(), refusal: undefined };
  const refusal = refusals[code - 1] ?? reader.fail(`refusal ${code}`);
  return { at, last: undefined, refusal };
}
