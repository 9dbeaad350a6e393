// What the node asks of a disk. Three implementations keep this contract (`wal.ts`,
// `kv.ts`, `memory.ts`) and one suite tries them all (tests/lib/storage_conformance.ts).
//
// The contract:
// - `load` is called once, first. `undefined` means that nothing was ever created
//   here; then `create` comes next, and is durable and atomic when `done` runs.
// - One `write` (or `create`) at a time: the next comes after `done`. Writes become
//   durable in order, each whole or not at all.
// - `done()` means durable as the chosen durability defines it: at `high` synced; at
//   `medium` handed to the operating system; at `low` kept in memory. A save that
//   says `mustSync` (term, vote or members changed) and one with a snapshot are synced
//   at every level before `done` runs, and with them all that came before.
// - After `done(error)` the storage is dead and the process must stop. Nothing is retried:
//   the kernel may have marked the pages clean that it could not write.
// - `done` never runs before `write` has returned.

import type { Save, Saved } from "../raft/core/types.ts";

/** What is synced before an acknowledgement; DESIGN 1 of the README's promises. */
export type Durability = "high" | "medium" | "low";

export type Done = (error?: Error) => void;

/** Takes a line for the operator. */
export type Log = (level: "info" | "warning", text: string) => void;

/** The file of a Deno KV store in a data directory: no log of files may lie beside it. */
export const kvStoreName = "kv.sqlite3";

export interface Storage {
  /** What a former run left. Throws {@linkcode StorageError} on anything unsound. */
  load(): Saved | undefined;
  /** Creates the storage with its first content. */
  create(saved: Saved, done: Done): void;
  /** Makes `save` durable, then runs `done`. */
  write(save: Save, done: Done): void;
  /** Writes and syncs all that waits (`medium`, `low`); the node calls it every 200 ms. */
  flush(done: Done): void;
  /** Bytes on disk now, as an estimate: the node compacts when they grow too many. */
  readonly bytes: number;
  /** Frees lock and handles. What `flush` did not sync may be lost. */
  close(): void;
}

/**
 * The disk holds what ticketd must not touch: damage, another node's data, a newer
 * format, a lock held by another process. The message names file and remedy, and
 * nothing was changed.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
}
