// The bytes on disk: saves and the identity of a data directory, encoded and decoded, without
// the frames and checksums that each storage adds. The wire has a format and a version of
// its own, in `message_codec.ts`. Little-endian:
//
//   identity  = cluster text · node id · incarnation text
//   save      = hardState · hasSnapshot bool · snapshot? · entries
//   hardState = currentTerm u64 · votedFor (id, or length 0)
//
// with entries and snapshots of `entry_codec.ts` and the fields of `base/bytes.ts`. Each
// value has one encoding; nothing else decodes.

import type { Reader, Writer } from "../../base/bytes.ts";
import {
  readEntries,
  readSnapshot,
  writeEntries,
  writeSnapshot,
} from "./entry_codec.ts";
import type { HardState, Identity, Save } from "./types.ts";

export { DecodeError } from "../../base/bytes.ts";

/**
 * The version of the format above. Each storage writes it down and refuses any other. Raise
 * it when an old ticketd could misread what a new one wrote.
 */
export const formatVersion = 1;

/** Writes `identity`; throws an {@linkcode InvariantError} if a field does not fit. */
export function writeIdentity(writer: Writer, identity: Identity): void {
  writer.text(identity.cluster);
  writer.id(identity.node);
  writer.text(identity.incarnation);
}

/** @throws {DecodeError} on bytes that `writeIdentity` does not make. */
export function readIdentity(reader: Reader): Identity {
  const cluster = reader.text();
  const node = reader.id();
  const incarnation = reader.text();
  return { cluster, node, incarnation };
}

function writeHardState(writer: Writer, hardState: HardState): void {
  writer.u64(hardState.currentTerm);
  if (hardState.votedFor === undefined) writer.u8(0);
  else writer.id(hardState.votedFor);
}

function readHardState(reader: Reader): HardState {
  const currentTerm = reader.u64();
  const votedFor = reader.idOrNone();
  return { currentTerm, votedFor };
}

/** The part of a save that is written: its number and `mustSync` end with the process. */
export type Change = Pick<
  Save,
  "hardState" | "snapshot" | "firstIndex" | "entries"
>;

/** Writes `change`; throws an {@linkcode InvariantError} if a field does not fit. */
export function writeChange(writer: Writer, change: Change): void {
  writeHardState(writer, change.hardState);
  writer.u8(change.snapshot === undefined ? 0 : 1);
  if (change.snapshot !== undefined) writeSnapshot(writer, change.snapshot);
  writeEntries(writer, change.firstIndex, change.entries);
}

/** @throws {DecodeError} on bytes that `writeChange` does not make. */
export function readChange(reader: Reader): Change {
  const hardState = readHardState(reader);
  const snapshot = reader.bool() ? readSnapshot(reader) : undefined;
  const { first, entries } = readEntries(reader, Infinity);
  return { hardState, snapshot, firstIndex: first, entries };
}
