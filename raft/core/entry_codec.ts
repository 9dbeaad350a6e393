// The bytes that disk and wire share: entries, configurations and snapshots, without frames
// or checksums. `save_codec.ts` and `message_codec.ts` put them into their formats; each has
// a version of its own. A change here changes both formats: raise both versions, or give
// one of them an encoding of its own. Little-endian:
//
//   entries  = first u64 · count u32 · entry*                  indexes first, first+1 …
//   entry    = type u8 · term u64 · (1: – | 2: data | 3: config)
//   snapshot = index u64 · term u64 · configurationIndex u64 · config · data
//   config   = count u8 · (id · address text · suffrage u8 · incarnation text)*
//
// with the fields of `base/bytes.ts`. Each value has one encoding; nothing else decodes.

import { assert, InvariantError, unreachable } from "../../base/assert.ts";
import type { Reader, Writer } from "../../base/bytes.ts";
import type { Configuration, Entry, Index, Server, Snapshot } from "./types.ts";

/** Bytes of one command. */
export const commandBytesMax = 64 * 1024;
/** Bytes of the machine's state in one snapshot. */
export const snapshotBytesMax = 64 * 1024 * 1024;
/** Servers in one configuration. */
export const serversMax = 64;

/** In the order of their bytes, from 1 on. */
const suffrages = ["voter", "learner", "nonvoter"] as const;

const entryTypes = {
  noop: 1,
  command: 2,
  configuration: 3,
} as const satisfies Record<Entry["type"], number>;
/** Bytes of the shortest entry: type and term. */
const entryBytesMin = 9;

/** Writes `configuration`; throws an {@linkcode InvariantError} if a field does not fit. */
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

/** @throws {DecodeError} on bytes that `writeConfiguration` does not make. */
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

/**
 * Writes `entries`, whose indexes are `first`, `first` + 1 …: they are not encoded, so
 * decoded ones cannot disagree.
 */
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

/** Not `assert`: its message would be composed for every entry. */
function misplaced(index: Index, expected: Index): never {
  throw new InvariantError(`entry ${index} where ${expected} belongs`);
}

/**
 * Reads at most `countMax` entries and the index of the first, or of the next one if there
 * are none.
 * @throws {DecodeError} on bytes that `writeEntries` does not make.
 */
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

/** Writes `snapshot`; throws an {@linkcode InvariantError} if a field does not fit. */
export function writeSnapshot(writer: Writer, snapshot: Snapshot): void {
  writer.u64(snapshot.index);
  writer.u64(snapshot.term);
  writer.u64(snapshot.configurationIndex);
  writeConfiguration(writer, snapshot.configuration);
  writer.data(snapshot.data, snapshotBytesMax);
}

/** @throws {DecodeError} on bytes that `writeSnapshot` does not make. */
export function readSnapshot(reader: Reader): Snapshot {
  const index = reader.u64();
  const term = reader.u64();
  const configurationIndex = reader.u64();
  const configuration = readConfiguration(reader);
  const data = reader.data(snapshotBytesMax);
  return { index, term, configuration, configurationIndex, data };
}
