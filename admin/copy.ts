// Keeps a copy of a node's data beside their directory, durably, before a tool writes over
// them. The copy is nothing that a node would start on by mistake: its name carries a mark, and
// the data in it belong to another id. Removes nothing.

import { join } from "node:path";
import { attempt } from "../storage/file_faults.ts";
import { denoFiles, type Files, lockName } from "../storage/files.ts";
import { copyMark } from "./node_place.ts";
import { needRight } from "./rights.ts";

/**
 * Copies all files of a locked directory to a new one beside it, and syncs them.
 *
 * @returns the path of the copy, which ends with the time in UTC
 * @throws {Error} without the right to write there
 * @throws {StorageError} if the disk refuses; an unfinished copy may be left
 */
export function keepCopy(files: Files): string {
  const { directory } = files;
  const time = new Date().toISOString().replace(/[-:]/g, "");
  const copy = denoFiles(`${directory.replace(/\/+$/, "")}${copyMark}${time}`);
  needRight("write", copy.directory);
  copy.makeDirectory();
  for (const name of files.list() ?? []) {
    const path = join(directory, name);
    const { isFile } = attempt("look at", path, () => Deno.lstatSync(path));
    if (!isFile || name === lockName) continue;
    const file = copy.create(name);
    try {
      file.append(files.read(name));
      file.syncNow();
    } finally {
      file.close();
    }
  }
  copy.syncNow();
  return copy.directory;
}
