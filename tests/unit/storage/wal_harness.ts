// A Wal on a fake disk, whose callbacks run when a test says so: no promises here. Its methods
// return the answer of the log. tests/lib/storage_conformance.ts makes the saves to write.

import type { Save, Saved } from "../../../raft/core/types.ts";
import type { Durability } from "../../../storage/storage.ts";
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
  readonly #callbacks: (() => void)[] = [];

  constructor(durability: Durability = "high") {
    this.#durability = durability;
    this.disk = new FakeDisk({ later: (run) => this.#callbacks.push(run) });
    this.wal = this.open();
  }

  /** Another Wal on the same disk. */
  open(node = "1"): Wal {
    this.wal = new Wal({
      files: this.disk.open(),
      node,
      durability: this.#durability,
      log: (level, text) => level === "warning" && this.warnings.push(text),
      defer: (run) => this.#callbacks.push(run),
    });
    return this.wal;
  }

  /** Runs `start` and everything that is due then. */
  finish(start: (done: (error?: Error) => void) => void): Answer {
    let answer: Answer;
    start((error) => answer = error ?? "done");
    for (let run; (run = this.#callbacks.shift()) !== undefined;) run();
    return answer;
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
