// Reads a store of Deno KV for people, save by save, without changing it: SQLite writes beside
// a store as soon as it is opened, so a copy in the system's temporary directory is read.
// Goes on behind damage as far as it can, as `scan.ts` does for files. `kv.ts` opens the store
// of a node that starts.

import { join } from "node:path";
import { type Change, readChange } from "../raft/core/save_codec.ts";
import type { NodeId } from "../raft/core/types.ts";
import type { Replayed } from "./apply_save.ts";
import { attempt } from "./file_faults.ts";
import { openStore, readState } from "./kv.ts";
import {
  decoded,
  decodeHead,
  draftKey,
  type Head,
  headKey,
  joined,
  saveKey,
  unframed,
} from "./kv_format.ts";
import type { Part } from "./scan.ts";
import { kvStoreName, StorageError } from "./storage.ts";

/** A store that was read. */
export type ReadStore = {
  /** The node in whose keys it was read; `undefined` for a store that holds none. */
  readonly node: NodeId | undefined;
  /** `undefined` if it is missing or damaged. */
  readonly head: Head | undefined;
  /** The state of the log as a start would find it; `undefined` if it can read none. */
  readonly state: Replayed | undefined;
  /** Why a start would refuse the log, or the founding draft beside it. */
  readonly fault: string | undefined;
  /** The founding draft as it is stored; `undefined` if there is none. */
  readonly draft: { readonly value: unknown } | undefined;
  /** Each save that counts; `at` is its number. */
  readonly parts: readonly Part[];
};

/**
 * Reads the store in `directory`; `node` is the node that it should belong to, if that is known.
 *
 * @throws {StorageError} if it cannot be copied or opened
 */
export async function readStore(
  directory: string,
  node: NodeId | undefined,
): Promise<ReadStore> {
  const where = join(directory, kvStoreName);
  const copy = copyOf(where);
  try {
    using kv = await openStore(join(copy, kvStoreName));
    return await read(kv, { node, where });
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** A directory with a copy of the store at `path`, and of the logs that complete it. */
function copyOf(path: string): string {
  const copy = attempt(
    "create",
    "a copy of the store in the temporary directory",
    () => Deno.makeTempDirSync({ prefix: "ticketd-" }),
  );
  try {
    for (const beside of ["", "-wal", "-journal"]) {
      attempt("read", path + beside, () => {
        try {
          Deno.copyFileSync(path + beside, join(copy, kvStoreName + beside));
        } catch (error) {
          const isMissing = error instanceof Deno.errors.NotFound;
          if (beside === "" || !isMissing) throw error;
        }
      });
    }
    return copy;
  } catch (error) {
    Deno.removeSync(copy, { recursive: true });
    throw error;
  }
}

async function read(
  kv: Deno.Kv,
  { node, where }: { node: NodeId | undefined; where: string },
): Promise<ReadStore> {
  const owner = await ownerIn(kv);
  const none = { node: owner, head: undefined, state: undefined, parts: [] };
  if (owner === undefined) {
    return { ...none, draft: undefined, fault: undefined };
  }
  const kept = await kv.get<unknown>(draftKey(owner));
  const draft = kept.versionstamp ? { value: kept.value } : undefined;
  const found = { ...none, draft };
  if (node !== undefined && owner !== node) {
    const fault = `${where} belongs to node ${owner}, not to node ${node}`;
    return { ...found, fault };
  }
  const { value, versionstamp } = await kv.get<unknown>(headKey(owner));
  // It has agreed to found a cluster, and that has not begun.
  if (!versionstamp && draft !== undefined) {
    return { ...found, fault: undefined };
  }
  let head: Head | undefined;
  try {
    head = decodeHead(value, { where, node: owner });
    const { state } = await readState(kv, head, where);
    const parts = await partsOf(kv, head);
    return { node: owner, head, state, fault: undefined, parts, draft };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const parts = head === undefined ? [] : await partsOf(kv, head);
    return { ...found, head, fault: error.message, parts };
  }
}

/** The node whose keys a store holds. */
async function ownerIn(kv: Deno.Kv): Promise<NodeId | undefined> {
  const keys = kv.list({ prefix: ["ticketd"] }, { limit: 1 });
  for await (const { key: [, owner] } of keys) return String(owner);
  return undefined;
}

async function partsOf(kv: Deno.Kv, head: Head): Promise<Part[]> {
  const parts: Part[] = [];
  for (let n = head.first; n < head.next; n++) {
    parts.push(await partOf(kv, head.identity.node, n));
  }
  return parts;
}

/** Save `n`, as far as it can be read. */
async function partOf(kv: Deno.Kv, node: NodeId, n: number): Promise<Part> {
  const pieces: Uint8Array[] = [];
  let count = 1;
  for await (
    const { value } of kv.list<unknown>({ prefix: saveKey(node, n) })
  ) {
    const found = unframed(value, n, pieces.length);
    if (found === undefined) break;
    count = found.count;
    pieces.push(found.part);
  }
  const bytes = joined(pieces);
  const lost = `part ${pieces.length} is missing or unreadable`;
  if (pieces.length < count || pieces.length === 0) {
    return { at: n, bytes, content: { type: "damaged", reason: lost } };
  }
  try {
    const change: Change = decoded(bytes, readChange, `save ${n}`);
    return { at: n, bytes, content: { type: "save", change } };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { message: reason } = error;
    return { at: n, bytes, content: { type: "unreadable", reason } };
  }
}
