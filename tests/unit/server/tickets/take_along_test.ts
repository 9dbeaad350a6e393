// Takes that the node takes along with its last answer, through both ends of a real box: the
// dispenser and its link on one side, the doors of a played node on the other. Turns end, and
// messages and answers arrive, in an order that a seed draws.

import assert from "node:assert/strict";
import { Doors } from "../../../../raft/channel/doors.ts";
import type { NodeOptions, ToNode } from "../../../../raft/channel/messages.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";
import { RaftLink } from "../../../../server/tickets/raft_link.ts";
import { randomOf } from "../../../lib/random.ts";

/** A node that answers when it is told to, and an isolate with clients in front of it. */
class Cluster {
  readonly box = new TakeBox();
  /** Takes and refills that the node has not answered. */
  readonly asked: (number | "refill")[] = [];
  readonly takes: number[] = [];
  readonly told: string[] = [];
  readonly link: RaftLink;
  readonly doors: Doors;
  readonly #toLink: Parameters<RaftLink["receive"]>[0][] = [];
  #last = 0n;
  #highest = 0n;

  constructor() {
    const { box } = this;
    this.doors = new Doors(
      { postMessage: (message) => this.#toLink.push(message) },
      {
        start() {},
        stop() {},
        admin() {},
        returned() {},
        operations() {},
        take: (_door, { count }) => {
          this.asked.push(count);
          this.takes.push(count);
        },
        refill: () => this.asked.push("refill"),
      },
    );
    const options = {} as NodeOptions;
    this.doors.receive({ type: "start", options, takeBoxMemory: box.memory });
    this.link = new RaftLink(
      { postMessage: (message: ToNode) => this.doors.receive(message) },
      {
        takeBox: box,
        asksAgain: true,
        timeoutMillis: 10_000,
        defer: queueMicrotask,
        ready() {},
        removed() {},
        stopped() {},
      },
    );
  }

  /** A client asks; what it is told must be above all that was known when it asked. */
  ask(name: string, count: number): void {
    const floor = this.#highest;
    this.link.dispenser.take("orders", {
      granted: (last, part) => {
        const first = last - BigInt(part) + 1n;
        assert(first > floor, `${first} was passed by ${floor}`);
        assert(first > this.#highest, `${first} after ${this.#highest}`);
        this.#highest = last;
        this.told.push(`${name} ${first}-${last}`);
      },
      refused: (part) => this.told.push(`${name} ${part} x`),
    }, { count, isBlock: false, isCapped: false });
  }

  /** The node gives the oldest take its numbers, and lends `spare` more. */
  give(spare = 0): void {
    const count = this.asked.shift();
    if (count === undefined) return;
    if (count === "refill") {
      const type = "lent";
      return this.doors.postMessage({ type, name: "orders", ...this.#next(3) });
    }
    const isAlone = this.asked.length === 0;
    const range = this.#next(count + (isAlone ? spare : 0));
    this.doors.postMessage({
      type: "taken",
      door: 0,
      name: "orders",
      ...range,
    });
  }

  /** The node gives the oldest take nothing. */
  lose(): void {
    const count = this.asked[0];
    if (count === undefined || count === "refill") return this.give();
    this.asked.shift();
    this.doors.postMessage({
      type: "refused",
      door: 0,
      name: "orders",
      reason: "leadership-lost",
    });
  }

  /** A message of the node arrives. */
  deliver(): void {
    const message = this.#toLink.shift();
    if (message !== undefined) this.link.receive(message);
  }

  #next(count: number): { last: bigint; count: number } {
    this.#last += BigInt(count);
    return { last: this.#last, count };
  }
}

/** All that was begun ends: a box takes a few turns of the event loop. */
async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await oneTurn();
}

function oneTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** "a" and "b" have asked for one number each; the take for "b" went along with "a"'s answer. */
async function takenAlong(): Promise<Cluster> {
  const cluster = new Cluster();
  cluster.ask("a", 1);
  await turn();
  cluster.ask("b", 1);
  cluster.give();
  await Promise.resolve();
  return cluster;
}

Deno.test("a take is taken along with the answer to the last, if it is as large", async () => {
  const cluster = new Cluster();
  cluster.ask("a", 2);
  await turn();
  cluster.ask("b", 1);
  cluster.ask("c", 1);
  cluster.give();
  await turn();
  assert.deepEqual(cluster.takes, [2, 2]);
  cluster.ask("d", 1);
  cluster.give();
  await turn();
  assert.deepEqual(cluster.takes, [2, 2, 1]);
  cluster.give();
  await turn();
  assert.deepEqual(cluster.told, ["a 1-2", "b 3-3", "c 4-4", "d 5-5"]);
});

Deno.test("requests whose time is up are not taken along", async () => {
  const cluster = new Cluster();
  cluster.ask("a", 1);
  await turn();
  cluster.ask("b", 1);
  for (let i = 0; i < 22; i++) cluster.link.dispenser.tick();
  cluster.ask("c", 1);
  cluster.give();
  await turn();
  cluster.give();
  await turn();
  assert.deepEqual(cluster.takes, [1, 1]);
  assert.deepEqual(cluster.told, ["a 1 x", "b 1 x", "c 2-2"]);
});

Deno.test("numbers of requests that were taken along burn if their time is up before the answer", async () => {
  const cluster = await takenAlong();
  for (let i = 0; i < 22; i++) cluster.link.dispenser.tick();
  cluster.ask("c", 1);
  await turn();
  cluster.give();
  await turn();
  cluster.give();
  await turn();
  assert.deepEqual(cluster.takes, [1, 1, 1]);
  assert.deepEqual(cluster.told, ["a 1 x", "b 1 x", "c 3-3"]);
});

Deno.test("two answers wait in the box, and no third is written before they are seen", async () => {
  // All of this within one turn of the isolate.
  const cluster = await takenAlong();
  cluster.ask("c", 1);
  cluster.give();
  await Promise.resolve();
  assert.deepEqual(cluster.takes, [1, 1]);
  await turn();
  cluster.give();
  await turn();
  assert.deepEqual(cluster.told, ["a 1-1", "b 2-2", "c 3-3"]);
});

Deno.test("a refusal of a take that was taken along leaves the answer in the box alone", async () => {
  const cluster = await takenAlong();
  cluster.lose();
  cluster.deliver(); // before the isolate has looked into the box
  assert.deepEqual(cluster.told, ["a 1-1"]);
  await turn();
  cluster.give();
  await turn();
  assert.deepEqual(cluster.told, ["a 1-1", "b 2-2"]);
});

Deno.test("in any order of turns every client is given its numbers, in order, and none is lost", async () => {
  let along = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const cluster = new Cluster();
    const lends = seed % 3 === 0;
    let asked = 0;
    for (let step = 0; step < 150; step++) {
      const kind = random(10);
      if (kind < 4) {
        asked++;
        cluster.ask(`c${asked}`, 1 + random(3));
      } else if (kind < 7) {
        const before = cluster.takes.length;
        cluster.give(lends ? random(4) : 0);
        await Promise.resolve();
        along += cluster.takes.length - before;
      } else if (kind === 7) cluster.lose();
      else if (kind === 8) cluster.deliver();
      else await oneTurn();
    }
    for (let i = 0; i < 20 || cluster.asked.length > 0; i++) {
      assert(i < 1000, "it never comes to rest");
      await oneTurn();
      cluster.deliver();
      if (cluster.asked[0] === "refill" && i > 20) break;
      cluster.give();
    }
    assert.equal(cluster.link.dispenser.waiting, 0, `seed ${seed}`);
    const names = new Set(cluster.told.map((text) => text.split(" ")[0]));
    assert.equal(names.size, asked, `seed ${seed}`);
  }
  assert(along > 30, `${along} takes were taken along`);
});
