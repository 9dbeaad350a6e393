// A Wal on a fake disk, whose callbacks run when a test says so: no promises here. Its methods
// return the answer of the log. tests/lib/storage_conformance.ts makes the saves to write.

import type { Save, Saved } from "../../../raft/core/types.ts";
import type { Durability } from "../../../storage/storage.ts";
import {
  type SegmentLimits,
  segmentLimits,
} from "../../../storage/next_segment.ts";
import { Wal } from "../../../storage/wal.ts";
import { FakeDisk } from "../../lib/fake_files.ts";
import { fresh } from "../../lib/storage_conformance.ts";

/** The error of a disk that is full. */
export const full = new Error("no space left on the device");

/** The file of the first segment. */
export const firstSegment = "0000000000000001.log";

/** The error of a call, "done", or `undefined` if it was not answered. */
type Answer = Error | "done" | undefined;

/** One disk, and the Wal that has it open now. */
export class WalHarness {
  readonly disk: FakeDisk;
  readonly warnings: string[] = [];
  wal: Wal;
  readonly #durability: Durability;
  readonly #limits: SegmentLimits;
  readonly #callbacks: (() => void)[] = [];

  constructor(durability: Durability = "high", limits = segmentLimits) {
    this.#durability = durability;
    this.#limits = limits;
    this.disk = new FakeDisk({ later: (run) => this.#callbacks.push(run) });
    this.wal = this.open();
  }

  /** Another Wal on the same disk. */
  open(node = "1"): Wal {
    this.wal = new Wal({
      files: this.disk.open(),
      node,
      durability: this.#durability,
      limits: this.#limits,
      log: (level, text) => level === "warning" && this.warnings.push(text),
      defer: (run) => this.#callbacks.push(run),
    });
    return this.wal;
  }

  /** Runs `start` and everything that is due then. */
  finish(start: (done: (error?: Error) => void) => void): Answer {
    const answer = this.begin(start);
    this.settle();
    return answer();
  }

  /** Runs `start` alone, and returns how to ask for its answer. */
  begin(start: (done: (error?: Error) => void) => void): () => Answer {
    let answer: Answer;
    start((error) => answer = error ?? "done");
    return () => answer;
  }

  /** Runs everything that is due. */
  settle(): void {
    while (this.runOldest());
  }

  /** Ends the sync that was begun first, or runs what else is due longest; false if nothing is. */
  runOldest(): boolean {
    const run = this.#callbacks.shift();
    run?.();
    return run !== undefined;
  }

  /** The same for what was begun last. */
  runNewest(): boolean {
    const run = this.#callbacks.pop();
    run?.();
    return run !== undefined;
  }

  create(saved: Saved = fresh): Answer {
    return this.finish((done) => this.wal.create(saved, done));
  }

  write(change: Save): Answer {
    return this.finish((done) => this.wal.write(change, done));
  }

  flush(): Answer {
    return this.finish((done) => this.wal.flush(done));
  }

  /** Kills the process, and returns what the next one loads. */
  reload(): Saved | undefined {
    this.disk.restart();
    return this.open().load();
  }

  /** The types of the disk operations during `run`. */
  operationsOf(run: () => void): string[] {
    const before = this.disk.operations.length;
    run();
    return this.disk.operations.slice(before)
      .map((line) => line.split(" ")[0] ?? "");
  }
}
