// Groups of operations and outcomes as bytes: each value has one encoding, and no other bytes
// are decoded, for they may come from another node.

import assert from "node:assert/strict";
import fc from "fast-check";
import { DecodeError, Writer } from "../../../../base/bytes.ts";
import {
  decodeGroups,
  decodeOutcomes,
  encodeGroups,
  encodeOutcomes,
  refuseGroups,
} from "../../../../raft/channel/operation_codec.ts";
import {
  backupHeadBytesMax,
  groupsMax,
  groupWeight,
  operationCountMax,
  operationsMax,
  pageBytesMax,
  weightMax,
  weightOf,
  wordsBytesMax,
} from "../../../../raft/channel/operation_limits.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../../../../raft/channel/operations.ts";
import { sequenceBytes } from "../../../../raft/channel/result_codec.ts";
import { forwardBytesMax } from "../../../../raft/core/limits.ts";
import { group, last, list, outcome, take } from "../../../lib/groups.ts";

const groups = fc.array(group, { minLength: 1, maxLength: 3 });
const outcomes = fc.array(outcome, { minLength: 1, maxLength: 4 });

/** One of each operation; names that occur twice. */
const all: readonly Group[] = [
  [take("a"), take("b", 200, true), take("a", operationCountMax)],
  [{ type: "check", name: "c", last: undefined }, {
    type: "check",
    name: "a",
    last: 0n,
  }, last("c")],
  [{ type: "raise", name: "x".repeat(128), to: 2n ** 64n - 1n }],
  [{ type: "create", name: "~", start: 1n }],
  [{ type: "set-policy", policy: "any" }],
  [{ type: "set-policy", policy: "created" }, { type: "policy" }],
  [list(2 ** 40, 500), { type: "size" }],
  [{ type: "backup", cursor: 0 }],
];

const allOutcomes: readonly GroupOutcome[] = [
  {
    type: "done",
    results: [
      { type: "taken", last: 300n, count: 300 },
      { type: "last", last: undefined },
      { type: "last", last: 0n },
      { type: "done" },
      { type: "policy", policy: "any" },
      { type: "policy", policy: "created" },
      { type: "page", next: 128, sequences: [["a", 1n], ["b", 0n]] },
      { type: "size", size: 100_000 },
      { type: "backup", next: 0, pairs: [["format", "2"], ["ü", ""]] },
    ],
  },
  { type: "refused", reason: "changed", at: 3 },
  { type: "not-leader" },
  { type: "moved", to: "b.example:6379" },
  { type: "error", text: "wörds" },
  { type: "error", text: "other" },
  { type: "error", text: "wörds" },
];

Deno.test("Groups and outcomes are decoded as they were encoded", () => {
  assert.deepEqual(decodeGroups(encodeGroups(all)), all);
  assert.deepEqual(decodeOutcomes(encodeOutcomes(allOutcomes)), allOutcomes);
  fc.assert(fc.property(groups, (groups) => {
    assert.deepEqual(decodeGroups(encodeGroups(groups)), groups);
  }));
  fc.assert(fc.property(outcomes, (outcomes) => {
    assert.deepEqual(decodeOutcomes(encodeOutcomes(outcomes)), outcomes);
  }));
});

/** What `bytes` decode to; `undefined` if they do not. */
function read<Value>(
  decode: (bytes: Uint8Array) => Value,
  bytes: Uint8Array,
): Value | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    assert(error instanceof DecodeError, `${error}`);
    return undefined;
  }
}

const codecs = [
  ["groups", encodeGroups(all), (bytes: Uint8Array) => {
    const found = read(decodeGroups, bytes);
    return found && encodeGroups(found);
  }],
  ["outcomes", encodeOutcomes(allOutcomes), (bytes: Uint8Array) => {
    const found = read(decodeOutcomes, bytes);
    return found && encodeOutcomes(found);
  }],
] as const;

for (const [name, bytes, again] of codecs) {
  Deno.test(`No part of the bytes of ${name} decodes, nor more of them`, () => {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(again(bytes.subarray(0, length)), undefined, `${length}`);
    }
    assert.equal(again(new Uint8Array([...bytes, 0])), undefined);
    assert.deepEqual(again(bytes), bytes);
  });

  Deno.test(`Bytes of ${name} with a flipped bit are refused, or the encoding of what they mean`, () => {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const found = again(flipped);
      if (found !== undefined) assert.deepEqual(found, flipped, `bit ${bit}`);
    }
  });
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.copy();
}

const refused: readonly (readonly [string, number[]])[] = [
  ["no group", [1, 0]],
  ["a group of nothing", [1, 1, 0]],
  ["a take of nothing", [1, 1, 1, 1, 0, 1, 97, 0]],
  ["a size of two bytes that fits one", [1, 0x81, 0, 1, 10]],
  ["a name that is none", [1, 1, 1, 3, 0, 1, 32]],
  ["a word of the syntax as a name", [1, 1, 1, 3, 0, 5, 99, 79, 117, 110, 116]],
  ["a name with two places", [1, 1, 2, 3, 0, 1, 97, 3, 1, 1, 97]],
  ["a name in a place to come", [1, 1, 1, 3, 1, 1, 97]],
  ["a raise to 0", [1, 1, 1, 4, 0, 1, 97, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["a page of nothing", [1, 1, 1, 9, 0, 0]],
  ["an unknown operation", [1, 1, 1, 14]],
  ["JSON", [..."{}"].map((one) => one.charCodeAt(0))],
];

for (const [what, bytes] of refused) {
  Deno.test(`Bytes of groups with ${what} are refused`, () => {
    assert.throws(() => decodeGroups(new Uint8Array(bytes)), DecodeError);
  });
}

const refusedOutcomes: readonly (readonly [string, number[]])[] = [
  ["no outcome", [2, 0]],
  ["no results", [2, 1, 1, 0]],
  ["more numbers than there are below the last", [2, 1, 1, 1, 1, ...[
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ], 2]],
  ["an unknown reason", [2, 1, 2, 6, 0]],
  ["a position in no group", [2, 1, 2, 0, 0x80, 8]],
  ["a page of a name that is none", [2, 1, 1, 1, 7, 0, 1, 1, 32, ...[
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]]],
];

for (const [what, bytes] of refusedOutcomes) {
  Deno.test(`Bytes of outcomes with ${what} are refused`, () => {
    assert.throws(() => decodeOutcomes(new Uint8Array(bytes)), DecodeError);
  });
}

Deno.test("Few bytes that announce many groups, operations or results are refused at their end", () => {
  const size = [0xff, 0x1f];
  for (
    const bytes of [[1, ...size], [1, 1, ...size], [2, ...size], [
      2,
      1,
      1,
      ...size,
    ]]
  ) {
    const decode = bytes[0] === 1 ? decodeGroups : decodeOutcomes;
    assert.throws(() => decode(new Uint8Array(bytes)), DecodeError);
  }
});

/** As many copies of `operation` as one message may hold, in groups of `length`. */
function full(operation: Operation, length: number): Group[] {
  const weight = length * weightOf(operation) + groupWeight;
  const count = Math.min(groupsMax, Math.floor(weightMax / weight));
  return Array.from(
    { length: count },
    () => Array.from({ length }, () => operation),
  );
}

/** The largest result of each operation. */
const largest: readonly (readonly [Operation, Result])[] = [
  [take("a", operationCountMax), {
    type: "taken",
    last: 2n ** 64n - 1n,
    count: operationCountMax,
  }],
  [last("a"), { type: "last", last: 2n ** 64n - 1n }],
  [{ type: "size" }, { type: "size", size: 2 ** 49 - 1 }],
  [list(0, 1), {
    type: "page",
    next: 2 ** 49 - 1,
    sequences: [["x".repeat(128), 1n]],
  }],
  [list(0, 4000), {
    type: "page",
    next: 2 ** 49 - 1,
    sequences: Array.from(
      { length: Math.floor(pageBytesMax / sequenceBytes("abc")) },
      () => ["abc", 1n],
    ),
  }],
  [{ type: "backup", cursor: 0 }, {
    type: "backup",
    next: 2 ** 49 - 1,
    pairs: [
      ...Array.from({ length: 64 }, (): [string, string] => [
        "i".repeat(64),
        `nonvoter ${"a".repeat(255)}`,
      ]),
      ...Array.from(
        { length: Math.floor(pageBytesMax / 10) },
        (): [string, string] => ["abc", "1234"],
      ),
    ],
  }],
];

for (const [operation, result] of largest) {
  Deno.test(`The most that one message asks of ${operation.type}, and all its results, fit a Forward`, () => {
    for (const length of [1, 5]) {
      const groups = full(operation, length);
      if (groups.length === 0) continue;
      const bytes = encodeGroups(groups);
      assert(bytes.length + 64 <= forwardBytesMax);
      const results = operation.type === "take" || length === 1
        ? Array.from({ length }, () => result)
        : [result, result, result, result, result];
      const answer = encodeOutcomes(
        groups.map(() => ({ type: "done", results })),
      );
      assert(
        answer.length <= forwardBytesMax - wordsBytesMax,
        `${answer.length}`,
      );
      decodeOutcomes(answer);
    }
  });
}

Deno.test("The head of the largest backup fits its part of a page", () => {
  const server = 2 + 64 + 2 + "nonvoter ".length + 255;
  assert(64 * server + 512 <= backupHeadBytesMax);
});

Deno.test("Groups whose results would not fit one message are not decoded", () => {
  const bytes = written((writer) => {
    writer.u8(1);
    writer.u8(7);
    for (let i = 0; i < 7; i++) {
      for (const byte of [1, 9, 0, 0xff, 0x1f]) writer.u8(byte);
    }
  });
  assert.throws(() => decodeGroups(bytes), /weight/);
});

Deno.test("Thousands of errors of few texts are short", () => {
  const text =
    "the leader did not answer in time; whether it was done is not known";
  const errors = Array.from({ length: groupsMax }, (_, i): GroupOutcome => ({
    type: "error",
    text: i % 2 === 0 ? text : "there is no leader",
  }));
  assert(encodeOutcomes(errors).length < 3 * groupsMax);
});

Deno.test("refuseGroups() answers each group with the error", () => {
  const refused = decodeOutcomes(refuseGroups(encodeGroups(all), "no node"));
  assert.deepEqual(
    refused,
    all.map(() => ({ type: "error", text: "no node" })),
  );
});

Deno.test("Groups beyond the limits are not encoded", () => {
  const one: Group = [last("a")];
  const many = (count: number) => Array.from({ length: count }, () => one);
  encodeGroups(many(groupsMax));
  assert.throws(() => encodeGroups(many(groupsMax + 1)));
  assert.throws(() => encodeGroups([]));
  assert.throws(() => encodeGroups([[]]));
  encodeGroups([Array.from({ length: operationsMax }, () => one[0]!)]);
  assert.throws(() =>
    encodeGroups([Array.from({ length: operationsMax + 1 }, () => one[0]!)])
  );
  assert.throws(() => encodeGroups([[take("a b")]]));
  assert.throws(() => encodeGroups([[take("a", 0)]]));
  assert.throws(() => encodeGroups([[take("a", operationCountMax + 1)]]));
});
