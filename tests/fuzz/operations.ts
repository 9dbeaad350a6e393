// Fuzz targets for groups of operations and their outcomes, which other nodes send as bytes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { DecodeError } from "../../base/bytes.ts";
import {
  decodeGroups,
  decodeOutcomes,
  encodeGroups,
  encodeOutcomes,
} from "../../raft/channel/operation_codec.ts";
import { wordsBytesMax } from "../../raft/channel/operation_limits.ts";
import { forwardBytesMax } from "../../raft/core/limits.ts";
import {
  decodeForwarded,
  encodeForwarded,
} from "../../raft/tickets/group_forward.ts";
import { fitsGroup } from "../../raft/tickets/outcome_fit.ts";
import { group, outcome } from "../lib/groups.ts";
import { hostile } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { type Target, target } from "./target.ts";

const groups = fc.array(group, { minLength: 1, maxLength: 3 });
const outcomes = fc.array(outcome, { minLength: 1, maxLength: 4 });

/** What `decode` makes of `bytes`; `undefined` if it refuses them. */
function read<Value>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Value,
): Value | undefined {
  try {
    return withinMemory(bytes.length, () => decode(bytes));
  } catch (error) {
    assert(error instanceof DecodeError, `${error}`);
    return undefined;
  }
}

export const operationTargets: readonly Target[] = [
  target({
    name: "operations/groups",
    claim:
      "decodeGroups() refuses all bytes but those that encodeGroups() makes",
    weight: 50,
    inputs: hostile(groups.map(encodeGroups)),
  }, (bytes) => {
    const found = read(bytes, decodeGroups);
    if (found !== undefined) assert.deepEqual(encodeGroups(found), bytes);
  }),
  target({
    name: "operations/outcomes",
    claim:
      "decodeOutcomes() refuses all bytes but those that encodeOutcomes() makes",
    weight: 50,
    inputs: hostile(outcomes.map(encodeOutcomes)),
  }, (bytes) => {
    const found = read(bytes, decodeOutcomes);
    if (found !== undefined) assert.deepEqual(encodeOutcomes(found), bytes);
  }),
  target({
    name: "operations/forwarded",
    claim:
      "decodeForwarded() finds groups, groups that it cannot read, or something else",
    weight: 30,
    inputs: hostile(
      groups.map((groups) =>
        encodeForwarded({ term: 7, process: 2 ** 52 }, encodeGroups(groups))
      ),
    ),
  }, (bytes) => {
    const found = withinMemory(bytes.length, () => decodeForwarded(bytes));
    assert.equal(found === undefined, bytes[0] !== 3);
    if (found?.groups === undefined) return;
    const { groups } = found;
    assert.deepEqual(encodeForwarded(found, encodeGroups(groups)), bytes);
  }),
  target({
    name: "operations/fit",
    claim:
      "Outcomes that fit the groups of one message are short enough to be handed on",
    weight: 20,
    inputs: fc.record({ groups, outcomes }),
  }, ({ groups, outcomes }) => {
    const fit = outcomes.slice(0, groups.length).filter((outcome, i) =>
      fitsGroup(groups[i]!, outcome)
    );
    if (fit.length === 0) return;
    assert(encodeOutcomes(fit).length <= forwardBytesMax - wordsBytesMax);
  }),
];
