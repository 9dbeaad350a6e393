// Fuzz targets for what travels about numbers: commands and answers that nodes forward.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeNumberAnswer,
  decodeNumberCommand,
  encodeNumberAnswer,
  encodeNumberCommand,
} from "../../raft/tickets/number_codec.ts";
import { hostile } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { type Target, target } from "./target.ts";

const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const pair = fc.tuple(text, text);

const command = fc.oneof(
  fc.record({ type: fc.constant("raise" as const), to: uint64 }),
  fc.constantFrom({ type: "last" as const }, { type: "backup" as const }),
);

const answer = fc.oneof(
  fc.constantFrom({ type: "ok" as const }, { type: "not-leader" as const }),
  fc.record({ type: fc.constant("error" as const), text }),
  fc.record({ type: fc.constant("number" as const), number: uint64 }),
  fc.record({
    type: fc.constant("pairs" as const),
    pairs: fc.array(pair, { maxLength: 5 }),
  }),
);

export const numberTargets: readonly Target[] = [
  target({
    name: "numbers/commands",
    claim:
      "decodeNumberCommand() of any bytes gives a command that encodes to itself, or none",
    weight: 50,
    inputs: hostile(command.map(encodeNumberCommand)),
  }, (bytes) => {
    const found = withinMemory(bytes.length, () => decodeNumberCommand(bytes));
    if (found === undefined) return;
    assert.deepEqual(decodeNumberCommand(encodeNumberCommand(found)), found);
  }),
  target({
    name: "numbers/answers",
    claim:
      "decodeNumberAnswer() of any bytes gives an answer that encodes to itself",
    weight: 50,
    inputs: hostile(answer.map(encodeNumberAnswer)),
  }, (bytes) => {
    const found = withinMemory(bytes.length, () => decodeNumberAnswer(bytes));
    assert.deepEqual(decodeNumberAnswer(encodeNumberAnswer(found)), found);
  }),
];
