// Groups of operations and outcomes for tests: arbitrary ones for fast-check, and short forms
// of those that tests write by hand. Not here: what becomes of them.

import fc from "fast-check";
import {
  listCountMax,
  operationCountMax,
} from "../../raft/channel/operation_limits.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../../raft/channel/operations.ts";
import { isSequenceName } from "../../base/sequence_name.ts";

/** Texts that name a sequence, few of them often. */
export const sequenceName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("ticket", "orders", "a") },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.integer({ min: 33, max: 126 }).map((code) =>
        String.fromCharCode(code)
      ),
      minLength: 1,
      maxLength: 128,
    }).filter(isSequenceName),
  },
);

const number = fc.oneof(
  fc.constantFrom(1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
);
const size = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 32, 2 ** 49 - 1),
  fc.nat(),
);
const count = fc.oneof(
  fc.constantFrom(1, 127, 128, operationCountMax),
  fc.integer({ min: 1, max: 1_000_000 }),
);
const policy = fc.constantFrom("any" as const, "created" as const);

function tagged<const Type extends string, Fields>(
  type: Type,
  fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<{ type: Type } & Fields> {
  return fc.record(fields, { noNullPrototype: true }).map((value) => ({
    type,
    ...value as Fields,
  }));
}

/** Any operation. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  tagged("take", { name: sequenceName, count, isCapped: fc.boolean() }),
  tagged("last", { name: sequenceName }),
  tagged("raise", { name: sequenceName, to: number }),
  tagged("create", { name: sequenceName, start: number }),
  tagged("set-policy", { policy }),
  tagged("policy", {}),
  tagged("list", {
    cursor: size,
    count: fc.oneof(
      fc.constantFrom(1, listCountMax),
      fc.integer({ min: 1, max: 200 }),
    ),
  }),
  tagged("size", {}),
  tagged("check", {
    name: sequenceName,
    last: fc.option(fc.oneof(number, fc.constant(0n)), { nil: undefined }),
  }),
  tagged("backup", { cursor: size }),
);

/** Any group, within the limits of a message of up to three. */
export const group: fc.Arbitrary<Group> = fc.array(operation, {
  minLength: 1,
  maxLength: 6,
}).map((operations) => {
  const pages = operations.filter(isPage);
  return operations.filter((one) => !isPage(one) || one === pages[0]);
});

function isPage({ type }: Operation): boolean {
  return type === "list" || type === "backup";
}

const text = fc.string({ unit: "grapheme", maxLength: 20 });

/** Any result. */
export const result: fc.Arbitrary<Result> = fc.oneof(
  fc.tuple(number, count).map(([last, count]): Result => ({
    type: "taken",
    last,
    count: BigInt(count) <= last ? count : 1,
  })),
  tagged("last", {
    last: fc.option(fc.oneof(number, fc.constant(0n)), { nil: undefined }),
  }),
  tagged("done", {}),
  tagged("policy", { policy }),
  tagged("page", {
    next: size,
    sequences: fc.array(fc.tuple(sequenceName, number), { maxLength: 3 }),
  }),
  tagged("size", { size }),
  tagged("backup", {
    next: size,
    pairs: fc.array(fc.tuple(text, text), { maxLength: 3 }),
  }),
);

/** Any outcome. */
export const outcome: fc.Arbitrary<GroupOutcome> = fc.oneof(
  tagged("done", { results: fc.array(result, { minLength: 1, maxLength: 4 }) }),
  tagged("refused", {
    reason: fc.constantFrom(
      "exhausted" as const,
      "above-int64" as const,
      "unknown-sequence" as const,
      "too-many-sequences" as const,
      "exists" as const,
      "changed" as const,
    ),
    at: fc.nat({ max: 1023 }),
  }),
  tagged("not-leader", {}),
  tagged("moved", { to: text }),
  tagged("error", { text }),
);

export function take(name: string, count = 1, isCapped = false): Operation {
  return { type: "take", name, count, isCapped };
}

export function last(name: string): Operation {
  return { type: "last", name };
}

export function raiseTo(name: string, to: bigint): Operation {
  return { type: "raise", name, to };
}

export function create(name: string, start = 1n): Operation {
  return { type: "create", name, start };
}

export function check(name: string, last: bigint | undefined): Operation {
  return { type: "check", name, last };
}

export function list(cursor = 0, count = 10): Operation {
  return { type: "list", cursor, count };
}
