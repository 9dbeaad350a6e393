// Commands and states of a ticketd of before, as literal bytes: a log of then comes to the same
// state as it came to then. `machine_test.ts` tests what is written now.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Writer } from "../../../../base/bytes.ts";
import { defaultSequence } from "../../../../base/sequence_name.ts";
import {
  encodeGroup,
  isCommand,
  isState,
  lastTicket,
  Machine,
} from "../../../../raft/tickets/machine.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.copy();
}

function takes(...all: readonly (readonly [string, number])[]): Uint8Array {
  return written((writer) => {
    writer.u8(1);
    writer.u8(all.length);
    for (const [name, wanted] of all) {
      writer.text(name);
      writer.u64(wanted);
    }
  });
}

function taken(from: bigint, to: bigint, name = defaultSequence): Uint8Array {
  return written((writer) => {
    writer.u8(2);
    writer.text(name);
    writer.big64(from);
    writer.big64(to);
  });
}

function raise(to: bigint, name = defaultSequence): Uint8Array {
  return written((writer) => {
    writer.u8(3);
    writer.text(name);
    writer.big64(to);
  });
}

function state(...all: readonly (readonly [string, bigint])[]): Uint8Array {
  return written((writer) => {
    writer.u8(1);
    writer.u32(all.length);
    for (const [name, last] of all) {
      writer.text(name);
      writer.big64(last);
    }
  });
}

function machineAt(last: bigint): Machine {
  const machine = new Machine();
  machine.restore(state([defaultSequence, last]));
  return machine;
}

Deno.test("A take, a return and a raise of before, byte by byte", () => {
  const machine = new Machine();
  const ticket = [6, ..."ticket"].map((c) =>
    typeof c === "number" ? c : c.charCodeAt(0)
  );
  const zeros = [0, 0, 0, 0, 0, 0, 0];
  const take = Uint8Array.of(1, 1, ...ticket, 50, ...zeros);
  assert.deepEqual(machine.apply(take), [
    { type: "taken", last: 50n, count: 50 },
  ]);
  const back = Uint8Array.of(2, ...ticket, 50, ...zeros, 20, ...zeros);
  assert.deepEqual(machine.apply(back), [{ type: "done" }]);
  assert.equal(machine.last(defaultSequence), 20n);
  const up = Uint8Array.of(3, ...ticket, 99, ...zeros);
  assert.deepEqual(machine.apply(up), [{ type: "done" }]);
  assert.equal(machine.last(defaultSequence), 99n);
  const snapshot = Uint8Array.of(1, 1, 0, 0, 0, ...ticket, 99, ...zeros);
  const copy = new Machine();
  copy.restore(snapshot);
  assert.deepEqual(copy.snapshot(), machine.snapshot());
});

Deno.test("A take of before answers in its order, and gives what is left", () => {
  const machine = machineAt(lastTicket - 2n);
  const taken = (last: bigint, count: number) => ({
    type: "taken",
    last,
    count,
  });
  assert.deepEqual(machine.apply(takes(["a", 2], ["b", 7], ["a", 1])), [
    taken(2n, 2),
    taken(7n, 7),
    taken(3n, 1),
  ]);
  assert.deepEqual(machine.apply(takes(["ticket", 3])), [
    taken(lastTicket, 2),
  ]);
  assert.deepEqual(machine.apply(takes(["ticket", 2 ** 53 - 1])), [
    taken(lastTicket, 0),
  ]);
});

Deno.test("A log of before is under no policy", () => {
  const machine = new Machine();
  machine.apply(encodeGroup([{ type: "set-policy", policy: "created" }], {
    sequencesMax: 0,
  }));
  machine.apply(takes(["a", 1]));
  machine.apply(raise(7n, "b"));
  assert.deepEqual(machine.sequences, [["a", 1n], ["b", 7n]]);
});

Deno.test("A return of before takes back what was last, and nothing else", () => {
  const machine = machineAt(9n);
  const at = () => machine.last(defaultSequence);
  machine.apply(taken(9n, 4n));
  assert.equal(at(), 4n);
  machine.apply(taken(9n, 1n));
  assert.equal(at(), 4n);
  machine.apply(raise(8n));
  machine.apply(taken(4n, 3n));
  machine.apply(raise(7n));
  assert.equal(at(), 8n);
  machine.apply(taken(4n, 3n, "nobody"));
  assert.deepEqual(machine.sequences, [[defaultSequence, 8n]]);
});

Deno.test("What no ticketd of before wrote is no command", () => {
  const sound = [takes(["ticket", 1]), taken(9n, 4n), raise(1n)];
  for (const command of sound) {
    assert(isCommand(command));
    for (let length = 0; length < command.length; length++) {
      assert(!isCommand(command.subarray(0, length)));
    }
    assert(!isCommand(Uint8Array.of(...command, 0)));
  }
  const unsound = [
    takes(["ticket", 0]),
    takes(["über", 1]),
    taken(4n, 4n),
    raise(0n),
    Uint8Array.of(0),
  ];
  for (const command of unsound) {
    assert(!isCommand(command));
    assert.throws(() => machineAt(9n).apply(command), { name: "DecodeError" });
  }
  assert(isCommand(takes()));
});

Deno.test("A snapshot of before holds its numbers, and the policy of then", () => {
  fc.assert(fc.property(
    fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^[a-z]{6,9}$/), fc.bigInt(0n, lastTicket)),
      { selector: ([name]) => name },
    ),
    (sequences) => {
      const before = state(...sequences);
      assert(isState(before));
      const machine = new Machine();
      machine.restore(before);
      assert.deepEqual(machine.sequences, sequences);
      assert.equal(machine.policy, "any");
      assert.deepEqual(
        machine.snapshot(),
        Uint8Array.of(2, 0, ...before.subarray(1)),
      );
    },
  ));
});
