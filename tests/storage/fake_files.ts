// A disk in memory, and `Files` on it, for tests and for the simulator. It keeps what
// was written apart from what was synced, so that a crash can lose, tear or reorder
// everything that no sync covered:
//
// - `restart()` is a killed process: all that was written stays.
// - `crash(pick)` is a power loss. Of each unsynced write it keeps nothing, all, a head
//   or a tail; of the unsynced renames, creations and removals a prefix. `pick(n)`
//   chooses among n: a random source in the simulator, an odometer in exhaustive tests.
// - `fault(operation)` may return an error to fail with. A failed write leaves half of
//   its bytes; a failed sync marks its pages clean, as Linux does (fsyncgate): they can
//   be read until the next crash, and no later sync makes them durable.
//
// After either, the files of the earlier life are dead: they throw, and call nobody.

import type { Files, OpenFile } from "../../storage/files.ts";
import { type Done, StorageError } from "../../storage/storage.ts";

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

export type Pick = (count: number) => number;

export type FakeDiskOptions = {
  /** Runs a sync's end later: the simulator puts it on its clock. */
  readonly later?: (run: () => void) => void;
  readonly fault?: (operation: Operation) => Error | undefined;
};

type Write = {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** A sync of it failed: it will never be durable. */
  lost: boolean;
};

type Inode = { readonly durable: Content; unsynced: Write[] };

type Names = Map<string, Inode>;

/** A change to the directory, and what it does to the names. */
type NameChange = (names: Names) => void;

export class FakeDisk {
  later: (run: () => void) => void;
  fault: (operation: Operation) => Error | undefined;
  /** All operations, in order, as `type name`. */
  readonly operations: string[] = [];

  #exists = false;
  #durableNames: Names = new Map();
  #nameChanges: NameChange[] = [];
  #life = {};
  #locked = false;

  constructor(options: FakeDiskOptions = {}) {
    this.later = options.later ?? queueMicrotask;
    this.fault = options.fault ?? (() => undefined);
  }

  /** The files of one process; a second one at the same time meets the lock. */
  open(directory = "data/1"): Files {
    return new FakeFiles(this, directory, this.#life);
  }

  restart(): void {
    this.#life = {};
    this.#locked = false;
  }

  crash(pick: Pick): void {
    this.restart();
    const kept = pick(this.#nameChanges.length + 1);
    for (const change of this.#nameChanges.slice(0, kept)) {
      change(this.#durableNames);
    }
    this.#nameChanges = [];
    for (const inode of this.#durableNames.values()) {
      for (const write of inode.unsynced.splice(0)) {
        keepSome(inode, write, pick);
      }
    }
  }

  /** What a reader sees now. */
  content(name: string): Uint8Array | undefined {
    const inode = this.#names().get(name);
    return inode && visible(inode);
  }

  /** Replaces or (with `undefined`) removes a file, durably: the test's own hand. */
  setContent(name: string, bytes: Uint8Array | undefined): void {
    this.#exists = true;
    this.#durableNames = this.#names();
    this.#nameChanges = [];
    if (bytes === undefined) this.#durableNames.delete(name);
    else {this.#durableNames.set(name, {
        durable: new Content(bytes),
        unsynced: [],
      });}
  }

  names(): string[] {
    return [...this.#names().keys()].sort();
  }

  /** For FakeFiles only, like all that follows. */
  begin(life: object, operation: Operation): Error | undefined {
    if (life !== this.#life) {
      throw new Error("the process that opened this has died");
    }
    this.operations.push(`${operation.type} ${operation.name}`);
    return this.fault(operation);
  }

  isAlive(life: object): boolean {
    return life === this.#life;
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
    const inode = this.#names().get(name);
    if (inode === undefined) {
      throw new StorageError(`cannot read ${name}: not found`);
    }
    return inode;
  }

  changeNames(change: NameChange): void {
    this.#nameChanges.push(change);
  }

  get nameChangeCount(): number {
    return this.#nameChanges.length;
  }

  syncNames(count: number): void {
    for (const change of this.#nameChanges.splice(0, count)) {
      change(this.#durableNames);
    }
  }

  #names(): Names {
    const names = new Map(this.#durableNames);
    for (const change of this.#nameChanges) change(names);
    return names;
  }
}

class FakeFiles implements Files {
  readonly directory: string;
  readonly #disk: FakeDisk;
  readonly #life: object;
  #holdsLock = false;

  constructor(disk: FakeDisk, directory: string, life: object) {
    this.#disk = disk;
    this.directory = directory;
    this.#life = life;
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
    if (this.#holdsLock && this.#disk.isAlive(this.#life)) this.#disk.unlock();
    this.#holdsLock = false;
  }

  list(): string[] | undefined {
    return this.#disk.exists ? this.#disk.names() : undefined;
  }

  read(name: string): Uint8Array {
    this.#begin("read", name);
    return visible(this.#disk.inode(name));
  }

  create(name: string): OpenFile {
    this.#begin("create", name);
    const inode: Inode = { durable: new Content(), unsynced: [] };
    this.#disk.changeNames((names) => names.set(name, inode));
    return new FakeFile(this.#disk, inode, { name, life: this.#life });
  }

  rename(from: string, to: string): void {
    this.#begin("rename", `${from} ${to}`);
    const inode = this.#disk.inode(from);
    this.#disk.changeNames((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  remove(name: string): void {
    this.#begin("remove", name);
    this.#disk.inode(name);
    this.#disk.changeNames((names) => names.delete(name));
  }

  sync(done: Done): void {
    const finish = this.#startSync();
    this.#disk.later(() => this.#disk.isAlive(this.#life) && done(finish()));
  }

  syncNow(): void {
    const error = this.#startSync()();
    if (error !== undefined) throw error;
  }

  #startSync(): () => Error | undefined {
    const error = this.#disk.begin(this.#life, {
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
    const error = this.#disk.begin(this.#life, { type, name });
    if (error !== undefined) throw error;
  }
}

class FakeFile implements OpenFile {
  readonly #disk: FakeDisk;
  readonly #inode: Inode;
  readonly #name: string;
  readonly #life: object;
  #length = 0;
  #open = true;

  constructor(
    disk: FakeDisk,
    inode: Inode,
    { name, life }: { name: string; life: object },
  ) {
    this.#disk = disk;
    this.#inode = inode;
    this.#name = name;
    this.#life = life;
  }

  append(bytes: Uint8Array): void {
    const error = this.#begin("append");
    const taken = error === undefined ? bytes.length : bytes.length >> 1;
    // A copy: the caller's buffer is reused, as it is after a real write.
    const write = {
      at: this.#length,
      bytes: bytes.slice(0, taken),
      lost: false,
    };
    this.#inode.unsynced.push(write);
    this.#length += taken;
    if (error !== undefined) throw error;
  }

  sync(done: Done): void {
    const finish = this.#startSync();
    this.#disk.later(() => this.#disk.isAlive(this.#life) && done(finish()));
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
    const inode = this.#inode;
    const covered = inode.unsynced.filter((write) => !write.lost);
    return () => {
      for (const write of covered) {
        if (error !== undefined) write.lost = true;
        else makeDurable(inode, write);
      }
      return error;
    };
  }

  #begin(type: Operation["type"]): Error | undefined {
    if (!this.#open) {
      throw new Error(`${type} of ${this.#name}, which is closed`);
    }
    return this.#disk.begin(this.#life, { type, name: this.#name });
  }
}

/** Bytes that grow; what lies between the old end and a write reads as zeros. */
class Content {
  #bytes: Uint8Array;
  #length: number;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = bytes.slice();
    this.#length = bytes.length;
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.bytes());
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, at);
    this.#length = Math.max(this.#length, end);
  }

  /** A copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function visible(inode: Inode): Uint8Array {
  const content = new Content(inode.durable.bytes());
  for (const write of inode.unsynced) content.write(write.at, write.bytes);
  return content.bytes();
}

function makeDurable(inode: Inode, write: Write): void {
  const at = inode.unsynced.indexOf(write);
  if (at < 0) return;
  inode.unsynced.splice(at, 1);
  inode.durable.write(write.at, write.bytes);
}

function keepSome(inode: Inode, { at, bytes, lost }: Write, pick: Pick): void {
  if (lost) return;
  const choice = pick(bytes.length > 1 ? 4 : 2);
  if (choice === 0) return;
  const cut = choice === 1 ? 0 : 1 + pick(bytes.length - 1);
  const from = choice === 3 ? cut : 0;
  const to = choice === 2 ? cut : bytes.length;
  inode.durable.write(at + from, bytes.subarray(from, to));
}
