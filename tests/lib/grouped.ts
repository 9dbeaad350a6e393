// The groups of operations that clients of one computer ask for, and their outcomes. Checks
// every outcome, whatever a test does: each group gets one, of the kind that it asks for; a
// number that is given is new, above all that were received before it was asked for, and next
// to those that its group took before; what is read is not below numbers that were received
// before. `computer.ts` has the takes, and the numbers that clients received.

import assert from "node:assert/strict";
import type { DoorId } from "../../raft/channel/messages.ts";
import {
  decodeOutcomes,
  encodeGroups,
} from "../../raft/channel/operation_codec.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../../raft/channel/operations.ts";
import type { Node } from "../../raft/node.ts";
import { fitsGroup } from "../../raft/tickets/outcome_fit.ts";
import type { Received } from "./computer.ts";

/** The groups of one message, and what became of them. */
export type Grouped = {
  readonly groups: readonly Group[];
  outcomes: readonly GroupOutcome[] | undefined;
  /** By sequence, the highest number that had been received or passed when this was asked. */
  readonly floors: ReadonlyMap<string, bigint>;
  /** By sequence, the highest that had been received. */
  readonly highest: ReadonlyMap<string, bigint>;
};

/** The numbers of all sequences that clients of all computers have received. */
export type AllReceived = {
  of(name: string): Received;
  /** The sequences of which there are any. */
  readonly names: Iterable<string>;
};

/** The clients of one computer that ask for groups. */
export class GroupClients {
  readonly #label: string;
  readonly #received: AllReceived;
  /** By isolate: each has one message under way. */
  readonly #asked = new Map<DoorId, Grouped>();

  constructor(label: string, received: AllReceived) {
    this.#label = label;
    this.#received = received;
  }

  /** Messages that are not answered. */
  get waiting(): number {
    return this.#asked.size;
  }

  /** Asks `node` for groups; from the first isolate that waits for none. */
  ask(node: Node, groups: readonly Group[]): Grouped {
    let door = 0;
    while (this.#asked.has(door)) door++;
    const [floors, highest] = [new Map(), new Map()];
    for (const name of this.#received.names) {
      floors.set(name, this.#received.of(name).floor);
      highest.set(name, this.#received.of(name).highest);
    }
    const grouped: Grouped = { groups, outcomes: undefined, floors, highest };
    this.#asked.set(door, grouped);
    node.operations(door, encodeGroups(groups));
    return grouped;
  }

  /** The node answers. */
  hear(door: DoorId, data: Uint8Array): void {
    const grouped = this.#asked.get(door);
    assert(grouped, `${this.#label} answers isolate ${door}, unasked`);
    this.#asked.delete(door);
    const { groups } = grouped;
    const outcomes = grouped.outcomes = decodeOutcomes(data);
    assert.equal(outcomes.length, groups.length);
    for (const [i, outcome] of outcomes.entries()) {
      const group = groups[i]!;
      if (outcome.type === "moved") continue;
      assert(fitsGroup(group, outcome), `${JSON.stringify(outcome.type)}`);
      if (outcome.type === "done") this.#check(group, outcome.results, grouped);
    }
  }

  /** The process is gone. */
  forget(): void {
    this.#asked.clear();
  }

  #check(
    group: Group,
    results: readonly Result[],
    { floors, highest }: Grouped,
  ): void {
    /** What the group itself knows of each sequence by then. */
    const lasts = new Map<string, bigint>();
    for (const [i, operation] of group.entries()) {
      const result = results[i]!;
      const name = "name" in operation ? operation.name : "";
      const received = this.#received.of(name);
      const floor = floors.get(name) ?? 0n;
      const before = lasts.get(name);
      switch (result.type) {
        case "taken": {
          const first = result.last - BigInt(result.count) + 1n;
          if (before !== undefined) {
            assert.equal(first, before + 1n, `${name} within a group`);
          }
          for (let number = first; number <= result.last; number++) {
            received.add(number, floor, `${number} of ${name}, in a group`);
          }
          lasts.set(name, result.last);
          break;
        }
        case "last": {
          const last = result.last ?? 0n;
          if (before !== undefined) assert.equal(last, before);
          this.#notBelow(last, highest.get(name), `last of ${name}`);
          received.pass(last);
          lasts.set(name, last);
          break;
        }
        case "done":
          this.#done(operation, lasts);
          break;
        case "page":
          for (const [name, last] of result.sequences) {
            this.#notBelow(last, highest.get(name), `${name} in a list`);
          }
          break;
        case "backup":
          for (const [name, last] of sequencesIn(result.pairs)) {
            this.#notBelow(last, highest.get(name), `${name} in a backup`);
          }
          break;
        case "policy":
        case "size":
          break;
        default:
          result satisfies never;
      }
    }
  }

  #done(operation: Operation, lasts: Map<string, bigint>): void {
    if (operation.type === "raise") {
      this.#received.of(operation.name).pass(operation.to);
      lasts.delete(operation.name);
    } else if (operation.type === "create") {
      this.#received.of(operation.name).pass(operation.start - 1n);
      lasts.set(operation.name, operation.start - 1n);
    } else if (operation.type === "check") {
      lasts.set(operation.name, operation.last ?? 0n);
    }
  }

  #notBelow(last: bigint, highest = 0n, what: string): void {
    assert(last >= highest, `${what}: ${last}, and ${highest} was given`);
  }
}

/** The sequences in the first page of a backup, or in a later one. */
export function sequencesIn(
  pairs: readonly (readonly [string, string])[],
): (readonly [name: string, last: bigint])[] {
  const head = pairs[0]?.[0] === "format"
    ? pairs.findIndex(([key]) => key === "policy") + 2
    : 0;
  return pairs.slice(head).map(([name, last]) => [name, BigInt(last)]);
}
