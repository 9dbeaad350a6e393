// One simulated computer: the disk that outlives its processes, and all that happens to it
// from outside: a process starts, is killed, paused or stopped, power fails, the disk stalls
// or fails. Every input of its process passes through `run()`, and is checked there. Not
// here: the process itself (`process.ts`), and when something goes wrong (`faults.ts`).

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  AdminCommand,
  Forwarding,
} from "../../raft/channel/messages.ts";
import type { Raft } from "../../raft/core/raft.ts";
import type { Index, NodeId, Saved, Server } from "../../raft/core/types.ts";
import type { About } from "../../raft/identity/hello.ts";
import {
  honestProof,
  type Members,
  noMembers,
  type PeerProof,
  rankOf,
} from "../../raft/identity/peer_ranks.ts";
import { blank, founded } from "../../raft/members/bootstrap.ts";
import type { Asker, Pairs } from "../../raft/members/founding_answer.ts";
import type { Node } from "../../raft/node.ts";
import {
  type Durability,
  type Storage,
  StorageError,
} from "../../storage/storage.ts";
import { defaultSequence } from "../../base/sequence_name.ts";
import { Wal } from "../../storage/wal.ts";
import type { Watched } from "../lib/raft_checker.ts";
import type { Connection } from "./clients.ts";
import type { Micros } from "./clock.ts";
import { Drive, isInjected } from "./drive.ts";
import { Founding } from "./founding.ts";
import type { Isolates } from "./isolates.ts";
import { type Act, type Origin, Process } from "./process.ts";
import { WatchedStorage } from "./watched_storage.ts";
import type { World } from "./world.ts";

export class Computer implements Watched {
  readonly id: NodeId;
  /** Where it is now; its process hears of a change when it begins. */
  address: string;
  readonly durability: Durability;
  readonly forward: Forwarding;
  /** By its own clock, which runs too fast or too slow. */
  readonly tickMicros: Micros;
  drive: Drive;
  /** The nodes that its node wants to be connected to, and their addresses. */
  connected = new Map<NodeId, string>();
  /** Its processes are started with --nonvoter. */
  nonvoter = false;
  /** It dies as soon as it has acknowledged the next change of members. */
  diesChanged = false;
  /** Its disk is new: it must not be let in before the old incarnation is removed. */
  isLost = false;
  /** The least that a sync takes; it takes up to twice as long. */
  syncMicros: Micros;
  /** The cluster's commit index when the message was sent that it received last. */
  heardOf: Index = 0;
  /** What was on the disks that it lost. */
  readonly lost: Saved[] = [];

  readonly #world: World;
  #process: Process | undefined;
  /** Of the last process, for the next one. */
  #origin: Origin = { type: "joins" };
  /** Rises whenever a process begins, and whenever one is gone. */
  #processChanges = 0;
  /** The sync that is about to begin will fail. */
  #failing = false;
  #paused = false;
  /** Inputs that wait until the paused process goes on. */
  #held: (() => void)[] = [];
  /** It has acknowledged the change of members that it dies after. */
  #dies = false;
  /** No sync that begins before then ends before then. */
  #stallUntil: Micros = 0;
  /** Ends the sync under way within a tick. */
  #hurry = () => {};

  constructor(world: World, number: number) {
    this.#world = world;
    this.id = "abcdefg"[number]!;
    this.address = `${this.id}:1`;
    const { durability, forward, clockSkew, tickMicros, syncMicros } =
      world.options;
    this.durability = durability[number % durability.length]!;
    this.forward = forward[number % forward.length]!;
    const skew = 1000 + world.random(2 * clockSkew + 1) - clockSkew;
    this.tickMicros = Math.round(tickMicros * skew / 1000);
    this.syncMicros = syncMicros;
    this.drive = this.#newDrive();
  }

  // For checks and faults.

  get raft(): Raft | undefined {
    return this.#process?.node?.core;
  }

  get node(): Node | undefined {
    return this.#process?.node;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  get disk(): Saved {
    return this.drive.owed;
  }

  get incarnation(): string {
    return this.drive.identity.incarnation;
  }

  get about(): About {
    return { client: `${this.id}:2`, version: "1.2.3" };
  }

  /** Of the newest configuration in its log, running or not. */
  get members(): readonly Server[] {
    return this.raft?.membership.current.servers ?? this.drive.members;
  }

  /** Its entry in the first configuration of a cluster. */
  get founder(): Server {
    const { id, address, incarnation } = this;
    return { id, address, suffrage: "voter", incarnation };
  }

  say(what: string): void {
    this.#world.say(`${this.id} ${what}`);
  }

  // For the network.

  welcomes(other: Computer): boolean {
    return rankOf(other.id, other.proofFor(this), this.known) !== "stranger";
  }

  /** What a handshake between the two proves to `other`. */
  proofFor({ drive: { identity } }: Computer): PeerProof {
    const own = { identity: this.drive.identity, members: this.known };
    return honestProof(own, identity);
  }

  get known(): Members {
    return this.node?.members ?? noMembers;
  }

  // What happens to its process.

  /** Without an origin, as it was started before. */
  start(origin = this.#origin): void {
    assert(!this.isRunning, `${this.id} runs already`);
    this.#origin = origin;
    const process = this.#process = new Process(this.#world, {
      computer: this,
      origin,
    });
    this.#processChanges++;
    this.#world.counts.starts++;
    const storage = this.#open(process);
    let resumed: Saved | undefined;
    try {
      resumed = storage.load();
    } catch (error) {
      return this.#refused(process, error);
    }
    const { damaged, identity } = this.drive;
    assert(!damaged, `${this.id} reads a damaged disk as if it were sound`);
    this.say(resumed === undefined ? "begins" : "resumes");
    if (origin.type === "expects") {
      const hasLog = resumed !== undefined;
      process.founding = new Founding(this.#world, {
        ...{ process, storage, hasLog, expect: origin.count },
        done: (saved) => this.#create(process, storage, saved),
      });
      if (!hasLog) return process.founding.begin();
    }
    if (resumed !== undefined) return this.#begin(process, storage, resumed);
    const saved = origin.type === "founds"
      ? founded(identity, origin.servers)
      : blank(identity);
    this.#create(process, storage, saved);
  }

  #create(process: Process, storage: Storage, saved: Saved): void {
    storage.create(saved, (error) => {
      if (error !== undefined) return this.ended(process, error);
      this.#begin(process, storage, saved);
    });
  }

  #begin(process: Process, storage: Storage, saved: Saved): void {
    const begin = () => process.begin(storage, saved);
    if (process.founding === undefined) begin();
    else process.founding.begun(begin);
  }

  /** The answer to a node that asks whether this one founds a cluster. */
  tell(asker: Asker): Pairs | undefined {
    return this.#process?.founding?.tell(asker);
  }

  /** The process is gone from one moment to the next; what it wrote stays. */
  kill(): void {
    if (!this.isRunning) return;
    this.say("is killed");
    this.#forget();
    this.drive.disk.restart();
  }

  /** The power goes, for the disk as well. */
  losePower(): void {
    this.say("loses power");
    this.#forget();
    this.drive.disk.crash(this.#world.random);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // A process that goes on reads what waits before its timers run out (PITFALLS 2).
    for (const run of this.#held.splice(0)) this.#world.clock.after(0, run);
  }

  stop(): void {
    this.run(() => {
      this.#process?.isolates.stop();
      return "is asked to stop";
    });
  }

  /** Does `act`, an input from outside: now, or when the paused process goes on. */
  run(act: Act): void {
    const changes = this.#processChanges;
    if (this.#paused) {
      this.#held.push(() => {
        if (changes === this.#processChanges) this.run(act);
      });
      return;
    }
    try {
      const line = act();
      if (line !== undefined) this.say(line);
      this.#process?.check();
      this.#mayDie();
    } catch (error) {
      this.#world.fail(error);
    }
  }

  // What its clients ask.

  attach(connection: Connection): void {
    this.#process!.isolates.attach(connection);
  }

  detach(connection: Connection): void {
    this.#process?.isolates.detach(connection);
  }

  /** Asks its isolates something, unless its process ends before they hear it. */
  ask(ask: (isolates: Isolates) => void): void {
    const process = this.#process;
    this.run(() => {
      if (process !== undefined && process === this.#process) {
        ask(process.isolates);
      }
    });
  }

  admin(
    command: AdminCommand,
    answered: (answer: AdminAnswer) => void = () => {},
  ): void {
    this.run(() => {
      const process = this.#process;
      const { commitIndex: since } = this.#world.checker;
      // A snapshot has to wait for its disk, however long that takes.
      const settled = command.type === "snapshot"
        ? undefined
        : process?.pace.asks();
      process?.isolates.main.admin(command, (answer) => {
        settled?.();
        if (answer.type === "ok") this.#checkDone(command, since);
        answered(answer);
      });
      return `is asked to ${command.type}`;
    });
  }

  /** `command` was answered with OK; when it was asked, `since` was committed. */
  #checkDone(command: AdminCommand, since: Index): void {
    const { model, checker } = this.#world;
    if (command.type !== "transfer") return model.assertDone(command, since);
    const { id } = command;
    // The named node may have lost office again before the answer.
    assert(id === "" || checker.hasLed(id), `OK, and ${id} has never led`);
  }

  // Its disk.

  /** An empty disk is put in, with an incarnation that nobody knows. */
  newDisk(): void {
    assert(!this.isRunning, "a running computer keeps its disk");
    const { acknowledged } = this.drive.ledger;
    if (acknowledged !== undefined) this.lost.push(acknowledged);
    this.#origin = { type: "joins" };
    this.drive = this.#newDrive();
  }

  /** No fault is left in it, and the sync under way ends soon. */
  healDisk(): void {
    const { tickMicros } = this.#world.options;
    this.drive.heal();
    this.#stallUntil = 0;
    this.syncMicros = Math.min(this.syncMicros, tickMicros);
    this.#hurry();
  }

  /** A sync that begins before `at` ends after it. */
  stallUntil(at: Micros): void {
    this.#stallUntil = at;
  }

  #newDrive(): Drive {
    const half = () =>
      this.#world.random(2 ** 31).toString(16).padStart(8, "0");
    const incarnation = half() + half();
    return new Drive({
      identity: { cluster: this.#world.cluster, node: this.id, incarnation },
      durability: this.durability,
      later: (run) => this.#sync(run),
      failing: ({ isSync }) => {
        const process = this.#process;
        if (process !== undefined) process.mayFail = true;
        if (isSync) this.#failing = true;
        else if (process !== undefined) this.#mustEnd(process);
      },
    });
  }

  #open(process: Process): WatchedStorage {
    const { canary, random } = this.#world;
    const { disk, ledger } = this.drive;
    const wal = new Wal({
      files: disk.open(`data/${this.id}`),
      node: this.id,
      durability: this.durability,
      log: (level, text) => this.say(`${level}: ${text}`),
      defer: (run) => process.after(0, run),
    });
    const isFirst = this.#processChanges <= 2;
    if (canary === "forgetful" && !isFirst && random(3) === 0) {
      for (const name of disk.names()) disk.setContent(name, undefined);
    }
    if (ledger.compacting !== undefined) this.#world.counts.compactionsCut++;
    return new WatchedStorage(wal, {
      ledger,
      acknowledging: (save) => this.drive.checkAcknowledged(save),
      acknowledged: ({ entries }) => {
        if (ledger.compacting !== undefined) this.#world.counts.savesBeside++;
        this.#dies ||= this.diesChanged &&
          entries.some(({ type }) => type === "configuration");
      },
      compacted: () => {
        this.drive.checkCompacted();
        this.#world.counts.compactions++;
      },
      grown: () => this.drive.grown,
      early: canary === "early" ? (run) => process.after(0, run) : undefined,
    });
  }

  /** A sync begins; `finish` is called when it is done. */
  #sync(finish: () => void): void {
    const { clock, random } = this.#world;
    let delay = this.syncMicros + random(this.syncMicros + 1);
    delay = Math.max(delay, this.#stallUntil - clock.now);
    const process = this.#process;
    const fails = this.#failing;
    this.#failing = false;
    if (process === undefined) return;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      finish();
      if (fails) this.#mustEnd(process);
    };
    this.#hurry = () => process.after(this.tickMicros, end);
    process.after(delay, end);
  }

  /** At once: a node must not use a disk again that has failed. */
  #mustEnd(process: Process): void {
    this.#world.clock.after(1, () => {
      if (process.isGone || this.#paused) return;
      this.#world.fail(new Error(`${this.id} lives on after a failed write`));
    });
  }

  // How a process ends.

  /** It dies now if it was to die after a change of members, and has acknowledged one. */
  #mayDie(): void {
    if (!this.#dies || !this.isRunning) return;
    this.#dies = this.diesChanged = false;
    this.#world.counts.diedChanged++;
    // Changes of members are synced at every durability.
    if (this.#world.random(2) === 0) this.kill();
    else this.losePower();
  }

  /** `process` does not start on this disk. */
  #refused(process: Process, error: unknown): void {
    const isDamage = error instanceof StorageError && this.drive.damaged;
    const isFault = error instanceof Error && process.mayFail &&
      isInjected(error);
    if (!isDamage && !isFault) throw error;
    this.say(`does not start: ${error.message}`);
    this.#world.counts.refusals++;
    this.#forget();
    this.drive.disk.restart();
  }

  /** `process` has ended by itself; with an error if nobody asked it to. */
  ended(process: Process, error: Error | undefined): void {
    if (process.isGone) return;
    const excused = process.mayFail && isInjected(error);
    if (error !== undefined && !excused) return this.#world.fail(error);
    if (error !== undefined) {
      const isSync = error.message.includes("sync");
      this.#world.counts[isSync ? "failedSyncs" : "failedWrites"]++;
    }
    this.say(error === undefined ? "has stopped" : `ends: ${error.message}`);
    this.#forget();
    this.drive.disk.restart();
    // An ended node answers nothing that comes while its sockets are being closed.
    this.#world.clock.after(0, () => {
      process.node?.take(0, {
        ...{ name: defaultSequence, count: 1, isCapped: false, rest: 0 },
      });
      process.node?.tick();
    });
  }

  #forget(): void {
    const process = this.#process;
    if (process !== undefined) {
      const { counts, tickets } = this.#world;
      if (process.isolates.isRecalling) counts.recallsCut++;
      tickets.unanswered(process.isolates.burn());
      process.isGone = true;
    }
    this.#process = undefined;
    this.#processChanges++;
    this.#paused = this.#failing = this.#dies = false;
    this.#held = [];
    this.connected.clear();
    for (const connection of process?.isolates.connections ?? []) {
      connection.lost();
    }
  }
}
