// All that a run consists of: time, chance, computers, network, the checkers and the counts.
// Keeps the first failure, which ends the run. Not here: the phases of a run, its clients
// (`simulation.ts`), and its faults (`faults.ts`).

import assert from "node:assert/strict";
import { configurationFault, findServer } from "../../raft/core/membership.ts";
import type { Configuration } from "../../raft/core/types.ts";
import type { Proposal } from "../../raft/members/proposal.ts";
import { Checker } from "../lib/raft_checker.ts";
import { type Random, randomOf } from "../lib/random.ts";
import { Clock, type Micros } from "./clock.ts";
import { Computer } from "./computer.ts";
import { noCounts } from "./counts.ts";
import { Model } from "./model.ts";
import { Network } from "./network.ts";
import type { Options } from "./options.ts";
import { Sequences } from "./sequences.ts";
import { Trace } from "./trace.ts";

/** Mistakes that can be put into the simulator itself: a checker must find each. */
export const canaries = [
  "early", // storage acknowledges a save before the log has written it
  "forgetful", // a disk has lost its files when a process starts
  "twice", // a node gives the same numbers again
] as const;
export type Canary = typeof canaries[number];

export class World {
  readonly options: Options;
  readonly canary: Canary | undefined;
  readonly random: Random;
  readonly clock = new Clock();
  readonly trace: Trace;
  readonly computers = new Map<string, Computer>();
  readonly network: Network;
  readonly tickets = new Sequences();
  readonly model: Model;
  readonly checker: Checker;
  readonly counts = noCounts();
  /** Events of the clock so far, traced or not. */
  steps = 0;
  /** The computers that are healed in the second phase: from then on clients ask only these. */
  sound: readonly Computer[] = [];
  /** Nothing new may go wrong any more. */
  faultsAreOver = false;
  failure: Error | undefined;
  /** The id of the cluster that is simulated. */
  cluster = "c".repeat(32);
  /** Called when a computer has founded the cluster together with others. */
  founded: (proposal: Proposal) => void = () => {};
  /** Called when a node asks for numbers that it has lent: a moment for a fault. */
  recalls: (computer: Computer) => void = () => {};

  constructor(
    options: Options,
    { print, canary }: {
      print?: ((line: string) => void) | undefined;
      canary?: Canary | undefined;
    } = {},
  ) {
    this.options = options;
    this.canary = canary;
    this.random = randomOf(options.seed + 0x5eed);
    this.trace = new Trace(print);
    this.network = new Network(this);
    for (let i = 0; i < options.voters + options.spares; i++) {
      const computer = new Computer(this, i);
      this.computers.set(computer.id, computer);
    }
    this.model = new Model({
      givenBack: () => this.counts.givenBack++,
      passedOver: (count) => {
        this.counts.passedOver++;
        this.tickets.unanswered(count);
      },
      grouped: (taken) => {
        if (taken === undefined) this.counts.commandsRefused++;
        else this.counts.commandsDone++;
        // Its outcome may be lost with its leader.
        this.tickets.unanswered(taken ?? 0);
      },
    });
    this.checker = new Checker(
      this.computers,
      (entry) => {
        const before = this.model.membersAt(entry.index);
        this.model.committed(entry);
        if (entry.type === "configuration" && before !== undefined) {
          this.#membersChanged(before, entry.configuration);
        }
      },
    );
  }

  get up(): Computer[] {
    return [...this.computers.values()].filter(({ node }) =>
      node !== undefined
    );
  }

  /** The computers that clients ask. */
  get servers(): Computer[] {
    const { up, sound } = this;
    return sound.length === 0 ? up : up.filter((one) => sound.includes(one));
  }

  say(line: string): void {
    this.trace.add(this.clock.now, line);
  }

  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /**
   * Lets time pass, until `done` is true or `duration` is over. Returns whether it is done.
   *
   * @throws the failure, if there is one
   */
  run(duration: Micros, done: () => boolean = () => false): boolean {
    const end = this.clock.now + duration;
    for (;; this.steps++) {
      if (this.failure !== undefined) throw this.failure;
      if (done()) return true;
      if (!this.clock.step(end)) return done();
    }
  }

  /** A random wait with this mean: exponential, for events that are independent of the past. */
  wait(mean: Micros): Micros {
    return Math.round(-Math.log((this.random(65_536) + 1) / 65_537) * mean);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.random(Math.max(1, from.length))];
  }

  /** Checks and counts what a committed configuration changes. */
  #membersChanged(before: Configuration, after: Configuration): void {
    for (const { id, suffrage, incarnation } of after.servers) {
      const known = findServer(before, id);
      assert(
        known === undefined || known.incarnation === "" ||
          known.incarnation === incarnation,
        `another disk takes the place of ${id}, which was not removed`,
      );
      assert(suffrage !== "voter" || incarnation !== "", `who is voter ${id}?`);
      if (known?.suffrage === "voter" && suffrage === "nonvoter") {
        this.counts.demotions++;
      }
      assert(
        known?.suffrage !== "nonvoter" || suffrage !== "voter",
        `${id} was to catch up first`,
      );
      if (known?.suffrage !== "learner" || suffrage !== "voter") continue;
      this.counts.promotions++;
      if (this.computers.get(id)!.lost.length > 0) this.counts.comebacks++;
    }
    for (const { id } of before.servers) {
      if (findServer(after, id) === undefined) this.counts.removals++;
    }
    assert.equal(configurationFault(after), undefined);
    const moved = after.servers.filter(({ id, address }) =>
      (findServer(before, id)?.address ?? address) !== address
    );
    this.counts.movesRecorded += moved.length;
    if (moved.length > 1) this.counts.movesTogether++;
  }
}
