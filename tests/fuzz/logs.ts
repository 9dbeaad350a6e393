// Logs for the targets that read them: saves drawn at random that fit to each other, a Wal on
// a fake disk whose callbacks run when told, and what each save left.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry, Save, Saved } from "../../raft/core/types.ts";
import { replay, type Replayed } from "../../storage/replay.ts";
import type { Durability } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import { fresh, snapshotAt } from "../lib/storage_conformance.ts";
import { FakeDisk } from "../lib/fake_files.ts";

/** A save, told by what it does to the log before it. */
export type Step = {
  /** How many of the last entries it takes back, and how many it adds. */
  readonly back: number;
  readonly add: number;
  readonly data: Uint8Array;
  readonly vote: boolean;
  /** Everything up to so many entries before the end goes into a snapshot. */
  readonly snapshot: number | undefined;
};

const append: fc.Arbitrary<Step> = fc.record({
  back: fc.constantFrom(0, 0, 0, 1, 3),
  add: fc.constantFrom(1, 1, 0, 2, 5),
  data: fc.uint8Array({ maxLength: 30 }),
  vote: fc.constantFrom(false, false, true),
  snapshot: fc.constant(undefined),
});
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
export const appends = fc.array(append, { maxLength: 6, size: "max" });

/** The save of `step` onto `state`; one in three entries is not a command. */
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

/** A log in use, and all states that may be found when its process dies now. */
export class Life {
  readonly disk: FakeDisk;
  readonly warnings: string[] = [];
  /** The oldest is durable; the newest is what was saved last. */
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

  /** Begins a save whose end is never heard of. */
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

export const logName = "0000000000000001.log";

/** What `steps` leave on disk when all goes well. */
export function logOf(steps: readonly Step[], durability: Durability): Log {
  const life = new Life(durability);
  life.create();
  const ends = [life.wal.bytes];
  const states: Saved[] = [fresh];
  for (const step of steps) {
    life.save(step);
    ends.push(life.wal.bytes);
    states.push(life.states.at(-1)!);
  }
  life.flush();
  return { bytes: life.disk.content(logName)!, ends, states };
}
