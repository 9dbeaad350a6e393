// Saves, flushes and compactions that wait for their turn in a store of Deno KV, and how many of
// them one commit takes. `kv_storage.ts` carries the commits out, one at a time;
// `kv_format.ts` has the bytes.

import type { KvCompaction } from "./kv_compaction.ts";
import { partBytesMax } from "./kv_format.ts";
import type { Done } from "./storage.ts";

// Deno KV allows 800 KiB and 1,000 mutations a commit, and 64 KiB a value (a part).

/** Parts of one save in a commit. */
export const commitPartsMax = 12;
/** Bytes of parts in one commit. */
export const commitBytesMax = commitPartsMax * partBytesMax;
/** Keys that one commit may set or delete. */
export const mutationsMax = 500;
/** A save, a flush or the beginning of a compaction that waits for its turn. */
export type Pending = {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** It carries a snapshot, so that all saves before it are superfluous. */
  readonly replaces: boolean;
  readonly done: Done | undefined;
  /** Begins when all before it is committed. It has no parts. */
  readonly compaction?: KvCompaction;
};

/** The fields of an item without parts. */
export const nothing = { parts: [], bytes: 0, replaces: false } as const;

/** Takes from the front of `queue` as much as one commit holds, and at least one. */
export function nextBatch(queue: Pending[]): Pending[] {
  let bytes = 0;
  let count = 0;
  for (const pending of queue) {
    bytes += Math.min(pending.bytes, commitBytesMax);
    if (count > 0 && (bytes > commitBytesMax || count === mutationsMax)) break;
    if (count > 0 && pending.compaction !== undefined) break;
    count++;
    if (pending.compaction !== undefined) break;
  }
  return queue.splice(0, count);
}
