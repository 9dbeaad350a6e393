// The bytes of one segment of the log: encodes a fresh one, reads an old one back. No files
// here: `wal.ts` moves them, `record.ts` frames records, `save_codec.ts` encodes saves.
//
//   segment = magic "ticketd\n" · format version u32 · crc u32 of these · base · save*
//   base    = record, of seed 0, of: segment number u64 · identity
//             · whole state as one save · zeros · the segment's seed u32
//   save    = record, of the segment's seed, of: one save
//
// Preamble and base are synced before the segment gets its name, so a fault in them is damage
// and never a torn write. A right checksum tells a newer format from damage.
//
// A sector that was not written may still hold the base of a removed file. So there are just
// enough zeros, or none, to put the last seed behind the file's first sector: no single sector
// holds a whole base, and a base whose sectors come from two files fails its checksum.
// Where all of it is the removed file's, the records behind it betray it (`record.ts`).

import { crc32 } from "node:zlib";
import { Reader, Writer } from "../base/bytes.ts";
import {
  type Change,
  DecodeError,
  formatVersion,
  readChange,
  readIdentity,
  writeChange,
  writeIdentity,
} from "../raft/core/save_codec.ts";
import type { Identity, NodeId, Snapshot } from "../raft/core/types.ts";
import { replay, type Replayed } from "./apply_save.ts";
import {
  type FoundRecord,
  kinds,
  readRecord,
  readTail,
  type Tail,
  writeRecord,
} from "./record.ts";
import { PieceWriter } from "./piece_writer.ts";
import { StorageError } from "./storage.ts";

const magic = new TextEncoder().encode("ticketd\n");
/** Bytes before the base. */
export const preambleBytes = 16;
/** A disk writes so many bytes whole or not at all (docs/decisions.md, Storage). */
const sectorBytes = 512;

/** A segment that is being written; what a crash left there is written over. */
export const temporaryName = "segment.tmp";

const segmentPattern = /^(\d{16})\.log$/;

/** The numbers of the segments among a directory's names, in rising order. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .map((name) => segmentPattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The file of segment `number`: `0000000000000001.log`. */
export function segmentName(number: number): string {
  return `${String(number).padStart(16, "0")}.log`;
}

/** A u32 that ties a record to one segment of one incarnation of one node's directory. */
export function seedOf(identity: Identity, number: number): number {
  return crc32(
    `${identity.cluster} ${identity.node} ${identity.incarnation} ${number}`,
  );
}

/** The bytes of a segment that holds `change`, which is the whole state, and nothing else. */
export function encodeSegment(
  number: number,
  identity: Identity,
  change: Change,
): Uint8Array {
  // A writer of its own: a segment may be large, and its memory must not be kept. Nor must it
  // grow: that would copy the snapshot again and again, and hold it twice.
  const writer = new Writer(sizeOf(change));
  writeSegment(writer, { number, identity, change });
  return writer.written;
}

/** The same in pieces, without a copy of a large snapshot. */
export function segmentPieces(
  number: number,
  identity: Identity,
  change: Change,
): Uint8Array[] {
  const writer = new PieceWriter(sizeOf({ ...change, snapshot: undefined }));
  writeSegment(writer, { number, identity, change });
  return writer.pieces();
}

function writeSegment(
  writer: Writer,
  { number, identity, change }: {
    number: number;
    identity: Identity;
    change: Change;
  },
): void {
  writer.raw(magic);
  writer.u32(formatVersion);
  writer.u32(crc32(writer.written));
  writeBase(writer, {
    number,
    identity,
    writeState: (writer) => writeChange(writer, change),
  });
}

/** Bytes that suffice for `change` and its frame, unless it holds many configurations. */
function sizeOf({ snapshot, entries }: Change): number {
  return entries.reduce(
    (sum, entry) => sum + (entry.type === "command" ? entry.data.length : 0),
    (snapshot?.data.length ?? 0) + 16 * entries.length + 32 * 1024,
  );
}

/** Appends the base to `writer`, which holds the preamble; `writeState` writes one save. */
export function writeBase(
  writer: Writer,
  { number, identity, writeState }: {
    number: number;
    identity: Identity;
    writeState: (writer: Writer) => void;
  },
): void {
  writeRecord(writer, kinds.base, {
    place: { seed: 0, offset: preambleBytes, synced: 0 },
    writePayload: (writer) => {
      writer.u64(number);
      writeIdentity(writer, identity);
      writeState(writer);
      writer.raw(new Uint8Array(zerosAt(writer.length)));
      writer.u32(seedOf(identity, number));
    },
  });
}

/** How many zeros, written at `offset` of the file, reach the end of its first sector. */
function zerosAt(offset: number): number {
  return Math.max(0, sectorBytes - offset);
}

/** A segment that was read back. */
export type Segment = {
  /** The state after the last valid record. */
  readonly state: Replayed;
  /** The offset at which that record ends. */
  readonly end: number;
  /** The nature of the bytes behind it. */
  readonly tail: Exclude<Tail["type"], "damaged" | "foreign">;
};

/**
 * Reads the segment whose file, at `path`, is named by `number` and must belong to `node`.
 *
 * @throws {StorageError} on damage, another node's data or another format
 */
export function readSegment(
  bytes: Uint8Array,
  { path, number, node }: { path: string; number: number; node: NodeId },
): Segment {
  checkPreamble(bytes, path);
  const base = readRecord(bytes, preambleBytes, { seed: 0 });
  // It was synced before the file got its name: this is no torn write.
  if (base?.kind !== kinds.base) {
    throw damaged(path, preambleBytes, "the first record");
  }
  const state = decode(base, path, (reader): Replayed => {
    const content = readBase(reader, {
      end: base.end,
      owned: (inside, identity) => {
        checkOwner(identity.node, { path, node });
        if (inside === number) return;
        throw new StorageError(
          `${path} is segment ${inside} under another name; give it its own name back`,
        );
      },
    });
    const { identity, change: { hardState, snapshot } } = content;
    const state = { identity, hardState, snapshot, entries: [] };
    replayed(reader, state, content.change);
    return state;
  });
  const seed = seedOf(state.identity, number);
  let end = base.end;
  for (;;) {
    const record = readRecord(bytes, end, { seed });
    if (record === undefined) break;
    decode(
      record,
      path,
      (reader) => replayed(reader, state, readChange(reader)),
    );
    end = record.end;
  }
  const tail = readTail(bytes, end, { seed });
  if (tail.type === "foreign") {
    throw damaged(
      path,
      end,
      `the record at byte ${tail.witness} is of another segment, or of an earlier use of this file`,
    );
  }
  if (tail.type !== "damaged") return { state, end, tail: tail.type };
  throw damaged(
    path,
    end,
    `the valid record at byte ${tail.witness} is younger`,
  );
}

/** The payload of a base. */
export type Base = {
  /** The segment's number, which its file is named by. */
  readonly number: number;
  readonly identity: Identity;
  readonly change: Change & { readonly snapshot: Snapshot };
};

/**
 * Reads the payload of the base whose record ends at offset `end` of its file. `owned` may
 * refuse number and identity before the rest is read.
 *
 * @throws {DecodeError} on bytes that {@linkcode writeBase} does not make
 */
export function readBase(
  reader: Reader,
  { end, owned = () => {} }: {
    readonly end: number;
    readonly owned?: (number: number, identity: Identity) => void;
  },
): Base {
  const number = reader.u64();
  const identity = readIdentity(reader);
  owned(number, identity);
  const change = readChange(reader);
  const { snapshot } = change;
  if (snapshot === undefined) return reader.fail("no snapshot");
  for (let zeros = zerosAt(end - reader.left); zeros > 0; zeros--) {
    if (reader.u8() !== 0) reader.fail("no zero");
  }
  if (reader.u32() !== seedOf(identity, number)) reader.fail("another seed");
  return { number, identity, change: { ...change, snapshot } };
}

/** A save that does not fit the log before it is as unsound as one that cannot be read. */
function replayed(reader: Reader, state: Replayed, change: Change): void {
  try {
    replay(state, change);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    reader.fail(error.message);
  }
}

/** @throws {StorageError} unless the preamble is whole and of this format */
export function checkPreamble(bytes: Uint8Array, path: string): void {
  if (
    bytes.length < preambleBytes || magic.some((byte, i) => bytes[i] !== byte)
  ) {
    throw damaged(path, 0, "the first bytes of any segment");
  }
  const reader = new Reader(bytes.subarray(magic.length, preambleBytes));
  const version = reader.u32();
  if (reader.u32() !== crc32(bytes.subarray(0, magic.length + 4))) {
    throw damaged(path, magic.length, "the format version");
  }
  if (version !== formatVersion) {
    throw new StorageError(
      `${path} has format ${version}, this ticketd knows ${formatVersion}; ` +
        "start the newer ticketd that wrote it",
    );
  }
}

function checkOwner(
  owner: NodeId,
  { path, node }: { path: string; node: NodeId },
): void {
  if (owner === node) return;
  throw new StorageError(
    `${path} belongs to node ${owner}, not to node ${node}; ` +
      `start with --id ${owner}, or with another --dir`,
  );
}

/** Decodes a payload whose checksum is right: one that does not decode is no torn write. */
function decode<T>(
  { payload, end }: FoundRecord,
  path: string,
  read: (reader: Reader) => T,
): T {
  const reader = new Reader(payload);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw damaged(path, end - payload.length, error.message);
  }
}

function damaged(path: string, offset: number, proof: string): StorageError {
  return new StorageError(
    `${path} is damaged at byte ${offset} (${proof}), and what is damaged was once ` +
      "durable; nothing was changed. Restore the directory from a copy, or remove this " +
      "node from its cluster and let it join anew with an empty directory",
  );
}
