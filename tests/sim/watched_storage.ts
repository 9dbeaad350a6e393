// The production log, watched: what it acknowledged, and what was on its way, are kept,
// so that whatever is read back after a crash can be compared with them.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Configuration, Save, Saved } from "../../raft/core/types.ts";
import { replay, type Replayed } from "../../storage/apply_save.ts";
import type { Done, Storage } from "../../storage/storage.ts";

/** What a disk owes its node, across lives. */
export class Ledger {
  /** All that was acknowledged, or read back; `undefined` before anything was. */
  acknowledged: Replayed | undefined;
  /** On its way when the life ended: it may have arrived or not. */
  underWay: { readonly save: Save } | { readonly created: Saved } | undefined;

  /** Nothing was ever begun here. */
  get isEmpty(): boolean {
    return this.acknowledged === undefined && this.underWay === undefined;
  }

  /** What was read back is what was acknowledged, or that and what was under way. */
  readBack(saved: Saved | undefined): void {
    const { acknowledged, underWay } = this;
    const possible: (Saved | undefined)[] = [acknowledged];
    if (underWay !== undefined) {
      if ("created" in underWay) possible.push(underWay.created);
      else {
        const after = copyOf(acknowledged!);
        replay(after, underWay.save);
        possible.push(after);
      }
    }
    assert(
      possible.some((one) => isSame(one, saved)),
      `read back ${told(saved)}, and not ${possible.map(told).join(" or ")}`,
    );
    this.acknowledged = saved && copyOf(saved);
    this.underWay = undefined;
  }
}

export type WatchOptions = {
  readonly ledger: Ledger;
  /** Before each acknowledgement; and after, when what it let go is on its way. */
  readonly acknowledging: (save: Save) => void;
  readonly acknowledged: (save: Save) => void;
  /** Bytes that the log claims to have on top. */
  readonly grown: () => number;
  /** The canary: acknowledges before the log does. */
  readonly early: ((run: () => void) => void) | undefined;
};

export class WatchedStorage implements Storage {
  readonly #storage: Storage;
  readonly #options: WatchOptions;

  constructor(storage: Storage, options: WatchOptions) {
    this.#storage = storage;
    this.#options = options;
  }

  get bytes(): number {
    return this.#storage.bytes + this.#options.grown();
  }

  load(): Saved | undefined {
    const saved = this.#storage.load();
    this.#options.ledger.readBack(saved);
    return saved;
  }

  create(saved: Saved, done: Done): void {
    const { ledger } = this.#options;
    ledger.underWay = { created: saved };
    this.#storage.create(saved, (error) => {
      if (error === undefined) {
        ledger.acknowledged = copyOf(saved);
        ledger.underWay = undefined;
      }
      done(error);
    });
  }

  write(save: Save, done: Done): void {
    const { ledger, early } = this.#options;
    assert(ledger.underWay === undefined, "one write at a time");
    ledger.underWay = { save };
    const finish: Done = (error) => {
      if (error === undefined) {
        replay(ledger.acknowledged!, save);
        ledger.underWay = undefined;
        this.#options.acknowledging(save);
      }
      done(error);
      if (error === undefined) this.#options.acknowledged(save);
    };
    if (early === undefined) return this.#storage.write(save, finish);
    this.#storage.write(save, () => {});
    early(finish);
  }

  flush(done: Done): void {
    this.#storage.flush(done);
  }

  close(): void {
    this.#storage.close();
  }
}

function copyOf(saved: Saved): Replayed {
  return { ...saved, entries: saved.entries.slice() };
}

export function isSame(a: Saved | undefined, b: Saved | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.identity.incarnation === b.identity.incarnation &&
    a.hardState.currentTerm === b.hardState.currentTerm &&
    a.hardState.votedFor === b.hardState.votedFor &&
    a.snapshot.index === b.snapshot.index &&
    a.snapshot.term === b.snapshot.term &&
    a.snapshot.configurationIndex === b.snapshot.configurationIndex &&
    areEqual(a.snapshot.data, b.snapshot.data) &&
    areAlike(a.snapshot.configuration, b.snapshot.configuration) &&
    a.entries.length === b.entries.length &&
    a.entries.every((entry, i) => {
      const other = b.entries[i]!;
      if (entry === other) return true;
      if (entry.index !== other.index || entry.term !== other.term) {
        return false;
      }
      if (entry.type === "command") {
        return other.type === "command" && areEqual(entry.data, other.data);
      }
      return entry.type === "configuration"
        ? other.type === "configuration" &&
          areAlike(entry.configuration, other.configuration)
        : entry.type === other.type;
    });
}

function areAlike(a: Configuration, b: Configuration): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function told(saved: Saved | undefined): string {
  if (saved === undefined) return "nothing";
  const { hardState: { currentTerm, votedFor }, snapshot, entries } = saved;
  const last = snapshot.index + entries.length;
  return `term ${currentTerm}, vote ${votedFor}, snapshot ${snapshot.index}, ` +
    `entries to ${last} of term ${entries.at(-1)?.term ?? snapshot.term}`;
}
