// The log of a process, watched: notes what it acknowledged and which save was under way, so
// that what the next process reads back can be compared with them. Not here: what must be
// durable (`drive.ts`, `durable_log.ts`).

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type {
  Compacted,
  Configuration,
  Save,
  Saved,
  Snapshot,
} from "../../raft/core/types.ts";
import { compacted, replay, type Replayed } from "../../storage/apply_save.ts";
import type { Done, Storage } from "../../storage/storage.ts";

/** What a disk owes its node, from process to process. */
export class Ledger {
  /** All that was acknowledged, or read back; `undefined` before anything was. */
  acknowledged: Replayed | undefined;
  /** Being written; if the process has ended meanwhile, it may be on disk or not. */
  underWay: { readonly save: Save } | { readonly created: Saved } | undefined;

  /**
   * The snapshot of a compaction under way: if the process has ended meanwhile, it may stand in
   * the place of the entries up to it, or not.
   */
  compacting: Snapshot | undefined;

  /** Drafts that a process may read back: the last, and the one under way. */
  drafts: (string | undefined)[] = [undefined];

  /** No log was ever written. */
  get isEmpty(): boolean {
    return this.acknowledged === undefined && this.underWay === undefined;
  }

  /**
   * A process has read `saved`.
   *
   * @throws if that is neither what was acknowledged, nor this with the save under way, each
   * compacted or not
   */
  readBack(saved: Saved | undefined): void {
    const { acknowledged, underWay, compacting } = this;
    const possible: (Saved | undefined)[] = [acknowledged];
    if (underWay !== undefined) {
      if ("created" in underWay) possible.push(underWay.created);
      else {
        const after = copyOf(acknowledged!);
        replay(after, underWay.save);
        possible.push(after);
      }
    }
    if (compacting !== undefined) {
      const longEnough = possible.filter((one) => one !== undefined)
        .filter(({ snapshot, entries }) =>
          snapshot.index < compacting.index &&
          snapshot.index + entries.length >= compacting.index
        );
      possible.push(...longEnough.map((one) => compacted(one, compacting)));
    }
    assert(
      possible.some((one) => isSame(one, saved)),
      `read back ${textOf(saved)}, and not ${
        possible.map(textOf).join(" or ")
      }`,
    );
    this.acknowledged = saved && copyOf(saved);
    this.underWay = this.compacting = undefined;
  }
}

export type WatchOptions = {
  readonly ledger: Ledger;
  /** Called right before each save is acknowledged. */
  readonly acknowledging: (save: Save) => void;
  /** Called right after, when the node has sent what waited for it. */
  readonly acknowledged: (save: Save) => void;
  /** Called right after a compaction is acknowledged. */
  readonly compacted: () => void;
  /** Bytes by which the log claims to be larger than it is. */
  readonly grown: () => number;
  /** For the canary "early": defers the acknowledgement, which does not wait for the log. */
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

  readDraft(): string | undefined {
    const draft = this.#storage.readDraft();
    const { ledger } = this.#options;
    assert(ledger.drafts.includes(draft), `read back the draft ${draft}`);
    ledger.drafts = [draft];
    return draft;
  }

  writeDraft(draft: string, done: Done): void {
    const { ledger } = this.#options;
    ledger.drafts.push(draft);
    this.#storage.writeDraft(draft, (error) => {
      if (error === undefined) ledger.drafts = [draft];
      done(error);
    });
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
        // It does for a compaction, too, whose `done` runs later.
        if (save.snapshot !== undefined) ledger.compacting = undefined;
        this.#options.acknowledging(save);
      }
      done(error);
      if (error === undefined) this.#options.acknowledged(save);
    };
    if (early === undefined) return this.#storage.write(save, finish);
    this.#storage.write(save, () => {});
    early(finish);
  }

  compact(state: Compacted, done: Done): void {
    const { ledger } = this.#options;
    const { snapshot } = state;
    const after = copyOf(ledger.acknowledged!);
    if (ledger.underWay !== undefined) {
      assert("save" in ledger.underWay, "compacted before it was created");
      const { save } = ledger.underWay;
      assert(save.snapshot === undefined, "the whole log is being replaced");
      replay(after, save);
    }
    assert(ledger.compacting === undefined, "one compaction at a time");
    const { identity } = after;
    const expected = compacted(after, snapshot);
    assert(
      isSame({ identity, ...state }, expected),
      "compacts what is not saved",
    );
    ledger.compacting = snapshot;
    this.#storage.compact(state, (error) => {
      if (error === undefined && ledger.compacting === snapshot) {
        ledger.acknowledged = compacted(ledger.acknowledged!, snapshot);
        ledger.compacting = undefined;
      }
      done(error);
      if (error === undefined) this.#options.compacted();
    });
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

function textOf(saved: Saved | undefined): string {
  if (saved === undefined) return "nothing";
  const { hardState: { currentTerm, votedFor }, snapshot, entries } = saved;
  const last = snapshot.index + entries.length;
  return `term ${currentTerm}, vote ${votedFor}, snapshot ${snapshot.index}, ` +
    `entries to ${last} of term ${entries.at(-1)?.term ?? snapshot.term}`;
}
