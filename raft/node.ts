// The shell around the core: runs each input, then carries what it changed to disk, peers,
// machine and clients (`#pump`). It decides nothing of the protocol and touches nothing
// but its `Environment`, so that a simulator runs it as it is.
//
// Not here: how its parts are tied together (`node_parts.ts`), which of them answers an admin
// command (`node_command.ts`), the disk work (`saver.ts`), how it ends (`shutdown.ts`), changes of members (`members/`), tickets (`tickets/`),
// what it shows (`stats/`).

import type { AdminAnswer, DoorId, TakeRequest } from "./channel/messages.ts";
import { refuseGroups } from "./channel/operation_codec.ts";
import { Raft } from "./core/raft.ts";
import type { Entry, Fault, NodeId, PeerMessage, Saved } from "./core/types.ts";
import type { Environment } from "./environment.ts";
import type { Introduction } from "./identity/hello.ts";
import type { Members, PeerProof } from "./identity/peer_ranks.ts";
import type { Removal } from "./members/removal.ts";
import { type NodeParts, partsOf } from "./node_parts.ts";
import { settleClaims } from "./tickets/settle.ts";
import { answerCommand, type NodeCommand } from "./node_command.ts";
import type { NodeSettings } from "./node_settings.ts";
import { restTicks, type Waiters } from "./rest.ts";
import { Saver } from "./saver.ts";
import { Shutdown } from "./shutdown.ts";
import { Machine } from "./tickets/machine.ts";
import type { Reserve } from "./tickets/reserve.ts";
import type { Range } from "../base/range.ts";
import { defaultSequence } from "../base/sequence_name.ts";

/** One node, from its start to its end. */
export class Node {
  readonly #raft: Raft;
  readonly #machine = new Machine();
  readonly #environment: Environment;
  readonly #parts: NodeParts;
  readonly #saver: Saver;
  readonly #waiters: Waiters;
  readonly #shutdown: Shutdown;
  /** An input is run that is made of several. */
  #isTogether = false;

  /** Goes on from `saved`, which is what the disk holds. */
  constructor(environment: Environment, saved: Saved, settings: NodeSettings) {
    this.#environment = environment;
    const canRestore = (data: Uint8Array) => this.#machine.canRestore(data);
    const raft = this.#raft = new Raft({ ...settings, canRestore }, saved);
    this.#machine.restore(saved.snapshot.data);
    const machine = this.#machine;
    const parts = partsOf(raft, { environment, settings, saved, machine });
    this.#parts = parts;
    this.#saver = new Saver(raft, {
      machine: this.#machine,
      environment,
      settings,
      diskLatency: parts.diskLatency,
      diskLog: parts.diskLog,
      input: (run) => this.#input(run),
      failed: (error) => this.fail(error),
    });
    const ticksMax = settings.restTicksMax;
    this.#waiters = { ...parts, saver: this.#saver, ticksMax };
    this.#shutdown = new Shutdown(raft, {
      environment,
      parts,
      saver: this.#saver,
      send: () => this.#send(),
    });
    parts.peerSet.pump();
  }

  // Readings.

  /** For checkers, which compare it with what disks and clients saw; they change nothing. */
  get core(): Raft {
    return this.#raft;
  }

  /** For checkers as well. */
  get reserve(): Reserve {
    return this.#parts.reserve;
  }

  /** For checkers as well: all sequences in order of creation, and the last number of each. */
  get sequences(): Machine["sequences"] {
    return this.#machine.sequences;
  }

  /** The last number of `ticket` taken by the entries that are applied here; 0n before any. */
  get lastTicket(): bigint {
    return this.lastOf(defaultSequence) ?? 0n;
  }

  /** The same of sequence `name`; `undefined` if there is no such sequence. */
  lastOf(name: string): bigint | undefined {
    return this.#machine.last(name);
  }

  /** Whether the node belongs to its cluster, for its host. */
  get removal(): Removal {
    return this.#parts.removal;
  }

  /** No other node could become leader. */
  get isSoleVoter(): boolean {
    const { voters } = this.#raft.membership;
    return voters.length === 1 && voters[0] === this.#raft.id;
  }

  /** Where the other nodes dial this one; `undefined` if it is no member. */
  get address(): string | undefined {
    return this.#raft.membership.find(this.#raft.id)?.address;
  }

  /** All servers of the configurations that may be in force. */
  get members(): Members {
    return this.#parts.senderRights;
  }

  /** Ticks, at least 1, that the node may sleep through if no input comes. */
  get restTicks(): number {
    if (this.#shutdown.phase !== "running") return 1;
    return restTicks(this.#raft, this.#waiters);
  }

  // Inputs.

  /**
   * `count` units of logical time have passed; with more than one, the node slept, and
   * nothing was due before the last.
   */
  tick(count = 1): void {
    this.#run(() => {
      this.#count(count);
      this.#machine.tick(); // once, however long it slept: it takes some milliseconds
    });
  }

  #count(ticks: number): void {
    for (; ticks > 0; ticks--) {
      this.#raft.tick();
      this.#parts.removal.tick();
      this.#parts.lending.tick();
      this.#parts.reserve.tick();
      this.#parts.ownTakes.tick();
      this.#parts.changes.tick();
      this.#parts.groups.tick();
      this.#parts.statusFeed.tick();
      this.#parts.addressUpdates.tick();
      this.#parts.voterNotice.tick();
      this.#saver.tick();
    }
  }

  /** The next tick was late by `millis`: the process stood still. */
  stoodStill(millis: number): void {
    this.#parts.standstill.ended(millis);
  }

  /** A message has come; `proof` is what its sender proved. Returns why it is refused. */
  receive(message: PeerMessage, proof: PeerProof): Fault | undefined {
    const verdict = this.#parts.senderRights.judge(message, proof);
    if (verdict.type === "refused") return verdict.fault;
    let fault: Fault | undefined;
    if (verdict.type === "heard") {
      this.#input(() => fault = this.#hear(message, verdict.isClaim));
    }
    return fault;
  }

  #hear(message: PeerMessage, isClaim: boolean): Fault | undefined {
    const { ownTakes, servedTakes, changes, groups, stats } = this.#parts;
    switch (message.type) {
      case "Take":
        servedTakes.asked(message);
        return void this.#settle();
      case "TakeResponse":
        return void ownTakes.answered(message);
      case "Forward":
        if (!groups.forwarded(message)) changes.forwarded(message);
        return void this.#settle();
      case "ForwardResponse": // its id tells which of the two asked
        groups.forwardAnswered(message);
        return void changes.forwardAnswered(message);
    }
    const fault = this.#raft.step(message, { isClaim });
    const isOfLeader = message.from === this.#raft.leaderId;
    if (fault === undefined && isOfLeader) stats.leaderHeard();
    return fault;
  }

  /** A handshake has proved on which disk node `id` runs, if it names one. */
  met(id: NodeId, introduction: Introduction): void {
    const { peerInfo, senderRights, addressUpdates } = this.#parts;
    const { incarnation, mark } = introduction;
    peerInfo.met(id, introduction);
    this.#input(() => {
      if (senderRights.isNewIncarnation(id, mark)) this.#raft.forget(id);
      addressUpdates.met(id, incarnation);
    });
  }

  /** Peers reach member `id` at `address`, and not at the address that is known. */
  moved(id: NodeId, address: string): void {
    this.#input(() => this.#parts.addressUpdates.moved(id, address));
  }

  /** Clients of isolate `door` ask for tickets. */
  take(door: DoorId, request: TakeRequest): void {
    const { ownTakes } = this.#parts;
    const { phase } = this.#shutdown;
    // No pump runs any more.
    if (phase === "leaving") return ownTakes.refuse(door, request);
    this.#input(() => {
      if (phase !== "running") return ownTakes.refuse(door, request);
      ownTakes.ask(door, request);
      this.#settle();
    });
  }

  /** Runs `task`, which makes several inputs, as one: all that they cause goes on together. */
  together(task: () => void): void {
    this.#input(() => {
      this.#isTogether = true;
      try {
        task();
      } finally {
        this.#isTogether = false;
      }
    });
  }

  /** The loan of sequence `name` is nearly used up. */
  refill(name: string): void {
    this.#input(() => this.#parts.lending.refill(name));
  }

  /** The rest of the loan of sequence `name` comes back. */
  returned({ name, last, count }: Range & { readonly name: string }): void {
    this.#input(() => this.#parts.lending.returned(name, { last, count }));
  }

  /** The isolate behind `door` asks for the groups of operations in `data`. */
  operations(door: DoorId, data: Uint8Array): void {
    if (this.#shutdown.phase === "leaving") {
      const refused = refuseGroups(
        data,
        "the node is stopping; nothing was done",
      );
      return this.#environment.post({ type: "results", door, data: refused });
    }
    this.#input(() => {
      this.#parts.groups.ask(door, data);
      this.#settle();
    });
  }

  /** Clients ask for `command`; it is answered once, under `id`. */
  admin(id: number, command: NodeCommand): void {
    const answer = (answer: AdminAnswer) =>
      this.#environment.post({ type: "answered", id, answer });
    if (this.#shutdown.phase === "leaving") {
      return answer({ type: "error", text: "the node is stopping" });
    }
    const parts = { ...this.#parts, saver: this.#saver };
    this.#input(() => answerCommand(command, parts, answer));
  }

  /** A fault that the node cannot survive: it ends at once and sends nothing more. */
  fail(error: Error): void {
    this.#shutdown.end(error);
  }

  /** The node is asked to end: it settles what others wait for first. */
  stop(): void {
    this.#input(() => this.#shutdown.begin());
  }

  // The loop.

  /** Runs one input: counts the ticks slept through before it, and may end the sleep. */
  #input(run: () => void): void {
    if (this.#isTogether) return run();
    const { sleep } = this.#environment;
    const slept = sleep?.catchUp() ?? 0;
    this.#run(() => {
      this.#count(slept);
      run();
    });
    sleep?.cutShort();
  }

  /** Runs one input or tick, then the pump; an exception in either ends the node. */
  #run(run: () => void): void {
    if (!this.#shutdown.isAlive) return;
    try {
      run();
      this.#pump();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Carries what an input changed to where it belongs, in one fixed order:
   *
   *  1. Messages leave before our own save begins: the wire and the followers' disks work
   *     while ours does. The core withholds those that promise durability.
   *  2. A leader's snapshot replaces the machine's state before later entries are applied.
   *  3. Committed entries are applied before all that reads the state they make.
   *  4. The status leaves before any answer: a client that is told "not leader" may ask
   *     at once who leads.
   *  5. The leader records a member's disk before changes go on: a promotion waits for it.
   *  6. Changes go on before tickets: one may recall the loans, or begin to hand leadership
   *     over, and then no more numbers are given.
   *  7. Takes and groups go on, those of other nodes and our own in any order, and what the
   *     reserve can settle now is answered.
   *  8. Then numbers are lent, so that none dealt from a loan overtakes a take that waits.
   *     The reserve takes more last, when it knows all that is wanted.
   *  9. Peers connect to new members before messages for them leave: a message without a
   *     connection is dropped.
   * 10. Messages that steps 5 to 8 caused leave, for the reason of step 1.
   * 11. Log lines and figures come after all that they tell of.
   * 12. A removal is told after the answers that were due before it.
   * 13. One save covers all of the above.
   * 14. The log is compacted when all that changed is in a save, for the next save must need
   *     nothing that the compaction drops.
   * 15. A stop goes on last: it must see whether a save has begun.
   */
  #pump(): void {
    const parts = this.#parts;
    this.#send(); // 1
    const snapshot = this.#raft.takeSnapshot(); // 2
    if (snapshot !== undefined) this.#machine.restore(snapshot.data);
    for (const entry of this.#raft.takeCommitted()) this.#apply(entry); // 3
    parts.statusFeed.pump(); // 4
    parts.addressUpdates.pump(); // 5
    parts.changes.pump(); // 6
    parts.servedTakes.pump(); // 7
    parts.ownTakes.pump();
    parts.groups.pump();
    this.#settle();
    parts.lending.pump(); // 8
    parts.reserve.pump();
    parts.peerSet.pump(); // 9
    this.#send(); // 10
    parts.changeLog.report(); // 11
    parts.diskLog.watch(this.#raft.isStalled);
    parts.stats.look();
    this.#tellRemoval(); // 12
    this.#saver.save(); // 13
    this.#saver.compact({ isStopping: this.#shutdown.phase !== "running" }); // 14
    this.#shutdown.pump(); // 15
  }

  #settle(): void {
    settleClaims(this.#parts);
  }

  #send(): void {
    const messages = this.#raft.takeMessages();
    if (messages.length > 0) this.#environment.peers.send(messages);
  }

  #apply(entry: Entry): void {
    if (entry.type === "noop") {
      this.#parts.changeLog.termBegan(entry.term, this.lastTicket);
    }
    if (entry.type !== "command") return;
    this.#parts.reserve.applied(entry, this.#machine.apply(entry.data));
  }

  /** Says once that the cluster has removed this node. */
  #tellRemoval(): void {
    const isNew = this.#parts.removal.noticeRemoval();
    if (!isNew || this.#shutdown.phase !== "running") return;
    this.#environment.log(
      "warning",
      "was removed from the cluster; stops; to come back, start it with " +
        "--join ADDRESS of a member",
    );
    this.#environment.post({ type: "removed" });
  }
}
