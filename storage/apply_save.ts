// The effect of a save on the log: `replay` carries one out on the state that all saves before
// it have left, `wholeChange` makes the one save that leaves a given state. Every
// implementation of `Storage` stands on these two. Neither bytes (`save_codec.ts`) nor files
// here.

import type { Change } from "../raft/core/save_codec.ts";
import type {
  Compacted,
  Entry,
  HardState,
  Identity,
  Saved,
  Snapshot,
} from "../raft/core/types.ts";
import { StorageError } from "./storage.ts";

/** A `Saved` that can still change: the state while saves are replayed into it. */
export type Replayed = {
  readonly identity: Identity;
  hardState: HardState;
  snapshot: Snapshot;
  entries: Entry[];
};

/**
 * Carries `change` out on `state`: it replaces the hard state, the snapshot if it has one, and
 * the log from its first index on.
 *
 * @throws {StorageError} if it leaves a gap behind the log, or begins before it
 */
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

/** The same content with `snapshot` in the place of the entries up to it. */
export function compacted(
  { identity, hardState, snapshot: former, entries }: Saved,
  snapshot: Snapshot,
): Replayed {
  const rest = entries.slice(snapshot.index - former.index);
  return { identity, hardState, snapshot, entries: rest };
}

/** The save that, alone in a storage, leaves `saved`. */
export function wholeChange(saved: Compacted): Change & { snapshot: Snapshot } {
  const { hardState, snapshot, entries } = saved;
  return { hardState, snapshot, firstIndex: snapshot.index + 1, entries };
}
