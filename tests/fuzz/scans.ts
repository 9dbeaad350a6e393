// Fuzz targets for the tools that read damaged logs for people: whatever the bytes are, they are
// told apart from the first to the last, and called sound exactly where a start would begin.

import assert from "node:assert/strict";
import fc from "fast-check";
import { findingsIn } from "../../admin/findings.ts";
import { stateIfAny } from "../../admin/log_state.ts";
import { entryText } from "../../admin/log_text.ts";
import type { NodeData } from "../../admin/node_data.ts";
import type { Entry } from "../../raft/core/types.ts";
import type { Replayed } from "../../storage/apply_save.ts";
import { type Content, type Part, scanSegment } from "../../storage/scan.ts";
import { readSegment } from "../../storage/segment.ts";
import { type Durability, StorageError } from "../../storage/storage.ts";
import { identity } from "../lib/storage_conformance.ts";
import { changes, harmful, hostile } from "./hostile.ts";
import { appends, logName, logOf } from "./logs.ts";
import { forge, payload } from "./records.ts";
import { type Target, target } from "./target.ts";

/** What a start says of the same bytes. */
function started(bytes: Uint8Array): Pick<NodeData, "state" | "refusal"> {
  try {
    const { node } = identity;
    const { state } = readSegment(bytes, { path: logName, number: 1, node });
    return { state: state as Replayed, refusal: undefined };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { state: undefined, refusal: error.message };
  }
}

function dataOf(bytes: Uint8Array, parts: readonly Part[]): NodeData {
  return {
    kind: "file",
    path: logName,
    number: 1,
    node: identity.node,
    parts,
    ...started(bytes),
    leftovers: [],
    draftFault: undefined,
    bytes: bytes.length,
    writtenMillis: 0,
  };
}

function assertTold(bytes: Uint8Array): NodeData {
  const parts = scanSegment(bytes);
  let at = 0;
  for (const part of parts) {
    assert.equal(part.at, at, "no byte is left out, none is told twice");
    at += part.bytes.length;
  }
  assert.equal(at, bytes.length);
  const data = dataOf(bytes, parts);
  const findings = findingsIn(data, stateIfAny(data.state));
  const isFaulty = findings.some(({ severity }) => severity !== "note");
  // What a start refuses is never called sound; what it takes may still mean nothing.
  if (data.refusal !== undefined) assert(isFaulty, "damage is told");
  const isDamaged = findings.some(({ severity }) => severity === "damage");
  if (data.state !== undefined) assert(!isDamaged, "a sound log is damaged");
  for (const { text } of findings) assert(!text.includes("\n"), text);
  for (const { content } of parts) {
    for (const entry of entriesIn(content)) {
      // deno-lint-ignore no-control-regex -- what steers a terminal must not reach it
      assert.doesNotMatch(entryText(entry), /[\x00-\x1f\x7f-\x9f]/);
    }
  }
  return data;
}

function entriesIn(content: Content): readonly Entry[] {
  switch (content.type) {
    case "base":
      return content.base.change.entries;
    case "save":
      return content.change.entries;
    default:
      return [];
  }
}

const harm = harmful({ tokens: ["ticketd\n", "\0".repeat(64)] });

const damage = target({
  name: "scans/damage",
  claim:
    "A damaged log is told apart byte by byte, and called damaged exactly where a start refuses it",
  weight: 100,
  inputs: fc.record({
    steps: appends,
    durability: fc.constantFrom<Durability>("high", "medium", "low"),
    changes,
  }),
}, ({ steps, durability, changes }) => {
  assertTold(harm(logOf(steps, durability).bytes, changes));
});

const any = target({
  name: "scans/any",
  claim: "Any bytes are told apart, and what is no log is called damaged",
  weight: 50,
  inputs: hostile(fc.constant(logOf([], "high").bytes)),
}, (bytes) => void assertTold(bytes));

const forged = target({
  name: "scans/forged",
  claim:
    "Nonsense under right checksums is told in words, and steers no terminal",
  weight: 50,
  inputs: fc.record({
    base: payload,
    saves: fc.array(payload, { maxLength: 3, size: "max" }),
  }),
}, ({ base, saves }) => void assertTold(forge(base, saves)));

export const scanTargets: readonly Target[] = [damage, any, forged];
