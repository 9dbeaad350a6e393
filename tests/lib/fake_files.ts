// A disk in memory, and `Files` on it, for tests and the simulator. It keeps written bytes apart
// from synced ones, so that a crash can lose, tear or reorder all that no sync has covered:
//
// - `restart()` is a killed process: everything that was written stays.
// - `crash(pick)` is a power loss. It keeps any subset of the sectors of the unsynced writes
//   (`fake_inode.ts`), and any subset of the unsynced creations, renames and removals, each
//   whole. `pick(n)` chooses among n: at random in the simulator, one after the other in
//   exhaustive tests; 0 always keeps least.
// - `fault(operation)` may return an error to fail with. A failed write leaves half of its
//   bytes; a failed sync marks its pages clean (PITFALLS 11): they can be read until the next
//   crash, and no later sync makes them durable.
// - `flip`, `copySector` and `staleSector` are what a bad disk does by itself.
// After a restart or crash the files of the former process throw, and call nobody back.

import assert from "node:assert/strict";
import type { Files, OpenFile } from "../../storage/files.ts";
import { type Done, StorageError } from "../../storage/storage.ts";
import { Inode, type Pick, sectorBytes, sectorOf } from "./fake_inode.ts";

export { type Pick, sectorBytes };

/** One call of `Files` or of an open file. */
export type Operation = {
  readonly type:
    | "makeDirectory"
    | "lock"
    | "read"
    | "create"
    | "append"
    | "sync"
    | "rename"
    | "remove"
    | "syncDirectory";
  readonly name: string;
};

export type FakeDiskOptions = {
  /** Runs the end of a sync later: the simulator puts it on its clock. */
  readonly later?: (run: () => void) => void;
  /** The error with which an operation must fail, if it must. */
  readonly fault?: (operation: Operation) => Error | undefined;
  /** Whether `operations` is kept: long simulations only count them. */
  readonly record?: boolean;
};

/** The sector of this number, from 0, of the file of this name. */
export type Sector = { readonly name: string; readonly sector: number };

type Names = Map<string, Inode>;

/** One atomic change to the directory: a name goes, a name comes, or both (rename). */
type NameChange = {
  readonly gone?: string | undefined;
  readonly come?: { readonly name: string; readonly inode: Inode } | undefined;
};

/** So many removed files are kept, whose sectors may show up again. */
const formerFilesMax = 3;

/** The disk. Its methods are what happens to it; a process works on the files of `open()`. */
export class FakeDisk {
  later: (run: () => void) => void;
  fault: (operation: Operation) => Error | undefined;
  /** All operations, in order, as `type name`. */
  readonly operations: string[] = [];
  operationCount = 0;
  /** Rises with every change of the durable bytes and names. */
  version = 0;
  /** Rises with every such change that did more than append to a file. */
  rewrites = 0;

  readonly #record: boolean;
  #exists = false;
  #names: Names = new Map();
  #durableNames: Names = new Map();
  #nameChanges: NameChange[] = [];
  #former: Uint8Array[] = [];
  /** Stands for the process that has the disk open now. */
  #process = {};
  #locked = false;

  constructor(options: FakeDiskOptions = {}) {
    this.later = options.later ?? queueMicrotask;
    this.fault = options.fault ?? (() => undefined);
    this.#record = options.record ?? true;
  }

  /** The files of the present process. If it opens them twice, the second meets the lock. */
  open(directory = "data/1"): Files {
    return new FakeFiles(this, directory, this.#process);
  }

  /** A disk of its own in this one's state, synced and not, with no process on it. */
  copy(options: FakeDiskOptions = {}): FakeDisk {
    const disk = new FakeDisk(options);
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? inode.copy();
      copies.set(inode, copy);
      return copy;
    };
    const copyNames = (names: Names): Names =>
      new Map([...names].map(([name, inode]) => [name, copyOf(inode)]));
    disk.#exists = this.#exists;
    disk.#names = copyNames(this.#names);
    disk.#durableNames = copyNames(this.#durableNames);
    disk.#nameChanges = this.#nameChanges.map(({ gone, come }) => ({
      gone,
      come: come && { name: come.name, inode: copyOf(come.inode) },
    }));
    disk.#former = this.#former.slice();
    return disk;
  }

  /** The process is killed: everything that was written stays. */
  restart(): void {
    this.#process = {};
    this.#locked = false;
  }

  /** The power is lost: the disk keeps what was synced, and what `pick` chooses of the rest. */
  crash(pick: Pick): void {
    this.restart();
    this.#settle(this.#nameChanges.filter(() => pick(2) === 1));
    this.#nameChanges = [];
    // In the order of the names' creation: the same picks always give the same image.
    for (const inode of new Set(this.#durableNames.values())) inode.crash(pick);
    this.#names = new Map(this.#durableNames);
    this.#rewritten();
  }

  /** The bytes that a reader sees now: a copy; `undefined` if there is no such name. */
  content(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.cached.slice();
  }

  /**
   * The synced bytes of a synced name: a view, valid until the next change. They survive any
   * crash, unless the name is already being removed or replaced.
   */
  durable(name: string): Uint8Array | undefined {
    return this.#durableNames.get(name)?.durable;
  }

  /** The test itself replaces a file durably, or removes it (with `undefined`). */
  setContent(name: string, bytes: Uint8Array | undefined): void {
    this.#exists = true;
    this.#settle(this.#nameChanges.splice(0));
    const come = bytes && { name, inode: Inode.of(bytes) };
    this.#settle([{ gone: name, come }]);
    this.#names = new Map(this.#durableNames);
    this.#rewritten();
  }

  /** The names that a reader sees now, in order. */
  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** The names that are certain to survive a crash, in order. */
  durableNames(): string[] {
    return [...this.#durableNames.keys()].sort();
  }

  /** Flips a bit of byte `at`, for good. */
  flip(name: string, { at, bit }: { at: number; bit: number }): void {
    const inode = this.inode(name);
    const byte = inode.cached[at];
    assert(byte !== undefined, `${name} has no byte ${at}`);
    this.#damage(inode, at, Uint8Array.of(byte ^ (1 << bit)));
  }

  /** A misplaced write: the bytes of sector `from` lie at `to`, as far as that file goes. */
  copySector(from: Sector, to: Sector): void {
    const target = this.inode(to.name);
    const space = target.sector(to.sector);
    const bytes = this.inode(from.name).sector(from.sector);
    space.set(bytes.subarray(0, space.length));
    this.#damage(target, to.sector * sectorBytes, space);
  }

  /**
   * A lost write: the sector goes back to its bytes before some sync (zeros before the first), or
   * to the bytes that a removed file left at this place. Returns false if it never held others.
   */
  staleSector({ name, sector }: Sector, pick: Pick): boolean {
    const inode = this.inode(name);
    const now = inode.sector(sector);
    const stale = inode.formerSectors(sector);
    for (const former of this.#former) {
      const bytes = now.slice().fill(0);
      bytes.set(sectorOf(former, sector).subarray(0, now.length));
      stale.push(bytes);
    }
    const other = stale.filter((bytes) => bytes.some((b, i) => b !== now[i]));
    if (other.length === 0) return false;
    this.#damage(inode, sector * sectorBytes, other[pick(other.length)] ?? now);
    return true;
  }

  #damage(inode: Inode, at: number, bytes: Uint8Array): void {
    inode.damage(at, bytes);
    this.#rewritten();
  }

  #rewritten(): void {
    this.version++;
    this.rewrites++;
  }

  /** Makes `changes` durable. */
  #settle(changes: readonly NameChange[]): void {
    const before = new Set(this.#durableNames.values());
    for (const change of changes) apply(change, this.#durableNames);
    for (const inode of this.#durableNames.values()) before.delete(inode);
    for (const inode of before) this.#former.push(inode.durable.slice());
    this.#former.splice(0, this.#former.length - formerFilesMax);
  }

  /** Notes an operation. Only FakeFiles and FakeFile call this and the methods below. */
  begin(process: object, operation: Operation): Error | undefined {
    if (process !== this.#process) {
      throw new Error("the process that opened this has died");
    }
    this.operationCount++;
    if (this.#record) {
      this.operations.push(`${operation.type} ${operation.name}`);
    }
    return this.fault(operation);
  }

  isAlive(process: object): boolean {
    return process === this.#process;
  }

  get exists(): boolean {
    return this.#exists;
  }

  makeDirectory(): void {
    this.#exists = true;
  }

  lock(): boolean {
    if (this.#locked) return false;
    this.#locked = true;
    return true;
  }

  unlock(): void {
    this.#locked = false;
  }

  inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) {
      throw new StorageError(`cannot read ${name}: not found`);
    }
    return inode;
  }

  /** A new file of this name; a file that has it is removed before. */
  create(name: string): Inode {
    if (this.#names.has(name)) this.changeNames({ gone: name });
    const inode = new Inode();
    this.changeNames({ come: { name, inode } });
    return inode;
  }

  changeNames(change: NameChange): void {
    apply(change, this.#names);
    this.#nameChanges.push(change);
  }

  get nameChangeCount(): number {
    return this.#nameChanges.length;
  }

  syncNames(count: number): void {
    this.#settle(this.#nameChanges.splice(0, count));
    this.#rewritten();
  }
}

function apply({ gone, come }: NameChange, names: Names): void {
  if (gone !== undefined) names.delete(gone);
  if (come !== undefined) names.set(come.name, come.inode);
}

class FakeFiles implements Files {
  readonly directory: string;
  readonly #disk: FakeDisk;
  readonly #process: object;
  #holdsLock = false;

  constructor(disk: FakeDisk, directory: string, process: object) {
    this.#disk = disk;
    this.directory = directory;
    this.#process = process;
  }

  makeDirectory(): void {
    this.#begin("makeDirectory", "");
    this.#disk.makeDirectory();
  }

  lock(): void {
    if (this.#holdsLock) return;
    this.#begin("lock", "LOCK");
    if (!this.#disk.lock()) {
      throw new StorageError(
        `directory ${this.directory} is in use by another ticketd process`,
      );
    }
    this.#holdsLock = true;
  }

  unlock(): void {
    if (this.#holdsLock && this.#disk.isAlive(this.#process)) {
      this.#disk.unlock();
    }
    this.#holdsLock = false;
  }

  list(): string[] | undefined {
    return this.#disk.exists ? this.#disk.names() : undefined;
  }

  read(name: string): Uint8Array {
    this.#begin("read", name);
    return this.#disk.inode(name).cached.slice();
  }

  create(name: string): OpenFile {
    this.#begin("create", name);
    const inode = this.#disk.create(name);
    return new FakeFile(this.#disk, inode, { name, process: this.#process });
  }

  rename(from: string, to: string): void {
    this.#begin("rename", `${from} ${to}`);
    const inode = this.#disk.inode(from);
    this.#disk.changeNames({ gone: from, come: { name: to, inode } });
  }

  remove(name: string): void {
    this.#begin("remove", name);
    this.#disk.inode(name);
    this.#disk.changeNames({ gone: name });
  }

  sync(done: Done): void {
    const finish = this.#startSync();
    this.#disk.later(() => this.#disk.isAlive(this.#process) && done(finish()));
  }

  syncNow(): void {
    const error = this.#startSync()();
    if (error !== undefined) throw error;
  }

  #startSync(): () => Error | undefined {
    const error = this.#disk.begin(this.#process, {
      type: "syncDirectory",
      name: "",
    });
    const count = this.#disk.nameChangeCount;
    return () => {
      if (error === undefined) this.#disk.syncNames(count);
      return error;
    };
  }

  #begin(type: Operation["type"], name: string): void {
    const error = this.#disk.begin(this.#process, { type, name });
    if (error !== undefined) throw error;
  }
}

class FakeFile implements OpenFile {
  readonly #disk: FakeDisk;
  readonly #inode: Inode;
  readonly #name: string;
  readonly #process: object;
  #open = true;

  constructor(
    disk: FakeDisk,
    inode: Inode,
    { name, process }: { name: string; process: object },
  ) {
    this.#disk = disk;
    this.#inode = inode;
    this.#name = name;
    this.#process = process;
  }

  append(bytes: Uint8Array): void {
    const error = this.#begin("append");
    const taken = error === undefined ? bytes.length : bytes.length >> 1;
    this.#inode.append(bytes.subarray(0, taken));
    if (error !== undefined) throw error;
  }

  sync(done: Done): void {
    const finish = this.#startSync();
    this.#disk.later(() => this.#disk.isAlive(this.#process) && done(finish()));
  }

  syncNow(): void {
    const error = this.#startSync()();
    if (error !== undefined) throw error;
  }

  close(): void {
    if (!this.#open) throw new Error(`${this.#name} was closed twice`);
    this.#open = false;
  }

  #startSync(): () => Error | undefined {
    const error = this.#begin("sync");
    const finish = this.#inode.startSync();
    return () => {
      finish(error !== undefined);
      this.#disk.version++;
      return error;
    };
  }

  #begin(type: Operation["type"]): Error | undefined {
    if (!this.#open) {
      throw new Error(`${type} of ${this.#name}, which is closed`);
    }
    return this.#disk.begin(this.#process, { type, name: this.#name });
  }
}
