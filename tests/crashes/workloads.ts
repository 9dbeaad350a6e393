// Workloads: the steps that a log goes through, which `recording.ts` records and `main.ts`
// crashes. A save is built on the state that the log has by then, because after a kill at `low`
// nobody knows it earlier.

import type {
  Configuration,
  Entry,
  HardState,
  Save,
  Saved,
  Server,
  Snapshot,
} from "../../raft/core/types.ts";
import { blank, founded } from "../../raft/members/bootstrap.ts";
import { type Random, randomOf } from "../lib/random.ts";
import { identity } from "../lib/storage_conformance.ts";

/** The next save of a log that holds `state`. */
type Build = (state: Saved) => Save;

/**
 * How fast a compaction goes on beside saves: their syncs end before its own, after them, or in
 * turn.
 */
export type Pace = "slow" | "fast" | "even";

export type Step =
  | { readonly type: "create"; readonly saved: Saved }
  /** `flushing`: a flush is still under way when the save comes. */
  | { readonly type: "save"; readonly build: Build; readonly flushing: boolean }
  /**
   * A compaction begins while a save is under way, and goes on during the steps that follow;
   * `snapshot` takes the place of what the save leaves.
   */
  | {
    readonly type: "compact";
    readonly during: Build;
    readonly snapshot: (state: Saved) => Snapshot;
    readonly pace: Pace;
  }
  /** The compaction that is under way ends. */
  | { readonly type: "settle" }
  | { readonly type: "flush" }
  /** As at SIGTERM: flush, end, start. */
  | { readonly type: "stop" }
  /** As at SIGKILL: end, start. */
  | { readonly type: "kill" };

// ---------------------------------------------------------------- steps

function server(id: string): Server {
  const incarnation = id.repeat(16);
  return { id, address: `node-${id}:12001`, suffrage: "voter", incarnation };
}

const configuration: Configuration = { servers: ["1", "2", "3"].map(server) };

function bytesOf(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (seed * 31 + i * 7) & 0xff);
}

function lastIndex({ snapshot, entries }: Saved): number {
  return snapshot.index + entries.length;
}

function entry(index: number, term: number, bytes: number): Entry {
  if (bytes === 0) return { type: "noop", index, term };
  return { type: "command", index, term, data: bytesOf(bytes, index + term) };
}

function saveOf(state: Saved, change: Partial<Save>): Save {
  const hardState = change.hardState ?? state.hardState;
  return {
    number: 1,
    hardState,
    mustSync: change.hardState !== undefined,
    snapshot: undefined,
    firstIndex: lastIndex(state) + 1,
    entries: [],
    ...change,
  };
}

/** The next term, in which a vote is given or not. */
function later({ hardState }: Saved, votedFor?: string): HardState {
  return { currentTerm: hardState.currentTerm + 1, votedFor };
}

/** Appends `count` entries of `bytes` bytes each; entries of 0 bytes are no-ops. */
export function append(count: number, bytes: number): Build {
  return (state) => {
    const { currentTerm } = state.hardState;
    const first = lastIndex(state) + 1;
    const entries = Array.from(
      { length: count },
      (_, i) => entry(first + i, currentTerm, bytes),
    );
    return saveOf(state, { entries });
  };
}

/** Replaces the last `count` entries by one of a new leader; `inNewTerm`: its term is new. */
function overwrite(
  count: number,
  { inNewTerm }: { inNewTerm: boolean },
): Build {
  return (state) => {
    const hardState = inNewTerm ? later(state) : undefined;
    const { currentTerm } = hardState ?? state.hardState;
    const replaced = Math.min(count, state.entries.length);
    const firstIndex = lastIndex(state) + 1 - replaced;
    const entries = [entry(firstIndex, currentTerm, 21)];
    return saveOf(state, {
      ...(hardState && { hardState }),
      firstIndex,
      entries,
    });
  };
}

const vote: Build = (state) => saveOf(state, { hardState: later(state, "2") });

function snapshotAt(index: number, term: number, bytes: number): Snapshot {
  const data = bytesOf(bytes, index);
  return { index, term, configuration, configurationIndex: 1, data };
}

/** A snapshot of `bytes` bytes of all but the last `kept` entries, which stay. */
function compact(kept: number, bytes: number): Build {
  return (state) => {
    const entries = state.entries.slice(
      Math.max(0, state.entries.length - kept),
    );
    const index = lastIndex(state) - entries.length;
    const snapshot = snapshotAt(index, state.hardState.currentTerm, bytes);
    return saveOf(state, { snapshot, firstIndex: index + 1, entries });
  };
}

/** A received snapshot of `bytes` bytes, `ahead` entries beyond this node's log. */
function install(ahead: number, bytes: number): Build {
  return (state) => {
    const hardState = later(state);
    const index = lastIndex(state) + ahead;
    const snapshot = snapshotAt(index, hardState.currentTerm, bytes);
    return saveOf(state, { hardState, snapshot, firstIndex: index + 1 });
  };
}

/** A compaction that keeps the last `kept` entries, begun during an append. */
function beside(
  pace: Pace,
  { kept, bytes }: { kept: number; bytes: number },
): Step {
  const snapshot = (state: Saved): Snapshot => {
    const index = lastIndex(state) - Math.min(kept, state.entries.length);
    return snapshotAt(index, state.hardState.currentTerm, bytes);
  };
  return { type: "compact", during: append(1, 20), snapshot, pace };
}

function saves(...builds: Build[]): Step[] {
  return builds.map((build) => ({ type: "save", build, flushing: false }));
}

function overlapped(build: Build): Step {
  return { type: "save", build, flushing: true };
}

const found: Step = {
  type: "create",
  saved: founded(identity, [server("1")]),
};
const join: Step = { type: "create", saved: blank(identity) };
const settle: Step = { type: "settle" };
const flush: Step = { type: "flush" };
const stop: Step = { type: "stop" };
const kill: Step = { type: "kill" };

/** One workload for each way in which the log is used. */
export const workloads: Readonly<Record<string, readonly Step[]>> = {
  "first start": [found, ...saves(vote, append(1, 0)), stop],
  "append": [
    found,
    ...saves(append(1, 0), append(1, 8), append(3, 12)),
    flush,
    ...saves(append(1, 700), vote, append(1, 8), append(1, 2500)),
    ...saves(append(1, 9)),
    overlapped(append(1, 600)),
    ...saves(append(1, 30)),
    flush,
  ],
  "overwrite": [
    found,
    ...saves(append(3, 100), overwrite(2, { inNewTerm: true })),
    ...saves(append(4, 150), vote, overwrite(3, { inNewTerm: false })),
    ...saves(append(1, 40), vote, overwrite(2, { inNewTerm: false })),
    overlapped(overwrite(1, { inNewTerm: true })),
    ...saves(append(2, 300)),
  ],
  "compaction": [
    found,
    ...saves(append(5, 40), append(1, 40), compact(2, 60), append(1, 8)),
    ...saves(append(1, 8), compact(0, 1800), append(1, 8)),
    overlapped(compact(1, 10)),
    ...saves(append(1, 8)),
  ],
  "compaction beside saves": [
    found,
    ...saves(append(5, 40)),
    beside("slow", { kept: 2, bytes: 60 }),
    ...saves(append(1, 8), vote, append(1, 90)),
    settle,
    ...saves(append(1, 8)),
    beside("fast", { kept: 1, bytes: 900 }),
    ...saves(append(1, 8), append(2, 30), append(1, 8)),
    settle,
    ...saves(append(1, 8)),
  ],
  "compaction, cut logs": [
    found,
    ...saves(append(4, 40), vote),
    beside("even", { kept: 4, bytes: 300 }),
    ...saves(overwrite(3, { inNewTerm: false }), append(1, 8)),
    ...saves(overwrite(2, { inNewTerm: true })),
    settle,
    ...saves(overwrite(1, { inNewTerm: true }), append(1, 8)),
  ],
  "compaction, flushes": [
    found,
    ...saves(append(3, 40)),
    beside("even", { kept: 1, bytes: 800 }),
    overlapped(append(1, 8)),
    flush,
    overlapped(append(1, 30)),
    ...saves(append(1, 8)),
    settle,
    flush,
    ...saves(append(1, 8)),
  ],
  "compaction that saves fill": [
    found,
    ...saves(append(2, 40)),
    beside("slow", { kept: 0, bytes: 500 }),
    ...saves(append(1, 150), append(1, 200), append(1, 8), append(1, 8)),
    settle,
    ...saves(append(1, 8)),
  ],
  "compaction given up": [
    found,
    ...saves(append(3, 40)),
    beside("slow", { kept: 1, bytes: 900 }),
    ...saves(append(1, 8), install(5, 300), append(1, 8)),
    beside("fast", { kept: 0, bytes: 10 }),
    ...saves(install(5, 30), append(1, 8)),
    beside("even", { kept: 1, bytes: 30 }),
    settle,
    ...saves(append(1, 8)),
  ],
  "compaction cut short": [
    found,
    ...saves(append(3, 40)),
    beside("slow", { kept: 1, bytes: 900 }),
    ...saves(append(1, 8)),
    kill,
    ...saves(append(1, 8)),
    beside("even", { kept: 1, bytes: 900 }),
    ...saves(append(1, 8), append(1, 8)),
    kill,
    ...saves(append(1, 8)),
    beside("fast", { kept: 1, bytes: 10 }),
    kill,
    ...saves(append(1, 8)),
  ],
  "snapshot install": [
    found,
    ...saves(append(4, 30), install(100, 900), append(2, 30)),
    ...saves(overwrite(1, { inNewTerm: true }), append(1, 8), install(1, 0)),
    ...saves(append(1, 8)),
  ],
  "join": [
    join,
    ...saves(vote, append(1, 0), install(7, 300), append(1, 20), append(1, 20)),
  ],
  "stop": [
    found,
    ...saves(append(2, 200)),
    overlapped(append(1, 200)),
    stop,
    ...saves(append(1, 100), vote, append(1, 500)),
    stop,
    stop,
    ...saves(append(2, 90), append(1, 8)),
    kill,
    ...saves(append(1, 8), compact(1, 30), append(1, 8)),
    kill,
    ...saves(append(1, 8)),
  ],
};

/** A workload drawn from `seed`: it creates a log, and takes 2 to 11 steps more. */
export function randomWorkload(seed: number): Step[] {
  const random = randomOf(seed);
  const steps = [random(4) === 0 ? join : found];
  const count = 3 + random(10);
  while (steps.length < count) steps.push(randomStep(random));
  return steps;
}

function randomStep(random: Random): Step {
  const rare = random(12);
  if (rare === 0) return stop;
  if (rare === 1) return kill;
  if (rare === 2) return flush;
  if (rare === 3 || rare === 4) {
    const pace = (["slow", "fast", "even"] as const)[random(3)] ?? "even";
    return beside(pace, { kept: random(4), bytes: random(1500) });
  }
  if (rare === 5 && random(2) === 0) return settle;
  const build = randomBuild(random);
  return { type: "save", build, flushing: random(6) === 0 };
}

function randomBuild(random: Random): Build {
  switch (random(10)) {
    case 0:
      return vote;
    case 1:
      return compact(random(4), random(1500));
    case 2:
      return install(1 + random(50), random(1500));
    case 3:
    case 4:
      return overwrite(1 + random(5), { inNewTerm: random(2) === 0 });
    default:
      return append(
        1 + random(3),
        random(4) === 0 ? random(3000) : random(200),
      );
  }
}
