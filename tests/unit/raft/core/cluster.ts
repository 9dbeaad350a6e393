// Several Raft cores, a network and a disk each, in one synchronous world. Nothing
// happens by itself: messages wait in `network` until delivered, dropped or repeated,
// in any order; a save is durable when told; a crash loses what is not. Every step is
// watched by `raft_checker.ts`, which knows nothing of how the core decides.
//
// Scenario tests call `elect`, `run` and `settle`; random_cluster_test.ts pulls at
// the single strings.

import assert from "node:assert/strict";
import type { RaftOptions } from "../../../../raft/core/options.ts";
import { Raft } from "../../../../raft/core/raft.ts";
import type {
  Entry,
  Index,
  Message,
  NodeId,
  Save,
  Saved,
  Snapshot,
} from "../../../../raft/core/types.ts";
import { compacted } from "../../../../storage/apply_save.ts";
import { Checker } from "../../../lib/raft_checker.ts";
import { randomOf } from "../../../lib/random.ts";
import { founded, members, optionsOf } from "./scene.ts";

/** One computer: its disk outlives its process. */
export class Host {
  readonly id: NodeId;
  /** Durable. */
  disk: Saved;
  /** The process; `undefined` while it is down. */
  raft: Raft | undefined;
  /** Taken, not durable yet; oldest first. */
  saving: Save[] = [];
  /** A compaction under way; it includes all saves up to number `after`. */
  compaction:
    | { readonly snapshot: Snapshot; readonly after: number }
    | undefined;
  /** At durability low: the disk after a crash, up to the last save with `mustSync`. */
  forgetsTo: Saved | undefined;
  /** Saves do not finish while it is stuck. */
  diskStuck = false;
  /** The machine: how far, and a digest of all that was applied. */
  applied: Index = 0;
  digest = 0;

  constructor(disk: Saved) {
    this.id = disk.identity.node;
    this.disk = disk;
  }

  /** The running core. */
  get core(): Raft {
    assert(this.raft, `${this.id} is down`);
    return this.raft;
  }
}

export class Cluster {
  readonly hosts = new Map<NodeId, Host>();
  readonly checker: Checker;
  /** Under way, oldest first. */
  network: Message[] = [];
  /** Whether the network takes a message; scenario tests lose messages with it. */
  passes: (message: Message) => boolean = () => true;
  /** Saves that a host may have under way at once. */
  savesMax = 1;
  /** Whether the outputs are carried after an input, or gather until a later one. */
  pumps: () => boolean = () => true;

  readonly #options: RaftOptions;
  readonly #cuts = new Set<string>();
  #proposed = 0;

  /** The first disks decide who exists; hosts that are no members are blank spares. */
  constructor(disks: Iterable<Saved>, options: RaftOptions) {
    this.#options = options;
    for (const disk of disks) {
      this.hosts.set(disk.identity.node, new Host(disk));
    }
    this.checker = new Checker(this.hosts);
    for (const id of this.hosts.keys()) this.restart(id);
  }

  /** `voters` and `learners` with empty logs, and `spares` that belong to nobody yet. */
  static of(
    voters: string,
    { learners = "", spares = "", ...options }: Partial<RaftOptions> & {
      learners?: string;
      spares?: string;
    } = {},
  ): Cluster {
    const configuration = members(voters, learners);
    return new Cluster(
      [...voters + learners + spares].map((id) => founded(id, configuration)),
      { ...optionsOf(randomOf(1)), ...options },
    );
  }

  host(id: NodeId): Host {
    const host = this.hosts.get(id);
    assert(host, `there is no host ${id}`);
    return host;
  }

  core(id: NodeId): Raft {
    return this.host(id).core;
  }

  get up(): Host[] {
    return [...this.hosts.values()].filter((host) => host.raft !== undefined);
  }

  /** The leader of the newest term. */
  get leader(): Raft | undefined {
    return this.up.map((host) => host.core)
      .filter((raft) => raft.role === "leader")
      .toSorted((a, b) => b.currentTerm - a.currentTerm)[0];
  }

  // Single steps.

  /** Gives `host`'s core an input, then carries its outputs. */
  input(id: NodeId, act: (raft: Raft) => void): void {
    const host = this.host(id);
    if (host.raft === undefined) return;
    act(host.raft);
    this.checker.changed(host);
    if (this.pumps()) this.pump(host);
  }

  tick(id: NodeId): void {
    this.input(id, (raft) => raft.tick());
  }

  /** Proposes a command that nobody proposed before. */
  propose(id: NodeId): Index | undefined {
    let index: Index | undefined;
    const data = new Uint8Array(Uint32Array.of(++this.#proposed).buffer);
    this.input(id, (raft) => index = raft.propose(data));
    return index;
  }

  /** The oldest message, or another, arrives; with `keep` it will arrive again. */
  deliver(at = 0, { keep = false } = {}): void {
    const message = keep ? this.network[at] : this.network.splice(at, 1)[0];
    if (message === undefined) return;
    if (!this.isCut(message.from, message.to)) {
      this.input(message.to, (raft) => raft.step(message));
    }
  }

  /** The oldest save under way reaches the disk. */
  finishSave(id: NodeId): void {
    const host = this.host(id);
    const save = host.saving.shift();
    if (save === undefined) return;
    host.disk = afterSave(host.disk, save);
    if (save.snapshot !== undefined) host.compaction = undefined;
    if (host.forgetsTo !== undefined && save.mustSync) {
      host.forgetsTo = host.disk;
    }
    this.input(id, (raft) => raft.saved(save.number));
  }

  compact(id: NodeId): void {
    const host = this.host(id);
    const { applied, digest, raft } = host;
    // A shell compacts entries that its machine has, not those that the core still holds, and
    // when all that changed is in a save.
    if (applied === 0 || raft?.log.lastApplied !== applied) return;
    if (raft.isDirty || host.compaction !== undefined) return;
    if (host.saving.some(({ snapshot }) => snapshot !== undefined)) return;
    const data = new Uint8Array(Uint32Array.of(applied, digest).buffer);
    this.input(id, (raft) => {
      const { snapshot } = raft.compact(data);
      host.compaction = { snapshot, after: host.saving.at(-1)?.number ?? 0 };
    });
  }

  /** The compaction reaches the disk, unless a save of before it does not lie there yet. */
  finishCompaction(id: NodeId): void {
    const host = this.host(id);
    const { compaction } = host;
    if (compaction === undefined) return;
    const oldest = host.saving[0]?.number ?? Infinity;
    if (oldest <= compaction.after) return;
    host.compaction = undefined;
    host.disk = compacted(host.disk, compaction.snapshot);
    if (host.forgetsTo !== undefined) host.forgetsTo = host.disk;
    this.checker.changed(host);
  }

  /** Kills the process; of the saves under way the first `kept` reached the disk. */
  crash(id: NodeId, { kept = 0 } = {}): void {
    const host = this.host(id);
    for (const save of host.saving.slice(0, kept)) {
      host.disk = afterSave(host.disk, save);
    }
    host.disk = host.forgetsTo ?? host.disk;
    host.compaction = undefined;
    host.saving = [];
    host.raft = undefined;
  }

  restart(id: NodeId): void {
    const host = this.host(id);
    if (host.raft !== undefined) return;
    this.#restore(host, host.disk.snapshot);
    host.raft = new Raft(this.#options, host.disk);
    this.checker.started(host);
  }

  cut(a: NodeId, b: NodeId): void {
    this.#cuts.add(a + b).add(b + a);
  }

  isolate(id: NodeId): void {
    for (const other of this.hosts.keys()) {
      if (other !== id) this.cut(id, other);
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  isCut(a: NodeId, b: NodeId): boolean {
    return this.#cuts.has(a + b);
  }

  /** The shell: the order is that of raft/node.ts. */
  pump(host: Host): void {
    const { core } = host;
    for (const message of core.takeMessages()) {
      this.checker.sent(host, message);
      if (!this.isCut(message.from, message.to) && this.passes(message)) {
        this.network.push(message);
      }
    }
    const snapshot = core.takeSnapshot();
    if (snapshot !== undefined) this.#restore(host, snapshot);
    for (const entry of core.takeCommitted()) this.#apply(host, entry);
    while (host.saving.length < this.savesMax) {
      const save = core.takeSave();
      if (save === undefined) break;
      host.saving.push(save);
    }
    this.checker.changed(host);
  }

  // Many steps.

  /** Delivers and saves until nothing is under way. */
  settle(): void {
    for (let steps = 0; steps < 100_000; steps++) {
      const saving = this.up.find((host) =>
        host.saving.length > 0 && !host.diskStuck
      );
      const compacting = this.up.find((host) =>
        host.compaction !== undefined && !host.diskStuck
      );
      if (saving !== undefined) this.finishSave(saving.id);
      else if (compacting !== undefined) this.finishCompaction(compacting.id);
      else if (this.network.length > 0) this.deliver();
      else return;
    }
    assert.fail("the cluster does not come to rest");
  }

  /** So many ticks for everybody, settling after each. */
  run(tickCount: number): void {
    for (let i = 0; i < tickCount; i++) {
      for (const { id } of this.up) this.tick(id);
      this.settle();
    }
  }

  /** Ticks until there is a leader that has committed in its term; fails after `ticksMax`. */
  awaitLeader(ticksMax = 200): Raft {
    for (let i = 0; i < ticksMax; i++) {
      const { leader } = this;
      if (leader?.log.termAt(leader.log.commitIndex) === leader?.currentTerm) {
        if (leader !== undefined) return leader;
      }
      this.run(1);
    }
    assert.fail(`no leader within ${ticksMax} ticks`);
  }

  /** Only `id`'s time passes, until it leads. */
  elect(id: NodeId): Raft {
    const { electionTicks } = this.#options;
    for (const host of this.up) {
      // The others have not heard a leader for long enough to help, no longer.
      if (host.id !== id) host.core.electionElapsed = electionTicks;
    }
    const raft = this.core(id);
    for (let i = 0; raft.role !== "leader" && i < 2 * electionTicks; i++) {
      this.tick(id);
      this.settle();
    }
    assert.equal(raft.role, "leader", `${id} could not be elected`);
    return raft;
  }

  #restore(host: Host, snapshot: Snapshot): void {
    host.applied = snapshot.index;
    host.digest = snapshot.index === 0 ? 0 : digestOf(snapshot);
    this.checker.applied(host.applied, host.digest);
  }

  #apply(host: Host, entry: Entry): void {
    assert.equal(entry.index, host.applied + 1, "applied in order, each once");
    host.applied = entry.index;
    const data = entry.type === "command" ? entry.data : [];
    for (const value of [entry.index, entry.term, ...data]) {
      host.digest = Math.imul(host.digest ^ value, 0x01000193) >>> 0;
    }
    this.checker.applied(host.applied, host.digest);
  }
}

/** The disk once `save` is durable; storage.ts says the same in words. */
export function afterSave(disk: Saved, save: Save): Saved {
  const last = disk.snapshot.index + disk.entries.length;
  assert(
    save.snapshot !== undefined || save.firstIndex <= last + 1,
    `save ${save.number} leaves a gap after ${last}`,
  );
  const kept = save.snapshot === undefined
    ? disk.entries.slice(0, save.firstIndex - disk.snapshot.index - 1)
    : [];
  return {
    identity: disk.identity,
    hardState: save.hardState,
    snapshot: save.snapshot ?? disk.snapshot,
    entries: [...kept, ...save.entries],
  };
}

function digestOf(snapshot: Snapshot): number {
  const { buffer, byteOffset } = snapshot.data;
  const [index, digest] = new Uint32Array(buffer, byteOffset, 2);
  assert.equal(index, snapshot.index, "a snapshot is of the index it names");
  return digest!;
}
