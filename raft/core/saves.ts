// What of the state is not yet durable, and which messages wait for it.
//
// A vote or an acknowledgement is a promise about what is on disk. It is therefore
// held here from the moment it is made until the save that covers that moment is
// done, so that no shell can send it too early. A save covers everything up to the
// moment it was taken; saves finish in the order in which they were taken.
//
// Truncation is where this goes wrong elsewhere: a save under way wrote entries that
// have been replaced meanwhile, and its completion must not make their successors
// durable (etcd's async_storage_writes_append_aba_race). So a truncation lowers what
// every save under way will prove, at once.

import { assert } from "../../base/assert.ts";
import type { Log } from "./log.ts";
import type { HardState, Index, Message, NodeId, Save } from "./types.ts";

export class Saves {
  /** The last index up to which our own log is durable as it is now. */
  durableIndex: Index;

  #nextNumber = 1;
  #unsavedFrom: Index;
  #hardStateChanged = false;
  #membersChanged = false;
  #snapshotChanged = false;
  #inFlight: {
    readonly number: number;
    readonly hardStateChanged: boolean;
    lastIndex: Index;
  }[] = [];
  #held: { readonly number: number; readonly message: Message }[] = [];

  constructor(lastIndex: Index) {
    this.durableIndex = lastIndex;
    this.#unsavedFrom = lastIndex + 1;
  }

  hardStateChanged(): void {
    this.#hardStateChanged = true;
  }

  /** A configuration went with what was truncated. */
  membersChanged(): void {
    this.#membersChanged = true;
  }

  /** The log's snapshot is another one; the next save replaces the log. */
  snapshotChanged(): void {
    this.#snapshotChanged = true;
  }

  /** Entries from `first` on are gone from the log. */
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

  /** Term and vote are durable as they are now, whatever the log is. */
  get isTermDurable(): boolean {
    return !this.#hardStateChanged &&
      !this.#inFlight.some(({ hardStateChanged }) => hardStateChanged);
  }

  /** Keeps `message` until all of the present is durable; false if it is already. */
  hold(message: Message, log: Log): boolean {
    const newest = this.#isDirty(log)
      ? this.#nextNumber
      : this.#inFlight.at(-1)?.number;
    if (newest === undefined) return false;
    this.#held.push({ number: newest, message });
    return true;
  }

  /** What is held for node `id` will not be sent. */
  release(id: NodeId): void {
    this.#held = this.#held.filter(({ message }) => message.to !== id);
  }

  /** All that changed since the last call, or `undefined` when nothing did. */
  take(log: Log, hardState: HardState): Save | undefined {
    if (!this.#isDirty(log)) return undefined;
    const snapshot = this.#snapshotChanged ? log.snapshot : undefined;
    const firstIndex = snapshot === undefined
      ? this.#unsavedFrom
      : snapshot.index + 1;
    const entries = log.slice(firstIndex);
    const number = this.#nextNumber++;
    const hardStateChanged = this.#hardStateChanged;
    // A lower durability may lose tickets, never who decides about them. A founder that
    // forgot the members it took in would lead alone beside them (PITFALLS 40). A leader's
    // first entry is what each change of members stands on: a majority that forgot it
    // could elect the author of an older change, whose majorities need not meet ours.
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

  /** Save `number` is durable: returns the messages that may leave now. */
  saved(number: number): Message[] {
    const save = this.#inFlight.shift();
    assert(save?.number === number, `save ${number} finished out of turn`);
    this.durableIndex = Math.max(this.durableIndex, save.lastIndex);
    const waiting = this.#held.findIndex((held) => held.number > number);
    return this.#held.splice(0, waiting < 0 ? this.#held.length : waiting)
      .map((held) => held.message);
  }

  #isDirty(log: Log): boolean {
    return this.#hardStateChanged || this.#snapshotChanged ||
      this.#unsavedFrom <= log.lastIndex;
  }
}
