import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../../../base/assert.ts";
import { Writer } from "../../../../base/bytes.ts";
import {
  encodeRaise,
  encodeReturn,
  encodeTake,
  isCommand,
  lastTicket,
  Machine,
  ticketSequence,
} from "../../../../raft/tickets/machine.ts";
import { stateAt } from "../state.ts";

function take(machine: Machine, name: string, wanted: number) {
  const [given, ...more] = machine.apply(encodeTake(name, wanted));
  assert.deepEqual(more, []);
  return given;
}

/** A command of several takes, as a later ticketd may write it. */
function encodeTakes(takes: readonly (readonly [string, number])[]) {
  const writer = new Writer();
  writer.u8(1);
  writer.u8(takes.length);
  for (const [name, wanted] of takes) {
    writer.text(name);
    writer.u64(wanted);
  }
  return writer.written.slice();
}

/** A machine whose sequence `name` stands at `last`. */
function machineAt(last: bigint, name = ticketSequence): Machine {
  const machine = new Machine();
  machine.restore(stateAt(last, name));
  return machine;
}

const name = fc.constantFrom("ticket", "", "über", "x".repeat(255), "a", "b");
const takes = fc.array(
  fc.tuple(name, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
);

Deno.test("Machine gives 1 first, and then what follows, without a gap", () => {
  const machine = new Machine();
  assert(machine.isEmpty);
  assert.equal(machine.last(ticketSequence), 0n);
  assert.deepEqual(take(machine, ticketSequence, 1), { last: 1n, count: 1 });
  assert.deepEqual(take(machine, ticketSequence, 5), { last: 6n, count: 5 });
  assert.equal(machine.last(ticketSequence), 6n);
  assert(!machine.isEmpty);
});

Deno.test("Machine keeps each sequence by itself, and answers in the order of the command", () => {
  const machine = new Machine();
  const command = encodeTakes([["a", 2], ["b", 7], ["a", 1]]);
  assert.deepEqual(machine.apply(command), [
    { last: 2n, count: 2 },
    { last: 7n, count: 7 },
    { last: 3n, count: 1 },
  ]);
});

Deno.test("Equal commands in equal order make equal states and equal answers", () => {
  fc.assert(
    fc.property(fc.array(takes.filter((t) => t.length < 256)), (commands) => {
      const [one, other] = [new Machine(), new Machine()];
      for (const command of commands.map(encodeTakes)) {
        assert.deepEqual(one.apply(command), other.apply(command));
      }
      assert.deepEqual(one.snapshot(), other.snapshot());
    }),
  );
});

Deno.test("Machine.restore() inverts snapshot(), whatever came before and comes after", () => {
  fc.assert(fc.property(takes, takes, takes, (first, former, then) => {
    const one = new Machine();
    for (const [name, wanted] of first) take(one, name, wanted);
    const other = new Machine();
    for (const [name, wanted] of former) take(other, name, wanted);
    other.restore(one.snapshot());
    assert.deepEqual(other.snapshot(), one.snapshot());
    for (const [name, wanted] of then) {
      assert.deepEqual(take(other, name, wanted), take(one, name, wanted));
    }
    assert.deepEqual(other.snapshot(), one.snapshot());
  }));
});

Deno.test("Machine carries every uint64 through a snapshot", () => {
  const edges = [
    1n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 63n,
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.bigInt({ min: 0n, max: lastTicket - 1n }),
        fc.constantFrom(...edges),
      ),
      (last) => {
        const machine = machineAt(last);
        assert.equal(machine.last(ticketSequence), last);
        assert.deepEqual(take(machine, ticketSequence, 1), {
          last: last + 1n,
          count: 1,
        });
      },
    ),
  );
});

Deno.test("Machine gives 2^64 - 1 and not one more", () => {
  const machine = machineAt(lastTicket - 2n);
  assert.deepEqual(take(machine, ticketSequence, 1), {
    last: lastTicket - 1n,
    count: 1,
  });
  assert.deepEqual(take(machine, ticketSequence, 3), {
    last: lastTicket,
    count: 1,
  });
  assert.deepEqual(take(machine, ticketSequence, Number.MAX_SAFE_INTEGER), {
    last: lastTicket,
    count: 0,
  });
  assert.equal(machine.last(ticketSequence), lastTicket);
  assert.deepEqual(take(machine, "other", 1), { last: 1n, count: 1 });
});

Deno.test("Machine.restore() of no bytes is the state before any command", () => {
  const machine = machineAt(7n);
  machine.restore(new Uint8Array(0));
  assert(machine.isEmpty);
  assert.deepEqual(take(machine, ticketSequence, 1), { last: 1n, count: 1 });
});

Deno.test("A snapshot before any command restores as one", () => {
  const machine = machineAt(7n);
  machine.restore(new Machine().snapshot());
  assert(machine.isEmpty);
});

Deno.test("A raise passes over all numbers up to its own, and never lowers", () => {
  const machine = machineAt(7n);
  for (const [to, after] of [[6n, 7n], [7n, 7n], [9n, 9n], [8n, 9n]] as const) {
    assert.deepEqual(machine.apply(encodeRaise(ticketSequence, to)), []);
    assert.equal(machine.last(ticketSequence), after);
  }
  assert.deepEqual(take(machine, ticketSequence, 2), { last: 11n, count: 2 });
  machine.apply(encodeRaise(ticketSequence, lastTicket));
  assert.equal(take(machine, ticketSequence, 2)?.count, 0);
});

Deno.test("A raise makes a sequence that does not exist yet, and is in the snapshot", () => {
  const machine = new Machine();
  machine.apply(encodeRaise("x", 5n));
  assert.deepEqual([...machine.sequences], [["x", 5n]]);
  const copy = new Machine();
  copy.restore(machine.snapshot());
  assert.deepEqual([...copy.sequences], [["x", 5n]]);
});

Deno.test("A return that a raise has passed over changes nothing", () => {
  const machine = machineAt(7n);
  machine.apply(encodeRaise(ticketSequence, 8n));
  machine.apply(encodeReturn(ticketSequence, { from: 7n, to: 3n }));
  assert.equal(machine.last(ticketSequence), 8n);
});

Deno.test("A raise to 0, cut or with more behind it is no command", () => {
  const raise = encodeRaise(ticketSequence, 1n);
  assert(isCommand(raise));
  assert.throws(() => encodeRaise(ticketSequence, 0n));
  const nothing = raise.slice();
  nothing[nothing.length - 8] = 0;
  assert(!isCommand(nothing));
  assert(!isCommand(raise.subarray(0, -1)));
  assert(!isCommand(Uint8Array.of(...raise, 0)));
});

Deno.test("Machine refuses a newer format, in commands and in snapshots", () => {
  const command = encodeTake(ticketSequence, 1);
  command[0] = 4;
  const snapshot = new Machine().snapshot();
  snapshot[0] = 2;
  const machine = machineAt(7n);
  const refusal = (found: number) => ({
    name: "InvariantError",
    message:
      `format ${found} in the log is newer than this ticketd, which knows ${
        found - 1
      }`,
  });
  assert.throws(() => machine.apply(command), refusal(4));
  assert.equal(machine.last(ticketSequence), 7n);
  assert.throws(() => machine.restore(snapshot), refusal(2));
});

Deno.test("Machine refuses bytes that are no command", () => {
  const command = encodeTake(ticketSequence, 1);
  const machine = new Machine();
  for (let length = 0; length < command.length; length++) {
    assert.throws(() => machine.apply(command.subarray(0, length)), /missing/);
  }
  assert.throws(
    () => machine.apply(new Uint8Array([...command, 0])),
    /1 bytes too many/,
  );
  assert.throws(
    () => machine.apply(encodeTakes([["a", 0]])),
    /at least one number/,
  );
});

Deno.test("Machine takes numbers back that were the last, and no others", () => {
  const machine = machineAt(9n);
  const back = (from: bigint, to: bigint) =>
    machine.apply(encodeReturn(ticketSequence, { from, to }));
  assert.deepEqual(back(9n, 4n), []);
  assert.equal(machine.last(ticketSequence), 4n);
  back(9n, 1n); // of a leader that did not know of the first
  assert.equal(machine.last(ticketSequence), 4n);
  const [given] = machine.apply(encodeTake(ticketSequence, 2));
  assert.deepEqual(given, { last: 6n, count: 2 });
  back(4n, 2n);
  assert.equal(machine.last(ticketSequence), 6n);
});

Deno.test("Machine refuses a return of no numbers, or of more bytes", () => {
  const machine = machineAt(9n);
  assert.throws(
    () => encodeReturn(ticketSequence, { from: 4n, to: 4n }),
    InvariantError,
  );
  const command = encodeReturn(ticketSequence, { from: 9n, to: 4n });
  for (let length = 1; length < command.length; length++) {
    assert.throws(() => machine.apply(command.subarray(0, length)), /missing/);
  }
  assert.throws(() => machine.apply(new Uint8Array([...command, 0])));
  assert.equal(machine.last(ticketSequence), 9n);
});
