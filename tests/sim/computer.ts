// One computer: a disk that outlives its processes, and the process, which is all that a
// ticketd process runs but its sockets: dispensers, doors, node, core, machine, file log.
// What `raft/host.ts` does at a start, with real sockets and in its own time, is done here
// in simulated time, from the same values.

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  AdminCommand,
  Door,
  Forwarding,
  FromNode,
  ToNode,
} from "../../raft/channel/messages.ts";
import { findServer } from "../../raft/core/membership.ts";
import type { Raft } from "../../raft/core/raft.ts";
import type {
  Index,
  NodeId,
  PeerMessage,
  Saved,
  Server,
} from "../../raft/core/types.ts";
import { Doors, type NodeInputs } from "../../raft/channel/doors.ts";
import type { About } from "../../raft/identity/hello.ts";
import { Node } from "../../raft/node.ts";
import { blank, founded, isMember } from "../../raft/members/bootstrap.ts";
import {
  honestProof,
  type Members,
  nobody,
  type PeerProof,
  rankOf,
} from "../../raft/identity/peer_ranks.ts";
import { ticksPerTimeout } from "../../server/tickets/dispenser.ts";
import { RaftLink } from "../../server/tickets/raft_link.ts";
import { type Durability, StorageError } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import type { Watched } from "../lib/raft_checker.ts";
import type { Connection } from "./clients.ts";
import { CoreCounter } from "./counts.ts";
import { Drive, isInjected } from "./drive.ts";
import { WatchedStorage } from "./watched_storage.ts";
import { Pace } from "./pace.ts";
import type { World } from "./world.ts";

export const cluster = "c".repeat(32);

/** How a process begins when its disk does not say. */
export type Origin =
  | { readonly type: "founds"; readonly servers: readonly Server[] }
  | { readonly type: "joins" };

/** What fits into a box. */
type Boxed = FromNode & { readonly type: "taken" | "lent" };

/** From start to end of one process. */
type Process = {
  /** One for each isolate that serves clients; the first is the main one. */
  readonly links: readonly RaftLink[];
  readonly doors: Doors;
  readonly connections: Map<Connection, RaftLink>;
  /** Of each isolate: how many tickets the take in flight asks for, and its answer if that
   * fits into a box, as in `take_door.ts`, until it is seen. */
  readonly wanted: number[];
  readonly boxed: (Boxed | undefined)[];
  /** Of each: whether a take is under way that the node has not answered. */
  readonly asked: { left: number }[];
  /** Tickets that go from one isolate to the other, and were not asked for. */
  onTheWay: number;
  /** What was lent was asked back, and has not come. */
  recalling: boolean;
  stopping: boolean;
  node: Node | undefined;
  counter: CoreCounter | undefined;
  /** Whether a fault was made that may end it. */
  mayFail: boolean;
  /** It was started with --join, and asks to be let in when it is no member. */
  readonly joins: boolean;
  joining: boolean;
  /** As raft/host.ts: once in a life. */
  rejoined: boolean;
  readonly pace: Pace;
};

export class Computer implements Watched {
  readonly id: NodeId;
  readonly address: string;
  readonly durability: Durability;
  readonly forward: Forwarding;
  drive: Drive;
  /** Whom its node wants to be connected to. */
  connected = new Set<NodeId>();
  /** Started with --nonvoter. */
  nonvoter = false;
  /** It dies as soon as it has acknowledged the next change of members. */
  diesChanged = false;
  /** It has an empty disk, and may not come back before its old life is removed. */
  isLost = false;
  syncMicros: number;
  /** What was committed when the message was sent that came last, however old it is. */
  heardOf: Index = 0;

  readonly #world: World;
  readonly #tickMicros: number;
  #process: Process | undefined;
  #origin: Origin = { type: "joins" };
  #lives = 0;
  /** The sync that is about to begin will fail. */
  #failing = false;
  #paused = false;
  #held: (() => void)[] = [];
  #dies = false;
  #stallUntil = 0;
  #hurry = () => {};
  /** What of the core was checked last: most inputs change none of it. */
  #watched = "";

  constructor(world: World, number: number) {
    this.#world = world;
    this.id = "abcdefg"[number]!;
    this.address = `${this.id}:1`;
    const { durability, forward, clockSkew, tickMicros, syncMicros } =
      world.options;
    this.durability = durability[number % durability.length]!;
    this.forward = forward[number % forward.length]!;
    const skew = 1000 + world.random(2 * clockSkew + 1) - clockSkew;
    this.#tickMicros = Math.round(tickMicros * skew / 1000);
    this.syncMicros = syncMicros;
    this.drive = this.#newDrive();
  }

  // For those who watch.

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

  /** What was on the disks that it lost. */
  readonly lost: Saved[] = [];

  /** Of the newest configuration in its log, running or not. */
  get members(): readonly Server[] {
    return this.raft?.membership.current.servers ?? this.drive.members;
  }

  /** As one of those who found a cluster. */
  get founder(): Server {
    const { id, address, incarnation } = this;
    return { id, address, suffrage: "voter", incarnation };
  }

  // For the network.

  dials(id: NodeId): boolean {
    return this.connected.has(id);
  }

  welcomes(other: Computer): boolean {
    return rankOf(other.id, other.proofFor(this), this.known) !== "stranger";
  }

  /** What a handshake between the two proves to `other`. */
  proofFor({ drive: { identity } }: Computer): PeerProof {
    const own = { identity: this.drive.identity, members: this.known };
    return honestProof(own, identity);
  }

  get known(): Members {
    return this.node?.members ?? nobody;
  }

  // What happens to it.

  /** An empty disk is put in, which nobody has met before. */
  newDisk(): void {
    assert(!this.isRunning, "a running computer keeps its disk");
    const { acknowledged } = this.drive.ledger;
    if (acknowledged !== undefined) this.lost.push(acknowledged);
    this.#origin = { type: "joins" };
    this.drive = this.#newDrive();
  }

  /** Without an origin, as it was started before. */
  start(origin = this.#origin): void {
    assert(!this.isRunning, `${this.id} runs already`);
    this.#origin = origin;
    const process = this.#process = this.#begin();
    this.#age(process);
    this.#lives++;
    this.#world.counts.starts++;
    const storage = this.#open(process);
    let resumed: Saved | undefined;
    try {
      resumed = storage.load();
    } catch (error) {
      return this.#refused(error);
    }
    assert(
      !this.drive.damaged,
      `${this.id} reads a damaged disk as if it were sound`,
    );
    this.say(resumed === undefined ? "begins" : "resumes");
    if (resumed !== undefined) return this.#run(process, storage, resumed);
    const saved = origin.type === "joins"
      ? blank(this.drive.identity)
      : founded(this.drive.identity, origin.servers);
    storage.create(saved, (error) => {
      if (error !== undefined) return this.#ended(process, error);
      this.#run(process, storage, saved);
    });
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
    // All that waited is heard before the timer runs out (PITFALLS 2).
    for (const run of this.#held.splice(0)) this.#world.clock.after(0, run);
  }

  stop(): void {
    this.run(() => {
      if (this.#process !== undefined) stop(this.#process);
      return "is asked to stop";
    });
  }

  /** No fault is left in it, and the sync under way ends soon. */
  healDisk(): void {
    const { tickMicros } = this.#world.options;
    this.drive.heal();
    this.#stallUntil = 0;
    this.syncMicros = Math.min(this.syncMicros, tickMicros);
    this.#hurry();
  }

  /** The next sync that begins before then ends after it. */
  stallUntil(at: number): void {
    this.#stallUntil = at;
  }

  /** Something comes from outside; when the process stands still, it waits. */
  run(act: () => string | void): void {
    const proof = this.#lives;
    if (this.#paused) {
      this.#held.push(() => {
        if (proof === this.#lives) this.run(act);
      });
      return;
    }
    try {
      const line = act();
      if (line !== undefined) this.say(line);
      this.#watch();
      this.#mayDie();
    } catch (error) {
      this.#world.fail(error);
    }
  }

  say(what: string): void {
    this.#world.say(`${this.id} ${what}`);
  }

  // What is asked of it.

  attach(connection: Connection): void {
    const { connections, links } = this.#process!;
    const link = links.length === 1 ? links[0] : this.#world.pick(links);
    connections.set(connection, link!);
  }

  detach(connection: Connection): void {
    this.#process?.connections.delete(connection);
  }

  take(connection: Connection, count: number): void {
    const process = this.#process;
    const [main] = process?.links ?? [];
    // It may have been closed by the answer to what it asked right before.
    const link = process?.connections.get(connection) ?? main;
    this.run(() => {
      if (process !== this.#process) return;
      link?.dispenser.take(connection, count);
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
      process?.links[0]?.admin(command, (answer) => {
        settled?.();
        if (answer.type === "ok") this.#checkDone(command, since);
        answered(answer);
      });
      return `is asked to ${command.type}`;
    });
  }

  // Inside.

  /** `command` was answered with OK; when it was asked, `since` was committed. */
  #checkDone(command: AdminCommand, since: Index): void {
    const { model, checker } = this.#world;
    if (command.type !== "transfer") return model.assertDone(command, since);
    const { id } = command;
    // Who takes itself for the leader says so of itself, even if it is one no more.
    assert(id === "" || checker.hasLed(id), `OK, and ${id} has never led`);
  }

  #newDrive(): Drive {
    const half = () =>
      this.#world.random(2 ** 31).toString(16).padStart(8, "0");
    const incarnation = half() + half();
    return new Drive({
      identity: { cluster, node: this.id, incarnation },
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

  /** In this process, after `delay`, unless it is gone by then. */
  #after(process: Process, delay: number, act: () => string | void): void {
    this.#world.clock.after(delay, () => {
      if (process !== this.#process) return;
      this.run(() => process === this.#process ? act() : undefined);
    });
  }

  #begin(): Process {
    const { doorMicros, boxMicros, isolates } = this.#world.options;
    const wanted: number[] = [];
    const boxed: Process["boxed"] = [];
    const asked: Process["asked"] = [];
    /** The node's end of a door, and the isolate's. */
    const doorTo = (at: number) => ({
      postMessage: (message: FromNode) => {
        const link = process.links[at]!;
        if (message.type === "taken" || message.type === "refused") {
          asked[at]!.left -= message.count;
        }
        if (message.type === "recall") this.#recalls(process);
        const isBoxed = message.type === "lent" ||
          message.type === "taken" && message.count >= wanted[at]!;
        if (isBoxed) {
          const surplus = surplusOf(message, wanted[at]!);
          process.onTheWay += surplus;
          if (surplus > 0) this.#world.counts.lent++;
          boxed[at] = message;
          this.#after(process, boxMicros, () => this.#seen(process, at));
        } else {
          this.#after(process, doorMicros, () => {
            // Whoever is to give back looks into the box before.
            if (message.type === "recall") this.#seen(process, at);
            return this.#told(link, message);
          });
        }
      },
    });
    const doorFrom = (at: number, receive: (message: ToNode) => void) => ({
      postMessage: (message: ToNode) => {
        if (message.type === "take") {
          wanted[at] = message.count;
          asked[at] = { left: message.count };
        }
        if (message.type === "refill") this.#world.counts.refills++;
        const isBoxed = message.type === "take" || message.type === "refill";
        const delay = isBoxed ? boxMicros : doorMicros;
        const left = message.type === "returned" ? message.count : 0;
        if (left > 0) this.#world.counts.recalled++;
        if (message.type === "returned" && (asked[at]?.left ?? 0) > 0) {
          this.#world.counts.recallsCrossed++;
        }
        process.onTheWay += left;
        this.#after(process, delay, () => {
          process.onTheWay -= left;
          receive(message);
        });
      },
    });
    const doors = new Doors(doorTo(0), this.#inputs(() => process));
    const process: Process = {
      doors,
      links: Array.from({ length: isolates }, (_, at) =>
        this.#link(
          () => process,
          doorFrom(
            at,
            at === 0
              ? (message) => doors.receive(message)
              : doors.open(doorTo(at)),
          ),
        )),
      connections: new Map(),
      wanted,
      boxed,
      asked,
      onTheWay: 0,
      recalling: false,
      stopping: false,
      node: undefined,
      counter: undefined,
      mayFail: this.drive.full || this.drive.failSync,
      // People start again what was removed, to have it back or unawares.
      joins: this.#origin.type === "joins" || this.#world.random(2) === 0,
      joining: false,
      rejoined: false,
      pace: new Pace(this.#world.options),
    };
    return process;
  }

  #link(process: () => Process, door: Door<ToNode>): RaftLink {
    const { timeoutMicros, tickMicros } = this.#world.options;
    return new RaftLink(door, {
      ready: () => {},
      // As main.ts: clients that wait have a while to be answered.
      removed: () => {
        this.#world.counts.ousted++;
        this.say("was removed, and is to stop");
        this.#after(process(), 4 * tickMicros, () => stop(process()));
      },
      stopped: () => {},
      timeoutMillis: timeoutMicros / 1000,
      asksAgain: this.forward !== "no",
      defer: (run) => this.#after(process(), 0, run),
    });
  }

  /** Whoever waits for tickets does not wait for ever. */
  #age(process: Process): void {
    const delay = this.#world.options.timeoutMicros / ticksPerTimeout;
    this.#after(process, delay, () => {
      for (const { dispenser } of process.links) dispenser.tick();
      this.#age(process);
    });
  }

  #open(process: Process): WatchedStorage {
    const { canary, random } = this.#world;
    const wal = new Wal({
      files: this.drive.disk.open(`data/${this.id}`),
      node: this.id,
      durability: this.durability,
      log: (level, text) => this.say(`${level}: ${text}`),
      defer: (run) => this.#after(process, 0, run),
    });
    if (canary === "forgetful" && this.#lives > 2 && random(3) === 0) {
      for (const name of this.drive.disk.names()) {
        this.drive.disk.setContent(name, undefined);
      }
    }
    return new WatchedStorage(wal, {
      ledger: this.drive.ledger,
      acknowledging: (save) => this.drive.checkAcknowledged(save),
      acknowledged: ({ entries }) => {
        this.#dies ||= this.diesChanged &&
          entries.some(({ type }) => type === "configuration");
      },
      grown: () => this.drive.grown,
      early: canary === "early"
        ? (run) => this.#after(process, 0, run)
        : undefined,
    });
  }

  /** All that it has acknowledged up to a change of members outlives it, at any level. */
  #mayDie(): void {
    if (!this.#dies || !this.isRunning) return;
    this.#dies = this.diesChanged = false;
    this.#world.counts.diedChanged++;
    if (this.#world.random(2) === 0) this.kill();
    else this.losePower();
  }

  #run(process: Process, storage: WatchedStorage, saved: Saved): void {
    const { options, random, clock, checker } = this.#world;
    const began = checker.commitIndex;
    let last = 0n;
    process.node = new Node(
      {
        storage,
        peers: {
          send: (messages) => {
            if (messages.length > 0) this.#mayStillSpeak(process);
            for (const message of messages) this.#send(message);
          },
          connect: (servers) =>
            this.connected = new Set(servers.map((s) => s.id)),
          reaches: (id) => this.#world.network.reaches(this, id),
        },
        post: (message) => {
          this.#mayStillSpeak(process);
          if (message.type === "removed") this.#mustBeRemoved(began);
          if (message.type === "taken") last = this.#twice(message, last);
          const sent = message.type === "taken"
            ? { ...message, last }
            : message;
          process.doors.postMessage(sent);
        },
        log: () => {},
        now: () => Math.round(clock.now / 1000),
        micros: () => clock.now,
        about: this.about,
        joins: process.joins,
        ended: (error) => this.#ended(process, error),
      },
      saved,
      {
        tickMillis: this.#tickMicros / 1000,
        heartbeatTicks: 2,
        electionTicks: options.electionTicks,
        flushTicks: 4,
        changeTicks: options.changeTicks,
        snapshotTicks: Math.round(options.changeTicks / 10),
        forward: this.forward,
        lends: options.isolates === 1,
        paceMin: options.paceMin,
        restTicksMax: 1,
        random,
      },
    );
    checker.started(this);
    this.#watched = "";
    process.counter = new CoreCounter(this.#world.counts, process.node.core);
    process.joining = !isMember(saved);
    if (process.joining) this.#join(process);
    this.#tick(process);
  }

  #send(message: PeerMessage): void {
    // Errands have ids; the checker knows the protocol alone.
    if (!("id" in message)) this.#world.checker.sent(this, message);
    if (message.type === "Take") this.#world.counts.takesForwarded++;
    if (message.type === "Confirm") this.#world.counts.confirmations++;
    if (message.type === "TimeoutNow") {
      this.#world.counts.transfers++;
      if (this.raft?.isStalled) this.#world.counts.handOvers++;
    }
    this.#world.network.send(this, message);
  }

  /** The canary gives the same numbers again, now and then. */
  #twice(message: FromNode & { type: "taken" }, before: bigint): bigint {
    const { canary, random } = this.#world;
    const again = canary === "twice" && before >= BigInt(message.count) &&
      random(20) === 0;
    return again ? before : message.last;
  }

  #tick(process: Process): void {
    this.#after(process, this.#tickMicros, () => {
      process.node?.tick();
      this.#rejoin(process);
      if (this.raft !== undefined) {
        process.pace.tick(this.raft, this.drive.ledger.underWay);
      }
      this.#tick(process);
    });
  }

  /** What a host is to its doors, of a node that is there already or not yet. */
  #inputs(process: () => Process): NodeInputs {
    return {
      start: () => assert.fail("it is started by hand"),
      take: (count) => process().node?.take(count),
      refill: () => process().node?.refill(),
      returned: (rest) => {
        process().recalling = false;
        process().node?.returned(rest);
      },
      admin: (id, command) => process().node?.admin(id, command),
      stop: () => {
        process().stopping = true;
        const { node } = process();
        if (node === undefined) this.kill();
        else node.stop();
      },
    };
  }

  /** The node asks for what it has lent; counted by why it does. */
  #recalls(process: Process): void {
    const { counts } = this.#world;
    process.recalling = true;
    if (process.stopping) counts.recallsAtStop++;
    else if (process.node!.reserve.ahead === 0) counts.recallsAtRest++;
    else counts.recallsAtChange++;
    this.#world.recalls(this);
  }

  /** What lies in the box of an isolate, once. */
  #seen(process: Process, at: number): string | void {
    const { boxed, wanted, links } = process;
    const message = boxed[at];
    boxed[at] = undefined;
    if (message === undefined) return;
    process.onTheWay -= surplusOf(message, wanted[at]!);
    return this.#told(links[at]!, message);
  }

  #told(link: RaftLink, message: FromNode): string | void {
    if (message.type === "taken" || message.type === "lent") {
      const { last } = this.#world.model;
      assert(message.last <= last, `${message.last} is given, ${last} taken`);
    }
    link.receive(message);
    if (message.type === "taken") {
      return `gives ${message.count}, ${message.last}`;
    }
    if (message.type === "lent") {
      return `lends ${message.count}, ${message.last}`;
    }
    if (message.type === "nothing-lent") return "lends nothing";
    if (message.type !== "refused") return;
    const { reason, count } = message;
    if (reason === "leadership-lost") {
      // They may be taken yet, and asked for again.
      this.#world.tickets.unanswered(count);
      if (this.forward !== "no") this.#world.counts.takesAskedAgain++;
    }
    return `refuses ${count}`;
  }

  /** Removed while it was away, it asks to be let in again, as raft/host.ts does. */
  #rejoin(process: Process): void {
    if (!process.joins || process.joining || process.rejoined) return;
    if (!process.node?.removal.mustAskToJoin) return;
    process.rejoined = process.joining = true;
    this.#world.counts.rejoins++;
    this.say("is outside, and asks to join again");
    this.#join(process);
  }

  /** Asks one member after the other until it may join, as raft/members/join.ts does. */
  #join(process: Process): void {
    const { up, options } = this.#world;
    const asked = this.#world.pick(up.filter((other) => other !== this));
    const again = () =>
      this.#after(process, 8 * options.tickMicros, () => {
        if (process.joining) this.#join(process);
      });
    if (asked === undefined) return again();
    const { id, address, incarnation } = this;
    asked.admin(
      {
        type: "join",
        id,
        address,
        incarnation,
        cluster,
        nonvoter: this.nonvoter,
      },
      (answer) => {
        if (process !== this.#process) return;
        if (answer.type === "ok") process.joining = this.isLost = false;
        else if (answer.type === "error" && answer.text.startsWith("cannot")) {
          this.say(answer.text);
          this.#world.counts.impostors++;
          process.joining = false;
          this.kill();
        }
      },
    );
    again();
  }

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
    this.#hurry = () => this.#after(process, this.#tickMicros, end);
    this.#after(process, delay, end);
  }

  /** At once, and for ever: a disk that failed is not asked again. */
  #mustEnd(process: Process): void {
    this.#world.clock.after(1, () => {
      if (process !== this.#process || this.#paused) return;
      this.#world.fail(new Error(`${this.id} lives on after a failed write`));
    });
  }

  /**
   * It says that it was removed: so says the newest configuration that was committed when
   * it was sent what it heard last. One that a leader told it of in so many words says
   * nothing of before this process.
   */
  #mustBeRemoved(began: Index): void {
    const { model, checker } = this.#world;
    const { removed: isTold, log: { commitIndex } } = this.raft!;
    if (commitIndex > checker.commitIndex) return; // seen next
    const since = isTold ? began : this.heardOf;
    assert(
      model.membersSince(since).some((members) =>
        findServer(members, this.id) === undefined
      ),
      `${this.id} says that it was removed, and is a member`,
    );
  }

  #mayStillSpeak(process: Process): void {
    if (process === this.#process) return;
    this.#world.fail(new Error(`${this.id} speaks after its end`));
  }

  #watch(): void {
    const { node } = this;
    if (node === undefined) return;
    const { role, currentTerm, log } = node.core;
    const { lastIndex, lastTerm, commitIndex, lastApplied, snapshot } = log;
    const state = `${role} ${currentTerm} ${lastIndex} ${lastTerm} ` +
      `${commitIndex} ${lastApplied} ${snapshot.index}`;
    this.#process!.counter?.changed(node.core);
    if (state === this.#watched) return;
    this.#watched = state;
    const { checker, model } = this.#world;
    checker.changed(this);
    checker.applied(lastApplied, node.lastTicket);
    const expected = model.at(lastApplied);
    assert.equal(
      node.lastTicket,
      expected,
      `${this.id}: state at ${lastApplied}`,
    );
    if (snapshot.index === 0) return;
    assert.deepEqual(
      snapshot.configuration,
      model.membersAt(snapshot.index),
      `${this.id}: members in the snapshot of ${snapshot.index}`,
    );
  }

  /** It does not start on this disk. */
  #refused(error: unknown): void {
    const isDamage = error instanceof StorageError && this.drive.damaged;
    const isFault = error instanceof Error && this.#process!.mayFail &&
      isInjected(error);
    if (!isDamage && !isFault) throw error;
    this.say(`does not start: ${error.message}`);
    this.#world.counts.refusals++;
    this.#forget();
    this.drive.disk.restart();
  }

  #ended(process: Process, error: Error | undefined): void {
    if (process !== this.#process) return;
    const excused = process.mayFail && isInjected(error);
    if (error !== undefined && !excused) return this.#world.fail(error);
    if (error !== undefined) {
      const isSync = error.message.includes("sync");
      this.#world.counts[isSync ? "failedSyncs" : "failedWrites"]++;
    }
    this.say(error === undefined ? "has stopped" : `ends: ${error.message}`);
    this.#forget();
    this.drive.disk.restart();
    // What comes while sockets are being closed changes nothing and is not answered.
    this.#world.clock.after(0, () => {
      process.node?.take(1);
      process.node?.tick();
    });
  }

  #forget(): void {
    const process = this.#process;
    if (process !== undefined) {
      if (process.recalling) this.#world.counts.recallsCut++;
      this.#world.tickets.unanswered(burntBy(process));
    }
    this.#process = undefined;
    this.#lives++;
    this.#paused = this.#failing = this.#dies = false;
    this.#held = [];
    this.connected.clear();
    for (const connection of process?.connections.keys() ?? []) {
      connection.lost();
    }
  }
}

/** Of an answer to a request for `wanted` tickets, how many were not asked for. */
function surplusOf({ type, count }: Boxed, wanted: number): number {
  return type === "lent" ? count : count - wanted;
}

/** What was taken in this life, and will be given to nobody. */
function burntBy({ node, links, onTheWay }: Process): number {
  const { burnt, size } = node?.reserve ?? { burnt: 0n, size: 0 };
  const stock = links.map(({ dispenser }) => dispenser.recall().count);
  return Number(burnt) + size + onTheWay +
    stock.reduce((sum, count) => sum + count);
}

/** As main.ts: all isolates are done with their clients before the node stops. */
function stop({ links }: Process): void {
  for (const link of links) link.giveUp();
  links[0]!.stop();
}
