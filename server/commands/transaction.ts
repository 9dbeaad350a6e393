// What WATCH and MULTI have begun on one connection, until EXEC or DISCARD: the last numbers that
// were seen, and the commands that wait, with arguments that were found good. Asks nobody and
// writes no reply by itself: `transaction_commands.ts` does.
//
// It is bounded: all of it becomes one group, which must fit one message to the node.

import { assert } from "../../base/assert.ts";
import {
  groupWeight,
  operationsMax,
  weightMax,
  weightOf,
} from "../../raft/channel/operation_limits.ts";
import type { Operation, Result } from "../../raft/channel/operations.ts";
import type { Protocol, RespWriter } from "../resp/resp_writer.ts";
import type { Plan } from "./plan.ts";

/** Commands that wait for one EXEC; their operations are as many at most. */
export const queuedMax = operationsMax;

/** Bytes of the replies that were made while commands were queued. */
export const readyBytesMax = 64 * 1024;

/** About the bytes that an operation, or a command, takes in memory. */
const queuedBytes = 300;

/** For a command that finds no room. */
export const fullText =
  `ERR MULTI has no room for more: it holds at most ${queuedMax} commands and ` +
  "names, and as much as one message can carry";

/** For a command that cannot stand in one group with another. */
export const unlikeText =
  "ERR SCAN, DBSIZE, TICKET.LIST and TICKET.POLICY look at all sequences: MULTI " +
  "cannot have them beside TICKET.RAISE, TICKET.CREATE or a new policy";

/** A command that waits: its plan, or the reply that this isolate has made already. */
type Queued =
  | { readonly name: string; readonly plan: Plan }
  | { readonly name: string; readonly reply: Uint8Array };

/** The transaction of a connection. */
export class Transaction {
  /** Names and what WATCH saw; `undefined`: no such sequence. */
  readonly #watched = new Map<string, bigint | undefined>();
  /** Those that have room: a name that is watched again takes none. */
  readonly #roomed = new Set<string>();
  readonly #queue: Queued[] = [];
  /** Of all that the group will have. */
  #operations = 0;
  #weight = groupWeight;
  #readyBytes = 0;
  #isOpen = false;
  #hasFailed = false;
  #changes = false;
  #looksAtAll = false;

  /** Whether MULTI was given: commands wait. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether EXEC must do nothing, because a command was refused. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Bytes, about, that it keeps in memory. */
  get reservedBytes(): number {
    const count = this.#operations + this.#queue.length;
    return count * queuedBytes + this.#readyBytes;
  }

  /** How many commands wait. */
  get size(): number {
    return this.#queue.length;
  }

  /** MULTI. */
  open(): void {
    assert(!this.#isOpen, "MULTI within MULTI");
    this.#isOpen = true;
  }

  /** EXEC will do nothing: a command, or a WATCH, was refused. */
  fail(): void {
    this.#hasFailed = true;
  }

  /** Whether EXEC must ask the node: something is watched, or a command has operations. */
  get needsNode(): boolean {
    return this.#operations > 0;
  }

  /** WATCH will tell of `names`; false if there is no room for them. */
  makeRoom(names: readonly string[]): boolean {
    const fresh = new Set(names.filter((name) => !this.#roomed.has(name)));
    const checks = Array.from(fresh, (name) => check(name, undefined));
    if (!this.#hasRoom(checks)) return false;
    this.#count(checks);
    for (const name of fresh) this.#roomed.add(name);
    return true;
  }

  /** EXEC will do nothing unless the last number of `name` is still `last`. */
  watch(name: string, last: bigint | undefined): void {
    if (this.#watched.has(name)) return; // what was seen first counts
    this.#watched.set(name, last);
  }

  /** Queues a command; a text says why it could not be. */
  addPlan(name: string, plan: Plan): string | undefined {
    const { operations } = plan;
    if (!this.#hasRoom(operations)) return fullText;
    let changes = this.#changes;
    let looksAtAll = this.#looksAtAll;
    for (const operation of operations) {
      if (isChange(operation)) changes = true;
      else if (isOverview(operation)) looksAtAll = true;
    }
    if (changes && looksAtAll) return unlikeText;
    this.#changes = changes;
    this.#looksAtAll = looksAtAll;
    this.#count(operations);
    this.#queue.push({ name, plan });
    return undefined;
  }

  /** Queues a command that was answered already by `reply`; a text says why it could not be. */
  addReply(name: string, reply: Uint8Array): string | undefined {
    const readyBytes = this.#readyBytes + reply.length;
    if (!this.#hasRoom([]) || readyBytes > readyBytesMax) return fullText;
    this.#readyBytes = readyBytes;
    this.#queue.push({ name, reply });
    return undefined;
  }

  /** All operations, those of WATCH first. */
  group(): readonly Operation[] {
    const checks = Array.from(
      this.#watched,
      ([name, last]) => check(name, last),
    );
    const queued = this.#queue.flatMap((item) =>
      "plan" in item ? item.plan.operations : []
    );
    return [...checks, ...queued];
  }

  /** Which command operation `at` of the group belongs to; `undefined`: a WATCH. */
  commandAt(
    at: number,
  ): { readonly name: string; readonly place: number } | undefined {
    let next = this.#watched.size;
    if (at < next) return undefined;
    for (const [index, item] of this.#queue.entries()) {
      if ("plan" in item) next += item.plan.operations.length;
      if (at < next) {
        return { name: item.name.toUpperCase(), place: index + 1 };
      }
    }
    assert(false, `operation ${at} of ${next}`);
  }

  /** Writes the reply to EXEC: that of each command, of which `results` are those of the group. */
  write(
    writer: RespWriter,
    { results, protocol }: {
      readonly results: readonly Result[];
      readonly protocol: Protocol;
    },
  ): void {
    writer.array(this.#queue.length);
    let next = this.#watched.size;
    for (const item of this.#queue) {
      if ("reply" in item) {
        writer.append(item.reply);
        continue;
      }
      const { operations, write } = item.plan;
      const end = next + operations.length;
      write(writer, results.slice(next, end), protocol);
      next = end;
    }
  }

  #hasRoom(operations: readonly Operation[]): boolean {
    return this.#queue.length < queuedMax &&
      this.#operations + operations.length <= operationsMax &&
      this.#weight + weightOfAll(operations) <= weightMax;
  }

  #count(operations: readonly Operation[]): void {
    this.#operations += operations.length;
    this.#weight += weightOfAll(operations);
  }
}

function check(name: string, last: bigint | undefined): Operation {
  return { type: "check", name, last };
}

function weightOfAll(operations: readonly Operation[]): number {
  let weight = 0;
  for (const operation of operations) weight += weightOf(operation);
  return weight;
}

/** Whether it goes through the log as a command of its own. */
function isChange({ type }: Operation): boolean {
  return type === "raise" || type === "create" || type === "set-policy";
}

/** Whether it reads the machine as a whole, which is not known within such a command. */
function isOverview({ type }: Operation): boolean {
  return type === "list" || type === "size" || type === "policy";
}
