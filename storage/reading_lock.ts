// Holds a stopped node's directory for a reader that changes nothing: the LOCK is opened for
// reading, and locked only if it is there. No node starts meanwhile, and several readers may
// read at once. A process that writes takes the lock by `files.ts` instead.

import { join } from "node:path";
import { attempt, isFile } from "./file_faults.ts";
import { lockName } from "./files.ts";
import { StorageError } from "./storage.ts";

/**
 * Takes the directory for reading, and returns what frees it. The process's death does, too.
 *
 * @throws {StorageError} if a ticketd process uses it
 */
export function lockForReading(directory: string): () => void {
  const path = join(directory, lockName);
  const file = attempt("lock", path, () => {
    // No node has run there, or the directory is a copy: nobody can be using it.
    return isFile(path) ? Deno.openSync(path, { read: true }) : undefined;
  });
  if (file === undefined) return () => {};
  if (attempt("lock", path, () => file.tryLockSync(false))) {
    return () => file.close();
  }
  file.close();
  throw new StorageError(
    `directory ${directory} is in use by a ticketd process; stop that one first`,
  );
}
