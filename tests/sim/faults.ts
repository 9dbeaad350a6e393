// What goes wrong, and what people do about it: each kind of trouble comes by itself, in
// its own time, as often as the options say. It keeps to what ticketd promises to
// survive: at durability medium only the process dies, at low nothing does, unless all
// that was acknowledged is on disk by then; and what is lost for good is always a minority
// of the voters.

import { sectorBytes } from "../lib/fake_files.ts";
import type { Client } from "./clients.ts";
import type { Computer } from "./computer.ts";
import { lie } from "./liar.ts";
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
    world.recalls = (computer) => this.#cutShort(computer);
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
        return this.#killMost(this.#world.up.filter(mayDie));
      case "powerAll":
        return all.filter(mayLosePower).forEach((c) => this.#losePower(c));
      case "stop":
        return one?.stop();
      case "pause":
        return this.#pause(one);
      case "split":
      case "isolate": {
        const some = kind === "isolate" ? [one] : all.filter(() => random(2));
        if (some.length === 0 || some.length === all.length) return;
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
        for (let i = random(20); i >= 0; i--) network.replay();
        return;
      case "stallDisk":
        counts.diskFaults++;
        return one?.stallUntil(this.#world.clock.now + this.#someTimeouts());
      case "slowDisk":
        return this.#slow(one);
      case "failSync":
      case "fullDisk":
        return this.#breakDisk(this.#any(mayDieLater), kind);
      case "rot":
        return this.#rot();
      case "wipe":
        return this.#lose(this.#world.pick(all.filter(mayLosePower)));
      case "snapshot":
        return one?.admin({ type: "snapshot" });
      case "grow":
        if (one !== undefined) one.drive.grown = random(2) * 2 ** 30;
        return;
      case "join":
        return this.#startJoining();
      case "add":
        return this.#add();
      case "remove":
        return this.#remove();
      case "demote":
        return this.#demote();
      case "promote":
        return this.#promote();
      case "transfer":
        return this.#transfer();
      case "abandon":
        return this.#world.pick(this.#clients)?.abandon();
      case "lull":
        return this.#lull();
      case "shrink":
        return this.#shrink();
      case "dieChanged":
        return this.#dieChanged();
      case "lie":
        for (let i = random(20); i >= 0 && one !== undefined; i--) {
          lie(this.#world, one);
        }
        return;
      default:
        kind satisfies never;
    }
  }

  // Processes and power.

  #any(may: (computer: Computer) => boolean): Computer | undefined {
    const { up, random } = this.#world;
    const able = up.filter(may);
    const leader = able.find(({ raft }) => raft?.role === "leader");
    // What befalls a leader is told by more than what befalls another.
    return leader !== undefined && random(4) === 0
      ? leader
      : this.#world.pick(able);
  }

  /** All, or all but one. */
  #killMost(computers: readonly Computer[]): void {
    const { random } = this.#world;
    const spared = random(2) === 0 ? this.#world.pick(computers) : undefined;
    for (const one of computers) if (one !== spared) this.#kill(one);
  }

  #kill(computer: Computer | undefined): void {
    if (computer === undefined) return;
    this.#world.counts.kills++;
    computer.kill();
  }

  #losePower(computer: Computer | undefined): void {
    if (computer === undefined || computer.drive.ledger.isEmpty) return;
    this.#world.counts.powerLosses++;
    computer.losePower();
  }

  #pause(computer: Computer | undefined): void {
    if (computer === undefined || computer.isPaused) return;
    this.#world.counts.pauses++;
    computer.say("is paused");
    computer.pause();
    const { electionTicks, tickMicros } = this.#world.options;
    const duration = this.#someTimeouts();
    const isLeader = computer.raft?.role === "leader";
    this.#world.clock.after(duration, () => {
      // What is broken for good in the second phase stays paused.
      if (this.#over || !computer.isPaused) return;
      if (duration > electionTicks * tickMicros) {
        this.#world.counts.longPauses++;
        if (isLeader) this.#world.counts.pausedLeaders++;
      }
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
        !c.isRunning && !c.drive.ledger.isEmpty
      );
      const one = this.#world.pick(down);
      if (one !== undefined && !one.drive.damaged) {
        if (this.#world.random(2) === 0) one.drive.full = false;
        one.start();
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
    if (kind === "failSync") computer.drive.failSync = true;
    else computer.drive.full = true;
  }

  /** Something rots, while the power is off, in what is certain to have been durable. */
  #rot(): void {
    const { random, counts } = this.#world;
    const victim = this.#world.pick(this.#sparable());
    if (victim === undefined || victim.durability !== "high") return;
    this.#losePower(victim);
    const certain = victim.drive.log.certain;
    if (certain === undefined || certain.end === 0) return;
    const { name, end } = certain;
    const before = victim.drive.disk.content(name)!;
    // Only whole sectors move, and the last one holds what is not certain.
    const wholes = Math.floor(end / sectorBytes);
    const kind = wholes === 0 ? 0 : random(3);
    const sector = random(Math.max(1, wholes));
    if (kind === 0) {
      victim.drive.disk.flip(name, { at: random(end), bit: random(8) });
    } else if (kind === 1) {
      const other = random(Math.ceil(end / sectorBytes));
      victim.drive.disk.copySector({ name, sector: other }, { name, sector });
    } else if (!victim.drive.disk.staleSector({ name, sector }, random)) return;
    const after = victim.drive.disk.content(name)!;
    if (before.every((byte, i) => byte === after[i])) return;
    victim.say(`rots in ${name}`);
    victim.drive.damaged = true;
    counts[damageNames[kind]!]++;
    // People start it, read what it says, and give it another disk.
    victim.start();
    this.#replaceDisk(victim);
  }

  #lose(victim: Computer | undefined): void {
    if (
      victim === undefined || victim.drive.ledger.isEmpty ||
      !this.#sparable().includes(victim)
    ) return;
    this.#world.counts.wipes++;
    victim.say("loses its disk");
    victim.losePower();
    this.#replaceDisk(victim);
  }

  /** As docs/OPERATING.md says: remove the old life, then join with an empty directory. */
  #replaceDisk(victim: Computer): void {
    victim.newDisk();
    victim.isLost = true;
    const { clock, options, random } = this.#world;
    // Some try it without: it must not be let in.
    if (random(2) === 0) victim.start();
    const ask = () => {
      if (!victim.isLost) return;
      this.#any((one) => one !== victim)?.admin(
        { type: "remove-server", id: victim.id, prevIndex: 0n, force: true },
        (answer) => {
          if (answer.type !== "ok" || !victim.isLost) return;
          victim.isLost = false;
          if (!victim.isRunning) victim.start();
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
          return computer !== victim && computer.drive.isVoterIn(servers);
        });
        return 2 * sound.length > voters.length;
      })
    );
  }

  // Members.

  #startJoining(): void {
    const fresh = [...this.#world.computers.values()].filter((c) =>
      !c.isRunning && c.drive.ledger.isEmpty && !c.isLost
    );
    const one = this.#world.pick(fresh);
    if (one === undefined) return;
    this.#world.counts.changes++;
    one.nonvoter = this.#world.random(4) === 0;
    one.start();
  }

  #add(): void {
    const at = this.#any(() => true);
    const who = this.#world.pick([...this.#world.computers.values()])!;
    if (at === undefined || who.drive.ledger.isEmpty) return;
    this.#world.counts.changes++;
    const { id, address } = who;
    const prevIndex = this.#prevIndex(at);
    const type = this.#world.random(4) === 0 ? "add-nonvoter" : "add-voter";
    at.admin({ type, id, address, prevIndex });
  }

  /** Now and then people name the configuration that they saw. */
  #prevIndex({ node }: Computer): bigint {
    const isNamed = this.#world.random(3) === 0;
    return BigInt(isNamed ? node?.members.configurationIndex ?? 0 : 0);
  }

  /** Not when it would leave a majority that is not there. */
  #remove(): void {
    const at = this.#any(() => true);
    const victim = this.#world.pick(this.#sparable());
    if (at === undefined || victim === undefined) return;
    this.#world.counts.changes++;
    const prevIndex = this.#prevIndex(at);
    at.admin({ type: "remove-server", id: victim.id, prevIndex, force: true });
  }

  /** Like a removal: the others must do without its vote. */
  #demote(): void {
    const at = this.#any(() => true);
    const victim = this.#world.pick(this.#sparable());
    if (at === undefined || victim === undefined) return;
    this.#world.counts.changes++;
    const prevIndex = this.#prevIndex(at);
    at.admin({ type: "demote", id: victim.id, prevIndex, force: true });
  }

  /** Of any that the one who is asked knows to have no vote, as people would. */
  #promote(): void {
    const at = this.#any(() => true);
    if (at === undefined) return;
    const one = this.#world.pick(
      at.members.filter(({ suffrage }) => suffrage !== "voter"),
    );
    if (one === undefined) return;
    this.#world.counts.changes++;
    const prevIndex = this.#prevIndex(at);
    at.admin({ type: "promote", id: one.id, prevIndex });
  }

  /** Down to one, which lends numbers from then on; if it is one already, up again. */
  #shrink(): void {
    const { computers, random } = this.#world;
    const at = this.#world.pick(
      this.#world.up.filter(({ raft }) => raft?.role === "leader"),
    );
    if (this.#over || at === undefined) return;
    const { members } = at;
    const isSound = members.every(({ id, suffrage }) =>
      suffrage !== "voter" || computers.get(id)!.drive.isVoterIn(members)
    );
    // Whoever is lost counts as long as any log names it (`#sparable`).
    if (!isSound) return;
    const other = this.#world.pick(members.filter(({ id }) => id !== at.id));
    if (other === undefined) return this.#grow(at);
    const victim = computers.get(other.id)!;
    if (random(2) === 0) this.#surprise(victim, at);
    this.#world.counts.changes++;
    at.admin(
      { type: "remove-server", id: other.id, prevIndex: 0n, force: true },
      (answer) => {
        if (answer.type === "ok" && at.members.length > 1) this.#shrink();
      },
    );
  }

  /** It stands still, and hears nothing of its removal when it goes on. */
  #surprise(victim: Computer, leader: Computer): void {
    const { clock, network, options } = this.#world;
    if (victim.isPaused || !victim.isRunning) return;
    this.#world.counts.pauses++;
    victim.say("is paused");
    victim.pause();
    // What it has asked before is answered.
    const { latencyMicros, jitterMicros, syncMicros, tickMicros } = options;
    clock.after(2 * (latencyMicros + jitterMicros + syncMicros), () => {
      if (!this.#over) network.cut(leader.id, victim.id);
    });
    clock.after(4 * tickMicros + this.#world.wait(4 * tickMicros), () => {
      if (!this.#over && victim.isPaused) victim.resume();
    });
  }

  #grow(at: Computer): void {
    const who = this.#world.pick(
      [...this.#world.computers.values()].filter((one) =>
        one !== at && !one.drive.ledger.isEmpty && !one.isLost
      ),
    );
    if (who === undefined) return this.#startJoining();
    this.#world.counts.changes++;
    const { id, address } = who;
    at.admin({ type: "add-voter", id, address, prevIndex: 0n });
  }

  #lull(): void {
    const { clock, options: { tickMicros } } = this.#world;
    const until = clock.now + 5 * tickMicros +
      this.#world.wait(5 * tickMicros);
    this.#world.say("clients rest");
    for (const client of this.#clients) client.rest(until);
  }

  /** Now and then a process dies while it waits for what it has lent, or right after. */
  #cutShort(computer: Computer): void {
    const { clock, random, options: { faults, doorMicros } } = this.#world;
    if (this.#over || faults.shrink === 0 || !mayDie(computer)) return;
    if (random(8) > 0) return;
    const { node } = computer;
    clock.after(random(4 * doorMicros), () => {
      if (computer.node === node && !this.#over) this.#kill(computer);
    });
  }

  /** One of them, or all: whoever forgot the change would go on with other majorities. */
  #dieChanged(): void {
    const { up, random } = this.#world;
    const isAll = random(3) === 0;
    const one = this.#any(() => true);
    for (const each of isAll ? up : [one]) {
      if (each !== undefined) each.diesChanged = true;
    }
    switch (random(4)) {
      case 0:
        return this.#promote();
      case 1:
        return this.#add();
      case 2:
        return this.#startJoining();
      default:
        return this.#remove();
    }
  }

  #transfer(): void {
    const at = this.#any(() => true);
    if (at === undefined) return;
    const { counts, random } = this.#world;
    counts.transfersAsked++;
    const all = [...this.#world.computers.values()];
    const id = random(3) === 0 ? "" : this.#world.pick(all)!.id;
    at.admin({ type: "transfer", id }, (answer) => {
      if (answer.type === "ok") counts.transfersDone++;
    });
  }
}

const damageNames = ["rottenBits", "rottenSectors", "rottenStales"] as const;

function mayDie(computer: Computer): boolean {
  return mayDieLater(computer) || computer.drive.isSettled;
}

/** Whatever it has acknowledged by then. */
function mayDieLater({ durability }: Computer): boolean {
  return durability !== "low";
}

function mayLosePower({ durability, drive }: Computer): boolean {
  return durability === "high" || drive.isSettled;
}
