// A disk in memory that finishes nothing by itself: a save under way becomes durable with
// `finish()`, fails with `fail()`, or is lost in a crash. Asserts the rules that a node must
// keep. What a save means is `storage/apply_save.ts`'s to say.

import assert from "node:assert/strict";
import type { Save, Saved } from "../../../raft/core/types.ts";
import { replay, type Replayed } from "../../../storage/apply_save.ts";
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
  #flushing: Done[] = [];
  #dead = false;

  constructor(saved: Saved, changed: (saved: Saved) => void = () => {}) {
    this.#changed = changed;
    this.#state = { ...saved, entries: saved.entries.slice() };
  }

  /** All that is durable. */
  get saved(): Saved {
    return this.#state;
  }

  get writing(): Save | undefined {
    return this.#writing?.save;
  }

  load(): Saved {
    this.#dead = false;
    return { ...this.#state, entries: this.#state.entries.slice() };
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

  flush(done: Done): void {
    assert(!this.#dead, "a dead node flushes nothing");
    this.#flushing.push(done);
  }

  close(): void {}

  /** Another disk is put in, with this content. */
  replace(saved: Saved): void {
    this.#state = { ...saved, entries: saved.entries.slice() };
  }

  /** Finishes the save under way, or else the oldest flush; false if there is neither. */
  finish(): boolean {
    const writing = this.#writing;
    if (writing !== undefined) {
      this.#persist();
      writing.done();
      return true;
    }
    const flushed = this.#flushing.shift();
    if (flushed === undefined) return false;
    this.flushes++;
    flushed();
    return true;
  }

  /** Fails the save under way, or else the oldest flush; the node may write nothing more. */
  fail(error: Error): void {
    this.#dead = true;
    const done = this.#writing?.done ?? this.#flushing.shift();
    this.#writing = undefined;
    assert(done, "nothing is under way");
    done(error);
  }

  /** The process is gone. The save under way is kept whole if `saved`, otherwise lost. */
  crash({ saved }: { saved: boolean }): void {
    if (saved && this.#writing !== undefined) this.#persist();
    this.#writing = undefined;
    this.#flushing = [];
    this.#dead = true;
  }

  #persist(): void {
    replay(this.#state, this.#writing!.save);
    this.#writing = undefined;
    this.#changed(this.#state);
  }
}
