// When something goes wrong: each kind of trouble comes by itself, in its own time, as often
// as the options say. Not here: what a kind does (`process_faults.ts`, `disk_faults.ts`,
// `network_faults.ts`, `member_changes.ts`, `moves.ts`, `numbers.ts`, `liar.ts`), and which
// computers it may strike (`victims.ts`).

import type { Client } from "./clients.ts";
import {
  breakDisk,
  loseDisk,
  rotDisk,
  slowDisk,
  stallDisk,
} from "./disk_faults.ts";
import { lie } from "./liar.ts";
import {
  addServer,
  changeAndDie,
  promote,
  shrink,
  startJoining,
  takeVote,
  transfer,
} from "./member_changes.ts";
import { moveSome } from "./moves.ts";
import {
  cutOff,
  cutPair,
  healCuts,
  replaySome,
  splitNetwork,
} from "./network_faults.ts";
import { askLast, backUp, raise, setPolicy } from "./numbers.ts";
import { type FaultKind, faultKinds } from "./options.ts";
import {
  keepStarting,
  kill,
  killDuringRecall,
  killMost,
  losePower,
  pause,
} from "./process_faults.ts";
import { mayDie, mayDieAnyTime, mayLosePower, pickRunning } from "./victims.ts";
import type { World } from "./world.ts";

export class Faults {
  readonly #world: World;
  readonly #clients: readonly Client[];

  /** Faults strike from now on. */
  constructor(world: World, clients: readonly Client[]) {
    this.#world = world;
    this.#clients = clients;
    for (const kind of faultKinds) this.#later(kind);
    world.recalls = (computer) => killDuringRecall(world, computer);
    keepStarting(world);
  }

  /** Nothing new goes wrong from now on. */
  end(): void {
    this.#world.faultsAreOver = true;
  }

  #later(kind: FaultKind): void {
    const mean = this.#world.options.faults[kind];
    if (mean === 0) return;
    this.#world.clock.after(this.#world.wait(mean), () => {
      if (this.#world.faultsAreOver) return;
      this.#strike(kind);
      this.#later(kind);
    });
  }

  #strike(kind: FaultKind): void {
    const world = this.#world;
    const { random } = world;
    const all = [...world.computers.values()];
    const one = pickRunning(world);
    switch (kind) {
      case "kill":
        return kill(world, pickRunning(world, mayDie));
      case "power":
        return losePower(world, pickRunning(world, mayLosePower));
      case "killMost":
        return killMost(world, world.up.filter(mayDie));
      case "powerAll":
        return all.filter(mayLosePower).forEach((c) => losePower(world, c));
      case "stop":
        return one?.stop();
      case "pause":
        return pause(world, one);
      case "split":
        return splitNetwork(world);
      case "isolate":
        return cutOff(world, [one]);
      case "oneWay":
      case "partial":
        return cutPair(world, { one, kind });
      case "heal":
        return healCuts(world);
      case "replay":
        return replaySome(world);
      case "stallDisk":
        return stallDisk(world, one);
      case "slowDisk":
        return slowDisk(world, one);
      case "failSync":
      case "fullDisk": {
        const computer = pickRunning(world, mayDieAnyTime);
        return breakDisk(world, { computer, kind });
      }
      case "rot":
        return rotDisk(world);
      case "wipe":
        return loseDisk(world, world.pick(all.filter(mayLosePower)));
      case "snapshot":
        return one?.admin({ type: "snapshot" });
      case "grow":
        if (one !== undefined) one.drive.grown = random(2) * 2 ** 30;
        return;
      case "join":
        return startJoining(world);
      case "add":
        return addServer(world);
      case "remove":
        return takeVote(world, "remove-server");
      case "demote":
        return takeVote(world, "demote");
      case "promote":
        return promote(world);
      case "transfer":
        return transfer(world);
      case "abandon":
        return world.pick(this.#clients)?.abandon();
      case "lull":
        return this.#lull();
      case "shrink":
        return shrink(world);
      case "dieChanged":
        return changeAndDie(world);
      case "lie":
        for (let i = random(20); i >= 0 && one !== undefined; i--) {
          lie(world, one);
        }
        return;
      case "raise":
        return raise(world);
      case "last":
        return askLast(world);
      case "backup":
        return backUp(world);
      case "move":
        return moveSome(world);
      case "policy":
        return setPolicy(world);
      default:
        kind satisfies never;
    }
  }

  /** All clients are silent for a while. */
  #lull(): void {
    const { clock, options: { tickMicros } } = this.#world;
    const until = clock.now + 5 * tickMicros +
      this.#world.wait(5 * tickMicros);
    this.#world.say("clients rest");
    for (const client of this.#clients) client.rest(until);
  }
}
