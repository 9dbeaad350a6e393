// Where a node runs and where its data lie, as the permissions allow. Without --allow-read
// Deno neither starts a worker nor reads a log back. Then the node runs in the main isolate,
// behind the same channel, on Deno KV's default store, which needs no permission.
//
// Either way its data lie in one place. The default store stands for the standard directory:
// a node that has begun in one of them must not begin again, at 1, in the other.

import { join, resolve } from "node:path";
import type { NodeOptions, StorageKind } from "../raft/channel/messages.ts";
import type { Logger } from "../base/logger.ts";
import { UsageError } from "../base/usage_error.ts";
import { draftName } from "../storage/draft.ts";
import { lockName } from "../storage/files.ts";
import { hasDefaultStore } from "../storage/kv.ts";
import { kvStoreName, StorageError } from "../storage/storage.ts";

type Unplaced = Omit<NodeOptions, "storage">;

/** The result of `placeNode`. */
export type Placement = {
  /** The node's options with the storage that was chosen. */
  readonly options: NodeOptions;
  /** Whether the node runs in a worker or in the main isolate. */
  readonly inWorker: boolean;
};

/**
 * Chooses storage and isolate for `node`.
 *
 * @throws {UsageError} with one sentence for the user when the permissions do not allow what the
 * flags ask for, or when the node has data where this process would not look.
 */
export async function placeNode(
  node: Unplaced,
  { storage, canReadCode, log }: {
    readonly storage: StorageKind | "auto";
    readonly canReadCode: boolean;
    readonly log: Logger;
  },
): Promise<Placement> {
  if (canReadCode) {
    if (node.join.length === 0 || node.expect > 1) {
      await refuseSecondStart(node, log);
    }
    const kind = storage === "kv" ? "kv" : "file";
    return { options: { ...node, storage: kind }, inWorker: true };
  }
  if (storage === "file") {
    throw new UsageError(
      "--storage file needs --allow-read, to read the log back after a restart",
    );
  }
  if (!isStandard(node)) {
    throw new UsageError(
      `--dir needs --allow-read; without it the data lie in Deno KV's default store`,
    );
  }
  refuseForgottenFiles(node);
  log(
    "warning",
    "runs without a worker, on Deno KV's default store: add --allow-read for a node in " +
      "an isolate of its own and a log in --dir (the store lies in Deno's cache and " +
      "belongs to this path of main.ts)",
  );
  return {
    options: { ...node, storage: "kv", directory: undefined },
    inWorker: false,
  };
}

/**
 * A node whose tickets lie in the default store, from a process without --allow-read, must not
 * begin again at 1 because this process may read.
 */
async function refuseSecondStart(node: Unplaced, log: Logger): Promise<void> {
  const { id, directory } = node;
  if (Deno.build.standalone || directory === undefined) return;
  if (!isStandard(node) || holdsNode(directory)) return;
  try {
    if (!await hasDefaultStore(id)) return;
  } catch (error) {
    // A store that cannot be opened was never used by a node.
    if (!(error instanceof StorageError)) throw error;
    return log("debug", error.message);
  }
  throw new UsageError(
    `node ${id} keeps its tickets in Deno KV's default store, from a run without ` +
      `--allow-read; run it so again, or choose another --id or --dir`,
  );
}

/** The same the other way round. A lock file shows, without reading, that a node has data. */
function refuseForgottenFiles({ id, directory }: Unplaced): void {
  if (directory === undefined) return;
  const path = join(directory, lockName);
  const { state } = Deno.permissions.querySync({ name: "write", path });
  if (state !== "granted") {
    throw new UsageError(
      `cannot see whether node ${id} keeps tickets in ${directory}; add ` +
        `--allow-write, or better --allow-read and --allow-write`,
    );
  }
  try {
    Deno.openSync(path, { write: true }).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    // It cannot be opened, but it exists.
  }
  throw new UsageError(
    `node ${id} keeps its tickets in ${directory}; add --allow-read to use them, or ` +
      `choose another --id`,
  );
}

/** Whether its directory is the one without --dir, for which the default store stands. */
function isStandard({ id, directory = "" }: Unplaced): boolean {
  return resolve(directory) === resolve("data", id);
}

/** Whether a node has data there; a directory may have been made in advance. */
function holdsNode(directory: string): boolean {
  try {
    return Deno.readDirSync(directory).some(({ name }) =>
      name === kvStoreName || name === draftName || name.endsWith(".log")
    );
  } catch (error) {
    // The storage complains of a directory that cannot be read.
    return !(error instanceof Deno.errors.NotFound);
  }
}
