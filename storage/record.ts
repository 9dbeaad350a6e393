// Frames payloads in a log file and tells a torn tail from damage. No files here:
// `wal.ts` hands in bytes. Little-endian:
//
//   record = crc u32 · length u32 · synced u64 · kind u8 · seed u32 · payload (length bytes)
//
// - `crc` is the CRC-32 of everything after itself, begun at seed + offset: the segment's
//   seed, and the record's place in its file. So a record that was copied to another place,
//   or is left over from another segment or incarnation, is not valid.
// - `seed` tells such a leftover at its own place from a torn write: a leftover shows that the
//   disk lost a write, there or before it.
// - `synced` says how many bytes of the file were durable when this record was written. A bad
//   record below that was acknowledged and is damage. One at or above it may be torn, or its
//   successor overtook it on the way to a disk that lost power (PITFALLS 9), and nobody was
//   told that it was durable.
// - No record has kind 0, so zeros read as the end of the log.

import { crc32 } from "node:zlib";
import type { Writer } from "../base/bytes.ts";
import { assert } from "../base/assert.ts";

/** Bytes of everything before the payload. */
export const recordHeaderBytes = 21;
/** The offset of `seed` in a record. */
const seedAt = 17;
const kindMax = 2;
/** Bytes of the longest payload. The node compacts its log long before it needs as many. */
const recordBytesMax = 256 * 1024 * 1024;

/** A `base` is the first record of a segment and holds the whole state; a `save` changes it. */
export const kinds = { base: 1, save: 2 } as const;

/** The kind of a record, as its byte. */
export type Kind = typeof kinds[keyof typeof kinds];

/** Where a record goes. */
export type Placement = {
  /** The segment's (`segment.ts`). */
  readonly seed: number;
  /** Bytes of the file before it. */
  readonly offset: number;
  /** How many of those are durable. */
  readonly synced: number;
};

/** A valid record of a file. */
export type FoundRecord = {
  readonly kind: number;
  readonly synced: number;
  readonly payload: Uint8Array;
  /** The offset of the byte after it. */
  readonly end: number;
};

/** Appends to `writer` one record around what `writePayload` writes. */
export function writeRecord(
  writer: Writer,
  kind: Kind,
  { place, writePayload }: {
    place: Placement;
    writePayload: (writer: Writer) => void;
  },
): void {
  const at = writer.skip(8);
  writer.u64(place.synced);
  writer.u8(kind);
  writer.u32(place.seed);
  writePayload(writer);
  const length = writer.length - at - recordHeaderBytes;
  assert(length <= recordBytesMax, `a record of ${length} bytes`);
  writer.setU32(at + 4, length);
  let crc = (place.seed + place.offset) >>> 0;
  for (const piece of writer.pieces(at + 4)) crc = crc32(piece, crc);
  writer.setU32(at, crc);
}

/**
 * The record that begins at exactly `offset`, or `undefined` if no valid one does. `place` is
 * the offset for which it was written, if that may be another.
 */
export function readRecord(
  bytes: Uint8Array,
  offset: number,
  { seed, place = offset }: { seed: number; place?: number },
): FoundRecord | undefined {
  const payloadAt = offset + recordHeaderBytes;
  if (payloadAt > bytes.length) return undefined;
  const kind = kindOf(bytes, offset);
  if (kind === 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(offset + seedAt, true) !== seed) return undefined;
  const end = payloadAt + view.getUint32(offset + 4, true);
  if (end > bytes.length) return undefined;
  const synced = syncedAt(view, offset);
  if (synced > place) return undefined;
  const start = (seed + place) >>> 0;
  if (
    crc32(bytes.subarray(offset + 4, end), start) !==
      view.getUint32(offset, true)
  ) return undefined;
  return { kind, synced, payload: bytes.subarray(payloadAt, end), end };
}

/** The kind of the record that may begin at `offset`; 0 if none does. */
function kindOf(bytes: Uint8Array, offset: number): number {
  const kind = bytes[offset + 16] ?? 0;
  return kind > kindMax ? 0 : kind;
}

function syncedAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 12, true) * 0x1_0000_0000 +
    view.getUint32(offset + 8, true);
}

/**
 * A record at `at` that was written for another offset: bytes before it were cut out or put in
 * since. `synced` tells that offset where everything before the record was durable, as it
 * always is at durability high.
 */
function readDisplaced(
  bytes: Uint8Array,
  at: number,
  { seed }: { seed: number },
): FoundRecord | undefined {
  if (at + recordHeaderBytes > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readRecord(bytes, at, { seed, place: syncedAt(view, at) });
}

/** A record at its own place that belongs to another segment or incarnation. */
function readForeign(
  bytes: Uint8Array,
  at: number,
  { seed }: { seed: number },
): FoundRecord | undefined {
  if (at + recordHeaderBytes > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const other = view.getUint32(at + seedAt, true);
  return other === seed ? undefined : readRecord(bytes, at, { seed: other });
}

/**
 * The first valid record at `from` or behind it, of whatever segment, and its place. For the
 * reader of a damaged file only: a start stops at the first byte that is no record.
 */
export function nextRecord(
  bytes: Uint8Array,
  from: number,
): { at: number; seed: number; record: FoundRecord } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + recordHeaderBytes <= bytes.length; at++) {
    if (kindOf(bytes, at) === 0) continue;
    const seed = view.getUint32(at + seedAt, true);
    const record = readRecord(bytes, at, { seed });
    if (record !== undefined) return { at, seed, record };
  }
  return undefined;
}

/** The bytes behind the last valid record; `witness` is the offset of another record there. */
export type Tail =
  | { readonly type: "end" }
  | { readonly type: "zeros" }
  | { readonly type: "torn" }
  /** The valid record at `witness` proves that a bad one before it was durable. */
  | { readonly type: "damaged"; readonly witness: number }
  /** The record at `witness` is not of this segment: it is stale, or all before it is. */
  | { readonly type: "foreign"; readonly witness: number };

/** Judges the bytes from `offset` on, where no valid record begins. */
export function readTail(
  bytes: Uint8Array,
  offset: number,
  { seed }: { seed: number },
): Tail {
  if (offset === bytes.length) return { type: "end" };
  let zeros = true;
  for (let at = offset; at < bytes.length;) {
    if (bytes[at] !== 0) zeros = false;
    // The cheap check first: a file may be long.
    if (kindOf(bytes, at) === 0) {
      at++;
      continue;
    }
    const record = readRecord(bytes, at, { seed });
    if (record !== undefined && record.synced > offset) {
      return { type: "damaged", witness: at };
    }
    const displaced = readDisplaced(bytes, at, { seed });
    if (displaced !== undefined && displaced.synced >= offset) {
      return { type: "damaged", witness: at };
    }
    if (readForeign(bytes, at, { seed }) !== undefined) {
      return { type: "foreign", witness: at };
    }
    at = record?.end ?? at + 1;
  }
  return { type: zeros ? "zeros" : "torn" };
}
