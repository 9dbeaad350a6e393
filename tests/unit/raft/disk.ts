// A disk in memory that finishes nothing by itself: a save under way becomes durable with
// `finish()`, fails with `fail()`, or is lost in a crash. Asserts the rules that a node must
// keep. What a save means is `storage/apply_save.ts`'s to say.

import assert from "node:assert/strict";
import type {
  Compacted,
  Save,
  Saved,
  Snapshot,
} from "../../../raft/core/types.ts";
import {
  compacted,
  replay,
  type Replayed,
} from "../../../storage/apply_save.ts";
import type { Done, Storage } from "../../../storage/storage.ts";

export class Disk implements Storage {
  /** Every save that was ever begun. */
  readonly saves: Save[] = [];
  /** `Nodes.settle()` leaves saves and flushes under way. */
  stuck = false;
  bytes = 0;
  /** Flushes that became durable. */
  flushes = 0;
  /** Told the content whenever a save has become durable. */
  readonly #changed: (saved: Saved) => void;
  #state: Replayed;
  #writing: { readonly save: Save; readonly done: Done } | undefined;
  #compaction: { readonly state: Compacted; readonly done: Done } | undefined;
  #flushing: Done[] = [];
  #dead = false;

  constructor(saved: Saved, changed: (saved: Saved) => void = () => {}) {
    this.#changed = changed;
    this.#state = copyOf(saved);
  }

  /** All that is durable. */
  get saved(): Saved {
    return this.#state;
  }

  get writing(): Save | undefined {
    return this.#writing?.save;
  }

  /** The snapshot of the compaction under way. */
  get compacting(): Snapshot | undefined {
    return this.#compaction?.state.snapshot;
  }

  load(): Saved {
    this.#dead = false;
    return copyOf(this.#state);
  }

  readDraft(): undefined {}

  writeDraft(): void {
    assert.fail("a node that runs founds nothing");
  }

  create(): void {
    assert.fail("this disk has its content");
  }

  write(save: Save, done: Done): void {
    assert(!this.#dead, "a dead node writes nothing");
    assert(this.#writing === undefined, "one write at a time");
    this.saves.push(save);
    this.#writing = { save, done };
  }

  compact(state: Compacted, done: Done): void {
    assert(!this.#dead, "a dead node compacts nothing");
    assert(this.#compaction === undefined, "one compaction at a time");
    assert(!this.#writing?.save.snapshot, "the whole log is being replaced");
    const after = copyOf(this.#state);
    if (this.#writing !== undefined) replay(after, this.#writing.save);
    const { identity } = after;
    const expected = compacted(after, state.snapshot);
    assert.deepEqual({ identity, ...state }, expected, "not what was saved");
    this.#compaction = { state, done };
  }

  flush(done: Done): void {
    assert(!this.#dead, "a dead node flushes nothing");
    this.#flushing.push(done);
  }

  close(): void {}

  /** Another disk is put in, with this content. */
  replace(saved: Saved): void {
    this.#state = copyOf(saved);
  }

  /**
   * Finishes the save under way, or else the compaction, or else the oldest flush; false if
   * there is none of them.
   */
  finish(): boolean {
    const writing = this.#writing;
    if (writing !== undefined) {
      // A save that replaces the whole log does for the compaction, too.
      const superseded = writing.save.snapshot && this.#compaction;
      if (superseded !== undefined) this.#compaction = undefined;
      this.#persist();
      writing.done();
      superseded?.done();
      return true;
    }
    return this.finishCompaction() || this.#finishFlush();
  }

  /** The same without the compaction, which goes on. */
  finishOther(): boolean {
    return this.#writing === undefined ? this.#finishFlush() : this.finish();
  }

  #finishFlush(): boolean {
    const flushed = this.#flushing.shift();
    if (flushed === undefined) return false;
    this.flushes++;
    flushed();
    return true;
  }

  /** Finishes the compaction, which no save may overlap at its end; false if there is none. */
  finishCompaction(): boolean {
    const compaction = this.#compaction;
    if (compaction === undefined) return false;
    assert(this.#writing === undefined, "a save is under way");
    this.#compaction = undefined;
    this.#state = compacted(this.#state, compaction.state.snapshot);
    this.#changed(this.#state);
    compaction.done();
    return true;
  }

  /**
   * Fails the save under way, or else the compaction, or else the oldest flush; the node may
   * write nothing more.
   */
  fail(error: Error): void {
    this.#dead = true;
    const done = this.#writing?.done ?? this.#compaction?.done ??
      this.#flushing.shift();
    this.#writing = this.#compaction = undefined;
    assert(done, "nothing is under way");
    done(error);
  }

  /** The process is gone. The save under way is kept whole if `saved`, otherwise lost. */
  crash({ saved }: { saved: boolean }): void {
    if (saved && this.#writing !== undefined) this.#persist();
    this.#writing = this.#compaction = undefined;
    this.#flushing = [];
    this.#dead = true;
  }

  #persist(): void {
    replay(this.#state, this.#writing!.save);
    this.#writing = undefined;
    this.#changed(this.#state);
  }
}

function copyOf(saved: Saved): Replayed {
  return { ...saved, entries: saved.entries.slice() };
}
