// How long saves wait while the log is compacted to a large snapshot, and how long the event loop
// stands still. Saves of 64 bytes follow one another at durability high, on this machine's disk;
// the log is compacted meanwhile, beside them or, as a save that replaces the whole log, between
// two of them. Then the log is opened again. Not here: a node under load (`pauses.ts`).
//
//   deno run -A bench/compaction_pause.ts [BYTES [ROUNDS]]     14,000,000 and 5
//
// TICKETD_BENCH_DIR chooses the disk.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import type { Compacted, Entry, Save } from "../raft/core/types.ts";
import { denoFiles } from "../storage/files.ts";
import { openKv } from "../storage/kv.ts";
import type { Done, Storage } from "../storage/storage.ts";
import { Wal } from "../storage/wal.ts";
import { makeDirectory, removeDirectory } from "./processes.ts";

const snapshotBytes = Number(Deno.args[0] ?? 14_000_000);
const rounds = Number(Deno.args[1] ?? 5);
/** Saves before and after each compaction. */
const quietSaves = 300;

const hardState = { currentTerm: 1, votedFor: undefined };
const data = new Uint8Array(64).fill(7);
const state = new Uint8Array(snapshotBytes).map((_, i) => (i * 31) ^ (i >> 9));

/** What a run of saves met, in milliseconds. */
type Figures = {
  /** The longest time between two acknowledged saves, without a compaction. */
  quiet: number;
  /** The same during one. */
  longest: number;
  /** The longest turn of the event loop during it, above the timer's millisecond. */
  turn: number;
  /** From its beginning to its end. */
  took: number;
  /** Saves that were acknowledged during it. */
  saves: number;
};

function finished(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => error ? reject(error) : resolve())
  );
}

class Run {
  readonly #storage: Storage;
  #index = 0;
  #acked = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async create(): Promise<void> {
    this.#storage.load();
    await finished((done) =>
      this.#storage.create({
        identity: { cluster: "c", node: "1", incarnation: "i" },
        hardState,
        snapshot: this.#snapshot(new Uint8Array(0)),
        entries: [],
      }, done)
    );
  }

  #snapshot(data: Uint8Array): Compacted["snapshot"] {
    return {
      index: this.#index,
      term: 1,
      configuration: { servers: [] },
      configurationIndex: 0,
      data,
    };
  }

  #save(change: Partial<Save> = {}): Promise<void> {
    const entry: Entry = {
      type: "command",
      index: ++this.#index,
      term: 1,
      data,
    };
    const save: Save = {
      number: this.#index,
      hardState,
      mustSync: false,
      snapshot: undefined,
      firstIndex: this.#index,
      entries: [entry],
      ...change,
    };
    return finished((done) => this.#storage.write(save, done));
  }

  /** Saves until `isOver`; the longest time between two. */
  async #saves(isOver: () => boolean): Promise<number> {
    let longest = 0;
    for (let last = performance.now(); !isOver();) {
      await this.#save();
      this.#acked++;
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
    return longest;
  }

  async compact(how: "beside" | "between"): Promise<Figures> {
    let left = quietSaves;
    const quiet = await this.#saves(() => left-- === 0);
    const before = this.#acked;
    const began = performance.now();
    const turns = watchTurns();
    let tookMillis = 0;
    let longest = 0;
    if (how === "beside") {
      const snapshot = this.#snapshot(state);
      this.#storage.compact({ hardState, snapshot, entries: [] }, (error) => {
        if (error !== undefined) throw error;
        tookMillis = performance.now() - began;
      });
    } else {
      const snapshot = this.#snapshot(state);
      await this.#save({ snapshot });
      tookMillis = longest = performance.now() - began;
    }
    longest = Math.max(longest, await this.#saves(() => tookMillis > 0));
    const saves = this.#acked - before;
    left = quietSaves;
    // What it leaves behind, as removed files, may hold saves up, too.
    longest = Math.max(longest, await this.#saves(() => left-- === 0));
    return { quiet, longest, turn: turns.stop(), took: tookMillis, saves };
  }
}

/** Watches how late a timer of a millisecond runs. */
function watchTurns(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      look();
      clearInterval(timer);
      return longest;
    },
  };
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? NaN;
}

function show(name: string, all: readonly Figures[]): void {
  const column = (key: keyof Figures) => all.map((one) => one[key]);
  const text = (key: keyof Figures) =>
    `${median(column(key)).toFixed(1)} (${
      Math.max(...column(key)).toFixed(1)
    })`;
  console.log(
    [name, text("quiet"), text("longest"), text("turn"), text("took")]
      .map((cell) => cell.padEnd(18)).join("") + median(column("saves")),
  );
}

/** Milliseconds to open the log again, and the resident memory after that in MB. */
function reopen(open: () => Storage): { millis: number; megabytes: number } {
  const began = performance.now();
  const storage = open();
  const saved = storage.load();
  const millis = performance.now() - began;
  if (saved?.snapshot.data.length !== snapshotBytes) throw new Error("lost");
  storage.close();
  return { millis, megabytes: Deno.memoryUsage().rss / 1e6 };
}

async function main(): Promise<void> {
  const directory = makeDirectory();
  try {
    const files = () => denoFiles(`${directory}/files`);
    const open = () =>
      new Wal({ files: files(), node: "1", durability: "high", log() {} });
    const storages = {
      "file": open(),
      "kv": await openKv({
        directory: `${directory}/kv`,
        node: "1",
        durability: "high",
        log() {},
      }),
    };
    console.log(`${snapshotBytes} bytes, ${rounds} rounds: median (most), ms`);
    console.log(
      ["", "quiet saves", "longest gap", "longest turn", "compaction"]
        .map((cell) => cell.padEnd(18)).join("") + "saves during it",
    );
    for (const [name, storage] of Object.entries(storages)) {
      const run = new Run(storage);
      await run.create();
      const figures = { between: [], beside: [] } as Record<string, Figures[]>;
      for (let round = 0; round < rounds; round++) {
        for (const how of ["between", "beside"] as const) {
          figures[how]?.push(await run.compact(how));
        }
      }
      for (const [how, all] of Object.entries(figures)) {
        show(`${name}, ${how}`, all);
      }
      storage.close();
    }
    const starts = Array.from({ length: rounds }, () => reopen(open));
    const millis = median(starts.map(({ millis }) => millis));
    const most = Math.max(...starts.map(({ megabytes }) => megabytes));
    console.log(
      `file, opened again: ${millis.toFixed(0)} ms; resident memory ${
        most.toFixed(0)
      } MB`,
    );
  } finally {
    removeDirectory(directory);
  }
}

if (import.meta.main) await main();
