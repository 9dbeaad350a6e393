// Records a workload (`workloads.ts`): a copy of the disk between any two of its operations, with
// the promises that the log had made by then. `main.ts` tries what a power loss makes of each
// copy. The log is the production one; only the disk and the callbacks are under control here.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type {
  Configuration,
  Save,
  Saved,
  Snapshot,
} from "../../raft/core/types.ts";
import type { Files } from "../../storage/files.ts";
import { compacted, replay } from "../../storage/apply_save.ts";
import type { SegmentLimits } from "../../storage/next_segment.ts";
import type { Done, Durability } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import { identity } from "../lib/storage_conformance.ts";
import { FakeDisk, type Operation } from "../lib/fake_files.ts";
import type { Pace, Step } from "./workloads.ts";

/** A state that the log passed through; `saved` is `undefined` before it was created. */
export type State = {
  readonly saved: Saved | undefined;
  readonly key: string;
  /** The key of the same state after the compaction that is under way. */
  readonly compactedKey?: string;
};

/** Whether a log that holds what `key` says is in `state`. */
export function isIn(state: State, key: string): boolean {
  return state.key === key || state.compactedKey === key;
}

/** The disk before one of its operations, and the promises that were made by then. */
export type Point = {
  /** The operation that did not happen. */
  readonly next: string;
  readonly disk: FakeDisk;
  readonly states: readonly State[];
  // Positions in `states`: synced <= acked <= begun.
  readonly synced: number;
  readonly acked: number;
  readonly begun: number;
  /** Whether an operation before it was made to fail. */
  readonly failed: boolean;
};

const changing: ReadonlySet<Operation["type"]> = new Set<Operation["type"]>([
  "makeDirectory",
  "create",
  "append",
  "sync",
  "rename",
  "remove",
  "syncDirectory",
]);

/** Whether an operation changes the disk. */
export function isChange({ type }: Operation): boolean {
  return changing.has(type);
}

/** Small ones: a short snapshot is written in several slices, and few saves fill a compaction. */
const limits: SegmentLimits = { slice: 700, rest: 90, meanwhile: 400 };

export type RecordOptions = {
  readonly durability: Durability;
  /** Fails the disk's operation of this number, from 0, and so ends the workload. */
  readonly failing?: number;
  /** Stands between log and disk: a canary, which shows that the harness finds mistakes. */
  readonly wrap?: (files: Files) => Files;
};

/** Runs `steps`, and returns the points before each operation and at the end. */
export function record(
  steps: readonly Step[],
  options: RecordOptions,
): Point[] {
  const recording = new Recording(options);
  for (const step of steps) recording.take(step);
  recording.settle();
  recording.note("nothing more");
  return recording.points;
}

/** Runs `steps` once for each operation, which fails, and returns the disks at the ends. */
export function recordFailures(
  steps: readonly Step[],
  options: RecordOptions,
): Point[] {
  const ends: Point[] = [];
  for (let failing = 0;; failing++) {
    const end = record(steps, { ...options, failing }).at(-1);
    if (end === undefined || !end.failed) return ends;
    ends.push(end);
  }
}

class Recording {
  readonly points: Point[] = [];
  readonly #options: RecordOptions;
  readonly #disk: FakeDisk;
  // A sync ends as late as possible: after every callback that does not wait for it.
  readonly #callbacks: (() => void)[] = [];
  readonly #syncEnds: (() => void)[] = [];
  #wal: Wal;
  #operations = 0;
  #failed = false;
  #ended = false;
  #states: State[] = [stateOf(undefined)];
  #synced = 0;
  #acked = 0;
  #begun = 0;
  /** A compaction under way: its snapshot, and the place of the first state that it may leave. */
  #compaction:
    | {
      readonly snapshot: Snapshot;
      readonly from: number;
      readonly pace: Pace;
    }
    | undefined;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#disk = new FakeDisk({
      later: (run) =>
        this.#syncEnds.push(() => {
          this.note("the end of a sync");
          run();
        }),
      fault: (operation) => this.#operate(operation),
    });
    this.#wal = this.#open();
  }

  #operate(operation: Operation): Error | undefined {
    if (!isChange(operation)) return undefined;
    this.note(`${operation.type} ${operation.name}`);
    if (this.#operations++ !== this.#options.failing) return undefined;
    this.#failed = true;
    return new Error("input/output error");
  }

  note(next: string): void {
    this.points.push({
      next,
      disk: this.#disk.copy(),
      states: this.#states,
      synced: this.#synced,
      acked: this.#acked,
      begun: this.#begun,
      failed: this.#failed,
    });
  }

  take(step: Step): void {
    if (this.#ended) return;
    switch (step.type) {
      case "create":
        assert.equal(this.#wal.load(), undefined);
        this.#begin(step.saved);
        return this.#finish((done) => this.#wal.create(step.saved, done), {
          synced: 1,
          acked: 1,
        });
      case "save":
        return this.#save(step);
      case "compact":
        return this.#compact(step);
      case "settle":
        return this.settle();
      case "flush":
        return this.#flush();
      case "stop":
        this.settle();
        this.#flush();
        if (!this.#ended) this.#restart();
        return;
      case "kill":
        return this.#restart();
    }
  }

  #save({ build, flushing }: Step & { type: "save" }): void {
    const state = this.#states.at(-1)?.saved;
    assert(state !== undefined, "a save before create()");
    // What the snapshot of a compaction covers is committed: no save changes it any more.
    const { snapshot } = this.#compaction ?? {};
    const save = build(snapshot ? compacted(state, snapshot) : state);
    if (save.snapshot !== undefined) this.#compaction = undefined;
    const covered = this.#begun;
    if (flushing) this.#wal.flush(this.#answer({ synced: covered, acked: 0 }));
    const promise = this.#beginSave(state, save);
    this.#finish((done) => this.#wal.write(save, done), promise);
  }

  #beginSave(state: Saved, save: Save): { synced: number; acked: number } {
    const next = { ...state, entries: state.entries.slice() };
    replay(next, save);
    const acked = this.#begin(next);
    const isSynced = this.#options.durability === "high" ||
      save.mustSync ||
      save.snapshot !== undefined;
    return { synced: isSynced ? acked : 0, acked };
  }

  /** Begins a compaction, during a save; both go on with the steps that follow. */
  #compact({ during, snapshot: take, pace }: Step & { type: "compact" }): void {
    this.settle();
    if (this.#ended) return;
    const before = this.#states.at(-1)?.saved;
    assert(before !== undefined, "a compaction before create()");
    const save = during(before);
    const promise = this.#beginSave(before, save);
    const answer = this.#watch((done) => this.#wal.write(save, done), promise);
    const state = this.#states.at(-1)?.saved;
    assert(state !== undefined);
    const snapshot = take(state);
    const from = this.#begun;
    const compaction = this.#compaction = { snapshot, from, pace };
    this.#states = this.#states.with(from, this.#stateOf(state));
    this.#wal.compact(compacted(state, snapshot), (error) => {
      if (error !== undefined) {
        return this.#answer({ synced: 0, acked: 0 })(error);
      }
      // A save with a snapshot may have done for it.
      if (this.#compaction === compaction) this.#compacted(compaction);
    });
    this.#run(answer);
  }

  /** From now on no crash may bring the old form back. */
  #compacted({ snapshot, from }: { snapshot: Snapshot; from: number }): void {
    this.#compaction = undefined;
    // A new array: the points that were noted keep theirs.
    this.#states = this.#states.map((state, i) =>
      i < from || state.saved === undefined
        ? state
        : stateOf(compacted(state.saved, snapshot))
    );
    this.#synced = Math.max(this.#synced, from);
    this.#acked = Math.max(this.#acked, from);
  }

  /** Runs everything that is due, a compaction to its end. */
  settle(): void {
    this.#run(() => false);
    assert(this.#ended || this.#compaction === undefined, "it never ended");
  }

  #flush(): void {
    const synced = this.#begun;
    this.#finish((done) => this.#wal.flush(done), { synced, acked: 0 });
  }

  #restart(): void {
    this.#disk.restart();
    this.#compaction = undefined;
    this.#callbacks.length = this.#syncEnds.length = 0;
    this.#wal = this.#open();
    const found = this.#load();
    if (this.#ended) return;
    const { key } = stateOf(found);
    const at = this.#states.findLastIndex((state) => isIn(state, key));
    const least = this.#options.durability === "low"
      ? this.#synced
      : this.#acked;
    assert(least <= at && at <= this.#begun, "a restart found something else");
    // A new array: the points that were noted keep theirs.
    this.#states = [...this.#states.slice(0, at), stateOf(found)];
    this.#synced = this.#acked = this.#begun = at;
  }

  #load(): Saved | undefined {
    try {
      return this.#wal.load();
    } catch (error) {
      if (!this.#failed) throw error;
      this.#ended = true;
      return undefined;
    }
  }

  #open(): Wal {
    return new Wal({
      files: (this.#options.wrap ?? ((files) => files))(this.#disk.open()),
      node: identity.node,
      durability: this.#options.durability,
      log() {},
      limits,
      defer: (run) => this.#callbacks.push(run),
    });
  }

  #begin(saved: Saved): number {
    return this.#begun = this.#states.push(this.#stateOf(saved)) - 1;
  }

  #stateOf(saved: Saved): State {
    const state = stateOf(saved);
    const { snapshot } = this.#compaction ?? {};
    if (snapshot === undefined) return state;
    return { ...state, compactedKey: keyOf(compacted(saved, snapshot)) };
  }

  /** A `done` that notes the promise; an error ends the workload. */
  #answer(promise: { synced: number; acked: number }): Done {
    return (error) => {
      if (error !== undefined) {
        assert(this.#failed, error.message);
        this.#ended = true;
        return;
      }
      this.#synced = Math.max(this.#synced, promise.synced);
      this.#acked = Math.max(this.#acked, promise.acked, promise.synced);
    };
  }

  #finish(
    start: (done: Done) => void,
    promise: { synced: number; acked: number },
  ): void {
    const answered = this.#watch(start, promise);
    this.#run(answered);
    assert(answered(), "an answer never came");
  }

  /** Starts a call, and returns whether it has been answered. */
  #watch(
    start: (done: Done) => void,
    promise: { synced: number; acked: number },
  ): () => boolean {
    let answered = false;
    const answer = this.#answer(promise);
    start((error) => {
      answered = true;
      answer(error);
    });
    return () => answered;
  }

  /** Runs what is due: all of it, but during a compaction no more than until `isOver`. */
  #run(isOver: () => boolean): void {
    for (let turn = 0;; turn++) {
      if (this.#compaction !== undefined && isOver()) return;
      const run = this.#callbacks.shift() ?? this.#nextSyncEnd(turn);
      if (run === undefined) return;
      run();
    }
  }

  /** Of two syncs that are under way, that of a compaction may have begun before the other. */
  #nextSyncEnd(turn: number): (() => void) | undefined {
    const pace = this.#compaction?.pace;
    const isSlow = pace === "slow" || (pace === "even" && turn % 2 === 0);
    return isSlow ? this.#syncEnds.pop() : this.#syncEnds.shift();
  }
}

export function stateOf(saved: Saved | undefined): State {
  return { saved, key: saved === undefined ? "nothing" : keyOf(saved) };
}

/** Everything in `saved` as text: equal states have equal texts, and no others do. */
function keyOf({ identity, hardState, snapshot, entries }: Saved): string {
  return JSON.stringify([
    [identity.cluster, identity.node, identity.incarnation],
    [hardState.currentTerm, hardState.votedFor],
    [snapshot.index, snapshot.term, snapshot.configurationIndex],
    serversOf(snapshot.configuration),
    textOf(snapshot.data),
    entries.map((entry) => [
      entry.type,
      entry.index,
      entry.term,
      entry.type === "command" ? textOf(entry.data) : "",
      entry.type === "configuration" ? serversOf(entry.configuration) : "",
    ]),
  ]);
}

function serversOf({ servers }: Configuration): string[] {
  return servers.map(({ id, address, suffrage, incarnation }) =>
    [id, address, suffrage, incarnation].join(" ")
  );
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
