// The storage contract in its plainest form: everything stays in memory. Unit tests
// run on it, the other two are compared with it, and `replay` below is what a save
// means to all three.
//
// A restart is a new `Memory` on the same `Retained`.

import type { Change } from "../raft/core/save_codec.ts";
import type {
  Entry,
  HardState,
  Identity,
  Save,
  Saved,
  Snapshot,
} from "../raft/core/types.ts";
import { type Done, type Storage, StorageError } from "./storage.ts";

/** The state while saves are replayed into it. */
export type Replayed = {
  readonly identity: Identity;
  hardState: HardState;
  snapshot: Snapshot;
  entries: Entry[];
};

/** Carries one save out on `state`. Throws {@linkcode StorageError} if it does not fit. */
export function replay(state: Replayed, change: Change): void {
  state.hardState = change.hardState;
  if (change.snapshot !== undefined) {
    state.snapshot = change.snapshot;
    state.entries = [];
  }
  const kept = change.firstIndex - 1 - state.snapshot.index;
  if (kept < 0 || kept > state.entries.length) {
    const last = state.snapshot.index + state.entries.length;
    throw new StorageError(
      `a save begins at index ${change.firstIndex}, but the log before it holds ` +
        `${state.snapshot.index + 1} to ${last}`,
    );
  }
  state.entries.length = kept;
  for (const entry of change.entries) state.entries.push(entry);
}

/** The save that, alone in a storage, leaves `saved`. */
export function wholeChange(saved: Saved): Change & { snapshot: Snapshot } {
  const { hardState, snapshot, entries } = saved;
  return { hardState, snapshot, firstIndex: snapshot.index + 1, entries };
}

/** What outlives a {@linkcode Memory}. */
export type Retained = { state: Replayed | undefined };

export class Memory implements Storage {
  readonly #retained: Retained;
  readonly #defer: (callback: () => void) => void;

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
