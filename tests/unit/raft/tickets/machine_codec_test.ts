// The bytes of commands, and how many operations fit into one.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../../../base/assert.ts";
import { commandBytesMax } from "../../../../raft/core/entry_codec.ts";
import {
  countThatFits,
  encodeBatch,
  encodeGroup,
  fitsCommand,
  isCommand,
  type SequenceOperation,
} from "../../../../raft/tickets/machine.ts";
import { readOperations } from "../../../../raft/tickets/machine_codec.ts";
import { operation } from "../../../lib/operations.ts";

const sequencesMax = 258;
const take: SequenceOperation = {
  type: "take",
  name: "ab",
  count: 3,
  isCapped: true,
};
const number = (low: number) => [low, 0, 0, 0, 0, 0, 0, 0];

Deno.test("A command's bytes are those of the format", () => {
  const ab = [2, 0x61, 0x62];
  const rows: readonly (readonly [SequenceOperation, readonly number[]])[] = [
    [take, [1, ...ab, ...number(3), 1]],
    [
      { type: "return", name: "ab", from: 9n, to: 4n },
      [2, ...ab, ...number(9), ...number(4)],
    ],
    [{ type: "raise", name: "ab", to: 7n }, [3, ...ab, ...number(7)]],
    [{ type: "create", name: "ab", start: 5n }, [4, ...ab, ...number(5)]],
    [{ type: "policy" }, [5]],
    [{ type: "set-policy", policy: "any" }, [6, 0]],
    [{ type: "set-policy", policy: "created" }, [6, 1]],
    [{ type: "last", name: "ab" }, [7, ...ab]],
    [{ type: "check", name: "ab", last: undefined }, [8, ...ab, 0]],
    [{ type: "check", name: "ab", last: 6n }, [8, ...ab, 1, ...number(6)]],
  ];
  for (const [operation, bytes] of rows) {
    const head = [2, 1, 0, 0, 1, 0, 0, 0];
    assert.deepEqual(
      [...encodeBatch([operation], { sequencesMax })],
      [4, ...head, ...bytes],
    );
    assert.deepEqual(
      [...encodeGroup([operation], { sequencesMax })],
      [5, ...head, ...bytes],
    );
  }
});

Deno.test("A command is read as it was written, and nothing cut or longer is one", () => {
  const operations = fc.array(operation, { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(operations, fc.boolean(), (operations, isGroup) => {
    const encode = isGroup ? encodeGroup : encodeBatch;
    const command = encode(operations, { sequencesMax });
    const found = readOperations(command).map((operation) =>
      "name" in operation
        ? { ...operation, name: `${operation.name}` }
        : operation
    );
    assert.deepEqual(found, operations);
    assert(isCommand(command));
    for (let length = 0; length < command.length; length++) {
      assert(!isCommand(command.subarray(0, length)));
    }
    assert(!isCommand(Uint8Array.of(...command, 0)));
  }));
});

Deno.test("What nobody proposes is no command", () => {
  const unsound: readonly (readonly [SequenceOperation, number])[] = [
    [{ type: "take", name: "ab", count: 1, isCapped: false }, 13],
    [{ type: "raise", name: "ab", to: 1n }, 13],
    [{ type: "create", name: "ab", start: 1n }, 13],
  ];
  for (const [operation, at] of unsound) {
    const command = encodeBatch([operation], { sequencesMax });
    assert.equal(command[at], 1);
    assert(!isCommand(command.with(at, 0)), operation.type);
  }
  const command = encodeBatch([take], { sequencesMax });
  assert(!isCommand(command.with(0, 0)));
  assert(!isCommand(command.with(0, 6)));
  assert(!isCommand(command.with(9, 0)));
  assert(!isCommand(command.with(9, 9)));
  assert(!isCommand(command.with(11, 0x20)), "no name");
  assert(!isCommand(command.with(21, 2)), "no boolean");
  assert(!isCommand(command.subarray(0, 9).with(5, 0)), "no operation");
  const back = encodeBatch([
    { type: "return", name: "ab", from: 4n, to: 3n },
  ], { sequencesMax });
  assert(!isCommand(back.with(13, 3)), "nothing comes back");
  const policy = encodeGroup([{ type: "set-policy", policy: "created" }], {
    sequencesMax,
  });
  assert(!isCommand(policy.with(10, 2)));
});

Deno.test("A command that would be none is not made", () => {
  const unsound: readonly (readonly SequenceOperation[])[] = [
    [],
    [{ ...take, count: 0 }],
    [{ ...take, name: "a b" }],
    [{ ...take, name: "count" }],
    [{ type: "return", name: "ab", from: 4n, to: 4n }],
    [{ type: "raise", name: "ab", to: 0n }],
    [{ type: "create", name: "ab", start: 0n }],
  ];
  for (const operations of unsound) {
    assert.throws(
      () => encodeBatch(operations, { sequencesMax }),
      InvariantError,
    );
  }
});

Deno.test("As many operations fit as a command has bytes for", () => {
  const many = fc.array(operation, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(many, (some) => {
      const operations = Array.from({ length: 3000 }, () => some).flat();
      for (let from = 0; from < operations.length;) {
        const count = countThatFits(operations, from);
        assert(count > 0);
        const fitting = operations.slice(from, from + count);
        assert(fitsCommand(fitting));
        const { length } = encodeGroup(fitting, { sequencesMax });
        assert(length <= commandBytesMax);
        const more = operations.slice(from, from + count + 1);
        if (more.length > count) {
          assert(!fitsCommand(more));
          assert.throws(() => encodeGroup(more, { sequencesMax }), /bytes$/);
        }
        from += Math.max(count, 20_000);
      }
    }),
    { numRuns: 20 },
  );
  assert(fitsCommand([]));
});
