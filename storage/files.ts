// The few file operations that the log needs, in one directory, as an interface and on Deno
// (the simulator has its own: tests/lib/fake_files.ts). No policy: `wal.ts` decides when to
// sync, what to rename and what an error means.
//
// Every error is a StorageError that names the path and what to do (`file_faults.ts`).
// A file's `sync` is fdatasync: it covers data and length, which is all that a log needs.
// Only the owner may use the files made here, whatever the umask says: a reader of the log
// learns the members' addresses, a writer decides which numbers come.

import { dirname, join, resolve } from "node:path";
import { isOutOfHandles } from "../base/handles.ts";
import { attempt, explained, isFile, notDirectory } from "./file_faults.ts";
import { type Done, StorageError } from "./storage.ts";

/** Something that can be made durable: a file's bytes, a directory's names. */
export interface Syncable {
  /** Makes durable what was done before this call; `done` runs later, once. */
  sync(done: Done): void;
  /**
   * Does the same before it returns.
   *
   * @throws {StorageError} if the system reports an error
   */
  syncNow(): void;
}

/** A file that is appended to. */
export interface OpenFile extends Syncable {
  /**
   * Appends all of `bytes`.
   *
   * @throws {StorageError} and may then have appended some of them
   */
  append(bytes: Uint8Array): void;
  close(): void;
}

/**
 * The files of one directory; `sync` makes its names durable. Every method throws a
 * {@linkcode StorageError} if the system refuses.
 */
export interface Files extends Syncable {
  /** Its path, for messages. */
  readonly directory: string;
  /** Makes the directory, durably, and those above it that are missing. */
  makeDirectory(): void;
  /** Takes the directory for this process; the process's death frees it. */
  lock(): void;
  unlock(): void;
  /** The names in the directory; `undefined` when it does not exist. */
  list(): string[] | undefined;
  read(name: string): Uint8Array;
  /** Makes a new, empty file to append to, in place of any of that name. */
  create(name: string): OpenFile;
  rename(from: string, to: string): void;
  remove(name: string): void;
}

/** The file of a data directory that its process holds locked. */
export const lockName = "LOCK";

/** The mode of directories that are made: their owner's alone. */
const directoryMode = 0o700;
/** The mode of files that are made: their owner's alone. */
export const fileMode = 0o600;

/** The files of `directory`, which need not exist yet, on Deno. */
export function denoFiles(directory: string): Files {
  return new DenoFiles(directory);
}

class DenoFiles implements Files {
  readonly directory: string;
  #lock: Deno.FsFile | undefined;
  /** The lock's inode. While it is open, no other file gets its number. */
  #held: Inode | undefined;
  /** The newest file: once it is renamed, its errors must name the new path. */
  #newest: DenoFile | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  makeDirectory(): void {
    const missing = missingDirectories(this.directory);
    attempt("create", this.directory, () => {
      try {
        const options = { recursive: true, mode: directoryMode };
        Deno.mkdirSync(this.directory, options);
      } catch (error) {
        throw notDirectory(this.directory, error) ?? error;
      }
    });
    // A new directory's name is in its parent: unsynced, a power loss takes all of it.
    for (const path of missing) syncParent(path);
  }

  lock(): void {
    if (this.#lock !== undefined) return;
    const path = join(this.directory, lockName);
    const options = { write: true, create: true, mode: fileMode };
    const file = attempt("lock", path, () => {
      isFile(path);
      return Deno.openSync(path, options);
    });
    if (!attempt("lock", path, () => file.tryLockSync(true))) {
      file.close();
      throw new StorageError(
        `directory ${this.directory} is in use by another ticketd process; ` +
          "stop that one, or give this one another --id or --dir",
      );
    }
    this.#lock = file;
    try {
      this.#held = heldBy(file) ?? inodeAt(path);
      this.#checkPlace();
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  unlock(): void {
    this.#lock?.close();
    this.#lock = this.#held = undefined;
  }

  list(): string[] | undefined {
    return attempt("list", this.directory, () => {
      try {
        return Array.from(Deno.readDirSync(this.directory), ({ name }) => name);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw notDirectory(this.directory, error) ?? error;
      }
    });
  }

  read(name: string): Uint8Array {
    const path = join(this.directory, name);
    return attempt("read", path, () => {
      isFile(path);
      return Deno.readFileSync(path);
    });
  }

  create(name: string): OpenFile {
    const path = join(this.directory, name);
    this.#checkPlace();
    const options = { write: true, createNew: true, mode: fileMode };
    const file = attempt("create", path, () => {
      // A crash left it. To empty it would write through a link that was put in its place.
      if (isFile(path)) Deno.removeSync(path);
      return openPatiently(path, options);
    });
    return this.#newest = new DenoFile(path, file);
  }

  rename(from: string, to: string): void {
    const path = join(this.directory, to);
    this.#checkPlace();
    attempt(
      "rename to",
      path,
      () => Deno.renameSync(join(this.directory, from), path),
    );
    this.#checkPlace();
    if (this.#newest?.path === join(this.directory, from)) {
      this.#newest.path = path;
    }
  }

  remove(name: string): void {
    const path = join(this.directory, name);
    this.#checkPlace();
    attempt("remove", path, () => Deno.removeSync(path));
  }

  sync(done: Done): void {
    let file: Deno.FsFile;
    try {
      file = attempt(
        "sync",
        this.directory,
        () => openPatiently(this.directory),
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

  /**
   * The lock belongs to an inode, but files are opened by path. If somebody has moved the
   * directory and founded another node in its place, a new segment would replace that node's
   * log (PITFALLS 43). Called right before each such step; in the moment between, no node can
   * be founded.
   *
   * @throws {StorageError} if the path no longer leads to the locked file
   */
  #checkPlace(): void {
    const held = this.#held;
    if (held === undefined) return;
    const found = inodeAt(join(this.directory, lockName));
    if (found?.dev === held.dev && found.ino === held.ino) return;
    throw new StorageError(
      `${this.directory} is not the directory that this process has locked: it was ` +
        "moved, replaced, or its LOCK removed, while ticketd ran, and nothing more is " +
        "written there. Stop ticketd before you move its data, then start it where " +
        "they are",
    );
  }
}

type Inode = Pick<Deno.FileInfo, "dev" | "ino">;

/** Milliseconds between two tries to open a file while there is no handle. */
const handlePauseMillis = 10;
/** A second in all: a crowd of clients that are refused holds the last handles for less. */
const handleTriesMax = 100;
const neverWoken = new Int32Array(new SharedArrayBuffer(4));

/** Opens a file, or a directory; waits for a file handle if there is none at the moment. */
function openPatiently(path: string, options?: Deno.OpenOptions): Deno.FsFile {
  for (let tries = 1;; tries++) {
    try {
      return Deno.openSync(path, options);
    } catch (error) {
      if (!isOutOfHandles(error) || tries === handleTriesMax) throw error;
      Atomics.wait(neverWoken, 0, 0, handlePauseMillis);
    }
  }
}

/** `undefined` beyond the paths of -P: Deno opens a file there through a link, and no more. */
function heldBy(file: Deno.FsFile): Inode | undefined {
  try {
    return file.statSync();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function inodeAt(path: string): Inode | undefined {
  return attempt("look at", path, () => {
    try {
      return Deno.lstatSync(path);
    } catch (error) {
      const { NotFound, NotADirectory } = Deno.errors;
      if (error instanceof NotFound || error instanceof NotADirectory) {
        return undefined;
      }
      throw error;
    }
  });
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

/**
 * Writes all of `bytes`, in as many writes as it takes: one write(2) may take less than it was
 * given (PITFALLS 3).
 *
 * @throws if the system takes nothing, or reports an error
 */
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

/** `path` and the directories above it, as far as they do not exist. */
function missingDirectories(path: string): string[] {
  const missing: string[] = [];
  for (let at = resolve(path);; at = dirname(at)) {
    if (!mayRead(at)) return missing;
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
  const parent = dirname(path);
  // The right to read `data` does not reach above it. There is no need either: journalling
  // file systems commit the new directory with the first sync of a file in it.
  if (mayRead(parent)) syncDirectory(parent);
}

/** Without the right, Deno would ask for it at a terminal and wait. */
function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

function syncDirectory(path: string): void {
  attempt("sync", path, () => {
    const file = openPatiently(path);
    try {
      file.syncSync();
    } finally {
      file.close();
    }
  });
}
