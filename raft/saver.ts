// The node's disk work: saves, flushes, and the compaction of the log into a snapshot. One
// save is under way at a time; changes that come meanwhile gather in the core and become
// the next save: group commit. A compaction goes on beside the saves, and nothing waits for it
// but an answer to RAFT.SNAPSHOT.
//
// A failed save, flush or compaction is never retried (PITFALLS 11, 13). It ends the node
// (`failed`), the host says `stopped` with the error, and the main isolate ends the process with
// code 1 (`main.ts`, `server/process_end.ts`). Not here: what a save holds (`core/saves.ts`), and
// files (`storage/`).

import type { AdminAnswer } from "./channel/messages.ts";
import type { Raft } from "./core/raft.ts";
import type { Save } from "./core/types.ts";
import { isLogLong } from "./log_length.ts";
import type { Environment } from "./environment.ts";
import type { NodeSettings } from "./node_settings.ts";
import type { DiskLatency } from "./stats/disk_latency.ts";
import type { DiskLog } from "./stats/disk_log.ts";
import type { Machine } from "./tickets/machine.ts";
import type { Done } from "../storage/storage.ts";

/** The dependencies of a saver. */
export type SaverOptions = {
  readonly machine: Pick<Machine, "isBehind" | "isEmpty" | "snapshot">;
  readonly environment: Pick<Environment, "storage" | "micros">;
  readonly settings: Pick<NodeSettings, "flushTicks" | "snapshotTicks">;
  readonly diskLatency: DiskLatency;
  readonly diskLog: Pick<DiskLog, "saved">;
  /** Runs an input of the node: a finished save is one. */
  readonly input: (run: () => void) => void;
  /** The disk is broken: nothing is written any more. */
  readonly failed: (error: Error) => void;
};

/** Answers one RAFT.SNAPSHOT. */
type Answer = (answer: AdminAnswer) => void;

/** The disk work of one node. */
export class Saver {
  readonly #raft: Raft;
  readonly #options: SaverOptions;
  #isSaving = false;
  #isFlushing = false;
  #ticks = 0;
  /** The save under way replaces the whole log by a leader's snapshot. */
  #isReplacing = false;
  #isCompacting = false;
  /** Answers for snapshots that are not taken yet. */
  #wanted: Answer[] = [];
  /** Answers for the snapshot that is taken, and not durable yet. */
  #taken: Answer[] = [];
  /** The tick before which a wanted snapshot waits: all that wait share it. */
  #snapshotFromTick = 0;

  constructor(raft: Raft, options: SaverOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /**
   * A save or a flush is under way, or a client waits for a snapshot. A compaction that nobody
   * waits for may be cut off: the log is as good without it.
   */
  get isBusy(): boolean {
    return this.#isSaving || this.#isFlushing || this.isAsked ||
      this.#taken.length > 0;
  }

  /** A client waits for a snapshot that is not taken yet. */
  get isAsked(): boolean {
    return this.#wanted.length > 0;
  }

  tick(): void {
    this.#ticks++;
    const isDue = this.#ticks % this.#options.settings.flushTicks === 0;
    if (!isDue || this.#isFlushing) return;
    this.flush((error) => {
      if (error !== undefined) this.#options.failed(error);
    });
  }

  /** Makes all that is saved durable at any durability, then runs `done`. */
  flush(done: Done): void {
    this.#isFlushing = true;
    this.#options.environment.storage.flush((error) => {
      this.#isFlushing = false;
      done(error);
    });
  }

  /** RAFT.SNAPSHOT: answered once the snapshot is durable. */
  snapshot(answer: Answer): void {
    if (this.#options.machine.isEmpty) {
      return answer({ type: "error", text: "nothing new to snapshot" });
    }
    this.#wanted.push(answer);
  }

  /**
   * Begins to replace the log by a snapshot if it has grown too long, or if a client wants one.
   * A node that stops takes a wanted one at once. Comes after `save`.
   */
  compact({ isStopping }: { readonly isStopping: boolean }): void {
    if (this.#isCompacting || this.#isReplacing || this.#raft.isDirty) return;
    const { log } = this.#raft;
    const { settings, environment: { storage } } = this.#options;
    const isGrown = isLogLong({
      entries: log.length,
      storageBytes: storage.bytes,
      snapshotBytes: log.snapshot.data.length,
    });
    const isNew = log.lastApplied > log.snapshot.index;
    // Clients that ask again and again must not keep the disk busy with snapshots.
    const isDue = !isNew || this.#ticks >= this.#snapshotFromTick || isStopping;
    const isWanted = this.#wanted.length > 0 && isDue;
    if (!(isGrown || isWanted)) return;
    // All the work that the last snapshot has put off would hold up the tickets.
    if (isNew && this.#options.machine.isBehind && !isStopping) return;
    const wanted = this.#wanted.splice(0);
    // Without a new entry the last snapshot, which is durable, is as good as another one.
    if (!isNew) return answerAll(wanted);
    this.#taken.push(...wanted);
    this.#snapshotFromTick = this.#ticks + settings.snapshotTicks;
    this.#beginCompaction();
  }

  #beginCompaction(): void {
    const { machine, environment, input, failed } = this.#options;
    this.#isCompacting = true;
    const state = this.#raft.compact(machine.snapshot());
    environment.storage.compact(state, (error) => {
      this.#isCompacting = false;
      if (error !== undefined) return failed(error);
      input(() => answerAll(this.#taken.splice(0)));
    });
  }

  /** Begins a save if the core has changed, unless one is under way. */
  save(): void {
    if (this.#isSaving) return;
    const save = this.#raft.takeSave();
    if (save === undefined) return;
    this.#isSaving = true;
    this.#isReplacing = save.snapshot !== undefined;
    const { storage, micros } = this.#options.environment;
    const begunMicros = micros();
    storage.write(
      save,
      (error) => this.#finished(save, { error, begunMicros }),
    );
  }

  #finished(
    save: Save,
    { error, begunMicros }: {
      readonly error: Error | undefined;
      readonly begunMicros: number;
    },
  ): void {
    const { environment, diskLatency, diskLog, input, failed } = this.#options;
    this.#isSaving = this.#isReplacing = false;
    if (error !== undefined) return failed(error);
    const tookMicros = environment.micros() - begunMicros;
    diskLatency.saved(tookMicros);
    diskLog.saved(save, tookMicros);
    input(() => this.#raft.saved(save.number));
  }
}

function answerAll(answers: readonly Answer[]): void {
  for (const answer of answers) answer({ type: "ok" });
}
