// Fuzz targets for the replicated state: any commands and snapshots, and numbers near the border
// of uint64, compared with a model that is a list of the last numbers.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../base/assert.ts";
import { Writer } from "../../base/bytes.ts";
import { DecodeError } from "../../raft/core/save_codec.ts";
import {
  encodeRaise,
  encodeTake,
  lastTicket,
  Machine,
} from "../../raft/tickets/machine.ts";
import { hostile } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { text } from "./messages.ts";
import { type Target, target } from "./target.ts";

const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("ticket", "other") },
  { weight: 1, arbitrary: text },
);
/** Near 0, 2^32, 2^53 and the last ticket. */
const last = fc.oneof(
  fc.bigInt({ min: 0n, max: lastTicket }),
  fc.tuple(
    fc.constantFrom(2n ** 32n, 2n ** 53n, 2n ** 63n, lastTicket, 0n),
    fc.bigInt({ min: -5n, max: 5n }),
  ).map(([border, off]) => {
    const value = border + off;
    return value < 0n ? 0n : value > lastTicket ? lastTicket : value;
  }),
);
const wanted = fc.oneof(
  fc.integer({ min: 1, max: 10 }),
  fc.constantFrom(1, 2 ** 32, 2 ** 53 - 1),
);
const state = fc.uniqueArray(fc.tuple(name, last), {
  maxLength: 4,
  selector: ([name]) => name,
});
const take = fc.tuple(name, wanted);
/** Some takes in one command, or a raise. */
const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      takes: fc.array(take, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      name,
      to: last.map((number) => number === 0n ? 1n : number),
    }),
  },
);
type State = [string, bigint][];

function snapshotOf(state: State): Uint8Array {
  const writer = new Writer();
  writer.u8(1);
  writer.u32(state.length);
  for (const [name, last] of state) {
    writer.text(name);
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, last, true);
    writer.raw(number);
  }
  return writer.copy();
}

function commandOf(takes: readonly [string, number][]): Uint8Array {
  const writer = new Writer();
  writer.u8(1);
  writer.u8(takes.length);
  for (const [name, wanted] of takes) {
    writer.text(name);
    writer.u64(wanted);
  }
  return writer.copy();
}

function restored(snapshot: Uint8Array): Machine {
  const machine = new Machine();
  machine.restore(snapshot);
  return machine;
}

/** A command that cannot be read, or that no node proposes: either ends the node. */
function isClean(error: unknown): boolean {
  return error instanceof DecodeError ||
    (error instanceof InvariantError &&
      /^format \d+ in the log is newer|at least one number/.test(
        error.message,
      ));
}

export const machineTargets: readonly Target[] = [
  target({
    name: "machine/model",
    claim:
      "Machine gives the numbers after the last in one piece up to 2^64 - 1, and none beyond or twice",
    weight: 100,
    inputs: fc.record({
      state,
      commands: fc.array(command, { maxLength: 6, size: "max" }),
    }),
  }, ({ state, commands }) => {
    const lasts = new Map(state);
    let machine = restored(snapshotOf(state));
    for (const command of commands) {
      if ("to" in command) {
        const { name, to } = command;
        assert.deepEqual(machine.apply(encodeRaise(name, to)), []);
        const before = lasts.get(name) ?? 0n;
        lasts.set(name, to > before ? to : before);
        continue;
      }
      const { takes } = command;
      const given = machine.apply(
        takes.length === 1 ? encodeTake(...takes[0]!) : commandOf(takes),
      );
      assert.equal(given.length, takes.length);
      takes.forEach(([name, wanted], i) => {
        const before = lasts.get(name) ?? 0n;
        const sum = before + BigInt(wanted);
        const last = sum > lastTicket ? lastTicket : sum;
        const expected = { last, count: Number(last - before) };
        assert.deepEqual(given[i], expected);
        lasts.set(name, last);
      });
      machine = restored(machine.snapshot());
      for (const [name, last] of lasts) assert.equal(machine.last(name), last);
    }
    assert.equal(machine.isEmpty, lasts.size === 0);
    // In the order of creation, so that equal states have equal bytes on every node.
    assert.deepEqual(machine.snapshot(), snapshotOf([...lasts]));
  }),
  target({
    name: "machine/restore",
    claim:
      "Machine.restore() of any bytes gives a state that its own snapshot gives again, or a clean error",
    weight: 100,
    inputs: hostile(
      fc.array(fc.tuple(name, last), { maxLength: 4 }).map(snapshotOf),
    ),
  }, (bytes) => {
    let machine: Machine;
    try {
      machine = withinMemory(bytes.length, () => restored(bytes));
    } catch (error) {
      if (isClean(error)) return;
      throw error;
    }
    const snapshot = machine.snapshot();
    assert.deepEqual(restored(snapshot).snapshot(), snapshot);
    // If a name stands there twice, the last number counts.
    assert(snapshot.length <= Math.max(bytes.length, 5));
    if (snapshot.length === bytes.length) assert.deepEqual(snapshot, bytes);
  }),
  target({
    name: "machine/apply",
    claim:
      "Machine.apply() of any bytes gives numbers that rise, or a clean error",
    weight: 100,
    inputs: fc.record({
      state,
      command: hostile(
        fc.array(take, { maxLength: 3 }).map((takes) => commandOf(takes)),
      ),
    }),
  }, ({ state, command }) => {
    const machine = restored(snapshotOf(state));
    let given;
    try {
      given = withinMemory(command.length, () => machine.apply(command));
    } catch (error) {
      if (isClean(error)) return;
      throw error;
    }
    for (const { last, count } of given) {
      assert(last <= lastTicket && BigInt(count) <= last && count >= 0);
      assert(Number.isSafeInteger(count));
    }
    for (const [name, last] of state) assert(machine.last(name) >= last);
  }),
];
