// What `kv.ts` keeps in Deno KV, as keys and bytes. Little-endian:
//
//   ["ticketd", node, "head"]          = crc u32 · format version u32 · first u64 ·
//                                        next u64 · session text · identity
//   ["ticketd", node, "save", n, part] = crc u32 · parts u32 · a part of one save
//
// SQLite has no checksums of its own. A part's is begun at its place (n and part), so
// that none stands for another.

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

/** Deno KV allows 64 KiB a value. */
export const partBytesMax = 60 * 1024;

export type Head = {
  readonly identity: Identity;
  readonly session: string;
  readonly first: number;
  readonly next: number;
};

export function headKey(node: NodeId): Deno.KvKey {
  return ["ticketd", node, "head"];
}

export function saveKey(node: NodeId, n: number, part?: number): Deno.KvKey {
  return part === undefined
    ? ["ticketd", node, "save", n]
    : ["ticketd", node, "save", n, part];
}

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

export function split(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += partBytesMax) {
    parts.push(payload.subarray(at, at + partBytesMax));
  }
  return parts;
}

export function joined(parts: Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (const part of parts) writer.raw(part);
  return writer.written;
}

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

export function damaged(what: string, reason: string): StorageError {
  return new StorageError(
    `${what} is damaged (${reason}); nothing was changed. Restore the store from a ` +
      "copy, or remove this node from its cluster and let it join anew with an empty one",
  );
}
