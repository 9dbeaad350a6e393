// Groups of operations on sequences that an isolate's clients ask for: gathers those of a turn
// into one message to the node, and tells each its outcome. One message is under way at most;
// groups that come meanwhile join the next. Order is kept. Not here: what an operation means
// (`raft/channel/operations.ts`), and its bytes (`operation_codec.ts`).

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";
import {
  decodeOutcomes,
  encodeGroups,
} from "../../raft/channel/operation_codec.ts";
import {
  groupsMax,
  groupWeight,
  operationsMax,
  weightMax,
  weightOf,
} from "../../raft/channel/operation_limits.ts";
import type { Group, GroupOutcome } from "../../raft/channel/operations.ts";

/** Groups that may wait, of all connections. */
export const groupsWaitingMax = 2 ** 16;
/** Weight of the groups that may wait (`operation_limits.ts`): bytes, at most. */
export const weightWaitingMax = 2 ** 25;

/** Hears the outcome of a group, once. */
export type GroupClient = (outcome: GroupOutcome) => void;

/** The dependencies of a desk. */
export type GroupDeskOptions = {
  /** Asks the node (`operations` of `raft/channel/messages.ts`). */
  readonly post: (data: Uint8Array) => void;
  /** Runs a task at the end of the turn. */
  readonly defer: (task: () => void) => void;
};

type Asker = {
  readonly group: Group;
  readonly weight: number;
  readonly client: GroupClient;
};

const stopping: GroupOutcome = { type: "error", text: "the node is stopping" };

/** The desk for groups of one isolate that serves clients. */
export class GroupDesk {
  readonly #options: GroupDeskOptions;
  /** In no message yet, the oldest first. */
  readonly #waiting = new Fifo<Asker>();
  /** Those of the message under way; empty if none is. */
  #underWay: readonly Asker[] = [];
  /** Of all these. */
  #weight = 0;
  #isWoken = false;
  #isClosed = false;

  constructor(options: GroupDeskOptions) {
    this.#options = options;
  }

  /** Whether `group` fits into a message at all; if not, it is to be refused. */
  static fits(group: Group): boolean {
    return group.length <= operationsMax && weightOfGroup(group) <= weightMax;
  }

  /** Whether `group` may be asked for; if not, the client is to be told BUSY. */
  hasRoom(group: Group): boolean {
    const groups = this.#waiting.size + this.#underWay.length;
    return groups < groupsWaitingMax &&
      this.#weight + weightOfGroup(group) <= weightWaitingMax;
  }

  /** Asks for the outcome of `group`, which fits and for which there is room. */
  ask(group: Group, client: GroupClient): void {
    assert(GroupDesk.fits(group) && this.hasRoom(group), "no room for a group");
    if (this.#isClosed) return client(stopping);
    const weight = weightOfGroup(group);
    this.#waiting.push({ group, weight, client });
    this.#weight += weight;
    this.#wake();
  }

  /** The node tells the outcomes of the message under way. */
  results(data: Uint8Array): void {
    const askers = this.#underWay;
    if (this.#isClosed && askers.length === 0) return; // they were told already
    const outcomes = decodeOutcomes(data);
    assert(
      askers.length > 0 && outcomes.length === askers.length,
      `${outcomes.length} outcomes of ${askers.length} groups`,
    );
    this.#underWay = [];
    for (const { weight } of askers) this.#weight -= weight;
    // First, so that the node works on the next groups while these clients are written to.
    this.#post();
    for (const [at, { client }] of askers.entries()) {
      const outcome = outcomes[at];
      assert(outcome !== undefined, "there is one for each");
      client(outcome);
    }
  }

  /** The process ends: all that wait are told so, and nothing more is posted. */
  close(): void {
    this.#isClosed = true;
    const told = [...this.#underWay];
    this.#underWay = [];
    for (let asker; (asker = this.#waiting.shift()) !== undefined;) {
      told.push(asker);
    }
    this.#weight = 0;
    for (const { client } of told) client(stopping);
  }

  #wake(): void {
    if (this.#isWoken || this.#underWay.length > 0) return;
    this.#isWoken = true;
    this.#options.defer(() => {
      this.#isWoken = false;
      this.#post();
    });
  }

  /** Posts all that waits, as far as one message can hold it; none is under way. */
  #post(): void {
    if (this.#isClosed) return;
    const askers: Asker[] = [];
    let weight = 0;
    for (let asker; (asker = this.#waiting.first) !== undefined;) {
      weight += asker.weight;
      if (weight > weightMax || askers.length === groupsMax) break;
      this.#waiting.shift();
      askers.push(asker);
    }
    if (askers.length === 0) return;
    this.#underWay = askers;
    this.#options.post(encodeGroups(askers.map(({ group }) => group)));
  }
}

function weightOfGroup(group: Group): number {
  return group.reduce((sum, operation) => sum + weightOf(operation), 0) +
    groupWeight;
}
