// A model of the machine of `raft/tickets/machine.ts`: a Map, a policy, and each rule said once
// more in its plainest form. A group is carried out on a copy.

import { int64Max } from "../../base/range.ts";
import type { Policy, SequenceRefusal } from "../../raft/channel/operations.ts";
import {
  lastTicket,
  type Outcome,
  type SequenceOperation,
} from "../../raft/tickets/machine.ts";

export class MachineModel {
  lasts: Map<string, bigint>;
  policy: Policy = "any";

  constructor(sequences: Iterable<readonly [string, bigint]> = []) {
    this.lasts = new Map(sequences);
  }

  batch(
    operations: readonly SequenceOperation[],
    sequencesMax: number,
  ): Outcome[] {
    return operations.map((operation, at) => {
      const result = this.#one(operation, sequencesMax);
      return typeof result === "string"
        ? { type: "refused", reason: result, at }
        : result;
    });
  }

  group(
    operations: readonly SequenceOperation[],
    sequencesMax: number,
  ): Outcome[] {
    const copy = new MachineModel(this.lasts);
    copy.policy = this.policy;
    const outcomes = copy.batch(operations, sequencesMax);
    const refused = outcomes.find(({ type }) => type === "refused");
    if (refused !== undefined) return [refused];
    this.lasts = copy.lasts;
    this.policy = copy.policy;
    return outcomes;
  }

  #one(
    operation: SequenceOperation,
    sequencesMax: number,
  ): Outcome | SequenceRefusal {
    const done: Outcome = { type: "done" };
    const { lasts } = this;
    if (operation.type === "policy") {
      return { type: "policy", policy: this.policy };
    }
    if (operation.type === "set-policy") {
      this.policy = operation.policy;
      return done;
    }
    const { name } = operation;
    const before = lasts.get(name);
    const isFull = before === undefined && lasts.size >= sequencesMax;
    const isUnknown = before === undefined && this.policy === "created";
    switch (operation.type) {
      case "last":
        return { type: "last", last: before };
      case "check":
        return before === operation.last ? done : "changed";
      case "return":
        if (before === operation.from) lasts.set(name, operation.to);
        return done;
      case "create":
        if (before !== undefined) return "exists";
        if (isFull) return "too-many-sequences";
        lasts.set(name, operation.start - 1n);
        return done;
    }
    if (isUnknown) return "unknown-sequence";
    if (isFull) return "too-many-sequences";
    if (operation.type === "raise") {
      const { to } = operation;
      lasts.set(name, to > (before ?? 0n) ? to : before ?? 0n);
      return done;
    }
    const { count, isCapped } = operation;
    const last = (before ?? 0n) + BigInt(count);
    if (isCapped && last > int64Max) return "above-int64";
    if (last > lastTicket) return "exhausted";
    lasts.set(name, last);
    return { type: "taken", last, count };
  }
}
