// How large the numbers of another node may be. No honest node has counted any further, and
// a larger number would do lasting harm: a term near the end of what a file can hold goes
// to disk, and the node could never stand for election again, nor start. Bounds are checked
// where messages are decoded (`message_codec.ts`); the one that depends on this node's own
// term, before they are obeyed (`faults.ts`).

import type { Reader } from "../../base/bytes.ts";

/** Terms, indexes, sequences and rounds: all are counted up one by one. */
export const counterMax = 2 ** 50;

/**
 * Bytes of data in one Forward or ForwardResponse: thousands of groups of operations. Of a guest
 * no frame of this size is read, but none forwards: only a member on a known disk may.
 */
export const forwardBytesMax = 256 * 1024;

/**
 * How far the term of a message may be above this node's own, in terms. At two elections a
 * second, which is more than any storm brings, a node may be away for three months.
 */
export const termJumpMax = 2 ** 24;

/** Bytes of a snapshot's data in one message. */
export const chunkBytesMax = 32 * 1024;

/** Tickets in one part of a take: as many as an isolate that serves clients asks for at once. */
export const takeCountMax = 2 ** 21;

/** Sequences in one take … */
export const takePartsMax = 4096;
/** … and bytes of its parts: a guest's frame holds them, and the fields beside them. */
export const takeBytesMax = 60 * 1024;

/** Reads a number that an honest node has counted up to, one by one. */
export function counter(reader: Reader): number {
  const value = reader.u64();
  if (value > counterMax) reader.fail(`${value}, above ${counterMax}`);
  return value;
}
