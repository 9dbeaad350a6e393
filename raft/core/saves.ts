// Which part of the state is not durable yet, and which messages wait for it.
//
// A vote or an acknowledgement is a promise about the disk. It is held here from the moment
// it is made until the save that covers that moment is done, so that no shell can send it
// too early. A save covers everything up to the moment it was taken; saves finish in the
// order in which they were taken.
//
// A truncation may replace entries that a save under way is still writing. When that save is
// done, the new entries must not count as durable (etcd's async_storage_writes_append_aba_race);
// so a truncation lowers at once the index up to which the saves under way count.
//
// A node's own compaction is no change: no message waits for it, and after a crash the entries
// that it replaces are as good. It begins when all that changed is in a save, so that no save
// needs an entry that it has dropped (raft.ts, `compact`).

import { assert } from "../../base/assert.ts";
import type { Log } from "./log.ts";
import type { HardState, Index, Message, NodeId, Save } from "./types.ts";

/** One node's saves: not taken yet, under way, done. */
export class Saves {
  /** The index up to which this node's log is durable as it is now. */
  durableIndex: Index;

  #nextNumber = 1;
  /** The first entry that no save has taken. */
  #unsavedFrom: Index;
  #hardStateChanged = false;
  #membersChanged = false;
  #snapshotChanged = false;
  /** The saves under way, the oldest first; each makes the log durable up to `lastIndex`. */
  #inFlight: {
    readonly number: number;
    readonly hardStateChanged: boolean;
    lastIndex: Index;
  }[] = [];
  /** Messages that wait for save `number`, in its order. */
  #held: { readonly number: number; readonly message: Message }[] = [];

  constructor(lastIndex: Index) {
    this.durableIndex = lastIndex;
    this.#unsavedFrom = lastIndex + 1;
  }

  /** Term or vote changed. */
  hardStateChanged(): void {
    this.#hardStateChanged = true;
  }

  /** A configuration was truncated. */
  membersChanged(): void {
    this.#membersChanged = true;
  }

  /** A leader's snapshot took the place of the log: the next save replaces all of it. */
  snapshotChanged(): void {
    this.#snapshotChanged = true;
  }

  /** Entries from `first` on left the log. */
  truncated(first: Index): void {
    this.#unsavedFrom = Math.min(this.#unsavedFrom, first);
    this.durableIndex = Math.min(this.durableIndex, first - 1);
    for (const save of this.#inFlight) {
      save.lastIndex = Math.min(save.lastIndex, first - 1);
    }
  }

  /** A save is under way. */
  get underWay(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Term and vote are durable as they are now, whether or not the log is. */
  get isTermDurable(): boolean {
    return !this.#hardStateChanged &&
      !this.#inFlight.some(({ hardStateChanged }) => hardStateChanged);
  }

  /** Something has changed that no save has taken. */
  isDirty(log: Log): boolean {
    return this.#hardStateChanged || this.#snapshotChanged ||
      this.#unsavedFrom <= log.lastIndex;
  }

  /** Keeps `message` until the present state is durable; false if it is so already. */
  hold(message: Message, log: Log): boolean {
    const newest = this.isDirty(log)
      ? this.#nextNumber
      : this.#inFlight.at(-1)?.number;
    if (newest === undefined) return false;
    this.#held.push({ number: newest, message });
    return true;
  }

  /** Drops the messages that are held for node `id`. */
  release(id: NodeId): void {
    this.#held = this.#held.filter(({ message }) => message.to !== id);
  }

  /** All that changed since the last call, or `undefined` when nothing did. */
  take(log: Log, hardState: HardState): Save | undefined {
    if (!this.isDirty(log)) return undefined;
    const snapshot = this.#snapshotChanged ? log.snapshot : undefined;
    const firstIndex = snapshot === undefined
      ? this.#unsavedFrom
      : snapshot.index + 1;
    const entries = log.slice(firstIndex);
    const number = this.#nextNumber++;
    const hardStateChanged = this.#hardStateChanged;
    // A lower durability may lose tickets, but not the members or the leader that decide
    // about them. A founder that forgot the members it took in would lead alone beside them
    // (PITFALLS 40). A change of members rests on its leader's first entry: a majority that
    // forgot that entry could elect the author of an older change, whose majorities need
    // not meet those of the newer one.
    const mustSync = hardStateChanged || this.#membersChanged ||
      entries.some(({ type }) => type !== "command");
    const save = { number, hardState, mustSync, snapshot, firstIndex, entries };
    const { lastIndex } = log;
    this.#inFlight.push({ number, hardStateChanged, lastIndex });
    this.#unsavedFrom = log.lastIndex + 1;
    this.#hardStateChanged = this.#membersChanged = false;
    this.#snapshotChanged = false;
    return save;
  }

  /** Save `number` is durable; returns the messages that may leave now. */
  saved(number: number): Message[] {
    const save = this.#inFlight.shift();
    assert(save?.number === number, `save ${number} finished out of turn`);
    this.durableIndex = Math.max(this.durableIndex, save.lastIndex);
    const waiting = this.#held.findIndex((held) => held.number > number);
    return this.#held.splice(0, waiting < 0 ? this.#held.length : waiting)
      .map((held) => held.message);
  }
}
