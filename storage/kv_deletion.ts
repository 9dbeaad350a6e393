// Saves in Deno KV that no head counts any more, or never counted, are deleted here, while the
// head is ours: another process that has taken the store over may count them. `kv_storage.ts`
// says which they are.

import type { NodeId } from "../raft/core/types.ts";
import { mutationsMax } from "./kv_batch.ts";
import { headKey, saveKey } from "./kv_format.ts";
import { StorageError } from "./storage.ts";

/**
 * Deletes saves `from` to `to - 1`, which the head does not count, while the head is ours: two
 * processes that both found no head must not delete what the other has created since.
 *
 * @throws {StorageError} once another process has taken the store over
 */
export async function deleteSaves(
  kv: Deno.Kv,
  { node, from, to, versionstamp }: {
    node: NodeId;
    from: number;
    to: number;
    versionstamp: string | null;
  },
): Promise<void> {
  const range = { start: saveKey(node, from), end: saveKey(node, to) };
  const keys = (await Array.fromAsync(kv.list(range))).map(({ key }) => key);
  for (let at = 0; at < keys.length; at += mutationsMax) {
    const part = keys.slice(at, at + mutationsMax);
    await deleteKeys(kv, part, { node, versionstamp });
  }
}

/** Keys that are deleted in one commit, between two commits of saves. */
const garbageKeysMax = 100;

/**
 * Deletes the first few saves of a range that the head does not count, while the head is ours;
 * whether none is left.
 */
export async function deleteSome(
  kv: Deno.Kv,
  { node, from, to, versionstamp }: {
    node: NodeId;
    from: number;
    to: number;
    versionstamp: string | null;
  },
): Promise<boolean> {
  const range = { start: saveKey(node, from), end: saveKey(node, to) };
  const found = await Array.fromAsync(
    kv.list(range, { limit: garbageKeysMax }),
  );
  if (found.length === 0) return true;
  const keys = found.map(({ key }) => key);
  await deleteKeys(kv, keys, { node, versionstamp });
  return found.length < garbageKeysMax;
}

/** Deletes `keys`, at most `mutationsMax`, in one commit that fails if the head is not ours. */
async function deleteKeys(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
  { node, versionstamp }: { node: NodeId; versionstamp: string | null },
): Promise<void> {
  const operation = kv.atomic().check({ key: headKey(node), versionstamp });
  for (const key of keys) operation.delete(key);
  if (!(await operation.commit()).ok) throw takenOver(node);
}

/** The error of a process whose store another one has opened. */
export function takenOver(node: NodeId): StorageError {
  return new StorageError(
    `another ticketd process has opened the Deno KV store of node ${node}, and this ` +
      "one must end; run only one, or give the other another --id or --dir",
  );
}
