// Any operations of a command of the log, any names and any numbers, for fast-check. Names
// repeat, and numbers lie near the borders, because that is where rules differ.

import fc from "fast-check";
import { int64Max } from "../../base/range.ts";
import { isSequenceName } from "../../base/sequence_name.ts";
import type { SequenceOperation } from "../../raft/tickets/machine.ts";

const lastTicket = 2n ** 64n - 1n;

/** A name of a sequence, often one that was drawn before. */
export const sequenceName: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("ticket", "a", "b", "abcd", "abce", "tenant:7"),
  },
  {
    weight: 1,
    arbitrary: fc.stringMatching(/^[!-~]{1,128}$/).filter(isSequenceName),
  },
);

/** Near 0, 2^32, 2^53, 2^63 and the last ticket, or anywhere. */
export const number64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: lastTicket }),
  fc.tuple(
    fc.constantFrom(2n ** 32n, 2n ** 53n, int64Max, lastTicket, 0n),
    fc.bigInt({ min: -5n, max: 5n }),
  ).map(([border, off]) => {
    const value = border + off;
    return value < 0n ? 0n : value > lastTicket ? lastTicket : value;
  }),
);

const atLeast1 = number64.map((number) => number === 0n ? 1n : number);
const count = fc.oneof(
  fc.integer({ min: 1, max: 10 }),
  fc.constantFrom(1, 2 ** 32, 2 ** 53 - 1),
);

/** Up to `maxLength` sequences of different names. */
export function sequencesOf(
  maxLength: number,
): fc.Arbitrary<[string, bigint][]> {
  return fc.uniqueArray(fc.tuple(sequenceName, number64), {
    maxLength,
    selector: ([name]) => name,
  });
}

export const operation: fc.Arbitrary<SequenceOperation> = fc.oneof(
  fc.record({
    type: fc.constant("take"),
    name: sequenceName,
    count,
    isCapped: fc.boolean(),
  }),
  fc.record({ name: sequenceName, from: atLeast1, to: number64 }).map((
    { name, from, to },
  ) => ({
    type: "return" as const,
    name,
    from,
    to: to < from ? to : from - 1n,
  })),
  fc.record({ type: fc.constant("raise"), name: sequenceName, to: atLeast1 }),
  fc.record({
    type: fc.constant("create"),
    name: sequenceName,
    start: atLeast1,
  }),
  fc.record({
    type: fc.constant("set-policy"),
    policy: fc.constantFrom("any", "created"),
  }),
  fc.record({ type: fc.constant("policy") }),
  fc.record({ type: fc.constant("last"), name: sequenceName }),
  fc.record({
    type: fc.constant("check"),
    name: sequenceName,
    last: fc.option(number64, { nil: undefined }),
  }),
).map((operation) => ({ ...operation })); // with a prototype, as literals have
