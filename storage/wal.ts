// The log on disk: one file of records (a segment), replaced by a fresh one at every snapshot
// and at every start. Synchronous with callbacks; it reaches the disk through `Files` alone.
//
//   directory = LOCK · NUMBER.log · (segment.tmp, and an older NUMBER.log) ·
//               (founding: `draft.ts`; and founding.tmp, after a crash)
//
// - A new segment is written under a temporary name, synced and renamed, and the directory is
//   synced, before anything older is removed. So the newest segment is whole, and recovery
//   reads one file.
// - A compaction writes it (`next_segment.ts`) while saves go on in the segment in use. Saves
//   wait only while it is made equal to that one, synced and named.
// - Only the process that made a segment appends to it. A start writes what it has read to a
//   new one: a failed sync may have left pages in the cache that are not on the disk
//   (PITFALLS 11). `recovery.ts` finds where that ends.
// - A directory that is refused stays as it was, byte for byte.

import { assert } from "../base/assert.ts";
import { Writer } from "../base/bytes.ts";
import type { Logger } from "../base/logger.ts";
import { type Change, writeChange } from "../raft/core/save_codec.ts";
import type {
  Compacted,
  Identity,
  NodeId,
  Save,
  Saved,
} from "../raft/core/types.ts";
import type { Files } from "./files.ts";
import { wholeChange } from "./apply_save.ts";
import {
  decodeDraft,
  draftName,
  encodeDraft,
  temporaryDraftName,
} from "./draft.ts";
import {
  NextSegment,
  type OpenSegment,
  type SegmentLimits,
  segmentLimits,
} from "./next_segment.ts";
import { kinds, writeRecord } from "./record.ts";
import { recover } from "./recovery.ts";
import { segmentName, segmentNumbers, temporaryName } from "./segment.ts";
import {
  type Done,
  type Durability,
  type Storage,
  StorageError,
} from "./storage.ts";
import { type Steps, WorkQueue } from "./work_queue.ts";

/** The dependencies of a log. */
export type WalOptions = {
  readonly files: Files;
  /** The node that must own the directory. */
  readonly node: NodeId;
  readonly durability: Durability;
  /** Hears what recovery has dropped. */
  readonly log: Logger;
  /** How the bytes of a compaction reach the disk; those of a node in service by default. */
  readonly limits?: SegmentLimits;
  /** Runs a callback after the present call has returned. */
  readonly defer?: (callback: () => void) => void;
};

/** At `low`, the bytes that may wait in memory between two flushes. */
const pendingBytesMax = 1024 * 1024;

/** A compaction under way; its `done` runs once, whatever becomes of it. */
type Compaction = { readonly next: NextSegment; readonly done: Done };

/** The storage contract on files. */
export class Wal implements Storage {
  readonly #files: Files;
  readonly #node: NodeId;
  readonly #durability: Durability;
  readonly #log: Logger;
  readonly #limits: SegmentLimits;
  readonly #defer: (callback: () => void) => void;

  #identity: Identity | undefined;
  #error: Error | undefined;

  /** The segment in use; `undefined` before load() or create(). */
  #segment: OpenSegment | undefined;
  /** Framed records that are not yet in its file. */
  readonly #pending = new Writer();
  /** The highest number that a segment was begun with, named or not. */
  #number = 0;

  /** Writes and flushes: a flush may have to wait for a write, and the reverse. */
  readonly #work: WorkQueue;
  /** What a compaction does beside them. */
  readonly #beside: WorkQueue;
  #compaction: Compaction | undefined;
  /** A write that came while none may be begun. */
  #held: { readonly save: Save; readonly done: Done } | undefined;

  constructor(options: WalOptions) {
    this.#files = options.files;
    this.#node = options.node;
    this.#durability = options.durability;
    this.#log = options.log;
    this.#limits = options.limits ?? segmentLimits;
    this.#defer = options.defer ?? queueMicrotask;
    const queue = {
      defer: this.#defer,
      failed: (error: unknown) => this.#fail(error, []),
    };
    this.#work = new WorkQueue(queue);
    this.#beside = new WorkQueue(queue);
  }

  get bytes(): number {
    return (this.#segment?.written ?? 0) + this.#pending.length +
      (this.#compaction?.next.written ?? 0);
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
    this.#work.enqueue(this.#replaceDraft(encodeDraft(draft)), done);
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
    this.#work.enqueue(this.#roll(wholeChange(saved)), done);
  }

  write(save: Save, done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    const { snapshot } = save;
    const next = this.#compaction?.next;
    if (next?.isSwitching || (next?.isHoldingSaves && snapshot === undefined)) {
      this.#held = { save, done };
      return;
    }
    if (snapshot !== undefined) return this.#replaceAll(save, done);
    this.#frame(save);
    const mustSync = this.#durability === "high" || save.mustSync;
    const mayWait = this.#durability === "low" &&
      this.#pending.length < pendingBytesMax;
    try {
      if (mustSync || !mayWait) this.#writePending();
    } catch (error) {
      return this.#fail(error, [done]);
    }
    if (mustSync) this.#work.enqueue(this.#sync(), done);
    else this.#defer(done);
  }

  compact(state: Compacted, done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    assert(this.#compaction === undefined, "one compaction at a time");
    const next = this.#begin(wholeChange(state));
    this.#compaction = { next, done };
    this.#beside.enqueue(next.writeBeside(), (error) => {
      if (next.isGivenUp) return;
      if (error !== undefined) return done(error);
      // From here on no write begins, and those that were begun are ahead in the queue.
      next.isSwitching = true;
      this.#work.enqueue(this.#switchTo(next), (error) => {
        if (error !== undefined) return done(error);
        this.#compaction = undefined;
        this.#beside.enqueue(this.#removeOlder(), done);
        this.#release();
      });
    });
  }

  flush(done: Done): void {
    if (this.#error !== undefined) return this.#fail(this.#error, [done]);
    this.#work.enqueue(this.#sync(), done);
  }

  close(): void {
    this.#work.close();
    this.#beside.close();
    this.#segment?.file.close();
    this.#compaction?.next.close();
    this.#segment = this.#compaction = undefined;
    this.#files.unlock();
  }

  #load(): Saved | undefined {
    if (this.#files.list() === undefined) return undefined;
    this.#files.lock();
    const found = recover(this.#files, { node: this.#node, log: this.#log });
    if (found === undefined) return undefined;
    this.#identity = found.state.identity;
    this.#number = found.number + this.#unnamed();
    for (const target of this.#roll(wholeChange(found.state))) target.syncNow();
    return found.state;
  }

  /**
   * How far the number of a file that a crash left without a name may be above the newest
   * segment's: one that was given up, and the one after it. No segment gets its number again: a
   * stale sector of that file may hold a record, which must not pass for one of the new segment.
   */
  #unnamed(): number {
    return this.#files.list()?.includes(temporaryName) ? 2 : 0;
  }

  /** Adds `save` to the records that are to be written, in every segment that is written. */
  #frame(save: Save): void {
    const segment = this.#open;
    const before = this.#pending.length;
    writeRecord(this.#pending, kinds.save, {
      place: {
        seed: segment.seed,
        offset: segment.written + before,
        synced: segment.synced,
      },
      writePayload: (writer) => writeChange(writer, save),
    });
    this.#compaction?.next.add(save, this.#pending.length - before);
  }

  #writePending(): void {
    if (this.#pending.length === 0) return;
    const segment = this.#open;
    segment.file.append(this.#pending.written);
    segment.written += this.#pending.length;
    this.#pending.reset();
  }

  *#sync(): Steps {
    this.#writePending();
    const segment = this.#open;
    const covered = segment.written;
    if (covered === segment.synced) return;
    yield segment.file;
    segment.synced = covered;
  }

  *#replaceDraft(bytes: Uint8Array): Steps {
    const file = this.#files.create(temporaryDraftName);
    file.append(bytes);
    yield file;
    file.close();
    this.#files.rename(temporaryDraftName, draftName);
    yield this.#files;
  }

  /** Replaces the whole log by `save`, which carries a snapshot. */
  #replaceAll(save: Save, done: Done): void {
    // What a compaction has in hand is out of date. This save does for it, too.
    const compaction = this.#compaction;
    compaction?.next.giveUp();
    this.#compaction = undefined;
    this.#work.enqueue(this.#roll(save), (error) => {
      done(error);
      if (compaction === undefined) return;
      if (error !== undefined) return compaction.done(error);
      // Its last sync may be under way, and fail.
      this.#beside.enqueue(this.#removeOlder(), compaction.done);
    });
  }

  /** Replaces the segment by one that holds only `change`, which is the whole state. */
  *#roll(change: Change): Steps {
    const next = this.#begin(change);
    yield* next.write();
    yield* this.#switchTo(next);
    yield* this.#removeOlder();
  }

  #begin(state: Change): NextSegment {
    const identity = this.#identity;
    assert(identity !== undefined, "write() before load() or create()");
    const number = ++this.#number;
    return new NextSegment({
      files: this.#files,
      identity,
      number,
      state,
      limits: this.#limits,
    });
  }

  /** Puts `next` in the place of the segment in use. Nothing else is written meanwhile. */
  *#switchTo(next: NextSegment): Steps {
    yield* next.finish();
    this.#files.rename(temporaryName, segmentName(next.number));
    yield this.#files;
    this.#segment?.file.close();
    this.#segment = next.opened();
    this.#pending.reset();
  }

  *#removeOlder(): Steps {
    // The name of the newest is durable, so everything older is superfluous.
    const stale = segmentNumbers(this.#files.list() ?? [])
      .filter((other) => other < this.#open.number);
    for (const other of stale) this.#files.remove(segmentName(other));
    if (stale.length > 0) yield this.#files;
  }

  /** Writes go on. */
  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.write(held.save, held.done);
  }

  get #open(): OpenSegment {
    assert(
      this.#segment !== undefined,
      "write() before load() or create()",
    );
    return this.#segment;
  }

  /** The first error ends everything: nothing is written or retried after it (PITFALLS 11, 13). */
  #fail(error: unknown, dones: Done[]): void {
    this.#error ??= error instanceof Error ? error : new Error(String(error));
    dones.push(...this.#work.abandon(), ...this.#beside.abandon());
    if (this.#held !== undefined) dones.push(this.#held.done);
    this.#held = undefined;
    for (const done of dones) this.#defer(() => done(this.#error));
  }
}
