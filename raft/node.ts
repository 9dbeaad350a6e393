// The shell around the core: feeds it every input and carries its outputs to peers,
// machine, disk and channel, in the order that makes them safe. It decides nothing of
// the protocol and touches the world only through what it was handed, so that a
// simulator can run it as it is. `changes.ts` holds what administrators ask for.
//
// Every input ends in `#pump`. One save is under way at a time; what comes meanwhile
// gathers in the core and becomes the next: group commit is this loop under load.

import type {
  AdminAnswer,
  AdminCommand,
  FromNode,
  NodeState,
  NodeStatus,
  Refusal,
} from "./channel.ts";
import { Changes } from "./changes.ts";
import type {
  Configuration,
  Entry,
  NodeId,
  PeerMessage,
  Save,
  Saved,
} from "./core/types.ts";
import { Raft, type RaftOptions } from "./core/raft.ts";
import type { Log } from "./logger.ts";
import { Reporter } from "./reporter.ts";
import { encodeTake, type Given, Machine, ticketSequence } from "./machine.ts";
import { statsOf, timeText } from "./stats.ts";
import type { Storage } from "../storage/storage.ts";

/** The log is compacted beyond this many entries, or … */
export const logEntriesMax = 65_536;
/** … this many bytes on disk: far below the 64 MB promised, whatever was issued. */
export const storageBytesMax = 16 * 1024 * 1024;

/** What the node needs of the other nodes. */
export interface PeersLink {
  send(messages: readonly PeerMessage[]): void;
  /** Whom to stay connected to. */
  connect(
    servers: readonly { readonly id: string; readonly address: string }[],
  ): void;
}

/** All of the world that the node touches. */
export type World = {
  readonly storage: Storage;
  readonly peers: PeersLink;
  readonly post: (message: FromNode) => void;
  readonly log: Log;
  /** Milliseconds since 1970; for display, never for safety. */
  readonly now: () => number;
  /** Ends the node: nothing is acknowledged after it. `undefined`: as asked. */
  readonly ended: (error: Error | undefined) => void;
};

export type NodeTimes = RaftOptions & {
  /** Ticks between flushes at durability medium and low. */
  readonly flushTicks: number;
  /** Ticks after which a change of members that got nowhere is answered. */
  readonly changeTicks: number;
};

/** A take on its way through the log. `outcome` waits for those asked before it. */
type Take = {
  readonly count: number;
  readonly index: number;
  readonly term: number;
  outcome: Given | Refusal | undefined;
};

export class Node {
  readonly #raft: Raft;
  readonly #machine = new Machine();
  readonly #world: World;
  readonly #times: NodeTimes;
  readonly #changes: Changes;
  readonly #reporter: Reporter;

  /** In the order in which they were asked for, which is that of the answers. */
  #takes: Take[] = [];
  #saving = false;
  #flushing = false;
  #ticks = 0;
  /** Asked for a snapshot that is not yet taken, and not yet durable. */
  #snapshotsWanted: number[] = [];
  #snapshotsSaving: number[] = [];
  #lastContact: number | undefined;
  #status: NodeStatus = { state: "Follower", term: 0, leaderAddress: "" };
  /** Those we are connected to, and by what that was decided. */
  #addresses = new Map<NodeId, string>();
  #connectedBy: { configuration: Configuration; followers: number } | undefined;
  /** The newest configuration on disk, of a former life, does not name us. */
  readonly #beganLeftOut: boolean;
  /** `leaving`: all is settled but the last flush; whoever asks is turned away. */
  #life: "running" | "stopping" | "leaving" | "ended" = "running";

  constructor(world: World, saved: Saved, times: NodeTimes) {
    this.#world = world;
    this.#times = times;
    this.#raft = new Raft(times, saved);
    this.#machine.restore(saved.snapshot.data);
    this.#changes = new Changes(this.#raft, {
      cluster: saved.identity.cluster,
      ticksMax: times.changeTicks,
      random: times.random,
      send: (message) => world.peers.send([message]),
    });
    this.#reporter = new Reporter(this.#raft, world.log);
    this.#beganLeftOut = this.#raft.membership.currentIndex > 0 &&
      !this.#isNamed;
    this.#connect();
  }

  /** A leader is known, so that requests can be answered. */
  get hasLeader(): boolean {
    return this.#raft.leaderId !== undefined;
  }

  /** Nobody else could become leader. */
  get isSoleVoter(): boolean {
    const { voters } = this.#raft.membership;
    return voters.length === 1 && voters[0] === this.#raft.id;
  }

  /** Where the others dial this node, as far as they know; `undefined` for no member. */
  get address(): string | undefined {
    return this.#raft.membership.find(this.#raft.id)?.address;
  }

  /**
   * Removed before this life began: the newest configuration on disk left us out and
   * proves committed, or a leader says so and none has held us for a member since.
   */
  get isOutside(): boolean {
    const { membership, log, removed } = this.#raft;
    if (this.#beganLeftOut && membership.currentIndex <= log.commitIndex) {
      return !this.#isNamed;
    }
    return removed && this.#lastContact === undefined;
  }

  /** Our configuration, committed or not, names us. */
  get #isNamed(): boolean {
    return this.#raft.membership.find(this.#raft.id) !== undefined;
  }

  /** The incarnation that the configuration names for a server; empty if none. */
  incarnationOf(id: string): string {
    return this.#raft.membership.find(id)?.incarnation ?? "";
  }

  // Inputs.

  tick(): void {
    this.#input(() => {
      this.#ticks++;
      this.#raft.tick();
      this.#changes.tick();
      if (this.#ticks % this.#times.flushTicks === 0) this.#flush();
    });
    this.#pushStatus();
  }

  receive(message: PeerMessage): void {
    this.#input(() => {
      if (message.type === "Forward") return this.#changes.forwarded(message);
      if (message.type === "ForwardResponse") {
        return this.#changes.forwardAnswered(message);
      }
      this.#raft.step(message);
      if (message.from === this.#raft.leaderId) {
        this.#lastContact = this.#world.now();
      }
    });
  }

  /** Peers made sure that node `id` lives on the disk of `incarnation`. */
  met(id: NodeId, incarnation: string): void {
    this.#input(() => this.#changes.met(id, incarnation));
  }

  take(count: number): void {
    if (this.#life === "leaving") return this.#answer(count, "not-leader");
    this.#input(() => {
      const index = this.#life === "running"
        ? this.#raft.propose(encodeTake(ticketSequence, count))
        : undefined;
      this.#takes.push({
        count,
        index: index ?? 0,
        term: this.#raft.currentTerm,
        outcome: index === undefined ? "not-leader" : undefined,
      });
    });
  }

  admin(id: number, command: AdminCommand): void {
    const answer = (answer: AdminAnswer) =>
      this.#world.post({ type: "answered", id, answer });
    if (this.#life === "leaving") {
      return answer({ type: "error", text: "the node is stopping" });
    }
    this.#input(() => {
      switch (command.type) {
        case "add-voter":
        case "join":
        case "remove-server":
          return this.#changes.ask(command, answer);
        case "cluster":
          return answer({ type: "text", text: this.#changes.cluster });
        case "configuration":
          return answer({
            type: "servers",
            servers: this.#raft.membership.current.servers,
          });
        case "last-contact":
          return answer({ type: "text", text: timeText(this.#contact) });
        case "stats":
          return answer({
            type: "pairs",
            pairs: statsOf(this.#raft, {
              state: this.#state,
              now: this.#world.now(),
              lastContact: this.#contact,
            }),
          });
        case "snapshot":
          if (this.#machine.isEmpty) {
            return answer({ type: "error", text: "nothing new to snapshot" });
          }
          return void this.#snapshotsWanted.push(id);
        default:
          command satisfies never;
      }
    });
  }

  /** Something around this node is broken: it says nothing more. */
  fail(error: Error): void {
    this.#end(error);
  }

  /** Hands over, saves what waits, and ends. */
  stop(): void {
    this.#input(() => {
      this.#life = "stopping";
      if (this.#raft.transferLeadership()) {
        this.#world.log("info", "handing leadership over before stopping");
      }
    });
  }

  // The loop.

  /** Runs one input and all that follows from it; a bug in it ends the node. */
  #input(run: () => void): void {
    if (!this.#isAlive) return;
    try {
      run();
      this.#pump();
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #pump(): void {
    const { peers } = this.#world;
    // Before our own disk: the followers' disks and the wire work at the same time.
    peers.send(this.#raft.takeMessages());
    const snapshot = this.#raft.takeSnapshot();
    if (snapshot !== undefined) this.#machine.restore(snapshot.data);
    for (const entry of this.#raft.takeCommitted()) this.#apply(entry);
    this.#changes.pump();
    this.#settleTakes();
    this.#connect();
    this.#compact();
    // What the above made the core say: a change proposed, an append to go with it.
    peers.send(this.#raft.takeMessages());
    this.#reporter.report();
    if (!this.#saving) this.#save();
    if (this.#life === "stopping") this.#finishStopping();
  }

  #apply(entry: Entry): void {
    if (entry.type !== "command") return;
    const [given] = this.#machine.apply(entry.data);
    const take = this.#takes.find((take) => take.index >= entry.index);
    if (take?.index === entry.index && take.term === entry.term) {
      take.outcome = given;
    }
  }

  /** Answers takes from the front, each once, in order. */
  #settleTakes(): void {
    const leads = this.#raft.role === "leader";
    for (let take; (take = this.#takes[0]) !== undefined; this.#takes.shift()) {
      // A take of a term that we lead no more may yet be committed, by another leader.
      // Nobody is told its numbers: they are burnt, not given twice.
      if (!leads || take.term !== this.#raft.currentTerm) {
        take.outcome ??= "leadership-lost";
      }
      if (take.outcome === undefined) return;
      this.#answer(take.count, take.outcome);
    }
  }

  #answer(wanted: number, outcome: Given | Refusal): void {
    const { post } = this.#world;
    if (typeof outcome === "string") {
      return post({ type: "refused", count: wanted, reason: outcome });
    }
    const { last, count } = outcome;
    if (count > 0) post({ type: "taken", last, count });
    if (count < wanted) {
      post({ type: "refused", count: wanted - count, reason: "exhausted" });
    }
  }

  #compact(): void {
    // Until the save under way is done, neither the disk's size nor what a snapshot
    // asked for before has become durable tells what is needed now.
    if (this.#saving) return;
    const { log } = this.#raft;
    const grown = log.length > logEntriesMax ||
      this.#world.storage.bytes > storageBytesMax;
    const wanted = this.#snapshotsWanted.length > 0;
    if (!(grown || wanted)) return;
    if (log.lastApplied > log.snapshot.index) {
      this.#raft.compact(this.#machine.snapshot());
      this.#snapshotsSaving.push(...this.#snapshotsWanted);
    } else {
      // Nothing came since the last one, which is as good as a new one.
      for (const id of this.#snapshotsWanted) this.#answerOk(id);
    }
    this.#snapshotsWanted = [];
  }

  /** Stays connected to all members and, while it leads, to those it lets go. */
  #connect(): void {
    const { membership: { current }, progress, id: self } = this.#raft;
    const by = { configuration: current, followers: progress.size };
    if (
      by.configuration === this.#connectedBy?.configuration &&
      by.followers === this.#connectedBy.followers
    ) return;
    this.#connectedBy = by;
    const addresses = new Map(current.servers.map((s) => [s.id, s.address]));
    for (const id of progress.keys()) {
      const known = addresses.get(id) ?? this.#addresses.get(id);
      if (known !== undefined) addresses.set(id, known);
    }
    addresses.delete(self);
    this.#addresses = addresses;
    this.#world.peers.connect(
      [...addresses].map(([id, address]) => ({ id, address })),
    );
  }

  #save(): void {
    const save = this.#raft.takeSave();
    if (save === undefined) return;
    this.#saving = true;
    const snapshots = save.snapshot === undefined ? [] : this.#snapshotsSaving;
    if (snapshots.length > 0) this.#snapshotsSaving = [];
    this.#world.storage.write(
      save,
      (error) => this.#saved(save, { error, snapshots }),
    );
  }

  #saved(
    save: Save,
    { error, snapshots }: { error: Error | undefined; snapshots: number[] },
  ): void {
    this.#saving = false;
    if (error !== undefined) return this.#end(error);
    this.#input(() => {
      this.#raft.saved(save.number);
      for (const id of snapshots) this.#answerOk(id);
    });
  }

  #answerOk(id: number): void {
    this.#world.post({ type: "answered", id, answer: { type: "ok" } });
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#world.storage.flush((error) => {
      this.#flushing = false;
      if (error !== undefined) this.#end(error);
    });
  }

  /** Ends once nobody waits for us: no transfer, no save, and all of it synced. */
  #finishStopping(): void {
    const handingOver = this.#raft.role === "leader" &&
      this.#raft.transferTarget !== undefined;
    if (handingOver || this.#saving || this.#flushing) return;
    // Who still waits, for a majority or a leader, would wait for ever.
    for (const take of this.#takes.splice(0)) {
      this.#answer(take.count, take.outcome ?? "leadership-lost");
    }
    this.#changes.stop();
    this.#life = "leaving";
    this.#world.storage.flush((error) => this.#end(error));
  }

  #end(error: Error | undefined): void {
    if (this.#life === "ended") return;
    this.#life = "ended";
    this.#world.ended(error);
  }

  // What others see.

  get #isAlive(): boolean {
    return this.#life === "running" || this.#life === "stopping";
  }

  get #state(): NodeState {
    if (this.#raft.role === "leader") return "Leader";
    return this.#raft.role === "follower" ? "Follower" : "Candidate";
  }

  /** When a leader was last heard; `undefined` on the leader and before. */
  get #contact(): number | undefined {
    return this.#raft.role === "leader" ? undefined : this.#lastContact;
  }

  #pushStatus(): void {
    if (!this.#isAlive) return;
    const { leaderId, membership, currentTerm } = this.#raft;
    const leader = leaderId === undefined
      ? undefined
      : membership.find(leaderId);
    const status: NodeStatus = {
      state: this.#state,
      term: currentTerm,
      leaderAddress: leader?.address ?? "",
    };
    const known = this.#status;
    if (
      status.state === known.state && status.term === known.term &&
      status.leaderAddress === known.leaderAddress
    ) return;
    this.#status = status;
    this.#world.post({ type: "status", status });
  }
}
