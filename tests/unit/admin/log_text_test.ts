// Commands in words, and what a log comes to with batches, groups and returns.

import assert from "node:assert/strict";
import { commandText, listed } from "../../../admin/log_text.ts";
import { stateOf } from "../../../admin/log_state.ts";
import {
  encodeBatch,
  encodeGroup,
  Machine,
  type SequenceOperation,
} from "../../../raft/tickets/machine.ts";
import { beginning, commandOf } from "../../lib/tool_node.ts";

const options = { sequencesMax: 1000 };

function take(name: string, count: number): SequenceOperation {
  return { type: "take", name, count, isCapped: false };
}

Deno.test("Each operation of a command is put into words", () => {
  const words: readonly (readonly [SequenceOperation, string])[] = [
    [take("a", 50), "take a 50"],
    [
      { type: "take", name: "a", count: 50, isCapped: true },
      "take a 50 below 2^63",
    ],
    [
      { type: "return", name: "a", from: 9n, to: 4n },
      "return a from 9 to 4",
    ],
    [{ type: "raise", name: "a", to: 7n }, "raise a to 7"],
    [{ type: "create", name: "a", start: 5n }, "create a from 5 on"],
    [{ type: "set-policy", policy: "created" }, "set the policy to created"],
    [{ type: "policy" }, "read the policy"],
    [{ type: "last", name: "a" }, "read a"],
    [{ type: "check", name: "a", last: 3n }, "check that a is at 3"],
    [{ type: "check", name: "a", last: undefined }, "check that there is no a"],
  ];
  for (const [operation, text] of words) {
    assert.equal(commandText(encodeBatch([operation], options)), text);
  }
  const all = encodeGroup(words.map(([operation]) => operation), options);
  assert.equal(
    commandText(all),
    `all or none: ${words.map(([, text]) => text).join(", ")}`,
  );
});

Deno.test("A command of many names is told by its first ones", () => {
  const many = Array.from({ length: 800 }, (_, i) => take(`n${i}`, 1));
  const text = commandText(encodeBatch(many, options));
  assert.match(text, /^take n0 1, .*, take n19 1 and 780 more$/);
  assert.equal(listed(["a", "b"]), "a, b");
});

Deno.test("A command of a newer or of no form is told by its bytes", () => {
  const command = encodeBatch([take("a", 1)], options);
  for (const bytes of [command.with(0, 6), command.with(9, 77)]) {
    assert.match(
      commandText(bytes),
      /^command of an unknown form, 21 bytes 0[46]/,
    );
  }
});

Deno.test("A log's highest numbers are those before its returns, of each sequence", () => {
  const data = Machine.of([["a", 5n], ["b", 7n]], "created").snapshot();
  const back = (name: string, from: bigint, to: bigint): SequenceOperation => ({
    type: "return",
    name,
    from,
    to,
  });
  const { sequences, highest, policy } = stateOf({
    ...beginning,
    snapshot: { ...beginning.snapshot, data },
    entries: [
      commandOf(2, { type: "create", name: "c", start: 1n }, take("c", 9)),
      commandOf(3, take("a", 10), take("b", 1)),
      commandOf(4, back("a", 15n, 6n), back("b", 1n, 0n), back("c", 9n, 0n)),
      commandOf(5, take("a", 2)),
    ],
  });
  assert.deepEqual([...sequences], [["a", 8n], ["b", 8n], ["c", 0n]]);
  assert.deepEqual(
    [...highest].toSorted(),
    [["a", 15n], ["b", 8n], ["c", 9n]],
  );
  assert.equal(policy, "created");
});
