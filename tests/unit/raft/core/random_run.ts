// One random run of a cluster: messages lost, repeated and reordered, crashes, slow
// disks, partitions, compaction, transfers, members coming and going. One seed draws
// all of it, and how often each mishap comes. `raft_checker.ts` watches every step; at the end
// everything is healed, and the cluster must get to work.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import assert from "node:assert/strict";
import {
  configurationFault,
  withoutServer,
  withServer,
} from "../../../../raft/core/membership.ts";
import type { RaftOptions } from "../../../../raft/core/options.ts";
import type { Raft } from "../../../../raft/core/raft.ts";
import type { NodeId } from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import { randomOf } from "../../../lib/random.ts";
import { founded, members, server } from "./scene.ts";

const electionTicks = 6;
const networkMax = 200;

type Event = { readonly weight: number; readonly run: () => void };

const suffrages = ["voter", "learner", "nonvoter"] as const;

export class Run {
  readonly cluster: Cluster;
  readonly #random: RaftOptions["random"];
  readonly #ids: NodeId[];
  readonly #events: Event[];
  readonly #trace: boolean;

  constructor(seed: number, { trace }: { trace: boolean }) {
    const random = this.#random = randomOf(seed);
    this.#trace = trace;
    const voters = ["a", "abc", "abc", "abcde"][random(4)]!;
    this.#ids = [...voters, "x", "y"];
    this.cluster = new Cluster(
      this.#ids.map((id) => founded(id, members(voters))),
      {
        ...{ electionTicks, heartbeatTicks: 1 + random(2), random },
        ...{ chunkBytes: 1 + (seed % 8), canRestore: () => true },
      },
    );
    this.cluster.savesMax = 1 + random(2);
    if (random(3) === 0) this.cluster.pumps = () => random(2) === 0;
    this.#events = this.#drawEvents();
  }

  /** Swarm testing: each run forgets some mishaps and is fond of others. */
  #drawEvents(): Event[] {
    const { cluster } = this;
    const any = () => this.#pick(this.#ids);
    const each = (act: (id: NodeId) => void) => () => this.#ids.forEach(act);
    const atLeader = (act: (id: NodeId) => void) => () => this.#atLeader(act);
    const inFlight = () => this.#random(cluster.network.length);
    const needed: Event[] = [
      { weight: 40, run: () => cluster.tick(any()) },
      { weight: 15, run: each((id) => cluster.tick(id)) },
      { weight: 150, run: () => cluster.deliver() },
      { weight: 90, run: () => this.#finishOneSave() },
      { weight: 30, run: atLeader((id) => cluster.propose(id)) },
      { weight: 10, run: () => cluster.restart(any()) },
      { weight: 8, run: () => cluster.heal() },
    ];
    const mishaps: Event[] = [
      { weight: 20, run: () => this.#deliverMany() },
      { weight: 20, run: each((id) => cluster.finishSave(id)) },
      { weight: 20, run: () => cluster.deliver(inFlight()) },
      { weight: 8, run: () => cluster.deliver(inFlight(), { keep: true }) },
      { weight: 8, run: () => cluster.network.splice(inFlight(), 1) },
      { weight: 6, run: atLeader((id) => this.#changeMembers(id)) },
      { weight: 3, run: atLeader((id) => this.#transfer(id)) },
      { weight: 8, run: () => cluster.compact(any()) },
      { weight: 20, run: () => cluster.finishCompaction(any()) },
      { weight: 4, run: () => this.#crash(any()) },
      { weight: 3, run: () => cluster.cut(any(), any()) },
      { weight: 3, run: () => cluster.isolate(any()) },
    ];
    const drawn = (events: Event[], factors: number[]) =>
      events.map((e) => ({ ...e, weight: e.weight * this.#pick(factors) }));
    return [...drawn(needed, [2, 2, 4]), ...drawn(mishaps, [0, 1, 2, 6])];
  }

  /** Anything may happen, nothing wrong may. */
  misbehave(eventCount: number): void {
    const total = this.#events.reduce((sum, { weight }) => sum + weight, 0);
    for (let i = 0; i < eventCount; i++) {
      let ticket = this.#random(total);
      const event = this.#events.find(({ weight }) => (ticket -= weight) < 0)!;
      if (this.#trace) console.log(i, String(event.run));
      event.run();
      const { network } = this.cluster;
      while (network.length > networkMax) {
        network.splice(this.#random(network.length), 1);
      }
    }
  }

  /** Everything works again: then a leader appears, commits, and stays. */
  recover(): void {
    const { cluster } = this;
    cluster.heal();
    cluster.pumps = () => true;
    for (const id of this.#ids) cluster.restart(id);
    cluster.settle();
    cluster.awaitLeader(30 * electionTicks);
    // It may still have to hand over or to leave.
    cluster.run(10 * electionTicks);
    const stable = cluster.awaitLeader(10 * electionTicks);
    assert(
      cluster.propose(stable.id) !== undefined,
      "the leader takes no more",
    );
    cluster.run(3 * electionTicks);
    assert.equal(stable.log.commitIndex, stable.log.lastIndex);
    const { currentTerm } = stable;
    for (const { id, suffrage } of stable.membership.current.servers) {
      const host = cluster.host(id);
      assert.equal(host.applied, stable.log.lastIndex, `${id} lags behind`);
      assert.notEqual(suffrage, "learner", `${id} is never promoted`);
    }
    cluster.run(5 * electionTicks);
    assert.equal(
      cluster.leader?.id,
      stable.id,
      "a working leader was replaced",
    );
    assert.equal(stable.currentTerm, currentTerm);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random(from.length)]!;
  }

  #atLeader(act: (id: NodeId) => void): void {
    const leaders = this.cluster.up.filter(({ core }) =>
      core.role === "leader"
    );
    if (leaders.length > 0) act(this.#pick(leaders).id);
  }

  #finishOneSave(): void {
    const saving = this.cluster.up.filter((host) => host.saving.length > 0);
    if (saving.length > 0) this.cluster.finishSave(this.#pick(saving).id);
  }

  #deliverMany(): void {
    for (let i = this.cluster.network.length; i > 0; i--) {
      this.cluster.deliver();
    }
  }

  #crash(id: NodeId): void {
    const { length } = this.cluster.host(id).saving;
    this.cluster.crash(id, { kept: this.#random(length + 1) });
  }

  #transfer(id: NodeId): void {
    const target = this.#pick([undefined, ...this.#ids]);
    this.cluster.input(id, (raft) => raft.transferLeadership(target));
  }

  #changeMembers(at: NodeId): void {
    const id = this.#pick(this.#ids);
    this.cluster.input(at, (raft: Raft) => {
      const { current } = raft.membership;
      const known = raft.membership.find(id);
      const next = known === undefined
        ? withServer(current, server(id, this.#pick(suffrages)))
        : this.#random(3) === 0
        ? withServer(current, server(id, this.#pick(["learner", "nonvoter"])))
        : withoutServer(current, id);
      if (configurationFault(next) === undefined) raft.changeMembership(next);
    });
  }
}
