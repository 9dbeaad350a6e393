// Logs for the fuzz targets that read them: random saves that fit each other, a Wal on a fake
// disk whose callbacks run when told, and the state after each save.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry, Save, Saved } from "../../raft/core/types.ts";
import { replay, type Replayed } from "../../storage/apply_save.ts";
import type { Durability } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import { fresh, snapshotAt } from "../lib/storage_conformance.ts";
import { FakeDisk } from "../lib/fake_files.ts";

/** A save, by its effect on the log before it. */
export type Step = {
  /** How many of the last entries it takes back. */
  readonly back: number;
  /** How many entries it adds. */
  readonly add: number;
  /** The data of each command among them. */
  readonly data: Uint8Array;
  /** Whether it begins a new term. */
  readonly vote: boolean;
  /** A snapshot covers all but so many of the last entries; none if `undefined`. */
  readonly snapshot: number | undefined;
};

const append: fc.Arbitrary<Step> = fc.record({
  back: fc.constantFrom(0, 0, 0, 1, 3),
  add: fc.constantFrom(1, 1, 0, 2, 5),
  data: fc.uint8Array({ maxLength: 30 }),
  vote: fc.constantFrom(false, false, true),
  snapshot: fc.constant(undefined),
});
/** Any save: one in seven has a snapshot. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: append },
  {
    weight: 1,
    arbitrary: fc.tuple(append, fc.nat(3)).map(([step, snapshot]) => ({
      ...step,
      snapshot,
    })),
  },
);
/** Saves without snapshots, so that the log stays in one segment. */
export const appends = fc.array(append, { maxLength: 6, size: "max" });

/** The save of `step` on `state`; two of nine entries are no commands. */
function saveOf(step: Step, state: Saved): Save {
  const { hardState, snapshot: old, entries } = state;
  const kept = Math.max(0, entries.length - step.back);
  const currentTerm = hardState.currentTerm + (step.vote ? 1 : 0);
  const first = old.index + kept + 1;
  const added = Array.from({ length: step.add }, (_, i): Entry => {
    const place = { index: first + i, term: currentTerm };
    const { configuration } = snapshotAt(0);
    switch ((first + i) % 9) {
      case 0:
        return { type: "noop", ...place };
      case 1:
        return { type: "configuration", ...place, configuration };
      default:
        return { type: "command", ...place, data: step.data };
    }
  });
  const change = {
    number: 1,
    hardState: step.vote
      ? { currentTerm, votedFor: step.add % 2 === 0 ? undefined : "2" }
      : hardState,
    mustSync: step.vote,
  };
  if (step.snapshot === undefined) {
    return {
      ...change,
      snapshot: undefined,
      firstIndex: first,
      entries: added,
    };
  }
  const all = [...entries.slice(0, kept), ...added];
  const covered = Math.max(0, all.length - step.snapshot);
  const snapshot = snapshotAt(old.index + covered);
  return {
    ...change,
    snapshot,
    firstIndex: snapshot.index + 1,
    entries: all.slice(covered),
  };
}

function copyOf(state: Saved): Replayed {
  return { ...state, entries: state.entries.slice() };
}

/** A log in use, and all states that may be found if its process dies now. */
export class LogInUse {
  readonly disk: FakeDisk;
  readonly warnings: string[] = [];
  /** From the oldest, which is durable, to the newest, which the last save left. */
  states: Saved[] = [fresh];
  wal: Wal;
  readonly #durability: Durability;
  readonly #callbacks: (() => void)[] = [];

  constructor(durability: Durability = "high") {
    this.#durability = durability;
    this.disk = new FakeDisk({ later: (run) => this.#callbacks.push(run) });
    this.wal = this.open();
  }

  open(): Wal {
    this.#callbacks.length = 0;
    return this.wal = new Wal({
      files: this.disk.open(),
      node: "1",
      durability: this.#durability,
      log: (level, text) => level === "warning" && this.warnings.push(text),
      defer: (run) => this.#callbacks.push(run),
    });
  }

  create(): void {
    assert.equal(this.wal.load(), undefined);
    this.wal.create(fresh, () => {});
    this.#settle();
  }

  save(step: Step): void {
    this.saveHalf(step);
    this.#settle();
    const synced = this.#durability === "high" || step.vote ||
      step.snapshot !== undefined;
    if (synced) this.states = this.states.slice(-1);
  }

  /** Begins a save that never ends. */
  saveHalf(step: Step): void {
    const state = copyOf(this.states.at(-1)!);
    const save = saveOf(step, state);
    this.wal.write(save, (error) => assert.equal(error, undefined));
    replay(state, save);
    this.states.push(copyOf(state));
  }

  flush(): void {
    this.wal.flush((error) => assert.equal(error, undefined));
    this.#settle();
    this.states = this.states.slice(-1);
  }

  #settle(): void {
    for (let run; (run = this.#callbacks.shift()) !== undefined;) run();
  }
}

/** One segment: its bytes, where each record ends, and the state after it. */
export type Log = {
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
  readonly states: readonly Saved[];
};

/** The file of the first segment. */
export const logName = "0000000000000001.log";

/** The log that `steps` leave on disk if nothing goes wrong. */
export function logOf(steps: readonly Step[], durability: Durability): Log {
  const log = new LogInUse(durability);
  log.create();
  const ends = [log.wal.bytes];
  const states: Saved[] = [fresh];
  for (const step of steps) {
    log.save(step);
    ends.push(log.wal.bytes);
    states.push(log.states.at(-1)!);
  }
  log.flush();
  return { bytes: log.disk.content(logName)!, ends, states };
}
