// The beginning of a run in which several computers found the cluster together: they start
// one after the other, are killed, lose power, stand still and lose their disks. When one has
// founded it, no more disks are lost, and soon nothing more goes wrong: then all must come
// into that one cluster. Not here: what a process does (`founding.ts`).

import assert from "node:assert/strict";
import type { Proposal } from "../../raft/members/proposal.ts";
import type { Computer } from "./computer.ts";
import { removeLost } from "./disk_faults.ts";
import { mayDie, mayLosePower } from "./victims.ts";
import type { World } from "./world.ts";

/** Ticks in which the computers of a founding come to its end once nothing goes wrong. */
const patienceTicks = 400;

export class FoundingPhase {
  readonly #world: World;
  readonly #founders: readonly Computer[];
  /** Disks that may yet be lost: a majority of every proposal must stay. */
  #wipes: number;
  #proposal: Proposal | undefined;
  #isCalm = false;

  constructor(world: World, founders: readonly Computer[]) {
    this.#world = world;
    this.#founders = founders;
    this.#wipes = world.random(Math.floor((founders.length - 1) / 2) + 1);
    world.founded = (proposal) => this.#founded(proposal);
  }

  /** Returns when the cluster is founded, and every computer with its first disk in it. */
  run(): void {
    const { clock, options, random } = this.#world;
    for (const one of this.#founders) {
      clock.after(random(20 * options.tickMicros), () => this.#start(one));
    }
    this.#trouble();
    const troubled = options.phaseMicros / 4;
    this.#world.run(troubled, () => this.#proposal !== undefined);
    this.#world.run(random(40) * options.tickMicros);
    this.#isCalm = true;
    for (const one of this.#founders) {
      if (one.isPaused) one.resume();
      this.#start(one);
    }
    const patience = patienceTicks * options.tickMicros;
    assert(
      this.#world.run(patience, () => this.#isOver),
      `no cluster of all: ${
        this.#founders.map(({ id, node }) => `${id} ${node !== undefined}`)
      }`,
    );
    this.#world.counts.foundings++;
    for (const { id, incarnation } of this.#proposal!.founders) {
      const one = this.#world.computers.get(id)!;
      if (one.incarnation !== incarnation) removeLost(this.#world, one);
    }
  }

  get #isOver(): boolean {
    return this.#proposal?.founders.every(({ id, incarnation }) => {
      const one = this.#world.computers.get(id)!;
      return one.node !== undefined || one.incarnation !== incarnation;
    }) ?? false;
  }

  #start(one: Computer): void {
    if (one.isRunning) return;
    const count = this.#founders.length;
    one.start(
      one.drive.ledger.isEmpty ? { type: "expects", count } : undefined,
    );
  }

  /** `proposal` is durable as the log of a computer. */
  #founded(proposal: Proposal): void {
    this.#proposal ??= proposal;
    assert.deepEqual(proposal, this.#proposal, "two clusters are founded");
  }

  #trouble(): void {
    const { clock, options, random, counts } = this.#world;
    clock.after(this.#world.wait(6 * options.tickMicros), () => {
      if (this.#isCalm) return;
      const one = this.#founders[random(this.#founders.length)]!;
      const isWiped = this.#wipes > 0 && random(3) === 0 &&
        this.#proposal === undefined;
      // A node that has begun keeps what its durability promises.
      const mayDieNow = one.node === undefined || mayDie(one);
      const mayLose = one.node === undefined || mayLosePower(one);
      if (!one.isRunning) this.#start(one);
      else if (isWiped) {
        this.#wipes--;
        counts.foundersWiped++;
        one.say("loses its disk");
        one.losePower();
        one.newDisk();
      } else if (random(3) === 0 && mayLose) one.losePower();
      else if (random(2) === 0 && mayDieNow) one.kill();
      else if (one.isPaused) one.resume();
      else one.pause();
      this.#trouble();
    });
  }
}
