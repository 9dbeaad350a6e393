// Reads the data of a stopped node for a tool, whichever way they are kept, and changes nothing.
// Two views of the same bytes: the state that a start would find, by the code of a start, and
// the parts that `storage/scan.ts` tells apart, damaged or not. `meaning.ts` judges what they
// mean together.

import { join } from "node:path";
import type { NodeId } from "../raft/core/types.ts";
import type { Replayed } from "../storage/apply_save.ts";
import { attempt } from "../storage/file_faults.ts";
import { decodeDraft, draftName } from "../storage/draft.ts";
import { denoFiles, lockName } from "../storage/files.ts";
import { readStore } from "../storage/kv_reading.ts";
import { recover } from "../storage/recovery.ts";
import { type Part, scanSegment } from "../storage/scan.ts";
import { segmentName, segmentNumbers } from "../storage/segment.ts";
import { kvStoreName, StorageError } from "../storage/storage.ts";
import { needRight } from "./rights.ts";
import type { NodePlace } from "./node_place.ts";

/** The data of one node. */
export type NodeData = {
  readonly kind: "file" | "kv";
  /** The file that counts: the newest segment, or the store. */
  readonly path: string;
  /** Of that segment; 0 for a store. */
  readonly number: number;
  /** The node that they must belong to. */
  readonly node: NodeId;
  readonly parts: readonly Part[];
  /** The state of the log as a start would find it; `undefined` if it can read none. */
  readonly state: Replayed | undefined;
  /** Why a start would refuse the log, or the founding draft beside it, in its own words. */
  readonly refusal: string | undefined;
  /** Names in the directory that a start ignores or removes. */
  readonly leftovers: readonly string[];
  /** Bytes of the file that counts. */
  readonly bytes: number;
  /** When it was last written: milliseconds since 1970; `undefined` if the system does not tell. */
  readonly writtenMillis: number | undefined;
};

/**
 * Reads the data in a directory that is locked.
 *
 * @throws {StorageError} if they cannot be read at all
 */
export async function readData(place: NodePlace): Promise<NodeData> {
  return place.kind === "file" ? readFiles(place) : await readKv(place);
}

function readFiles({ directory, id }: NodePlace): NodeData {
  const files = denoFiles(directory);
  const names = files.list() ?? [];
  const number = segmentNumbers(names).at(-1) ?? 0;
  const name = segmentName(number);
  const path = join(directory, name);
  const bytes = files.read(name);
  const parts = scanSegment(bytes);
  const node = id ?? ownerOf(parts) ?? "1";
  const common = {
    kind: "file" as const,
    path,
    number,
    node,
    parts,
    leftovers: names.filter((other) => other !== name && other !== lockName)
      .toSorted(),
    ...lengthAndTime(path),
  };
  try {
    const found = recover(files, { node, log: () => {} });
    const refusal = refusalOf(() => {
      if (!names.includes(draftName)) return;
      decodeDraft(files.read(draftName), join(directory, draftName));
    });
    return { ...common, state: found?.state, refusal };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { ...common, state: undefined, refusal: error.message };
  }
}

/** Why a start would refuse what `read` reads. */
function refusalOf(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof StorageError) return error.message;
    throw error;
  }
}

async function readKv({ directory, id }: NodePlace): Promise<NodeData> {
  needRight("write"); // a copy is read, in a temporary directory
  const { node, state, fault, parts } = await readStore(directory, id);
  const path = join(directory, kvStoreName);
  const own = [kvStoreName, `${kvStoreName}-wal`, `${kvStoreName}-shm`];
  const names = denoFiles(directory).list() ?? [];
  const store = lengthAndTime(path);
  // The newest commits lie in the write-ahead log until SQLite moves them.
  const ahead = names.includes(`${kvStoreName}-wal`)
    ? lengthAndTime(`${path}-wal`)
    : store;
  return {
    kind: "kv",
    path,
    number: 0,
    node: id ?? node ?? "1",
    parts,
    state,
    refusal: fault,
    leftovers: names.filter((name) => name !== lockName && !own.includes(name)),
    bytes: store.bytes,
    writtenMillis: Math.max(
      store.writtenMillis ?? 0,
      ahead.writtenMillis ?? 0,
    ),
  };
}

function lengthAndTime(
  path: string,
): Pick<NodeData, "bytes" | "writtenMillis"> {
  const { size, mtime } = attempt("look at", path, () => Deno.statSync(path));
  return { bytes: size, writtenMillis: mtime?.getTime() };
}

function ownerOf(parts: readonly Part[]): NodeId | undefined {
  for (const { content } of parts) {
    if (content.type === "base") return content.base.identity.node;
  }
  return undefined;
}
