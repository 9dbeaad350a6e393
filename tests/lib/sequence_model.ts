// Sequences as a Map: what takes and groups of operations do, said in the simplest way, for tests
// that compare a real part with it. It knows no log, no leader and no time. Not here: how the
// simulator's checkers judge what clients have seen.

import assert from "node:assert/strict";
import { int64Max } from "../../base/range.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Policy,
  Result,
  SequenceRefusal,
} from "../../raft/channel/operations.ts";

const uint64Max = 2n ** 64n - 1n;

/** All sequences of a cluster. */
export class SequenceModel {
  /** Names and last numbers, in the order in which the sequences began. */
  readonly lasts: Map<string, bigint>;
  readonly sequencesMax: number;
  policy: Policy = "any";

  constructor({ sequencesMax = 1000, lasts = new Map<string, bigint>() } = {}) {
    this.sequencesMax = sequencesMax;
    this.lasts = lasts;
  }

  /** The last of `count` numbers, all or none of which are taken. */
  take(
    name: string,
    { count, isCapped }: { readonly count: number; readonly isCapped: boolean },
  ): bigint | SequenceRefusal {
    const refusal = this.#missing(name);
    if (refusal !== undefined) return refusal;
    const last = (this.lasts.get(name) ?? 0n) + BigInt(count);
    if (isCapped && last > int64Max) return "above-int64";
    if (last > uint64Max) return "exhausted";
    this.lasts.set(name, last);
    return last;
  }

  /** Carries out all of `group`, or nothing. */
  run(group: Group): GroupOutcome {
    const before = { lasts: new Map(this.lasts), policy: this.policy };
    const results: Result[] = [];
    for (const [at, operation] of group.entries()) {
      const result = this.#run(operation);
      if (typeof result === "string") {
        this.lasts.clear();
        for (const [name, last] of before.lasts) this.lasts.set(name, last);
        this.policy = before.policy;
        return { type: "refused", reason: result, at };
      }
      results.push(result);
    }
    return { type: "done", results };
  }

  #run(operation: Operation): Result | SequenceRefusal {
    switch (operation.type) {
      case "take": {
        const last = this.take(operation.name, operation);
        if (typeof last === "string") return last;
        return { type: "taken", last, count: operation.count };
      }
      case "last":
        return { type: "last", last: this.lasts.get(operation.name) };
      case "raise": {
        const { name, to } = operation;
        const refusal = this.#missing(name);
        if (refusal !== undefined) return refusal;
        const last = this.lasts.get(name) ?? 0n;
        this.lasts.set(name, last > to ? last : to);
        return { type: "done" };
      }
      case "create": {
        const { name, start } = operation;
        if (this.lasts.has(name)) return "exists";
        if (this.lasts.size >= this.sequencesMax) return "too-many-sequences";
        this.lasts.set(name, start - 1n);
        return { type: "done" };
      }
      case "set-policy":
        this.policy = operation.policy;
        return { type: "done" };
      case "policy":
        return { type: "policy", policy: this.policy };
      case "list":
        return this.#page(operation.cursor, operation.count);
      case "size":
        return { type: "size", size: this.lasts.size };
      case "check":
        return this.lasts.get(operation.name) === operation.last
          ? { type: "done" }
          : "changed";
      case "backup": {
        const { next, sequences } = this.#page(operation.cursor, 2);
        const pairs = sequences.map(([name, last]) =>
          [`sequence ${name}`, `${last}`] as const
        );
        return { type: "backup", pairs, next };
      }
      default:
        return operation satisfies never;
    }
  }

  #page(cursor: number, count: number): Extract<Result, { type: "page" }> {
    assert(count > 0);
    const sequences = [...this.lasts].slice(cursor, cursor + count);
    const end = cursor + sequences.length;
    return { type: "page", next: end < this.lasts.size ? end : 0, sequences };
  }

  /** Why a name that does not exist cannot begin; `undefined` if it exists, or can. */
  #missing(name: string): SequenceRefusal | undefined {
    if (this.lasts.has(name)) return undefined;
    if (this.policy === "created") return "unknown-sequence";
    return this.lasts.size < this.sequencesMax
      ? undefined
      : "too-many-sequences";
  }
}
