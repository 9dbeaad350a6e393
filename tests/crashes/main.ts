// `deno task crashes [--images N] [--seed N]`: crashes the file log between any two of its disk
// operations, in every way in which a power loss or a kill may leave the disk, and recovers it
// each time. A recovery is right if
// - the log opens, in a state that it had passed through, not before the last promised one;
// - term and vote are not behind those that were acknowledged;
// - it can then be written and opened again.
//
// Each operation is also made to fail, and the disk crashed where that ended the workload. Of
// some images the recovery itself is crashed at every point: the next recovery must find the
// same state. All images of a point are tried if there are few, or else a sample. Random
// workloads follow those of `workloads.ts`.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import type { Saved } from "../../raft/core/types.ts";
import type { Durability } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import { type Random, randomOf } from "../lib/random.ts";
import { identity } from "../lib/storage_conformance.ts";
import type { FakeDisk, Pick } from "../lib/fake_files.ts";
import { append, randomWorkload, workloads } from "./workloads.ts";
import {
  isChange,
  isIn,
  type Point,
  record,
  recordFailures,
  type State,
  stateOf,
} from "./recording.ts";

/** The levels at which every workload is crashed. */
export const durabilities = ["high", "medium", "low"] as const;

export type Counts = {
  /** Places between two operations at which the disk was crashed. */
  points: number;
  /** Points of which every image was tried. */
  exhaustive: number;
  images: number;
  /** Crashes within a recovery, each recovered again. */
  again: number;
  /** Images that were not recovered rightly. */
  failed: number;
  /** The first few of them, in words. */
  readonly failures: string[];
};

export type Effort = {
  /** The most images to try of one point. */
  readonly imagesMax: number;
  /** The recovery of one in so many images is crashed as well. */
  readonly againOneIn: number;
  readonly random: Random;
};

/** The most images to try of one point within a recovery. */
const imagesAgainMax = 12;
const failuresMax = 5;

export function noCounts(): Counts {
  const none = { points: 0, exhaustive: 0, images: 0, again: 0, failed: 0 };
  return { ...none, failures: [] };
}

/** Crashes `points` of the workload called `name`, recorded at `durability`. */
export function crashAll(
  points: readonly Point[],
  { durability, effort, name }: {
    durability: Durability;
    effort: Effort;
    name: string;
  },
): Counts {
  const counts = noCounts();
  points.forEach((point, i) => {
    counts.points++;
    const images = imagesOf(point.disk, effort);
    if (images.all) counts.exhaustive++;
    for (const how of [...images.choices, "kill"] as const) {
      const trial = new Trial(point, { durability, effort });
      const failure = trial.run(how);
      counts.images++;
      counts.again += trial.again;
      if (failure === undefined || counts.failed++ >= failuresMax) continue;
      const place = `point ${i}, before ${point.next}${
        point.failed ? ", after a fault" : ""
      }`;
      counts.failures.push(
        `${name} at ${durability}, ${place}, crash ${how}: ${failure}`,
      );
    }
  });
  return counts;
}

// ---------------------------------------------------------------- images

type Choices = readonly number[];

/** The ways to crash `disk`, as choices: all, or else a sample without repetition. */
function imagesOf(
  disk: FakeDisk,
  { imagesMax, random }: { imagesMax: number; random: Random },
): { all: boolean; choices: Choices[] } {
  const choices: Choices[] = [];
  const all = everyChoice((pick) => {
    disk.copy().crash(pick);
    return choices.length < imagesMax;
  }, (taken) => choices.push(taken));
  if (all) return { all, choices };
  const sample = new Map<string, Choices>();
  for (let i = 0; i < 2 * imagesMax && sample.size < imagesMax; i++) {
    const taken: number[] = [];
    disk.copy().crash((count) => {
      const choice = random(count);
      taken.push(choice);
      return choice;
    });
    sample.set(taken.join(), taken);
  }
  return { all, choices: [...sample.values()] };
}

/**
 * Runs `body` for each sequence of choices that it can make, counting up like an odometer whose
 * wheels depend on each other, until `body` returns false. Returns whether it never did.
 */
export function everyChoice(
  body: (pick: Pick) => boolean,
  taken: (choices: Choices) => void = () => {},
): boolean {
  let wheels: { at: number; count: number }[] = [];
  for (;;) {
    let used = 0;
    const goOn = body((count) => {
      const wheel = wheels[used++] ??= { at: 0, count };
      return wheel.at;
    });
    if (!goOn) return false;
    taken(wheels.map(({ at }) => at));
    const turning = wheels.findLastIndex(({ at, count }) => at + 1 < count);
    const wheel = wheels[turning];
    if (wheel === undefined) return true;
    wheel.at++;
    wheels = wheels.slice(0, turning + 1);
  }
}

function repeat(choices: Choices): Pick {
  let at = 0;
  return () => choices[at++] ?? 0;
}

// ---------------------------------------------------------------- recovery

/** One image of one point. */
class Trial {
  again = 0;
  readonly #point: Point;
  readonly #durability: Durability;
  readonly #effort: Effort;
  readonly #due: (() => void)[] = [];

  constructor(
    point: Point,
    { durability, effort }: { durability: Durability; effort: Effort },
  ) {
    this.#point = point;
    this.#durability = durability;
    this.#effort = effort;
  }

  /** Crashes and recovers; returns what was wrong, if anything. */
  run(how: Choices | "kill"): string | undefined {
    const { disk: before, synced, acked } = this.#point;
    const disk = before.copy();
    if (how === "kill") disk.restart();
    else disk.crash(repeat(how));
    const outlives = how === "kill" && this.#durability !== "low";
    const image = disk.copy();
    try {
      const wal = this.#open(disk);
      const found = stateOf(wal.load());
      this.#assertAllowed(found, outlives ? acked : synced);
      this.#assertGoesOn(disk, { wal, found });
      if (this.#effort.random(this.#effort.againOneIn) === 0) {
        // A power loss within the recovery may take what only the page cache holds.
        const lost = how === "kill" ? synced : undefined;
        this.#crashAgain(image, { found, lost });
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return undefined;
  }

  #open(disk: FakeDisk): Wal {
    disk.later = (run) => this.#due.push(run);
    return new Wal({
      files: disk.open(),
      node: identity.node,
      durability: this.#durability,
      log() {},
      defer: (run) => this.#due.push(run),
    });
  }

  #assertAllowed({ saved, key }: State, least: number): void {
    const { states, begun } = this.#point;
    const promised = states[least]?.saved?.hardState;
    const hardState = saved?.hardState;
    if (
      promised !== undefined &&
      (hardState === undefined ||
        hardState.currentTerm < promised.currentTerm ||
        (hardState.currentTerm === promised.currentTerm &&
          promised.votedFor !== undefined &&
          hardState.votedFor !== promised.votedFor))
    ) throw new Error("term or vote is behind what was acknowledged");
    const allowed = states.slice(least, begun + 1);
    if (allowed.some((state) => isIn(state, key))) return;
    const at = states.findIndex((state) => isIn(state, key));
    const what = at < 0
      ? `what never was, ${key.slice(0, 300)}`
      : `state ${at}`;
    throw new Error(`found ${what}, not one of ${least} to ${begun}`);
  }

  /** The found state is durable, and the log can be written and opened again. */
  #assertGoesOn(
    disk: FakeDisk,
    { wal, found: { saved } }: { wal: Wal; found: State },
  ): void {
    const next = saved ?? this.#created();
    if (saved === undefined) {
      this.#finish((done) => wal.create(next, done));
    } else {
      const save = append(1, 5)(saved);
      const withSave = {
        ...saved,
        entries: [...saved.entries, ...save.entries],
      };
      this.#finish((done) => wal.write(save, done));
      // Below high the save need not be synced yet; the found state must be.
      const early = disk.copy();
      early.crash(() => 0);
      this.#assertFound(early, this.#durability === "high" ? withSave : saved);
      this.#finish((done) => wal.flush(done));
      return this.#assertSurvives(disk, withSave);
    }
    this.#assertSurvives(disk, next);
  }

  #assertSurvives(disk: FakeDisk, saved: Saved): void {
    disk.crash(() => 0);
    this.#assertFound(disk, saved);
  }

  #assertFound(disk: FakeDisk, saved: Saved): void {
    if (stateOf(this.#open(disk).load()).key !== stateOf(saved).key) {
      throw new Error("what was recovered, or written then, was lost again");
    }
  }

  #created(): Saved {
    const created = this.#point.states.find(({ saved }) => saved)?.saved;
    if (created === undefined) throw new Error("a workload without a create()");
    return created;
  }

  /** Crashes the recovery of `image`, which found `found`: the next must find the same. */
  #crashAgain(
    image: FakeDisk,
    { found, lost }: { found: State; lost: number | undefined },
  ): void {
    const points: FakeDisk[] = [];
    image.fault = (operation) => {
      if (isChange(operation)) points.push(image.copy());
      return undefined;
    };
    this.#open(image).load();
    const { random } = this.#effort;
    for (const disk of [...points, image]) {
      const { choices } = imagesOf(disk, { imagesMax: imagesAgainMax, random });
      for (const choice of choices) {
        const crashed = disk.copy();
        crashed.crash(repeat(choice));
        this.again++;
        const again = stateOf(this.#open(crashed).load());
        if (again.key === found.key) continue;
        if (disk === image || lost === undefined) {
          throw new Error("a crash within the recovery changed what was found");
        }
        this.#assertAllowed(again, lost);
      }
    }
  }

  #finish(start: (done: (error?: Error) => void) => void): void {
    let answer: Error | "done" | undefined;
    start((error) => answer = error ?? "done");
    for (let run; (run = this.#due.shift()) !== undefined;) run();
    if (answer !== "done") throw answer ?? new Error("no answer");
  }
}

// ---------------------------------------------------------------- by command

function add(sum: Counts, counts: Counts): void {
  sum.points += counts.points;
  sum.exhaustive += counts.exhaustive;
  sum.images += counts.images;
  sum.again += counts.again;
  sum.failed += counts.failed;
  sum.failures.push(...counts.failures.slice(0, failuresMax));
}

function row(name: string, counts: Counts): string {
  const { points, exhaustive, images, again, failed } = counts;
  const cells = [
    points,
    exhaustive,
    points - exhaustive,
    images,
    again,
    failed,
  ];
  return [name.padEnd(26), ...cells.map((n) => String(n).padStart(11))].join(
    "",
  );
}

function main(): void {
  const { values } = parseArgs({
    options: {
      images: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
    },
  });
  const images = Number(values.images);
  const seed = Number(values.seed);
  const random = randomOf(seed);
  const imagesMax = Math.max(64, Math.ceil(images / 1000));
  const effort: Effort = { imagesMax, againOneIn: 20, random };
  const total = noCounts();
  const heads = [
    "points",
    "all images",
    "sampled",
    "images",
    "again",
    "failed",
  ];
  console.log(
    ["workload".padEnd(26), ...heads.map((head) => head.padStart(11))].join(""),
  );
  const crash = (name: string, durability: Durability) => {
    const steps = workloads[name] ?? randomWorkload(Number(name));
    const points = [
      ...record(steps, { durability }),
      ...recordFailures(steps, { durability }),
    ];
    return crashAll(points, { durability, effort, name });
  };
  for (const name of Object.keys(workloads)) {
    for (const durability of durabilities) {
      const counts = crash(name, durability);
      add(total, counts);
      console.log(row(`${name}, ${durability}`, counts));
    }
  }
  const chance = noCounts();
  let count = 0;
  for (; total.images + chance.images < images; count++) {
    const durability = durabilities[count % durabilities.length] ?? "high";
    add(chance, crash(String(seed * 1_000_000 + count), durability));
  }
  add(total, chance);
  console.log(row(`${count} random ones`, chance));
  console.log(row("total", total));
  for (const failure of total.failures.slice(0, failuresMax)) {
    console.log(failure);
  }
  Deno.exitCode = total.failed === 0 ? 0 : 1;
}

if (import.meta.main) main();
