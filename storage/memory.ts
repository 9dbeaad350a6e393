// The reference implementation of `Storage`: everything stays in memory, and nothing is
// durable. Tests run nodes on it and compare the other two with it; no node in service uses
// it. A restart is a new `Memory` on the same `Retained`.

import type { Compacted, Save, Saved } from "../raft/core/types.ts";
import { compacted, replay, type Replayed } from "./apply_save.ts";
import { type Done, type Storage, StorageError } from "./storage.ts";

/** The content that outlives a {@linkcode Memory}, as a disk outlives a process. */
export type Retained = {
  state: Replayed | undefined;
  draft?: string;
};

/** The storage contract without a disk. */
export class Memory implements Storage {
  readonly #retained: Retained;
  readonly #defer: (callback: () => void) => void;

  /** `defer` runs a callback after the present call has returned. */
  constructor(
    retained: Retained = { state: undefined },
    { defer = queueMicrotask }: { defer?: (callback: () => void) => void } = {},
  ) {
    this.#retained = retained;
    this.#defer = defer;
  }

  load(): Saved | undefined {
    const state = this.#retained.state;
    // The caller's view must not change with later writes.
    return state && { ...state, entries: state.entries.slice() };
  }

  readDraft(): string | undefined {
    return this.#retained.draft;
  }

  writeDraft(draft: string, done: Done): void {
    this.#retained.draft = draft;
    this.#defer(done);
  }

  create(saved: Saved, done: Done): void {
    this.#retained.state = { ...saved, entries: saved.entries.slice() };
    this.#defer(done);
  }

  write(save: Save, done: Done): void {
    const state = this.#retained.state;
    if (state === undefined) throw new StorageError("write() before create()");
    replay(state, save);
    this.#defer(done);
  }

  compact({ snapshot }: Compacted, done: Done): void {
    const state = this.#retained.state;
    if (state === undefined) {
      throw new StorageError("compact() before create()");
    }
    this.#retained.state = compacted(state, snapshot);
    this.#defer(done);
  }

  flush(done: Done): void {
    this.#defer(done);
  }

  get bytes(): number {
    const state = this.#retained.state;
    if (state === undefined) return 0;
    return state.entries.reduce(
      (sum, entry) =>
        sum + 20 + (entry.type === "command" ? entry.data.length : 0),
      state.snapshot.data.length,
    );
  }

  close(): void {}
}
