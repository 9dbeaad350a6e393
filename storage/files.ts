// The few file operations that the log needs, in one directory, as an interface (the
// simulator has its own) and on Deno. No policy: when to sync, what to rename and
// what an error means is decided in `wal.ts`.
//
// Every error is a StorageError that names the path and what to do. `sync` is
// fdatasync: it covers data and length, which is all that a log needs of its file.

import { dirname, join, resolve } from "node:path";
import { type Done, StorageError } from "./storage.ts";

/** Something that can be made durable: a file's bytes, a directory's names. */
export interface Syncable {
  /** Makes durable what was done before this call; `done` runs later, once. */
  sync(done: Done): void;
  /** The same, waiting. */
  syncNow(): void;
}

export interface OpenFile extends Syncable {
  /** Appends all of `bytes`, or throws; part of them may then be in the file. */
  append(bytes: Uint8Array): void;
  close(): void;
}

/** The files of one directory; `sync` makes its names durable. */
export interface Files extends Syncable {
  /** For messages. */
  readonly directory: string;
  /** Makes the directory, durably, with those above it. */
  makeDirectory(): void;
  /** Takes the directory for this process, or throws; the process's death frees it. */
  lock(): void;
  unlock(): void;
  /** The names in the directory; `undefined` when it does not exist. */
  list(): string[] | undefined;
  read(name: string): Uint8Array;
  /** An empty file to append to, in place of any that was there. */
  create(name: string): OpenFile;
  rename(from: string, to: string): void;
  remove(name: string): void;
}

export const lockName = "LOCK";

export function denoFiles(directory: string): Files {
  return new DenoFiles(directory);
}

class DenoFiles implements Files {
  readonly directory: string;
  #lock: Deno.FsFile | undefined;
  /** Renamed while it is open; its faults are to name it as it is called then. */
  #newest: DenoFile | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  makeDirectory(): void {
    const missing = missingDirectories(this.directory);
    attempt("create", this.directory, () => {
      try {
        Deno.mkdirSync(this.directory, { recursive: true });
      } catch (error) {
        throw asFile(this.directory, error) ?? error;
      }
    });
    // A new directory's name is in its parent: unsynced, a power loss takes all of it.
    for (const path of missing) syncParent(path);
  }

  lock(): void {
    if (this.#lock !== undefined) return;
    const path = join(this.directory, lockName);
    const options = { write: true, create: true };
    const file = attempt("lock", path, () => Deno.openSync(path, options));
    if (!attempt("lock", path, () => file.tryLockSync(true))) {
      file.close();
      throw new StorageError(
        `directory ${this.directory} is in use by another ticketd process; ` +
          "stop that one, or give this one another --id or --dir",
      );
    }
    this.#lock = file;
  }

  unlock(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  list(): string[] | undefined {
    return attempt("list", this.directory, () => {
      try {
        return Array.from(Deno.readDirSync(this.directory), ({ name }) => name);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw asFile(this.directory, error) ?? error;
      }
    });
  }

  read(name: string): Uint8Array {
    const path = join(this.directory, name);
    return attempt("read", path, () => Deno.readFileSync(path));
  }

  create(name: string): OpenFile {
    const path = join(this.directory, name);
    const options = { write: true, create: true, truncate: true };
    const file = attempt("create", path, () => Deno.openSync(path, options));
    return this.#newest = new DenoFile(path, file);
  }

  rename(from: string, to: string): void {
    const path = join(this.directory, to);
    attempt(
      "rename to",
      path,
      () => Deno.renameSync(join(this.directory, from), path),
    );
    if (this.#newest?.path === join(this.directory, from)) {
      this.#newest.path = path;
    }
  }

  remove(name: string): void {
    const path = join(this.directory, name);
    attempt("remove", path, () => Deno.removeSync(path));
  }

  sync(done: Done): void {
    let file: Deno.FsFile;
    try {
      file = attempt(
        "sync",
        this.directory,
        () => Deno.openSync(this.directory),
      );
    } catch (error) {
      queueMicrotask(() => done(error as Error));
      return;
    }
    callback(file.sync().finally(() => file.close()), this.directory, done);
  }

  syncNow(): void {
    syncDirectory(this.directory);
  }
}

class DenoFile implements OpenFile {
  /** For messages. */
  path: string;
  readonly #file: Deno.FsFile;

  constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  append(bytes: Uint8Array): void {
    attempt("write", this.path, () => writeAll(this.#file, bytes));
  }

  sync(done: Done): void {
    callback(this.#file.syncData(), this.path, done);
  }

  syncNow(): void {
    attempt("sync", this.path, () => this.#file.syncDataSync());
  }

  close(): void {
    this.#file.close();
  }
}

/** One write(2) may take less than it was given (PITFALLS 3). */
export function writeAll(
  file: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) {
    const count = file.writeSync(bytes.subarray(at));
    if (count === 0) throw new Error("the system takes no more bytes");
    at += count;
  }
}

function callback(promise: Promise<void>, path: string, done: Done): void {
  promise.then(
    () => done(),
    (error) => done(explained("sync", path, error)),
  );
}

/** `path` and what is above it, as far as it does not exist. */
function missingDirectories(path: string): string[] {
  const missing: string[] = [];
  for (let at = resolve(path);; at = dirname(at)) {
    try {
      Deno.lstatSync(at);
      return missing;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return missing;
      missing.push(at);
    }
  }
}

function syncParent(path: string): void {
  try {
    syncDirectory(dirname(path));
  } catch (error) {
    // The right to read `data` does not reach above it. Journalling file systems
    // commit the new directory along with the first sync of a file in it.
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof Deno.errors.NotCapable)) throw error;
  }
}

function syncDirectory(path: string): void {
  attempt("sync", path, () => {
    const file = Deno.openSync(path);
    try {
      file.syncSync();
    } finally {
      file.close();
    }
  });
}

/** The fault that a file, and where, stands in the place of a directory, if one does. */
function asFile(directory: string, error: unknown): StorageError | undefined {
  if (
    !(error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.AlreadyExists)
  ) return undefined;
  return new StorageError(
    `cannot use ${nearest(directory)} as data directory: it is a file; ` +
      "choose another --dir",
    { cause: error },
  );
}

/** `path`, or else what of the way to it is there: under `--dir a` it may be `a`. */
function nearest(path: string): string {
  try {
    Deno.lstatSync(path);
    return path;
  } catch {
    const above = dirname(path);
    return above === path ? path : nearest(above);
  }
}

function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw explained(action, path, error);
  }
}

function explained(action: string, path: string, cause: unknown): StorageError {
  return new StorageError(
    `cannot ${action} ${path}: ${reasonOf(cause, action)}`,
    { cause },
  );
}

function reasonOf(error: unknown, action: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.NotCapable) {
    const flag = error.message.includes("write access") ? "write" : "read";
    return `Deno was not given the right to; add --allow-${flag} ` +
      "(-P covers ./data only)";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; give its owner, the user that runs ticketd, " +
      "the right to read and write it";
  }
  if (error instanceof Deno.errors.NotFound && action === "create") {
    return "no such directory above it; choose another --dir";
  }
  if (error.message.includes("os error 28")) {
    return "no space left on the device; make room and start again: " +
      "nothing that was acknowledged is lost";
  }
  return error.message;
}
