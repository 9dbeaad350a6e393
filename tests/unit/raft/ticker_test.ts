// Real time made into ticks: how often a node is woken, and what a late timer counts.

import assert from "node:assert/strict";
import { Ticker } from "../../../raft/ticker.ts";

const millis = 50;

type Alarm = { at: number; run: () => void; period: number | undefined };

/** A clock that stands still, a node that counts, and how long it may rest. */
class Scene {
  now = 0;
  rest = 1;
  wakes = 0;
  ticked: number[] = [];
  ended = () => {};
  /** The standstills that the node was told of, in milliseconds. */
  standstills: number[] = [];
  readonly ticker: Ticker;
  /** Timers made so far. */
  made = 0;
  #timers = new Map<number, Alarm>();

  constructor() {
    this.ticker = new Ticker(
      {
        tick: (count) => {
          for (let i = 0; i < count; i++) this.ticked.push(this.now);
          this.ended();
        },
        restTicks: () => this.rest,
        stoodStill: (millis) => void this.standstills.push(millis),
      },
      millis,
      {
        now: () => this.now,
        later: (run, millis) => this.#make(run, millis, undefined),
        every: (run, millis) => this.#make(run, millis, millis),
        cancel: (timer) => void this.#timers.delete(timer as never),
      },
    );
  }

  #make(run: () => void, millis: number, period: number | undefined) {
    this.#timers.set(++this.made, { at: this.now + millis, run, period });
    return this.made as never;
  }

  /** As before an input. */
  catchUp(): void {
    for (let left = this.ticker.catchUp(); left > 0; left--) {
      this.ticked.push(this.now);
    }
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
      const [timer, { at, run, period }] = next;
      this.now = at + late;
      late = 0;
      if (period === undefined) this.#timers.delete(timer);
      else this.#timers.set(timer, { at: this.now + period, run, period });
      this.wakes++;
      run();
    }
    this.now = end;
  }
}

Deno.test("Ticker ticks at its pace while there is something to do", () => {
  const scene = new Scene();
  scene.pass(4 * millis);
  assert.deepEqual(scene.ticked, [50, 100, 150, 200]);
});

Deno.test("Ticker tells how late its timer was, once, and how late it is before it fires", () => {
  const scene = new Scene();
  scene.pass(3 * millis, millis);
  assert.deepEqual(scene.standstills, [], "a tick is no standstill");
  scene.pass(2 * millis);
  scene.now += 5000;
  assert.equal(scene.ticker.lateMillis, 5000 - millis);
  scene.now -= 5000;
  scene.pass(5000 + 2 * millis, 5000);
  assert.deepEqual(scene.standstills, [5000]);
  assert.equal(scene.ticker.lateMillis, 0);
});

Deno.test("Ticker lets a node sleep, and counts what it slept through", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(5 * millis);
  assert.deepEqual(scene.ticked, [50, 150, 150, 250, 250]);
  assert.equal(scene.wakes, 3);
});

Deno.test("Ticker counts what it slept through before an input, and loses none", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(millis);
  scene.pass(10);
  scene.catchUp();
  assert.deepEqual(scene.ticked, [50], "the first of the two is not over");
  scene.pass(80);
  scene.catchUp();
  scene.catchUp();
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
  scene.catchUp();
  assert.deepEqual(scene.ticked, [50]);
});

Deno.test("Ticker leaves to its timer the tick in which a timeout may run out", () => {
  const scene = new Scene();
  scene.rest = 3;
  scene.pass(millis);
  scene.pass(3 * millis - 1);
  scene.catchUp();
  assert.deepEqual(scene.ticked.slice(1), [199, 199]);
  scene.now = 205; // a little late: the input was read before the timer
  scene.catchUp();
  assert.equal(scene.ticked.length, 3);
  scene.pass(0);
  assert.equal(scene.ticked.length, 4);
});

Deno.test("Ticker loses no tick to an input that is read just before its timer", () => {
  const scene = new Scene();
  scene.rest = 3;
  scene.pass(millis);
  scene.now = 205;
  scene.catchUp();
  assert.deepEqual(scene.ticked, [50, 205, 205]);
});

Deno.test("Ticker wakes earlier when an input has made something due, and keeps its pace", () => {
  const scene = new Scene();
  scene.rest = 4;
  scene.pass(millis);
  scene.pass(70);
  scene.catchUp();
  scene.ticker.cutShort();
  assert.equal(scene.timers, 1);
  scene.rest = 1;
  scene.ticker.cutShort();
  scene.pass(2 * millis);
  assert.deepEqual(scene.ticked, [50, 120, 150, 200]);
  assert.equal(scene.timers, 1);
  scene.ticker.stop();
  scene.ticker.cutShort();
  assert.equal(scene.timers, 0);
});

Deno.test("Ticker makes no new timer while its sleeps are of one length", () => {
  const scene = new Scene();
  scene.rest = 2;
  scene.pass(21 * millis);
  assert.equal(scene.ticked.length, 21);
  assert.equal(scene.made, 2);
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
