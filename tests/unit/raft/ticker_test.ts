// Real time made into ticks: how often a node is woken, and what a late timer counts.

import assert from "node:assert/strict";
import { Ticker } from "../../../raft/ticker.ts";

const millis = 50;

/** A clock that stands still, a node that counts, and how long it may rest. */
class Scene {
  now = 0;
  rest = 1;
  wakes = 0;
  ticked: number[] = [];
  ended = () => {};
  readonly ticker: Ticker;
  #timers = new Map<number, { at: number; run: () => void }>();
  #last = 0;

  constructor() {
    const now = () => this.now;
    const rest = () => this.rest;
    this.ticker = new Ticker(
      {
        tick: () => {
          this.ticked.push(this.now);
          this.ended();
        },
        get restTicks() {
          return rest();
        },
      },
      millis,
      {
        now,
        later: (run, millis) => {
          this.#timers.set(++this.#last, { at: this.now + millis, run });
          return this.#last as never;
        },
        cancel: (timer) => void this.#timers.delete(timer as never),
      },
    );
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Time passes; with `late`, timers run that much later than they should. */
  pass(duration: number, late = 0): void {
    const end = this.now + duration;
    for (;;) {
      const [next] = [...this.#timers].toSorted(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at + late > end) break;
      this.#timers.delete(next[0]);
      this.now = next[1].at + late;
      late = 0;
      this.wakes++;
      next[1].run();
    }
    this.now = end;
  }
}

Deno.test("Ticker ticks at its pace while there is something to do", () => {
  const scene = new Scene();
  scene.pass(4 * millis);
  assert.deepEqual(scene.ticked, [50, 100, 150, 200]);
});

Deno.test("Ticker lets a node sleep, and counts what it slept through", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(5 * millis);
  assert.deepEqual(scene.ticked, [50, 150, 150, 250, 250]);
  assert.equal(scene.wakes, 3);
});

Deno.test("Ticker counts what it slept through before a message is heard, and loses none", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(millis);
  scene.pass(10);
  scene.ticker.heard();
  assert.deepEqual(scene.ticked, [50], "the first of the two is not over");
  scene.pass(80);
  scene.ticker.heard();
  scene.ticker.heard();
  scene.pass(10);
  assert.deepEqual(scene.ticked, [50, 140, 150]);
  scene.pass(2 * millis);
  assert.deepEqual(scene.ticked, [50, 140, 150, 250, 250]);
});

Deno.test("Ticker counts nothing before a message that waited while the process stood still (PITFALLS 2)", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(millis);
  scene.now = 5000;
  scene.ticker.heard();
  assert.deepEqual(scene.ticked, [50]);
});

Deno.test("Ticker that is late hears first what came meanwhile, and counts one tick (PITFALLS 2)", () => {
  const scene = new Scene();
  scene.rest = 4;
  scene.pass(millis);
  scene.ticked = [];
  scene.pass(0);
  scene.pass(5000, 3000);
  assert.equal(scene.ticked[0], 50 + 4 * millis + 3000 + 1);
  assert.equal(scene.ticked.filter((at) => at < 3400).length, 1);
});

Deno.test("Ticker that is stopped is still, even by a tick", () => {
  const scene = new Scene();
  scene.ended = () => scene.ticker.stop();
  scene.pass(10 * millis);
  assert.deepEqual(scene.ticked, [50]);
  assert.equal(scene.timers, 0);
  const other = new Scene();
  other.ticker.stop();
  assert.equal(other.timers, 0);
});
