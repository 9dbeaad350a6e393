// The bytes of one chunk of a snapshot, in the InstallSnapshot of `message_codec.ts`. A whole
// snapshot, as it stands on the disk, is in `entry_codec.ts`. Little-endian:
//
//   chunk = index u64 · term u64 · configurationIndex u64 · config · bytes u32 · checksum u32 ·
//           offset u32 · data
//
// with the config of `entry_codec.ts` and the fields of `base/bytes.ts`.

import type { Reader, Writer } from "../../base/bytes.ts";
import {
  readConfiguration,
  snapshotBytesMax,
  writeConfiguration,
} from "./entry_codec.ts";
import { chunkBytesMax, counter } from "./limits.ts";
import type { InstallSnapshot, SnapshotHead } from "./types.ts";

type Chunk = Pick<InstallSnapshot, "snapshot" | "offset" | "chunk">;

/** Writes a chunk; throws an {@linkcode InvariantError} if a field does not fit. */
export function writeChunk(
  writer: Writer,
  { snapshot, offset, chunk }: Chunk,
): void {
  writer.u64(snapshot.index);
  writer.u64(snapshot.term);
  writer.u64(snapshot.configurationIndex);
  writeConfiguration(writer, snapshot.configuration);
  writer.u32(snapshot.bytes);
  writer.u32(snapshot.checksum);
  writer.u32(offset);
  writer.data(chunk, chunkBytesMax);
}

/** @throws {DecodeError} on bytes that `writeChunk` does not make, and on impossible places. */
export function readChunk(reader: Reader): Chunk {
  const snapshot = readHead(reader);
  const offset = readSnapshotBytes(reader);
  const chunk = reader.data(chunkBytesMax);
  const endBytes = offset + chunk.length;
  if (endBytes > snapshot.bytes) {
    reader.fail(`${endBytes} bytes of ${snapshot.bytes}`);
  }
  if (chunk.length === 0 && snapshot.bytes > 0) reader.fail("an empty chunk");
  return { snapshot, offset, chunk };
}

function readHead(reader: Reader): SnapshotHead {
  const snapshot = {
    index: counter(reader),
    term: counter(reader),
    configurationIndex: counter(reader),
    configuration: readConfiguration(reader),
    bytes: readSnapshotBytes(reader),
    checksum: reader.u32(),
  };
  // No entry behind the snapshot could change the members otherwise.
  if (snapshot.configurationIndex > snapshot.index) {
    reader.fail("a configuration to come");
  }
  return snapshot;
}

/** A number of bytes that a snapshot can have. */
export function readSnapshotBytes(reader: Reader): number {
  const bytes = reader.u32();
  if (bytes > snapshotBytesMax) reader.fail(`a snapshot of ${bytes} bytes`);
  return bytes;
}
