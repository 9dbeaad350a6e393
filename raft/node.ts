// The shell around the core: feeds it every input and carries its outputs to peers,
// machine, disk and channel, in the order that makes them safe. It decides nothing of
// the protocol and touches the world only through what it was handed, so that a
// simulator can run it as it is. `change.ts` holds what administrators ask for.
//
// Every input ends in `#pump`. One save is under way at a time; what comes meanwhile
// gathers in the core and becomes the next: group commit is this loop under load.

import type { AdminAnswer, AdminCommand } from "./channel/messages.ts";
import { Changes } from "./members/change.ts";
import { PeerSet } from "./net/peer_set.ts";
import type {
  Entry,
  Fault,
  NodeId,
  PeerMessage,
  Save,
  Saved,
} from "./core/types.ts";
import { assert } from "../base/assert.ts";
import type { Range } from "../base/range.ts";
import { restTicks } from "./core/election.ts";
import { Raft } from "./core/raft.ts";
import type { Introduction } from "./identity/hello.ts";
import { Lending } from "./tickets/lending.ts";
import { Overview } from "./stats/node_status.ts";
import { ChangeLog } from "./stats/change_log.ts";
import { canApply, Machine, ticketSequence } from "./tickets/machine.ts";
import type { Members, PeerProof } from "./identity/ranks.ts";
import { Reserve } from "./tickets/reserve.ts";
import { Senders } from "./identity/senders.ts";
import { ServedTakes } from "./tickets/served_takes.ts";
import { RemovalWatch } from "./members/removal.ts";
import { OwnTakes } from "./tickets/own_takes.ts";
import { AddressUpdates } from "./members/address_updates.ts";
import type { Environment, NodeTimes } from "./environment.ts";

/** The log is compacted beyond this many entries, or … */
export const logEntriesMax = 8_192;
/** … this many bytes on disk: far below the 64 MB promised, whatever was issued. */
export const storageBytesMax = 16 * 1024 * 1024;

export class Node {
  readonly #raft: Raft;
  readonly #machine = new Machine();
  readonly #environment: Environment;
  readonly #times: NodeTimes;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #ownTakes: OwnTakes;
  readonly #servedTakes: ServedTakes;
  readonly #changes: Changes;
  readonly #addressUpdates: AddressUpdates;
  readonly #changeLog: ChangeLog;
  readonly #overview: Overview;
  /** Whether it belongs to its cluster, for whoever starts it and serves its clients. */
  readonly removal: RemovalWatch;
  readonly #peerSet: PeerSet;
  readonly #senders: Senders;

  #saving = false;
  #flushing = false;
  #ticks = 0;
  /** Asked for a snapshot that is not yet taken, and not yet durable. */
  #snapshotsWanted: number[] = [];
  #snapshotsSaving: number[] = [];
  /** Those that are asked for before it wait, and share the next. */
  #snapshotFromTick = 0;
  #handedOver = false;
  /** `leaving`: all is settled but the last flush; whoever asks is turned away. */
  #phase: "running" | "stopping" | "leaving" | "ended" = "running";

  constructor(environment: Environment, saved: Saved, times: NodeTimes) {
    this.#environment = environment;
    this.#times = times;
    // Who comes to lead in its sleep must not take the rest of it for everybody's silence.
    assert(2 * times.restTicksMax < times.electionTicks, "it sleeps too long");
    this.#raft = new Raft(times, saved);
    this.#machine.restore(saved.snapshot.data);
    const { random, forward } = times;
    const send = (message: PeerMessage) => environment.peers.send([message]);
    const reserve = this.#reserve = new Reserve(this.#raft, times.paceMin);
    const lending = this.#lending = new Lending(this.#raft, reserve, {
      post: environment.post,
      isAllowed: times.lends,
    });
    this.#ownTakes = new OwnTakes(this.#raft, { reserve, lending }, {
      forward,
      random,
      post: environment.post,
      send,
      reaches: (id) => environment.peers.reaches(id),
      leaderClient: () => this.#overview.leaderClient,
      isOut: () => this.removal.isOut,
    });
    this.#servedTakes = new ServedTakes(this.#raft, { reserve, lending }, send);
    this.#changes = new Changes(this.#raft, {
      cluster: saved.identity.cluster,
      ticksMax: times.changeTicks,
      mayChange: () => lending.recall(),
      random,
      send,
    });
    this.#addressUpdates = new AddressUpdates(this.#raft, {
      pauseTicks: 6 * times.changeTicks,
      ask: (command) => this.#changes.ask(command, () => {}),
      log: environment.log,
    });
    this.#changeLog = new ChangeLog(this.#raft, environment.log);
    this.#overview = new Overview(this.#raft, {
      cluster: saved.identity.cluster,
      reserve,
      about: environment.about,
      tickMillis: times.tickMillis,
    });
    this.removal = new RemovalWatch(this.#raft, {
      incarnation: saved.identity.incarnation,
      joins: environment.joins,
    });
    this.#senders = new Senders(this.#raft, { canApply, log: environment.log });
    this.#peerSet = new PeerSet(this.#raft, environment.peers);
    this.#peerSet.pump();
  }

  /** For checkers, which compare it with what disks and clients saw; they only look. */
  get core(): Raft {
    return this.#raft;
  }

  /** The last ticket that is taken, as far as is applied here. */
  get lastTicket(): bigint {
    return this.#machine.last(ticketSequence);
  }

  /** What this leader has in hand; for checkers as well. */
  get reserve(): Reserve {
    return this.#reserve;
  }

  /** Nobody else could become leader. */
  get isSoleVoter(): boolean {
    const { voters } = this.#raft.membership;
    return voters.length === 1 && voters[0] === this.#raft.id;
  }

  /** Ticks, at least 1, that it may sleep through if nothing comes. */
  get restTicks(): number {
    const isBusy = this.#phase !== "running" || this.#ownTakes.isWaiting ||
      this.#changes.isWaiting || this.#reserve.size > 0 ||
      this.#raft.transferTarget !== undefined;
    return isBusy
      ? 1
      : Math.min(this.#times.restTicksMax, restTicks(this.#raft));
  }

  /** Where the others dial this node, as far as they know; `undefined` for no member. */
  get address(): string | undefined {
    return this.#raft.membership.find(this.#raft.id)?.address;
  }

  /** By all configurations that may be in force. */
  get members(): Members {
    return this.#senders;
  }

  // Inputs.

  tick(): void {
    this.#input(() => {
      this.#ticks++;
      this.#raft.tick();
      this.removal.tick();
      this.#lending.tick();
      this.#reserve.tick();
      this.#ownTakes.tick();
      this.#changes.tick();
      this.#addressUpdates.tick();
      if (this.#ticks % this.#times.flushTicks === 0) this.#flush();
    });
  }

  /** Why it is refused, if it is. `proof` is its sender's, as far as was proved. */
  receive(message: PeerMessage, proof: PeerProof): Fault | undefined {
    const verdict = this.#senders.judge(message, proof);
    if (verdict.type === "refused") return verdict.fault;
    let fault: Fault | undefined;
    if (verdict.type === "heard") {
      this.#input(() => fault = this.#hear(message, verdict.isClaim));
    }
    return fault;
  }

  #hear(message: PeerMessage, isClaim: boolean): Fault | undefined {
    switch (message.type) {
      case "Take":
        this.#servedTakes.asked(message);
        return void this.#settleTakes();
      case "TakeResponse":
        return void this.#ownTakes.answered(message);
      case "Forward":
        return void this.#changes.forwarded(message);
      case "ForwardResponse":
        return void this.#changes.forwardAnswered(message);
    }
    const fault = this.#raft.step(message, { isClaim });
    if (fault === undefined && message.from === this.#raft.leaderId) {
      this.#overview.leaderHeard = this.#environment.now();
    }
    return fault;
  }

  /** Peers made sure that node `id` lives on the disk that it names, if it does. */
  met(id: NodeId, introduction: Introduction): void {
    const { incarnation, mark } = introduction;
    this.#overview.peerInfo.met(id, introduction);
    this.#input(() => {
      if (this.#senders.isNewIncarnation(id, mark)) this.#raft.forget(id);
      this.#addressUpdates.met(id, incarnation);
    });
  }

  /** Peers cannot reach member `id` where it is said to be, but it is at `address`. */
  moved(id: NodeId, address: string): void {
    this.#input(() => this.#addressUpdates.moved(id, address));
  }

  take(count: number): void {
    if (this.#phase === "running") {
      return this.#input(() => {
        this.#ownTakes.ask(count);
        this.#settleTakes();
      });
    }
    this.#ownTakes.turnAway(count);
    // While the last flush runs there is no pump any more.
    if (this.#phase === "leaving") this.#ownTakes.stop();
    else this.#input(() => {});
  }

  /** Less than half is left of what was lent. */
  refill(): void {
    this.#input(() => this.#lending.refill());
  }

  /** What is left of the numbers that were lent came back. */
  returned(rest: Range): void {
    this.#input(() => this.#lending.returned(rest));
  }

  admin(id: number, command: AdminCommand): void {
    const answer = (answer: AdminAnswer) =>
      this.#environment.post({ type: "answered", id, answer });
    if (this.#phase === "leaving") {
      return answer({ type: "error", text: "the node is stopping" });
    }
    this.#input(() => {
      switch (command.type) {
        case "add-voter":
        case "add-nonvoter":
        case "promote":
        case "demote":
        case "join":
        case "remove-server":
        case "transfer":
          return this.#changes.ask(command, answer);
        case "cluster":
        case "configuration":
        case "last-contact":
        case "stats":
          return answer(
            this.#overview.answer(command.type, this.#environment.now()),
          );
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
      this.#phase = "stopping";
      this.#reserve.close();
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
    const { peers } = this.#environment;
    // Before our own disk: the followers' disks and the wire work at the same time.
    peers.send(this.#raft.takeMessages());
    const snapshot = this.#raft.takeSnapshot();
    if (snapshot !== undefined) this.#machine.restore(snapshot.data);
    for (const entry of this.#raft.takeCommitted()) this.#apply(entry);
    // Before any answer: whoever reads that another leads may ask here who it is.
    this.#pushStatus();
    this.#addressUpdates.pump();
    this.#changes.pump();
    this.#servedTakes.pump();
    this.#ownTakes.pump();
    this.#settleTakes();
    this.#lending.pump();
    this.#reserve.pump();
    this.#peerSet.pump();
    this.#compact();
    // What the above made the core say: a change proposed, an append to go with it.
    peers.send(this.#raft.takeMessages());
    this.#changeLog.report();
    this.#overview.look();
    this.#noteRemoval();
    if (!this.#saving) this.#save();
    if (this.#phase === "stopping") this.#finishStopping();
  }

  /** Answers the takes that the reserve can settle now, each before it settles the next. */
  #settleTakes(): void {
    for (;;) {
      const settled = this.#reserve.settleNext(this.#lending.spare);
      if (settled === undefined) return;
      if (settled.claim.asker === undefined) this.#ownTakes.settled(settled);
      else this.#servedTakes.settled(settled);
    }
  }

  #apply(entry: Entry): void {
    if (entry.type !== "command") return;
    const [given] = this.#machine.apply(entry.data);
    this.#reserve.applied(entry, given);
  }

  /** Says once that this node was removed, after the answers that it owed. */
  #noteRemoval(): void {
    if (!this.removal.look() || this.#phase !== "running") return;
    this.#environment.log(
      "warning",
      "was removed from the cluster; stops; to come back, start it with " +
        "--join ADDRESS of a member",
    );
    this.#environment.post({ type: "removed" });
  }

  #compact(): void {
    // Until the save under way is done, neither the disk's size nor what a snapshot
    // asked for before has become durable tells what is needed now.
    if (this.#saving) return;
    const { log } = this.#raft;
    const grown = log.length > logEntriesMax ||
      this.#environment.storage.bytes > storageBytesMax;
    const isNew = log.lastApplied > log.snapshot.index;
    // Clients that ask again and again must not keep the disk busy with nothing else.
    const isDue = !isNew || this.#ticks >= this.#snapshotFromTick ||
      this.#phase !== "running";
    const wanted = this.#snapshotsWanted.length > 0 && isDue;
    if (!(grown || wanted)) return;
    if (isNew) {
      this.#raft.compact(this.#machine.snapshot());
      this.#snapshotsSaving.push(...this.#snapshotsWanted);
      this.#snapshotFromTick = this.#ticks + this.#times.snapshotTicks;
    } else {
      // Nothing came since the last one, which is as good as a new one.
      for (const id of this.#snapshotsWanted) this.#answerOk(id);
    }
    this.#snapshotsWanted = [];
  }

  #save(): void {
    const save = this.#raft.takeSave();
    if (save === undefined) return;
    this.#saving = true;
    const snapshots = save.snapshot === undefined ? [] : this.#snapshotsSaving;
    if (snapshots.length > 0) this.#snapshotsSaving = [];
    const begun = this.#environment.micros();
    this.#environment.storage.write(
      save,
      (error) => this.#saved(save, { error, snapshots, begun }),
    );
  }

  #saved(
    save: Save,
    { error, snapshots, begun }: {
      error: Error | undefined;
      snapshots: number[];
      begun: number;
    },
  ): void {
    this.#saving = false;
    if (error !== undefined) return this.#end(error);
    this.#overview.disk.saved(this.#environment.micros() - begun);
    this.#input(() => {
      this.#raft.saved(save.number);
      for (const id of snapshots) this.#answerOk(id);
    });
  }

  #answerOk(id: number): void {
    this.#environment.post({ type: "answered", id, answer: { type: "ok" } });
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#environment.storage.flush((error) => {
      this.#flushing = false;
      if (error !== undefined) this.#end(error);
    });
  }

  /** Ends once nobody waits for us: no transfer, no save, and all of it synced. */
  #finishStopping(): void {
    // A stop is no failure: whoever leads next goes on without a gap, if that can be.
    if (!this.#lending.recall()) return;
    if (this.#reserve.size > 0 || this.#handsOver()) return;
    if (this.#saving || this.#flushing) return;
    // Who still waits, for a majority or a leader, would wait for ever.
    this.#reserve.stop();
    this.#settleTakes();
    this.#ownTakes.stop();
    this.#changes.stop();
    this.#phase = "leaving";
    this.#environment.storage.flush((error) => this.#end(error));
  }

  /** Whether leadership is being handed over; begins that, once. */
  #handsOver(): boolean {
    const { role } = this.#raft;
    if (!this.#handedOver && this.#raft.transferLeadership()) {
      this.#handedOver = true;
      this.#environment.log("info", "handing leadership over before stopping");
      this.#environment.peers.send(this.#raft.takeMessages());
    }
    return role === "leader" && this.#raft.transferTarget !== undefined;
  }

  #end(error: Error | undefined): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#environment.ended(error);
  }

  // What others see.

  get #isAlive(): boolean {
    return this.#phase === "running" || this.#phase === "stopping";
  }

  #pushStatus(): void {
    const status = this.#overview.news();
    if (status !== undefined) {
      this.#environment.post({ type: "status", status });
    }
  }
}
