// Reads a log back at a start: finds the newest segment, and cuts its torn tail, the record
// that a crash left unfinished. It is cut by being left out: `wal.ts` writes the state read to
// a new segment. Changes nothing on the disk. Not here: which bytes are torn and which are
// damage (`record.ts`, `segment.ts`).

import type { Logger } from "../base/logger.ts";
import type { NodeId } from "../raft/core/types.ts";
import type { Replayed } from "./apply_save.ts";
import type { Files } from "./files.ts";
import { readSegment, segmentName, segmentNumbers } from "./segment.ts";
import { kvStoreName, StorageError } from "./storage.ts";

/** The node whose log is read, and where to warn. */
export type RecoverOptions = {
  /** The node that must own the directory. */
  readonly node: NodeId;
  /** Hears of a tail that is cut. */
  readonly log: Logger;
};

/** A log that was read back. */
export type Recovered = {
  /** The state after the last whole record. */
  readonly state: Replayed;
  /** The number of the segment that it was read from. */
  readonly number: number;
};

/**
 * The state in a directory that is locked; `undefined` if it holds no log.
 *
 * @throws {StorageError} if it is another node's, damaged, of a newer format, or a Deno KV
 * store
 */
export function recover(
  files: Files,
  options: RecoverOptions,
): Recovered | undefined {
  const number = newestSegment(files);
  if (number === undefined) return undefined;
  return { state: read(files, number, options), number };
}

function newestSegment(files: Files): number | undefined {
  const names = files.list() ?? [];
  if (names.includes(kvStoreName)) {
    throw new StorageError(
      `directory ${files.directory} holds a Deno KV store; start with ` +
        "--storage kv, or with another --dir",
    );
  }
  // A crash may have left older ones beside the newest, and an unfinished one.
  const newest = segmentNumbers(names).at(-1);
  if (newest !== undefined && newest >= Number.MAX_SAFE_INTEGER) {
    throw new StorageError(
      `directory ${files.directory} holds a log with a number that ticketd never ` +
        `gives; move ${names.toSorted().at(-1)} away`,
    );
  }
  return newest;
}

function read(
  files: Files,
  number: number,
  { node, log }: RecoverOptions,
): Replayed {
  const name = segmentName(number);
  const path = `${files.directory}/${name}`;
  const bytes = files.read(name);
  const { state, end, tail } = readSegment(bytes, { path, number, node });
  if (tail !== "end") {
    const nature = tail === "zeros"
      ? "zeros, as a power loss leaves them"
      : "no whole record: a write that was cut short, or else damage to the last one";
    const count = bytes.length - end;
    log(
      "warning",
      `${path}: dropped the last ${count} bytes, from byte ${end} on (${nature})`,
    );
  }
  return state;
}
