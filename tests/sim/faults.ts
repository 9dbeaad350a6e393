// What goes wrong, and what people do about it: each kind of trouble comes by itself, in
// its own time, as often as the options say. It keeps to what ticketd promises to
// survive: at durability medium only the process dies, at low nothing does, and what is
// lost for good is always a minority of the voters.

import { sectorBytes } from "../storage/fake_files.ts";
import type { Client } from "./clients.ts";
import type { Computer } from "./computer.ts";
import { type FaultKind, faultKinds } from "./options.ts";
import type { World } from "./world.ts";

export class Faults {
  readonly #world: World;
  readonly #clients: readonly Client[];
  #over = false;

  constructor(world: World, clients: readonly Client[]) {
    this.#world = world;
    this.#clients = clients;
    for (const kind of faultKinds) this.#later(kind);
    this.#keepStarting();
  }

  /** Nothing new goes wrong from now on. */
  end(): void {
    this.#over = true;
  }

  #later(kind: FaultKind): void {
    const mean = this.#world.options.faults[kind];
    if (mean === 0) return;
    this.#world.clock.after(this.#world.wait(mean), () => {
      if (this.#over) return;
      this.#strike(kind);
      this.#later(kind);
    });
  }

  #strike(kind: FaultKind): void {
    const { network, random, counts, computers } = this.#world;
    const all = [...computers.values()];
    const one = this.#any(() => true);
    switch (kind) {
      case "kill":
        return this.#kill(this.#any(mayDie));
      case "power":
        return this.#losePower(this.#any(mayLosePower));
      case "killMost":
        return this.#world.up.filter(mayDie).slice(random(2)).forEach((c) =>
          this.#kill(c)
        );
      case "powerAll":
        return all.filter(mayLosePower).forEach((c) => this.#losePower(c));
      case "stop":
        return one?.stop();
      case "pause":
        return this.#pause(one);
      case "split":
      case "isolate": {
        const some = kind === "isolate" ? [one] : all.filter(() => random(2));
        counts.partitions++;
        this.#world.say(`cut off ${some.map((c) => c?.id)}`);
        for (const a of all) {
          for (const b of all) {
            if (some.includes(a) !== some.includes(b)) network.cut(a.id, b.id);
          }
        }
        return;
      }
      case "oneWay":
      case "partial": {
        const other = this.#world.pick(all)!;
        if (one === undefined || one === other) return;
        counts.partitions++;
        this.#world.say(`cut ${one.id} ${other.id} ${kind}`);
        network.cut(one.id, other.id);
        if (kind === "partial") network.cut(other.id, one.id);
        return;
      }
      case "heal":
        this.#world.say("cuts are healed");
        return network.heal();
      case "replay":
        return network.replay();
      case "stallDisk":
        counts.diskFaults++;
        return one?.stallUntil(this.#world.clock.now + this.#someTimeouts());
      case "slowDisk":
        return this.#slow(one);
      case "failSync":
      case "fullDisk":
        return this.#breakDisk(this.#any(mayDie), kind);
      case "rot":
        return this.#rot();
      case "wipe":
        return this.#lose(this.#world.pick(all.filter(mayLosePower)));
      case "snapshot":
        counts.snapshots++;
        return one?.admin({ type: "snapshot" });
      case "grow":
        if (one !== undefined) one.grown = random(2) * 2 ** 30;
        return;
      case "join":
        return this.#startJoining();
      case "add":
        return this.#add();
      case "remove":
        return this.#remove();
      case "abandon":
        return this.#world.pick(this.#clients)?.abandon();
      default:
        kind satisfies never;
    }
  }

  // Processes and power.

  #any(may: (computer: Computer) => boolean): Computer | undefined {
    return this.#world.pick(this.#world.up.filter(may));
  }

  #kill(computer: Computer | undefined): void {
    if (computer === undefined) return;
    this.#world.counts.kills++;
    computer.kill();
  }

  #losePower(computer: Computer | undefined): void {
    if (computer === undefined) return;
    this.#world.counts.powerLosses++;
    computer.losePower();
  }

  #pause(computer: Computer | undefined): void {
    if (computer === undefined || computer.isPaused) return;
    this.#world.counts.pauses++;
    computer.say("is paused");
    computer.pause();
    this.#world.clock.after(this.#someTimeouts(), () => {
      if (!computer.isPaused) return;
      computer.say("goes on");
      computer.resume();
    });
  }

  /** From a moment to several election timeouts. */
  #someTimeouts(): number {
    const { electionTicks, tickMicros } = this.#world.options;
    return this.#world.wait(2 * electionTicks * tickMicros);
  }

  /** Whoever is down comes back, some time. */
  #keepStarting(): void {
    const { clock, options, computers } = this.#world;
    clock.after(this.#world.wait(options.phaseMicros / 40), () => {
      if (this.#over) return;
      const down = [...computers.values()].filter((c) =>
        !c.isRunning && !c.ledger.isEmpty
      );
      const one = this.#world.pick(down);
      if (one !== undefined && !one.damaged) {
        if (this.#world.random(2) === 0) one.full = false;
        one.start({ type: "joins" });
      }
      this.#keepStarting();
    });
  }

  // Disks.

  #slow(computer: Computer | undefined): void {
    if (computer === undefined) return;
    const { options, random } = this.#world;
    computer.syncMicros = options.syncMicros * (random(2) === 0 ? 1 : 30);
  }

  #breakDisk(
    computer: Computer | undefined,
    kind: "failSync" | "fullDisk",
  ): void {
    if (computer === undefined) return;
    this.#world.counts.diskFaults++;
    computer.say(kind);
    if (kind === "failSync") computer.failSync = true;
    else computer.full = true;
  }

  /** Something rots, while the power is off, in what is certain to have been durable. */
  #rot(): void {
    const { random, counts } = this.#world;
    const victim = this.#world.pick(this.#sparable());
    if (victim === undefined || victim.durability !== "high") return;
    this.#losePower(victim);
    const certain = victim.log.certain;
    if (certain === undefined || certain.end === 0) return;
    const { name, end } = certain;
    const before = victim.drive.content(name)!;
    const sector = random(Math.ceil(end / sectorBytes));
    const other = random(Math.ceil(end / sectorBytes));
    const kind = random(3);
    // Only whole sectors move, and the last one holds what is not certain.
    const isWhole = (sector + 1) * sectorBytes <= end;
    if (kind === 0 || !isWhole) {
      victim.drive.flip(name, { at: random(end), bit: random(8) });
    } else if (kind === 1) {
      victim.drive.copySector({ name, sector: other }, { name, sector });
    } else if (!victim.drive.staleSector({ name, sector }, random)) return;
    const after = victim.drive.content(name)!;
    if (before.every((byte, i) => byte === after[i])) return;
    victim.say(`rots in ${name}`);
    victim.damaged = true;
    counts.damages++;
    // People start it, read what it says, and give it another disk.
    victim.start({ type: "joins" });
    this.#replaceDisk(victim);
  }

  #lose(victim: Computer | undefined): void {
    if (victim === undefined || !this.#sparable().includes(victim)) return;
    this.#world.counts.wipes++;
    victim.say("loses its disk");
    victim.losePower();
    this.#replaceDisk(victim);
  }

  /** As README says: remove the old life, then join with an empty directory. */
  #replaceDisk(victim: Computer): void {
    victim.newDisk();
    victim.isLost = true;
    const { clock, options } = this.#world;
    let removed = false;
    const ask = () => {
      if (removed || victim.isRunning) return;
      this.#world.pick(this.#world.up)?.admin(
        { type: "remove-server", id: victim.id, prevIndex: 0n },
        (answer) => {
          if (answer.type !== "ok" || removed) return;
          removed = true;
          victim.isLost = false;
          if (!victim.isRunning) victim.start({ type: "joins" });
        },
      );
      clock.after(20 * options.tickMicros, ask);
    };
    ask();
  }

  /** Voters that may be lost now: with them a minority is, counted in every log. */
  #sparable(): Computer[] {
    const { computers } = this.#world;
    const all = [...computers.values()];
    const configurations = all.map((one) => one.members).filter((servers) =>
      servers.length > 0
    );
    return all.filter((victim) =>
      victim.durability === "high" && configurations.length > 0 &&
      configurations.every((servers) => {
        const voters = servers.filter((s) => s.suffrage === "voter");
        const sound = voters.filter(({ id }) => {
          const computer = computers.get(id)!;
          return computer !== victim && computer.isVoterIn(servers);
        });
        return 2 * sound.length > voters.length;
      })
    );
  }

  // Members.

  #startJoining(): void {
    const fresh = [...this.#world.computers.values()].filter((c) =>
      !c.isRunning && c.ledger.isEmpty && !c.isLost
    );
    const one = this.#world.pick(fresh);
    if (one === undefined) return;
    this.#world.counts.changes++;
    one.start({ type: "joins" });
  }

  #add(): void {
    const at = this.#any(() => true);
    const who = this.#world.pick([...this.#world.computers.values()])!;
    if (at === undefined || who.ledger.isEmpty) return;
    this.#world.counts.changes++;
    const { id, address } = who;
    at.admin({ type: "add-voter", id, address, prevIndex: 0n });
  }

  /** Not when it would leave a majority that is not there. */
  #remove(): void {
    const at = this.#any(() => true);
    const victim = this.#world.pick(this.#sparable());
    if (at === undefined || victim === undefined) return;
    this.#world.counts.changes++;
    at.admin({ type: "remove-server", id: victim.id, prevIndex: 0n });
  }
}

function mayDie(computer: Computer): boolean {
  return computer.durability !== "low";
}

function mayLosePower(computer: Computer): boolean {
  return computer.durability === "high";
}
