// The machine against a model of it that is a Map. `machine_former_test.ts` tests what a ticketd
// of before has written, `machine_codec_test.ts` the bytes of commands.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Writer } from "../../../../base/bytes.ts";
import { int64Max } from "../../../../base/range.ts";
import {
  defaultSequence,
  sequencesMaxLimit,
} from "../../../../base/sequence_name.ts";
import { snapshotBytesMax } from "../../../../raft/core/entry_codec.ts";
import {
  encodeBatch,
  encodeGroup,
  isState,
  lastTicket,
  Machine,
  type Outcome,
  type SequenceOperation,
} from "../../../../raft/tickets/machine.ts";
import { MachineModel } from "../../../lib/machine_model.ts";
import { operation, sequencesOf } from "../../../lib/operations.ts";

const sequencesMax = 1000;

function batch(machine: Machine, ...operations: SequenceOperation[]) {
  return machine.apply(encodeBatch(operations, { sequencesMax }));
}

function group(machine: Machine, ...operations: SequenceOperation[]) {
  return machine.apply(encodeGroup(operations, { sequencesMax }));
}

function take(
  count: number,
  { name = defaultSequence, isCapped = false } = {},
): SequenceOperation {
  return { type: "take", name, count, isCapped };
}

function raise(to: bigint, name = defaultSequence): SequenceOperation {
  return { type: "raise", name, to };
}

const created: SequenceOperation = { type: "set-policy", policy: "created" };

function refused(reason: string, at = 0) {
  return { type: "refused", reason, at };
}

/** A machine whose default sequence stands at `last`. */
function machineAt(last: bigint): Machine {
  return Machine.of([[defaultSequence, last]]);
}

const commands = fc.array(
  fc.record({
    isGroup: fc.boolean(),
    operations: fc.array(operation, { minLength: 1, maxLength: 5 }),
    sequencesMax: fc.constantFrom(0, 2, 4, 1000),
  }),
  { maxLength: 12, size: "max" },
);

Deno.test("Machine does what the model does, with batches and groups, and through snapshots", () => {
  fc.assert(
    fc.property(sequencesOf(4), commands, (sequences, commands) => {
      const model = new MachineModel(sequences);
      let machine = Machine.of(sequences);
      for (const { isGroup, operations, sequencesMax } of commands) {
        const encode = isGroup ? encodeGroup : encodeBatch;
        const outcomes: readonly Outcome[] = machine.apply(
          encode(operations, { sequencesMax }),
        );
        const expected = isGroup
          ? model.group(operations, sequencesMax)
          : model.batch(operations, sequencesMax);
        assert.deepEqual(outcomes, expected);
        assert.deepEqual(machine.sequences, [...model.lasts]);
        assert.equal(machine.size, model.lasts.size);
        assert.equal(machine.policy, model.policy);
        const copy = new Machine();
        copy.restore(machine.snapshot());
        assert.deepEqual(copy.snapshot(), machine.snapshot());
        // One of two goes on with a copy, the other with the machine itself.
        if (operations.length % 2 === 0) machine = copy;
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("Machine gives 1 first, and then what follows, without a gap", () => {
  const machine = new Machine();
  assert(machine.isEmpty);
  assert.equal(machine.last(defaultSequence), undefined);
  assert.deepEqual(batch(machine, take(1), take(5)), [
    { type: "taken", last: 1n, count: 1 },
    { type: "taken", last: 6n, count: 5 },
  ]);
  assert.equal(machine.last(defaultSequence), 6n);
  assert.equal(machine.last("no name"), undefined);
  assert(!machine.isEmpty);
});

Deno.test("A take beyond 2^64 - 1 takes nothing at all, and no other sequence notices", () => {
  const machine = machineAt(lastTicket - 2n);
  assert.deepEqual(batch(machine, take(3), take(2), take(1)), [
    refused("exhausted"),
    { type: "taken", last: lastTicket, count: 2 },
    refused("exhausted", 2),
  ]);
  assert.deepEqual(batch(machine, take(1, { name: "b" })), [
    { type: "taken", last: 1n, count: 1 },
  ]);
});

Deno.test("A capped take stays within 2^63 - 1, or takes nothing", () => {
  const machine = machineAt(int64Max - 2n);
  const capped = (count: number) => take(count, { isCapped: true });
  assert.deepEqual(batch(machine, capped(3), capped(2), capped(1), take(1)), [
    refused("above-int64"),
    { type: "taken", last: int64Max, count: 2 },
    refused("above-int64", 2),
    { type: "taken", last: int64Max + 1n, count: 1 },
  ]);
});

Deno.test("Under the policy `created` a name is refused until somebody has created it", () => {
  const machine = new Machine();
  batch(machine, created);
  assert(!machine.isEmpty);
  const name = "orders";
  assert.deepEqual(
    batch(machine, take(1, { name }), raise(7n, name), {
      type: "create",
      name,
      start: 1000n,
    }, take(2, { name })),
    [
      refused("unknown-sequence"),
      refused("unknown-sequence", 1),
      { type: "done" },
      { type: "taken", last: 1001n, count: 2 },
    ],
  );
  assert.equal(machine.size, 1);
});

Deno.test("A new name beyond the command's maximum is refused, a known one is not", () => {
  const machine = Machine.of([["a", 1n]]);
  const operations = [
    take(1, { name: "b" }),
    raise(2n, "b"),
    { type: "create", name: "b", start: 1n } as const,
    take(1, { name: "a" }),
  ];
  const full = machine.apply(encodeBatch(operations, { sequencesMax: 1 }));
  assert.deepEqual(full, [
    refused("too-many-sequences"),
    refused("too-many-sequences", 1),
    refused("too-many-sequences", 2),
    { type: "taken", last: 2n, count: 1 },
  ]);
  // The maximum may have been larger once.
  const less = machine.apply(encodeBatch(operations, { sequencesMax: 0 }));
  assert.deepEqual(less.at(-1), { type: "taken", last: 3n, count: 1 });
});

Deno.test("A sequence that is created begins at its start, and exists from then on", () => {
  const machine = new Machine();
  const create = (start: bigint): SequenceOperation => ({
    type: "create",
    name: "a",
    start,
  });
  assert.deepEqual(batch(machine, create(lastTicket), create(1n)), [
    { type: "done" },
    refused("exists", 1),
  ]);
  assert.equal(machine.last("a"), lastTicket - 1n);
});

Deno.test("A raise passes over all numbers up to its own, and never lowers", () => {
  const machine = machineAt(7n);
  for (const [to, after] of [[6n, 7n], [7n, 7n], [9n, 9n], [8n, 9n]] as const) {
    assert.deepEqual(batch(machine, raise(to)), [{ type: "done" }]);
    assert.equal(machine.last(defaultSequence), after);
  }
});

Deno.test("Numbers come back if they were the last, and no others", () => {
  const machine = machineAt(9n);
  const back = (from: bigint, to: bigint) => {
    const name = defaultSequence;
    return batch(machine, { type: "return", name, from, to });
  };
  assert.deepEqual(back(9n, 4n), [{ type: "done" }]);
  assert.equal(machine.last(defaultSequence), 4n);
  back(9n, 1n); // of a leader that did not know of the first
  assert.equal(machine.last(defaultSequence), 4n);
  batch(machine, raise(8n));
  back(4n, 2n);
  assert.equal(machine.last(defaultSequence), 8n);
  batch(machine, { type: "return", name: "nobody", from: 9n, to: 1n });
  assert.equal(machine.size, 1);
});

Deno.test("A group sees what it has done itself, and is one or nothing", () => {
  const machine = machineAt(7n);
  const before = machine.snapshot();
  const check = (name: string, last?: bigint): SequenceOperation => ({
    type: "check",
    name,
    last,
  });
  const well = [
    check(defaultSequence, 7n),
    check("new"),
    created,
    { type: "create", name: "new", start: 5n } as const,
    take(2, { name: "new" }),
    { type: "last", name: "new" } as const,
    { type: "policy" } as const,
    take(1),
  ];
  assert.deepEqual(group(machine, ...well, check("new", 5n)), [
    refused("changed", 8),
  ]);
  assert.deepEqual(machine.snapshot(), before);
  assert.deepEqual(group(machine, ...well), [
    { type: "done" },
    { type: "done" },
    { type: "done" },
    { type: "done" },
    { type: "taken", last: 6n, count: 2 },
    { type: "last", last: 6n },
    { type: "policy", policy: "created" },
    { type: "taken", last: 8n, count: 1 },
  ]);
});

Deno.test("Of a group that is refused no trace is left, be it of a thousand new names", () => {
  const machine = machineAt(7n);
  const before = machine.snapshot();
  const many = Array.from(
    { length: 999 },
    (_, i) => take(1, { name: `n${i}` }),
  );
  assert.deepEqual(
    group(machine, ...many, take(3), take(2), take(1, { name: "one-more" })),
    [refused("too-many-sequences", 1001)],
  );
  assert.deepEqual(machine.snapshot(), before);
  assert.equal(machine.last("n0"), undefined);
  assert.equal(group(machine, ...many, take(3)).length, 1000);
  assert.equal(machine.last("n998"), 1n);
  assert.equal(machine.size, 1000);
});

Deno.test("Machine.page() goes through all sequences in order of creation", () => {
  const sequences = Array.from(
    { length: 10 },
    (_, i) => [`s${9 - i}`, BigInt(i)] as const,
  );
  const machine = Machine.of(sequences);
  assert.deepEqual(machine.page(0, 10), { next: 0, sequences });
  assert.deepEqual(machine.page(0, 9).next, 9);
  assert.deepEqual(machine.page(9, 9), {
    next: 0,
    sequences: sequences.slice(9),
  });
  assert.deepEqual(machine.page(10, 9), { next: 0, sequences: [] });
  assert.deepEqual(machine.page(2 ** 53 - 1, 9), { next: 0, sequences: [] });
  assert.deepEqual(new Machine().page(0, 9), { next: 0, sequences: [] });
});

Deno.test("Machine.restore() of no bytes is the state before any command", () => {
  const machine = machineAt(7n);
  machine.restore(new Uint8Array(0));
  assert(machine.isEmpty);
  assert.deepEqual(machine.snapshot(), new Machine().snapshot());
  assert(isState(new Uint8Array(0)));
});

Deno.test("Machine.restore() takes its own snapshot, whichever was judged before", () => {
  const [judged, restored] = [5n, 9n].map((last) =>
    Machine.of([["orders", last]]).snapshot()
  );
  const machine = new Machine();
  assert(machine.canRestore(judged!));
  machine.restore(restored!);
  assert.equal(machine.last("orders"), 9n);
  assert(machine.canRestore(judged!));
  machine.restore(judged!);
  assert.equal(machine.last("orders"), 5n, "the same one");
});

Deno.test("A snapshot stays as it was, whatever is applied later, here or in its copies", () => {
  const machine = Machine.of([["a", 1n], ["b", 2n]]);
  const snapshot = machine.snapshot();
  const before = snapshot.slice();
  const copy = new Machine();
  copy.restore(snapshot);
  for (const each of [machine, copy]) {
    batch(each, take(5, { name: "a" }), take(1, { name: "c" }), created);
  }
  assert.deepEqual(snapshot, before);
  assert.deepEqual(copy.snapshot(), machine.snapshot());
  machine.restore(snapshot);
  assert.deepEqual(machine.sequences, [["a", 1n], ["b", 2n]]);
});

Deno.test("Bytes that are no state are refused, and the state stays", () => {
  const sound = Machine.of([["a", 1n], ["bcdef", 2n]], "created").snapshot();
  const machine = machineAt(7n);
  const refuse = (bytes: Uint8Array) => {
    assert(!isState(bytes));
    assert.throws(() => machine.restore(bytes));
    assert.deepEqual(machine.sequences, [[defaultSequence, 7n]]);
  };
  assert(isState(sound));
  for (let length = 1; length < sound.length; length++) {
    refuse(sound.subarray(0, length));
  }
  refuse(Uint8Array.of(...sound, 0));
  refuse(sound.with(0, 0)); // no version
  refuse(sound.with(1, 2)); // no policy
  refuse(sound.with(2, 1)); // fewer than there are
  refuse(sound.with(5, 255)); // more than there can be
  refuse(sound.with(7, 0x20));
  refuse(sound.with(7, 0x7f));
  refuse(sound.with(7, 0xe4));
  refuse(sound.with(18, 0x1f)); // within four bytes that are read at once
  refuse(sound.with(19, 0x7f));
  const twice = Machine.of([["a", 1n], ["b", 2n]]).snapshot();
  refuse(twice.with(17, twice[7]!));
  const named = (name: string) => {
    const writer = new Writer();
    writer.u8(2);
    writer.u8(0);
    writer.u32(1);
    writer.text(name);
    writer.big64(1n);
    return writer.copy();
  };
  assert(isState(named("x".repeat(128))));
  for (const name of ["", "ONCE", "Count", "x".repeat(129)]) {
    refuse(named(name));
  }
});

Deno.test("Machine refuses a newer version, in commands and in snapshots", () => {
  const command = encodeBatch([take(1)], { sequencesMax }).with(0, 6);
  const snapshot = new Machine().snapshot().with(0, 3);
  const machine = machineAt(7n);
  const refusal = (found: number) => ({
    name: "InvariantError",
    message:
      `format ${found} in the log is newer than this ticketd, which knows ${
        found - 1
      }`,
  });
  assert.throws(() => machine.apply(command), refusal(6));
  assert.throws(() => machine.restore(snapshot), refusal(3));
  assert.equal(machine.last(defaultSequence), 7n);
  assert(!isState(snapshot));
});

Deno.test("As many sequences as there may be, of the longest names, fit into a snapshot", () => {
  const longest = Machine.of([["x".repeat(128), 1n], ["y".repeat(128), 1n]]);
  const [none, two] = [new Machine(), longest]
    .map((machine) => machine.snapshot().length);
  const bytes = none! + sequencesMaxLimit * (two! - none!) / 2;
  assert(bytes <= snapshotBytesMax, `${bytes} bytes`);
});
