// The contract between a node and its disk. Three implementations keep it (`wal.ts`, `kv.ts`,
// `memory.ts`), and one suite tests them all (tests/lib/storage_conformance.ts).
//
// The contract:
// - The node calls `load` once, first. `undefined` means that nothing was ever created here;
//   `create` comes next then. It is durable and atomic when `done` runs.
// - One `write` (or `create`, `writeDraft`) at a time: the next comes after `done`. A `flush`
//   or a `compact` may overlap one. Writes become durable in order, each whole or not at all.
// - `done()` means durable as the durability defines it: at `high` synced, at `medium` handed
//   to the operating system, at `low` kept in memory. A save that says `mustSync` (term, vote
//   or members changed) and one with a snapshot are synced at every level before `done` runs,
//   and with them everything that was written before.
// - After `done(error)` the storage is dead and the process must stop. Nothing is retried:
//   the kernel may have marked the pages clean that it could not write (PITFALLS 11).

import type { Compacted, Save, Saved } from "../raft/core/types.ts";

/** How durable a save is when it is acknowledged: README, promise 3, and `--durability`. */
export type Durability = "high" | "medium" | "low";

/** Runs once, and never before the call that was given it has returned. */
export type Done = (error?: Error) => void;

/** The file of a Deno KV store in a data directory. It excludes a log in files there. */
export const kvStoreName = "kv.sqlite3";
/** The store and what SQLite keeps beside it: the journal while it makes a new store. */
export const kvStoreNames: readonly string[] = ["", "-wal", "-shm", "-journal"]
  .map((end) => kvStoreName + end);

/** The disk of one node, by the contract above. */
export interface Storage {
  /**
   * The content that the last process left, or `undefined` if nothing was ever created.
   *
   * @throws {StorageError} on anything unsound
   */
  load(): Saved | undefined;
  /**
   * The draft (`draft.ts`), which lies beside the log, as it was written last; `undefined` if
   * there is none. To be called after `load`.
   *
   * @throws {StorageError} if it is damaged
   */
  readDraft(): string | undefined;
  /**
   * Replaces the draft, whole or not at all, before there is a log or beside it. It is durable,
   * at every level, when `done` runs.
   */
  writeDraft(draft: string, done: Done): void;
  /** Creates the storage with its first content. */
  create(saved: Saved, done: Done): void;
  /** Makes `save` durable, then runs `done`. */
  write(save: Save, done: Done): void;
  /**
   * Puts a snapshot in the place of the entries up to it, beside the writes that go on: they are
   * acknowledged as ever. `state` is what all writes that were begun so far leave, with that
   * snapshot. `done` runs when it is durable, at every level, or when a write with a snapshot has
   * replaced the whole log since. One at a time, and none while such a write is under way.
   */
  compact(state: Compacted, done: Done): void;
  /** Writes and syncs all that waits (`medium`, `low`). The node calls it every 200 ms. */
  flush(done: Done): void;
  /** Bytes on disk now, as an estimate: the node compacts when they grow too many. */
  readonly bytes: number;
  /** Frees lock and handles. What no `flush` has synced may be lost. */
  close(): void;
}

/**
 * The disk holds what ticketd must not touch: damage, another node's data, a newer format, a
 * lock that another process holds. The message names the file and the remedy, and nothing
 * was changed.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
}
