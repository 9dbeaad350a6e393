// Where backups are put: one file, or a directory of them, each with its own name. A file
// appears whole or not at all, and is durable when `put` returns: it is written under another
// name, synced, renamed, and the directory is synced. Not here: what is in it.
//
//   ticketd-<first 8 digits of the cluster's id>-<UTC time>.backup
//
// Nothing of anybody else is replaced or removed: only a sound backup of the same cluster, and
// in a directory only under a name like that.

import { basename, dirname } from "node:path";
import { reasonOf } from "../base/dial.ts";
import type { Files } from "../storage/files.ts";
import { type Backup, decodeBackup, encodeBackup } from "./backup_file.ts";

/** The file and the directory that it is in, or is to be in. */
export function placeOf(path: string): { directory: string; name: string } {
  return { directory: dirname(path), name: basename(path) };
}

/** The name of `backup` in a directory of backups. */
export function nameOf({ cluster, taken }: Backup): string {
  const time = taken.replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  return `${prefixOf(cluster)}${time}.backup`;
}

function prefixOf(cluster: string): string {
  return `ticketd-${cluster.slice(0, 8)}-`;
}

/**
 * Writes `backup` as `name`, durably.
 *
 * @throws {Error} if the system refuses, or something else is there under that name
 */
export function put(backup: Backup, files: Files, name: string): void {
  files.makeDirectory();
  if (files.list()?.includes(name)) mayReplace(backup, files, name);
  // Nobody else's name: neither a file of an operator, nor that of a backup at the same time.
  const temporary = `${name}.${crypto.randomUUID().slice(0, 8)}.new`;
  const file = files.create(temporary);
  try {
    file.append(encodeBackup(backup));
    file.syncNow();
  } catch (error) {
    file.close();
    files.remove(temporary);
    throw error;
  }
  file.close();
  files.rename(temporary, name);
  files.syncNow();
}

/** Throws unless the file `name` is an earlier backup of the same cluster. */
function mayReplace(backup: Backup, files: Files, name: string): void {
  const path = `${files.directory}/${name}`;
  let before: Backup;
  try {
    before = decodeBackup(files.read(name), path);
  } catch {
    throw new Error(
      `${path} is there already, and is no sound backup: it is not replaced`,
    );
  }
  if (before.cluster === backup.cluster && before.index <= backup.index) return;
  throw new Error(
    `${path} is a ${
      before.cluster === backup.cluster ? "later backup" : "backup"
    } of cluster ${before.cluster}: it is not replaced`,
  );
}

/**
 * Removes the oldest backups of the cluster of `newest` until `keep` are left; never `newest`
 * itself. Returns, as sentences, why a file with such a name was left alone.
 */
export function prune(newest: Backup, files: Files, keep: number): string[] {
  const { cluster } = newest;
  const others = (files.list() ?? []).filter((name) =>
    name.startsWith(prefixOf(cluster)) && name !== nameOf(newest) &&
    /-\d{8}T\d{6}Z\.backup$/.test(name)
  );
  const older: string[] = [];
  const left: string[] = [];
  for (const name of others.sort()) {
    try {
      const path = `${files.directory}/${name}`;
      const found = decodeBackup(files.read(name), path);
      if (found.cluster === cluster) older.push(name);
    } catch (error) {
      left.push(`left alone: ${reasonOf(error)}`);
    }
  }
  const spare = Math.max(0, older.length - (keep - 1));
  for (const name of older.slice(0, spare)) {
    try {
      files.remove(name);
    } catch (error) {
      // The backup is there: to take another one for this would fill the disk.
      left.push(`left alone: ${reasonOf(error)}`);
    }
  }
  return left;
}
