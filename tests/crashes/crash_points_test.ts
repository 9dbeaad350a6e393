// Crashes the file log at every point, within the time of a test: `deno task crashes` tries as
// many images as one likes.

import assert from "node:assert/strict";
import type { Files, OpenFile, Syncable } from "../../storage/files.ts";
import type { Done } from "../../storage/storage.ts";
import { randomOf } from "../lib/random.ts";
import { type Counts, crashAll, durabilities, everyChoice } from "./main.ts";
import { record, recordFailures } from "./recording.ts";
import { randomWorkload, workloads } from "./workloads.ts";

const small = { imagesMax: 120, againOneIn: 16 };

function assertAllRecovered(counts: Counts): void {
  assert.deepEqual(counts.failures, []);
  // A run in which nothing happened proves nothing.
  assert(counts.points >= 10, `${counts.points} points`);
  assert(counts.images >= 2 * counts.points, `${counts.images} images`);
  assert(counts.exhaustive >= counts.points / 2, `${counts.exhaustive} whole`);
  assert(counts.again > 0, "no recovery was crashed");
}

for (const [name, steps] of Object.entries(workloads)) {
  for (const durability of durabilities) {
    Deno.test(`Wal at ${durability} recovers from a crash at every point of a workload: ${name}`, () => {
      const effort = { ...small, random: randomOf(1) };
      const points = record(steps, { durability });
      assertAllRecovered(crashAll(points, { durability, effort, name }));
    });
  }
}

for (const durability of durabilities) {
  Deno.test(`Wal at ${durability} recovers from a crash after a fault of any operation (PITFALLS 11)`, () => {
    for (const [name, steps] of Object.entries(workloads)) {
      const effort = { imagesMax: 30, againOneIn: 50, random: randomOf(2) };
      const points = recordFailures(steps, { durability });
      assert(points.length >= 10, `${points.length} points`);
      const { failures } = crashAll(points, { durability, effort, name });
      assert.deepEqual(failures, []);
    }
  });

  Deno.test(`Wal at ${durability} recovers from a crash at every point of random workloads`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const effort = { imagesMax: 30, againOneIn: 40, random: randomOf(seed) };
      const points = record(randomWorkload(seed), { durability });
      const name = `workload ${seed}`;
      const { failures } = crashAll(points, { durability, effort, name });
      assert.deepEqual(failures, []);
    }
  });
}

Deno.test("The same seed crashes the same images", () => {
  const run = () => {
    const points = record(randomWorkload(7), { durability: "medium" });
    const effort = { imagesMax: 20, againOneIn: 5, random: randomOf(3) };
    const name = "workload 7";
    return crashAll(points, { durability: "medium", effort, name });
  };
  assert.deepEqual(run(), run());
});

Deno.test("everyChoice() makes each sequence of choices once, also when they depend", () => {
  const taken: string[] = [];
  const all = everyChoice((pick) => {
    for (let more = pick(3); more > 0; more--) pick(2);
    return true;
  }, (choices) => taken.push(choices.join("")));
  assert(all);
  assert.deepEqual(taken, ["0", "10", "11", "200", "201", "210", "211"]);
  assert(!everyChoice((pick) => pick(5) < 3));
});

// ---------------------------------------------------------------- canaries

/** A directory that says that it syncs its files, or its names, but does not. */
class Unsynced implements Files {
  readonly #files: Files;
  readonly #what: "files" | "names";

  constructor(files: Files, what: "files" | "names") {
    this.#files = files;
    this.#what = what;
  }

  get directory(): string {
    return this.#files.directory;
  }
  makeDirectory(): void {
    this.#files.makeDirectory();
  }
  lock(): void {
    this.#files.lock();
  }
  unlock(): void {
    this.#files.unlock();
  }
  list(): string[] | undefined {
    return this.#files.list();
  }
  read(name: string): Uint8Array {
    return this.#files.read(name);
  }
  create(name: string): OpenFile {
    const file = this.#files.create(name);
    if (this.#what === "names") return file;
    return {
      append: (bytes) => file.append(bytes),
      close: () => file.close(),
      ...pretended,
    };
  }
  rename(from: string, to: string): void {
    this.#files.rename(from, to);
  }
  remove(name: string): void {
    this.#files.remove(name);
  }
  sync(done: Done): void {
    (this.#what === "names" ? pretended : this.#files).sync(done);
  }
  syncNow(): void {
    (this.#what === "names" ? pretended : this.#files).syncNow();
  }
}

const pretended: Syncable = {
  // Inside the call, which the contract forbids: the log can bear it.
  sync: (done) => done(),
  syncNow() {},
};

for (const what of ["files", "names"] as const) {
  Deno.test(`A canary: a log whose ${what} are never synced is caught`, () => {
    const durability = "high";
    const points = record(workloads["compaction"]!, {
      durability,
      wrap: (files) => new Unsynced(files, what),
    });
    const effort = { imagesMax: 8, againOneIn: 100, random: randomOf(1) };
    const counts = crashAll(points, { durability, effort, name: "canary" });
    assert(counts.failed > 0, "not caught");
  });
}
