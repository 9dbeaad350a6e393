// Many random runs of whole nodes, each from its own seed: clients that take everywhere,
// slow disks, crashes, lost and repeated messages, partitions, snapshots, stops, members
// coming and going. `nodes.ts` watches every answer; at the end everything is healed,
// and the cluster must get to work, with one state and nobody left waiting.
//
//   SEED=17 deno test -A tests/raft/nodes_random_test.ts      one run again
//   SEEDS=5000 FIRST=1000 EVENTS=4000 deno test -A …          many runs
//   TRACE=1                                                   print every event

import assert from "node:assert/strict";
import { storageBytesMax } from "../../raft/node.ts";
import { changeTicks, electionTicks, Nodes } from "./nodes.ts";
import { type Random, randomOf } from "../random.ts";
import { addVoter, join, remove } from "./questions.ts";

const { SEED, SEEDS, FIRST, EVENTS, TRACE } = Deno.env.toObject();
const seedFirst = Number(SEED ?? FIRST ?? 1);
const seedCount = SEED !== undefined ? 1 : Number(SEEDS ?? 100);
const eventCount = Number(EVENTS ?? 1500);

const networkMax = 150;
const takesMax = 20;

type Event = readonly [weight: number, run: () => void];

class Run {
  readonly nodes: Nodes;
  readonly #random: Random;
  readonly #ids: readonly string[];
  readonly #events: ReadonlyMap<string, Event>;

  constructor(seed: number) {
    const random = this.#random = randomOf(seed);
    const voters = ["a", "ab", "abc", "abc", "abcde"][random(5)]!;
    this.#ids = [...voters, "x", "y"];
    this.nodes = Nodes.of(voters, { spares: "xy", seed: random(2 ** 31) });
    this.#events = new Map(
      // Swarm testing: each run forgets some of the events and is fond of others.
      Object.entries(this.#table()).map(([name, [weight, run]]) => [
        name,
        [weight * [0, 1, 1, 1, 3][random(5)]! + weight / 10, run],
      ]),
    );
  }

  #table(): Record<string, Event> {
    const { nodes } = this;
    const any = () => this.#pick(this.#ids);
    const all = (act: (id: string) => void) => this.#ids.forEach(act);
    return {
      tick: [30, () => nodes.tick(any())],
      tickAll: [15, () => all((id) => nodes.tick(id))],
      settle: [4, () => nodes.settle()],
      deliver: [120, () => this.#deliver(0)],
      deliverMany: [20, () => nodes.network.forEach(() => this.#deliver(0))],
      reorder: [20, () => this.#deliver(this.#random(nodes.network.length))],
      repeat: [
        8,
        () => this.#deliver(this.#random(nodes.network.length), { keep: true }),
      ],
      drop: [
        8,
        () => nodes.network.splice(this.#random(nodes.network.length), 1),
      ],
      save: [80, () => nodes.disk(any()).finish()],
      saveAll: [20, () => all((id) => nodes.disk(id).finish())],
      take: [40, () => this.#take(any(), 1 + this.#random(3))],
      takeMany: [10, () => this.#take(any(), 1 + this.#random(1000))],
      snapshot: [
        5,
        () => this.#ifUp((id) => nodes.ask(id, { type: "snapshot" })),
      ],
      fill: [2, () => nodes.disk(any()).bytes = storageBytesMax + 1],
      drain: [4, () => nodes.disk(any()).bytes = 0],
      add: [2, () => this.#ifUp((at) => addVoter(nodes, at, { id: any() }))],
      join: [2, () => this.#ifUp((at) => join(nodes, at, { id: any() }))],
      remove: [2, () => this.#ifUp((at) => remove(nodes, at, any()))],
      stop: [2, () => this.#ifUp((id) => nodes.node(id).stop())],
      crash: [3, () => nodes.crash(any(), { saved: this.#random(2) === 0 })],
      start: [10, () => this.#start(any())],
      cut: [2, () => nodes.cut(any(), any())],
      isolate: [2, () => nodes.isolate(any())],
      heal: [4, () => nodes.heal()],
    };
  }

  /** Anything may happen, nothing wrong may. */
  misbehave(): void {
    const { network } = this.nodes;
    const total = this.#events.values().reduce((sum, [w]) => sum + w, 0);
    for (let i = 0; i < eventCount; i++) {
      let at = this.#random(total * 10) / 10;
      for (const [name, [weight, run]] of this.#events) {
        if ((at -= weight) >= 0) continue;
        if (TRACE !== undefined) console.log(i, name);
        run();
        break;
      }
      while (network.length > networkMax) {
        network.splice(this.#random(network.length), 1);
      }
      assert.deepEqual(this.nodes.failures, []);
    }
  }

  /** Everything works again: then nobody waits for ever, and all agree. */
  recover(): void {
    const { nodes } = this;
    nodes.heal();
    for (const id of this.#ids) {
      nodes.disk(id).bytes = 0;
      this.#start(id);
    }
    nodes.run(2 * changeTicks + 4 * electionTicks);
    // A stop that waited is done now.
    for (const id of this.#ids) this.#start(id);
    const leader = nodes.awaitLeader(30 * electionTicks);
    nodes.run(2 * electionTicks);
    for (const { id, takes, questions } of nodes.computers.values()) {
      assert.equal(takes.length, 0, `${id} left takes unanswered`);
      assert.equal(questions.size, 0, `${id} left questions unanswered`);
    }
    assert.deepEqual(nodes.leaders, [leader], "a working leader is replaced");

    const asked = nodes.take(leader, 3);
    nodes.run(2);
    assert.equal(asked.given.length, 3, "the leader serves");
    const last = nodes.stat(leader, "last_log_index");
    for (const id of nodes.servers(leader)) {
      assert.equal(nodes.stat(id, "applied_index"), last, `${id} lags behind`);
      // Taken at one index by all, and compared.
      nodes.ask(id, { type: "snapshot" });
      nodes.settle();
      assert.equal(nodes.disk(id).saved.snapshot.index, Number(last));
    }
    assert.deepEqual(nodes.failures, []);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random(from.length)]!;
  }

  #ifUp(act: (id: string) => void): void {
    const { up } = this.nodes;
    if (up.length > 0) act(this.#pick(up).id);
  }

  #deliver(at: number, options?: { keep: boolean }): void {
    if (this.nodes.network.length > 0) this.nodes.deliver(at, options);
  }

  #take(id: string, count: number): void {
    const { node, takes } = this.nodes.computer(id);
    if (node !== undefined && takes.length < takesMax) {
      this.nodes.take(id, count);
    }
  }

  #start(id: string): void {
    if (this.nodes.computer(id).node === undefined) this.nodes.start(id);
  }
}

Deno.test(`Nodes keep their promises and recover in ${seedCount} random runs`, () => {
  for (let seed = seedFirst; seed < seedFirst + seedCount; seed++) {
    try {
      const run = new Run(seed);
      run.misbehave();
      run.recover();
    } catch (cause) {
      const again = `SEED=${seed} EVENTS=${eventCount} deno test -A ` +
        "tests/raft/nodes_random_test.ts";
      throw new Error(`a random run failed; again: ${again}`, { cause });
    }
  }
});
