// Outcomes of another node are of the kind that their groups ask for, or are not believed; and
// the bytes in which groups are forwarded.

import assert from "node:assert/strict";
import { encodeGroups } from "../../../../raft/channel/operation_codec.ts";
import type { Group, Result } from "../../../../raft/channel/operations.ts";
import {
  decodeForwarded,
  encodeForwarded,
} from "../../../../raft/tickets/group_forward.ts";
import { fitsGroup } from "../../../../raft/tickets/outcome_fit.ts";
import { last, list, raiseTo, take } from "../../../lib/groups.ts";

const group: Group = [
  take("a", 3),
  take("b", 2, true),
  last("a"),
  raiseTo("c", 9n),
  list(0, 1),
];
const results: readonly Result[] = [
  { type: "taken", last: 2n ** 64n - 1n, count: 3 },
  { type: "taken", last: 2n ** 63n - 1n, count: 2 },
  { type: "last", last: undefined },
  { type: "done" },
  { type: "page", next: 1, sequences: [["a", 3n]] },
];

function withResult(at: number, result: Result) {
  return { type: "done", results: results.with(at, result) } as const;
}

Deno.test("Results of the kinds that were asked for fit", () => {
  assert(fitsGroup(group, { type: "done", results }));
  assert(fitsGroup(group, { type: "refused", reason: "changed", at: 4 }));
  assert(fitsGroup(group, { type: "not-leader" }));
  assert(fitsGroup(group, { type: "error", text: "x" }));
});

Deno.test("Results of other kinds, numbers or lengths do not fit", () => {
  const wrong = [
    { type: "done", results: results.slice(1) },
    { type: "done", results: [...results, results[3]!] },
    { type: "refused", reason: "changed", at: 5 },
    { type: "moved", to: "elsewhere" },
    withResult(0, { type: "taken", last: 9n, count: 4 }),
    withResult(1, { type: "taken", last: 2n ** 63n, count: 2 }),
    withResult(2, { type: "done" }),
    withResult(3, { type: "last", last: 9n }),
    withResult(4, { type: "page", next: 0, sequences: [["a", 3n], ["b", 1n]] }),
    withResult(4, { type: "size", size: 1 }),
  ] as const;
  for (const outcome of wrong) {
    assert(!fitsGroup(group, outcome), JSON.stringify(outcome.type));
  }
});

Deno.test("Forwarded groups are read with the term and the process that sent them", () => {
  const head = { term: 7, process: 2 ** 52 - 1 };
  const data = encodeForwarded(head, encodeGroups([group]));
  assert.deepEqual(decodeForwarded(data), { ...head, groups: [group] });
});

Deno.test("What cannot be read of forwarded groups is told apart from other commands", () => {
  const data = encodeForwarded(
    { term: 7, process: 1 },
    encodeGroups([group]),
  );
  for (let length = 1; length < data.length; length++) {
    const found = decodeForwarded(data.subarray(0, length));
    assert.equal(found?.groups, undefined);
    assert.notEqual(found, undefined);
  }
  const json = new TextEncoder().encode('{"type":"transfer","id":"a"}');
  assert.equal(decodeForwarded(json), undefined);
  assert.equal(decodeForwarded(new Uint8Array()), undefined);
});
