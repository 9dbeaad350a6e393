// The log on disk: one file of records (a segment), replaced by a fresh one at every snapshot
// and at every start. Synchronous with callbacks; it reaches the disk through `Files` alone.
//
//   directory = LOCK · NUMBER.log · (segment.tmp, and an older NUMBER.log, after a crash) ·
//               (founding: `draft.ts`; and founding.tmp, after a crash)
//
// - A new segment is written under a temporary name, synced and renamed, and the directory is
//   synced, before anything older is removed. So the newest segment is whole, and recovery
//   reads one file.
// - Only the process that made a segment appends to it. A start writes what it has read to a
//   new one: a failed sync may have left pages in the cache that are not on the disk
//   (PITFALLS 11). `recovery.ts` finds where that ends.
// - A directory that is refused stays as it was, byte for byte.

import { assert } from "../base/assert.ts";
import { Writer } from "../base/bytes.ts";
import type { Logger } from "../base/logger.ts";
import { type Change, writeChange } from "../raft/core/save_codec.ts";
import type { Identity, NodeId, Save, Saved } from "../raft/core/types.ts";
import type { Files, OpenFile, Syncable } from "./files.ts";
import { wholeChange } from "./apply_save.ts";
import {
  decodeDraft,
  draftName,
  encodeDraft,
  temporaryDraftName,
} from "./draft.ts";
import { kinds, writeRecord } from "./record.ts";
import { recover } from "./recovery.ts";
import {
  encodeSegment,
  seedOf,
  segmentName,
  segmentNumbers,
  temporaryName,
} from "./segment.ts";
import {
  type Done,
  type Durability,
  type Storage,
  StorageError,
} from "./storage.ts";

/** The dependencies of a log. */
export type WalOptions = {
  readonly files: Files;
  /** The node that must own the directory. */
  readonly node: NodeId;
  readonly durability: Durability;
  /** Hears what recovery has dropped. */
  readonly log: Logger;
  /** Runs a callback after the present call has returned. */
  readonly defer?: (callback: () => void) => void;
};

/** At `low`, the bytes that may wait in memory between two flushes. */
const pendingBytesMax = 1024 * 1024;

/** A piece of work that yields each file or directory that must be durable before it goes on. */
type Steps = Generator<Syncable, void, void>;

/** The storage contract on files. */
export class Wal implements Storage {
  readonly #files: Files;
  readonly #node: NodeId;
  readonly #durability: Durability;
  readonly #log: Logger;
  readonly #defer: (callback: () => void) => void;

  #identity: Identity | undefined;
  #error: Error | undefined;
  #closed = false;

  #file: OpenFile | undefined;
  #number = 0;
  #seed = 0;
  // Bytes of the file: #synced <= #written <= #written + #pending.length
  #synced = 0;
  #written = 0;
  /** Framed records that are not yet in the file. */
  readonly #pending = new Writer();

  /** One piece runs at a time: a flush may have to wait for a write, and the reverse. */
  readonly #work: { readonly steps: Steps; readonly done: Done }[] = [];
  #working = false;

  constructor(options: WalOptions) {
    this.#files = options.files;
    this.#node = options.node;
    this.#durability = options.durability;
    this.#log = options.log;
    this.#defer = options.defer ?? queueMicrotask;
  }

  get bytes(): number {
    return this.#written + this.#pending.length;
  }

  load(): Saved | undefined {
    try {
      return this.#load();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  readDraft(): string | undefined {
    if (!this.#files.list()?.includes(draftName)) return undefined;
    const path = `${this.#files.directory}/${draftName}`;
    return decodeDraft(this.#files.read(draftName), path);
  }

  writeDraft(draft: string, done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    try {
      this.#files.makeDirectory();
      this.#files.lock();
    } catch (error) {
      return this.#fail(error, [done]);
    }
    this.#enqueue(this.#replaceDraft(encodeDraft(draft)), done);
  }

  create(saved: Saved, done: Done): void {
    assert(saved.identity.node === this.#node, "creating another node's log");
    try {
      this.#files.makeDirectory();
      this.#files.lock();
      if (segmentNumbers(this.#files.list() ?? []).length > 0) {
        throw new StorageError(
          `another ticketd process has just put data into ${this.#files.directory}`,
        );
      }
    } catch (error) {
      return this.#fail(error, [done]);
    }
    this.#identity = saved.identity;
    this.#enqueue(this.#roll(wholeChange(saved)), done);
  }

  write(save: Save, done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    if (save.snapshot !== undefined) {
      return this.#enqueue(this.#roll(save), done);
    }
    writeRecord(this.#pending, kinds.save, {
      place: { seed: this.#seed, offset: this.bytes, synced: this.#synced },
      writePayload: (writer) => writeChange(writer, save),
    });
    const mustSync = this.#durability === "high" || save.mustSync;
    const mayWait = this.#durability === "low" &&
      this.#pending.length < pendingBytesMax;
    try {
      if (mustSync || !mayWait) this.#writePending();
    } catch (error) {
      return this.#fail(error, [done]);
    }
    if (mustSync) this.#enqueue(this.#sync(), done);
    else this.#defer(done);
  }

  flush(done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    this.#enqueue(this.#sync(), done);
  }

  close(): void {
    this.#closed = true;
    this.#file?.close();
    this.#file = undefined;
    this.#files.unlock();
  }

  #load(): Saved | undefined {
    if (this.#files.list() === undefined) return undefined;
    this.#files.lock();
    const found = recover(this.#files, { node: this.#node, log: this.#log });
    if (found === undefined) return undefined;
    this.#identity = found.state.identity;
    this.#number = found.number;
    for (const target of this.#roll(wholeChange(found.state))) target.syncNow();
    return found.state;
  }

  #writePending(): void {
    if (this.#pending.length === 0) return;
    assert(this.#file !== undefined, "write() before load() or create()");
    this.#file.append(this.#pending.written);
    this.#written += this.#pending.length;
    this.#pending.reset();
  }

  *#sync(): Steps {
    this.#writePending();
    const covered = this.#written;
    if (covered === this.#synced) return;
    assert(this.#file !== undefined, "a log without a file");
    yield this.#file;
    this.#synced = covered;
  }

  *#replaceDraft(bytes: Uint8Array): Steps {
    const file = this.#files.create(temporaryDraftName);
    file.append(bytes);
    yield file;
    file.close();
    this.#files.rename(temporaryDraftName, draftName);
    yield this.#files;
  }

  /** Replaces the segment by one that holds only `change`, which is the whole state. */
  *#roll(change: Change): Steps {
    assert(this.#identity !== undefined, "write() before load() or create()");
    const number = this.#number + 1;
    const segment = encodeSegment(number, this.#identity, change);
    this.#pending.reset();
    this.#file?.close();
    this.#file = undefined;
    this.#file = this.#files.create(temporaryName);
    this.#file.append(segment);
    yield this.#file;
    this.#files.rename(temporaryName, segmentName(number));
    yield this.#files;
    // Only now is everything older superfluous.
    const stale = segmentNumbers(this.#files.list() ?? []).filter((other) =>
      other < number
    );
    for (const other of stale) this.#files.remove(segmentName(other));
    if (stale.length > 0) yield this.#files;
    this.#number = number;
    this.#seed = seedOf(this.#identity, number);
    this.#written = this.#synced = segment.length;
  }

  #enqueue(steps: Steps, done: Done): void {
    this.#work.push({ steps, done });
    if (!this.#working) this.#advance({ deferred: true });
  }

  /** Runs the first piece of work up to its next sync, or to its end. */
  #advance({ deferred }: { deferred: boolean }): void {
    const work = this.#work[0];
    if (work === undefined || this.#closed) return;
    this.#working = true;
    let step: IteratorResult<Syncable, void>;
    try {
      step = work.steps.next();
    } catch (error) {
      return this.#fail(error, []);
    }
    if (!step.done) {
      return step.value.sync((error) => {
        if (this.#closed) return;
        if (error !== undefined) this.#fail(error, []);
        else this.#advance({ deferred: false });
      });
    }
    this.#work.shift();
    this.#working = false;
    // `done` must not run inside the call that was given it.
    if (deferred) this.#defer(work.done);
    else work.done();
    if (!this.#working) this.#advance({ deferred });
  }

  /** The first error ends everything: nothing is written or retried after it (PITFALLS 11, 13). */
  #fail(error: unknown, dones: Done[]): void {
    this.#error ??= error instanceof Error ? error : new Error(String(error));
    for (const work of this.#work.splice(0)) dones.push(work.done);
    for (const done of dones) this.#defer(() => done(this.#error));
  }
}
