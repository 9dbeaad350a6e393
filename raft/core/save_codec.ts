// Entries, snapshots and saves as bytes, and back; no frames or checksums. Messages, which
// carry the first two, stand in `message_codec.ts`. Little-endian. What lies on disk says
// format version 1; the wire has a version of its own.
//
//   entries   = first u64 · count u32 · entry*                  indexes first, first+1 …
//   entry     = type u8 · term u64 · (1: – | 2: data | 3: config)
//   snapshot  = index u64 · term u64 · configurationIndex u64 · config · data
//   config    = count u8 · (id · address text · suffrage u8 · incarnation text)*
//   hardState = currentTerm u64 · votedFor (id, or length 0)
//   identity  = cluster text · node id · incarnation text
//   save      = hardState · hasSnapshot bool · snapshot? · entries
//
// with the fields of `bytes.ts`. One encoding stands for each value; nothing else decodes.

import { assert, InvariantError, unreachable } from "../../base/assert.ts";
import type { Reader, Writer } from "../../base/bytes.ts";
import type {
  Configuration,
  Entry,
  HardState,
  Identity,
  Index,
  Save,
  Server,
  Snapshot,
} from "./types.ts";

export { DecodeError } from "../../base/bytes.ts";

export const formatVersion = 1;

export const commandBytesMax = 64 * 1024;
export const snapshotBytesMax = 1024 * 1024;
export const serversMax = 64;

/** A byte each, from 1 on. */
const suffrages = ["voter", "learner", "nonvoter"] as const;

const entryTypes = { noop: 1, command: 2, configuration: 3 } as const;
/** Type and term: what the shortest entry takes. */
const entryBytesMin = 9;

export function writeConfiguration(
  writer: Writer,
  { servers }: Configuration,
): void {
  assert(servers.length <= serversMax, `${servers.length} servers`);
  writer.u8(servers.length);
  for (const server of servers) {
    writer.id(server.id);
    writer.text(server.address);
    writer.u8(1 + suffrages.indexOf(server.suffrage));
    writer.text(server.incarnation);
  }
}

export function readConfiguration(reader: Reader): Configuration {
  const count = reader.u8();
  if (count > serversMax) reader.fail(`${count} servers, above ${serversMax}`);
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const id = reader.id();
    const address = reader.text();
    const suffrage = suffrages[reader.u8() - 1] ?? reader.fail("no suffrage");
    servers.push({ id, address, suffrage, incarnation: reader.text() });
  }
  return { servers };
}

/** The indexes are not written, so they cannot disagree: first, first + 1 … */
export function writeEntries(
  writer: Writer,
  first: Index,
  entries: readonly Entry[],
): void {
  writer.u64(first);
  writer.u32(entries.length);
  let index = first;
  for (const entry of entries) {
    if (entry.index !== index) misplaced(entry.index, index);
    index++;
    writer.u8(entryTypes[entry.type]);
    writer.u64(entry.term);
    switch (entry.type) {
      case "noop":
        break;
      case "command":
        writer.data(entry.data, commandBytesMax);
        break;
      case "configuration":
        writeConfiguration(writer, entry.configuration);
        break;
      default:
        unreachable(entry);
    }
  }
}

function misplaced(index: Index, expected: Index): never {
  throw new InvariantError(`entry ${index} where ${expected} belongs`);
}

export function readEntries(
  reader: Reader,
  countMax: number,
): { first: Index; entries: Entry[] } {
  const first = reader.u64();
  const count = reader.u32();
  // Few bytes must not reserve much memory (PITFALLS 33).
  if (count > Math.min(countMax, reader.left / entryBytesMin)) {
    reader.fail(`${count} entries`);
  }
  if (!Number.isSafeInteger(first + count)) reader.fail(`index ${first}`);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) entries.push(readEntry(reader, first + i));
  return { first, entries };
}

function readEntry(reader: Reader, index: Index): Entry {
  const type = reader.u8();
  const term = reader.u64();
  switch (type) {
    case entryTypes.noop:
      return { type: "noop", index, term };
    case entryTypes.command:
      return {
        type: "command",
        index,
        term,
        data: reader.data(commandBytesMax),
      };
    case entryTypes.configuration:
      return {
        type: "configuration",
        index,
        term,
        configuration: readConfiguration(reader),
      };
    default:
      return reader.fail(`entry type ${type}`);
  }
}

export function writeSnapshot(writer: Writer, snapshot: Snapshot): void {
  writer.u64(snapshot.index);
  writer.u64(snapshot.term);
  writer.u64(snapshot.configurationIndex);
  writeConfiguration(writer, snapshot.configuration);
  writer.data(snapshot.data, snapshotBytesMax);
}

export function readSnapshot(reader: Reader): Snapshot {
  const index = reader.u64();
  const term = reader.u64();
  const configurationIndex = reader.u64();
  const configuration = readConfiguration(reader);
  const data = reader.data(snapshotBytesMax);
  return { index, term, configuration, configurationIndex, data };
}

export function writeIdentity(writer: Writer, identity: Identity): void {
  writer.text(identity.cluster);
  writer.id(identity.node);
  writer.text(identity.incarnation);
}

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

/** The part of a save that outlives the process. */
export type Change = Pick<
  Save,
  "hardState" | "snapshot" | "firstIndex" | "entries"
>;

export function writeChange(writer: Writer, change: Change): void {
  writeHardState(writer, change.hardState);
  writer.u8(change.snapshot === undefined ? 0 : 1);
  if (change.snapshot !== undefined) writeSnapshot(writer, change.snapshot);
  writeEntries(writer, change.firstIndex, change.entries);
}

export function readChange(reader: Reader): Change {
  const hardState = readHardState(reader);
  const snapshot = reader.bool() ? readSnapshot(reader) : undefined;
  const { first, entries } = readEntries(reader, Infinity);
  return { hardState, snapshot, firstIndex: first, entries };
}
