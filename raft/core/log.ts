// The log in memory: a snapshot, every entry after it, and some entries before its end, which
// a leader keeps for followers that are catching up. It knows nothing of leaders, of disks
// (`saves.ts`) or of members (`membership.ts`).
//
//   compactedIndex <= snapshot.index <= lastApplied <= commitIndex <= lastIndex
//
// Terms never fall along the log, and nothing at or below commitIndex ever changes.

import { assert } from "../../base/assert.ts";
import type { Configuration, Entry, Index, Snapshot, Term } from "./types.ts";

/** The beginning of every log: nothing is applied, and there are no members. */
export const emptySnapshot: Snapshot = {
  index: 0,
  term: 0,
  configuration: { servers: [] },
  configurationIndex: 0,
  data: new Uint8Array(0),
};

/** One node's replicated log, as far as it is not compacted away. */
export class Log {
  #snapshot: Snapshot;
  /** From compactedIndex + 1 on. */
  #entries: Entry[] = [];
  #compactedIndex: Index;
  /** The term at compactedIndex. */
  #compactedTerm: Term;
  #commitIndex: Index;
  #lastApplied: Index;

  constructor(snapshot: Snapshot, entries: readonly Entry[]) {
    this.#snapshot = snapshot;
    this.#compactedIndex = snapshot.index;
    this.#compactedTerm = snapshot.term;
    // After a restart a node learns anew what is committed (paper, figure 2: volatile).
    this.#commitIndex = snapshot.index;
    this.#lastApplied = snapshot.index;
    for (const entry of entries) this.append(entry);
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get commitIndex(): Index {
    return this.#commitIndex;
  }

  get lastApplied(): Index {
    return this.#lastApplied;
  }

  get lastIndex(): Index {
    return this.#compactedIndex + this.#entries.length;
  }

  /** The entries up to this index are gone; it is the snapshot's, or lower. */
  get compactedIndex(): Index {
    return this.#compactedIndex;
  }

  get lastTerm(): Term {
    return this.#entries.at(-1)?.term ?? this.#compactedTerm;
  }

  /** Entries behind the snapshot. */
  get length(): number {
    return this.lastIndex - this.#snapshot.index;
  }

  /** The term at `index`; `undefined` if it is compacted away or beyond the end. */
  termAt(index: Index): Term | undefined {
    if (index === this.#compactedIndex) return this.#compactedTerm;
    return this.#entries[index - this.#compactedIndex - 1]?.term;
  }

  /**
   * The term of `index`, which is `compactedIndex` or an entry's in the log.
   *
   * @throws {InvariantError} if it is neither
   */
  termOf(index: Index): Term {
    const term = this.termAt(index);
    assert(term !== undefined, `entry ${index} is not in the log`);
    return term;
  }

  /** Paper 5.3: the same index and term mean the same log up to there. */
  matches(index: Index, term: Term): boolean {
    return this.termAt(index) === term;
  }

  /** Whether a log with this end is at least as up to date as this one (paper 5.4.1). */
  isUpToDate(lastLogIndex: Index, lastLogTerm: Term): boolean {
    return lastLogTerm > this.lastTerm ||
      (lastLogTerm === this.lastTerm && lastLogIndex >= this.lastIndex);
  }

  /** Entries from `first` to `last`, both included. */
  slice(first: Index, last: Index = this.lastIndex): Entry[] {
    assert(first > this.#compactedIndex, `entry ${first} is compacted away`);
    return this.#entries.slice(
      first - this.#compactedIndex - 1,
      last - this.#compactedIndex,
    );
  }

  /** Adds one entry at the end. */
  append(entry: Entry): void {
    assert(
      entry.index === this.lastIndex + 1,
      `entry ${entry.index} cannot follow ${this.lastIndex}`,
    );
    assert(
      entry.term >= this.lastTerm,
      `term ${entry.term} cannot follow ${this.lastTerm}`,
    );
    this.#entries.push(entry);
  }

  /** Drops every entry from `first` on. */
  truncate(first: Index): void {
    assert(
      first > this.#commitIndex,
      `entry ${first} is committed and cannot be dropped`,
    );
    this.#entries.length = first - this.#compactedIndex - 1;
  }

  /**
   * The highest index, not above `index`, whose term is not above `term`: two logs may
   * agree up to there, which one message per term finds out (paper 5.3, end). If even the
   * term at compactedIndex is above, the index just below it: the leader then sends the
   * snapshot, where it would otherwise offer that entry again and again.
   */
  lastIndexWithTermAtMost(index: Index, term: Term): Index {
    let i = Math.min(index, this.lastIndex);
    while (i >= this.#compactedIndex && this.termOf(i) > term) i--;
    return i;
  }

  /** Raises commitIndex to `index`; a lower one changes nothing. */
  commit(index: Index): void {
    assert(index <= this.lastIndex, `commit index ${index} is beyond the log`);
    this.#commitIndex = Math.max(this.#commitIndex, index);
  }

  /** The entries that became committed since the last call, for the machine. */
  takeCommitted(): Entry[] {
    if (this.#lastApplied === this.#commitIndex) return [];
    const entries = this.slice(this.#lastApplied + 1, this.#commitIndex);
    this.#lastApplied = this.#commitIndex;
    return entries;
  }

  /**
   * Replaces all entries up to lastApplied by `data`, the machine's state after them; those
   * behind `keptIndex`, if that is lower, stay in memory nevertheless.
   */
  compact(
    { configuration, configurationIndex, data, keptIndex = Infinity }: {
      configuration: Configuration;
      configurationIndex: Index;
      data: Uint8Array;
      keptIndex?: Index;
    },
  ): void {
    const index = this.#lastApplied;
    const term = this.termAt(index);
    assert(
      term !== undefined,
      "the last applied entry is in the log or its snapshot",
    );
    const from = Math.max(this.#compactedIndex, Math.min(index, keptIndex));
    const compactedTerm = this.termOf(from);
    this.#entries = this.slice(from + 1);
    this.#compactedIndex = from;
    this.#compactedTerm = compactedTerm;
    this.#snapshot = { index, term, configuration, configurationIndex, data };
  }

  /** Drops the entries that a compaction has kept: the log begins behind its snapshot. */
  dropKept(): void {
    const { index, term } = this.#snapshot;
    this.#entries = this.slice(index + 1);
    this.#compactedIndex = index;
    this.#compactedTerm = term;
  }

  /** Replaces everything by a snapshot that is ahead (paper, figure 13). */
  restore(snapshot: Snapshot): void {
    assert(
      snapshot.index > this.#commitIndex,
      "a snapshot must not undo what is committed",
    );
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#compactedIndex = snapshot.index;
    this.#compactedTerm = snapshot.term;
    this.#commitIndex = snapshot.index;
    this.#lastApplied = snapshot.index;
  }
}
