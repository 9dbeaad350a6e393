// One disk of a computer, from its first byte to its loss: its files
// (`tests/lib/fake_files.ts`), the log that is durable there, what was acknowledged, and the
// faults that wait in it. Not here: how long a sync takes (`computer.ts`), and when faults
// strike (`disk_faults.ts`).

import assert from "node:assert/strict";
import type { Identity, Save, Saved, Server } from "../../raft/core/types.ts";
import { blank } from "../../raft/members/bootstrap.ts";
import { compacted } from "../../storage/apply_save.ts";
import type { Durability } from "../../storage/storage.ts";
import { FakeDisk, type Operation } from "../lib/fake_files.ts";
import { DurableLog } from "./durable_log.ts";
import { isSame, Ledger } from "./watched_storage.ts";

const injected = "injected";

/** Whether a fault that was put into a drive has caused `error`. */
export function isInjected(error: Error | undefined): boolean {
  return error?.message.includes(injected) ?? false;
}

export type DriveOptions = {
  readonly identity: Identity;
  readonly durability: Durability;
  /** A sync begins; `run` ends it. */
  readonly later: (run: () => void) => void;
  /** An operation is about to fail. */
  readonly failing: (options: { isSync: boolean }) => void;
};

export class Drive {
  identity: Identity;
  readonly disk: FakeDisk;
  readonly log: DurableLog;
  readonly ledger = new Ledger();
  /** Bytes of it have rotted: a process must refuse to start on it. */
  damaged = false;
  /** No write fits on it. */
  full = false;
  /** The next sync fails. */
  failSync = false;
  /** Bytes by which its log claims to be larger than it is. */
  grown = 0;
  readonly #options: DriveOptions;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.disk = new FakeDisk({
      record: false,
      later: options.later,
      fault: (operation) => this.#fault(operation),
    });
    this.log = new DurableLog(this.disk, this.identity.node);
  }

  /** What the cluster relies on: below durability high, entries not yet synced as well. */
  get owed(): Saved {
    const durable = this.log.read() ?? blank(this.identity);
    const { acknowledged } = this.ledger;
    if (this.#options.durability === "high" || acknowledged === undefined) {
      return durable;
    }
    return { ...acknowledged, hardState: durable.hardState };
  }

  /** Of the newest configuration in its log. */
  get members(): readonly Server[] {
    const { snapshot, entries = [] } = this.ledger.acknowledged ?? {};
    for (const entry of entries.toReversed()) {
      if (entry.type === "configuration") return entry.configuration.servers;
    }
    return snapshot?.configuration.servers ?? [];
  }

  /** Whether it is sound, and `servers` name it as a voter, by its incarnation or without one. */
  isVoterIn(servers: readonly Server[]): boolean {
    const { node, incarnation } = this.identity;
    return !this.damaged &&
      servers.some((server) =>
        server.id === node && server.suffrage === "voter" &&
        (server.incarnation === "" || server.incarnation === incarnation)
      );
  }

  /** All that it acknowledged is durable now, whatever its durability promises. */
  get isSettled(): boolean {
    return this.ledger.underWay === undefined &&
      this.ledger.compacting === undefined &&
      isSame(this.log.read(), this.ledger.acknowledged);
  }

  /**
   * A power loss would leave all that was acknowledged: at durability high always, at other
   * levels if the save has an entry that is no command.
   */
  checkAcknowledged(save: Save): void {
    const isTickets = save.entries.every(({ type }) => type === "command");
    if (this.#options.durability !== "high" && isTickets) return;
    const { node } = this.identity;
    const disk = this.log.read()!;
    const { acknowledged, compacting } = this.ledger;
    // A compaction is durable before it is acknowledged.
    const isCompacted = compacting?.index === disk.snapshot.index;
    const { hardState, snapshot, entries } = isCompacted
      ? compacted(acknowledged!, compacting)
      : acknowledged!;
    assert.deepEqual(disk.hardState, hardState, `${node}: hard state`);
    assert.equal(disk.snapshot.index, snapshot.index, `${node}: snapshot`);
    assert.equal(disk.entries.length, entries.length, `${node}: entries`);
    assert.equal(disk.entries.at(-1)?.term, entries.at(-1)?.term);
  }

  /** A power loss would leave the snapshot that was acknowledged, and what follows it. */
  checkCompacted(): void {
    const { node } = this.identity;
    const { snapshot } = this.ledger.acknowledged!;
    assert.equal(
      this.log.read()!.snapshot.index,
      snapshot.index,
      `${node}: snapshot`,
    );
  }

  heal(): void {
    this.full = this.failSync = false;
    this.grown = 0;
  }

  #fault({ type }: Operation): Error | undefined {
    const isSync = type === "sync" || type === "syncDirectory";
    const fails = (this.failSync && isSync) ||
      (this.full && (type === "append" || type === "create"));
    if (!fails) return undefined;
    if (isSync) this.failSync = false;
    this.#options.failing({ isSync });
    return new Error(`${injected} fault of ${type}`);
  }
}
