// The node's storage as its options choose it: a log of files, or Deno KV. At a start its
// methods are wrapped in promises; from then on the node uses `Storage` with callbacks.
// Not here: the contract (`storage/storage.ts`), and what a new disk holds at first
// (`members/bootstrap.ts`).

import type { NodeOptions } from "./channel/messages.ts";
import type { Saved } from "./core/types.ts";
import { assert } from "../base/assert.ts";
import type { Logger } from "../base/logger.ts";
import { denoFiles } from "../storage/files.ts";
import { openKv } from "../storage/kv.ts";
import type { Storage } from "../storage/storage.ts";
import { Wal } from "../storage/wal.ts";

/**
 * Opens the node's storage; its `load` reads the content.
 *
 * @throws {StorageError} If Deno KV's store cannot be opened, or is locked or damaged. A
 * log of files is not looked at before `load`.
 */
export async function openStorage(
  options: NodeOptions,
  log: Logger,
): Promise<Storage> {
  const { id: node, directory, durability } = options;
  if (options.storage === "kv") {
    return await openKv({ directory, node, durability, log });
  }
  assert(directory !== undefined, "a file log has a directory");
  return new Wal({ files: denoFiles(directory), node, durability, log });
}

/**
 * Creates `storage` with its first content; returns once that is durable.
 *
 * @throws {Error} If it cannot be written.
 */
export function createStorage(storage: Storage, saved: Saved): Promise<void> {
  return new Promise((resolve, reject) =>
    storage.create(saved, (error) => error ? reject(error) : resolve())
  );
}
