// The log in Deno KV as keys and bytes; `kv.ts` and `kv_storage.ts` read and write them.
// Little-endian, with the fields of base/bytes.ts; saves as in raft/core/save_codec.ts:
//
//   ["ticketd", node, "head"]          = crc u32 · format version u32 · first u64 ·
//                                        next u64 · session text · identity
//   ["ticketd", node, "save", n, part] = crc u32 · parts u32 · a part of one save
//   ["ticketd", node, "founding"]      = the draft, as in `draft.ts`
//
// Saves `first` to `next - 1` exist, `first` with a snapshot; no others count. A compaction moves
// both far up (`kv_compaction.ts`). Each `crc` is the CRC-32 of the rest of the value, because
// SQLite has no checksums of its own. That of a part begins at the part's place (n and part), so
// that no part passes for another.

import { crc32 } from "node:zlib";
import { Reader, Writer } from "../base/bytes.ts";
import {
  DecodeError,
  formatVersion,
  readIdentity,
  writeIdentity,
} from "../raft/core/save_codec.ts";
import type { Identity, NodeId } from "../raft/core/types.ts";
import { StorageError } from "./storage.ts";

/** Bytes of a save in one value, of which Deno KV allows 64 KiB. */
export const partBytesMax = 60 * 1024;

/** The saves that count, and whose they are. */
export type Head = {
  readonly identity: Identity;
  /** Drawn by each process that opens the store, so that the head changes. */
  readonly session: string;
  /** The number of the oldest save that counts. */
  readonly first: number;
  /** The number that the next save gets. */
  readonly next: number;
};

/** The key of the head of `node`. */
export function headKey(node: NodeId): Deno.KvKey {
  return ["ticketd", node, "head"];
}

/** The key of the draft of `node`. */
export function draftKey(node: NodeId): Deno.KvKey {
  return ["ticketd", node, "founding"];
}

/** The key of a part of save `n`; without `part`, the beginning of them all. */
export function saveKey(node: NodeId, n: number, part?: number): Deno.KvKey {
  return part === undefined
    ? ["ticketd", node, "save", n]
    : ["ticketd", node, "save", n, part];
}

/** The value of the head, with its checksum. */
export function encodeHead(head: Head): Uint8Array {
  const writer = new Writer();
  const at = writer.skip(4);
  writer.u32(formatVersion);
  writer.u64(head.first);
  writer.u64(head.next);
  writer.text(head.session);
  writeIdentity(writer, head.identity);
  writer.setU32(at, crc32(writer.written.subarray(4)));
  return writer.copy();
}

/**
 * The head of `node`; `where` names the store in messages.
 *
 * @throws {StorageError} if it is damaged, or of another format
 */
export function decodeHead(
  value: unknown,
  { where, node }: { where: string; node: NodeId },
): Head {
  const what = `the head of node ${node} in ${where}`;
  if (!(value instanceof Uint8Array)) throw damaged(what, "no bytes");
  return decoded(value, (reader) => {
    if (reader.u32() !== crc32(value.subarray(4))) {
      reader.fail("the checksum is wrong");
    }
    const version = reader.u32();
    if (version !== formatVersion) {
      throw new StorageError(
        `${what} has format ${version}, this ticketd knows ${formatVersion}; ` +
          "start the newer ticketd that wrote it",
      );
    }
    const first = reader.u64();
    const next = reader.u64();
    const session = reader.text();
    return { first, next, session, identity: readIdentity(reader) };
  }, what);
}

/** A save's bytes in parts, each a view. */
export function split(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += partBytesMax) {
    parts.push(payload.subarray(at, at + partBytesMax));
  }
  return parts;
}

/** The inverse of {@linkcode split}. */
export function joined(parts: Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (const part of parts) writer.raw(part);
  return writer.written;
}

/** The value of part `index` of the `count` parts of save `n`. */
export function framed(
  part: Uint8Array,
  n: number,
  index: number,
  count: number,
): Uint8Array {
  const writer = new Writer();
  const at = writer.skip(4);
  writer.u32(count);
  writer.raw(part);
  writer.setU32(at, crc32(writer.written.subarray(4), crc32(`${n} ${index}`)));
  return writer.copy();
}

/** The inverse of {@linkcode framed}; `undefined` if the value is not that part. */
export function unframed(
  value: unknown,
  n: number,
  index: number,
): { part: Uint8Array; count: number } | undefined {
  if (!(value instanceof Uint8Array) || value.length < 8) return undefined;
  const reader = new Reader(value);
  if (reader.u32() !== crc32(value.subarray(4), crc32(`${n} ${index}`))) {
    return undefined;
  }
  return { count: reader.u32(), part: value.subarray(8) };
}

/**
 * Reads all of `payload`; `what` names it in messages.
 *
 * @throws {StorageError} if it does not decode
 */
export function decoded<T>(
  payload: Uint8Array,
  read: (reader: Reader) => T,
  what: string,
): T {
  const reader = new Reader(payload);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw damaged(what, error.message);
  }
}

/** The error that refuses a damaged store. */
export function damaged(what: string, reason: string): StorageError {
  return new StorageError(
    `${what} is damaged (${reason}); nothing was changed. Restore the store from a ` +
      "copy, or remove this node from its cluster and let it join anew with an empty one",
  );
}
