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
import { kvStoreName, kvStoreNames, StorageError } from "../storage/storage.ts";
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
  /** Why a start goes on without the founding draft beside the log. */
  readonly draftFault: string | undefined;
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
    draftFault: names.includes(draftName)
      ? draftFault(files.read(draftName), {
        node,
        where: join(directory, draftName),
      })
      : undefined,
    leftovers: names.filter((other) =>
      ![name, lockName, draftName].includes(other)
    ).toSorted(),
    ...lengthAndTime(path),
  };
  try {
    const found = recover(files, { node, log: () => {} });
    return { ...common, state: found?.state, refusal: undefined };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { ...common, state: undefined, refusal: error.message };
  }
}

async function readKv({ directory, id }: NodePlace): Promise<NodeData> {
  needRight("write"); // a copy is read, in a temporary directory
  const { node, state, fault, parts, draft } = await readStore(directory, id);
  const path = join(directory, kvStoreName);
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
    draftFault: draft && draftFault(draft.value, {
      node: id ?? node ?? "1",
      where: "the founding draft in the store",
    }),
    leftovers: names.filter((name) =>
      name !== lockName && !kvStoreNames.includes(name)
    ),
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

/** Why a start of `node` goes on without these bytes; `undefined` if it takes them. */
function draftFault(value: unknown, { node, where }: {
  readonly node: NodeId;
  readonly where: string;
}): string | undefined {
  try {
    // Its first line; the rest says what the node has agreed to (`raft/members/proposal.ts`).
    const [, owner] = /^node (\S+) /.exec(decodeDraft(value, where)) ?? [];
    return owner === node
      ? undefined
      : `${where} belongs to node ${owner ?? "?"}, not to node ${node}`;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.message;
  }
}

function ownerOf(parts: readonly Part[]): NodeId | undefined {
  for (const { content } of parts) {
    if (content.type === "base") return content.base.identity.node;
  }
  return undefined;
}
