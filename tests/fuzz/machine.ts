// Fuzz targets for the replicated state: any commands and states, and numbers near the borders of
// uint64, compared with a model that is a Map.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../base/assert.ts";
import { DecodeError } from "../../raft/core/save_codec.ts";
import {
  encodeBatch,
  encodeGroup,
  isCommand,
  isState,
  lastTicket,
  Machine,
  type SequenceOperation,
} from "../../raft/tickets/machine.ts";
import { MachineModel } from "../lib/machine_model.ts";
import { operation, sequencesOf } from "../lib/operations.ts";
import { hostile } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { type Target, target } from "./target.ts";

type Command = {
  readonly isGroup: boolean;
  readonly operations: readonly SequenceOperation[];
  readonly sequencesMax: number;
};

const command: fc.Arbitrary<Command> = fc.record({
  isGroup: fc.boolean(),
  operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
  sequencesMax: fc.constantFrom(0, 2, 4, 1000),
});
const policy = fc.constantFrom("any" as const, "created" as const);
const state = fc.record({ sequences: sequencesOf(4), policy });
type State = {
  readonly sequences: readonly (readonly [string, bigint])[];
  readonly policy: "any" | "created";
};

function bytesOf({ isGroup, operations, sequencesMax }: Command): Uint8Array {
  const encode = isGroup ? encodeGroup : encodeBatch;
  return encode(operations, { sequencesMax });
}

function machineOf({ sequences, policy }: State): Machine {
  return Machine.of(sequences, policy);
}

function restored(snapshot: Uint8Array): Machine {
  const machine = new Machine();
  machine.restore(snapshot);
  return machine;
}

/** The most memory for a state and as much again, and for the least one. */
function stateBytes({ length }: Uint8Array): number {
  return 2 * length + 1024;
}

/** A command or a state that cannot be read, or is newer: either ends the node. */
function isClean(error: unknown): boolean {
  return error instanceof DecodeError ||
    (error instanceof InvariantError &&
      /^format \d+ in the log is newer/.test(error.message));
}

export const machineTargets: readonly Target[] = [
  target({
    name: "machine/model",
    claim:
      "Machine does what its rules say, each operation of a batch by itself and a group or nothing",
    weight: 100,
    inputs: fc.record({
      state,
      commands: fc.array(command, { maxLength: 6, size: "max" }),
    }),
  }, ({ state, commands }) => {
    const model = new MachineModel(state.sequences);
    model.policy = state.policy;
    let machine = machineOf(state);
    for (const command of commands) {
      const { isGroup, operations, sequencesMax } = command;
      const outcomes = isGroup
        ? model.group(operations, sequencesMax)
        : model.batch(operations, sequencesMax);
      assert.deepEqual(machine.apply(bytesOf(command)), outcomes);
      const copy = restored(machine.snapshot());
      for (const [name, last] of model.lasts) {
        assert.equal(copy.last(name), last);
        assert.equal(machine.last(name), last);
      }
      // The one that is left behind must not matter to the one that goes on.
      if (operations.length % 2 === 0) machine = copy;
    }
    // In the order of creation, so that equal states have equal bytes on every node.
    assert.deepEqual(
      machine.snapshot(),
      Machine.of(model.lasts, model.policy).snapshot(),
    );
  }),
  target({
    name: "machine/restore",
    claim:
      "Machine.restore() of any bytes gives a state whose snapshot they are, or a clean error",
    weight: 100,
    inputs: hostile(state.map((state) => machineOf(state).snapshot())),
  }, (bytes) => {
    let machine: Machine;
    try {
      machine = withinMemory(stateBytes(bytes), () => restored(bytes));
    } catch (error) {
      if (!isClean(error)) throw error;
      assert(!isState(bytes));
      return;
    }
    assert(isState(bytes));
    // Of the version before, which has no policy, or of this one.
    const now = bytes.length === 0
      ? new Machine().snapshot()
      : bytes[0] === 1
      ? Uint8Array.of(2, 0, ...bytes.subarray(1))
      : bytes;
    assert.deepEqual(machine.snapshot(), now);
    const names = machine.sequences.map(([name]) => name);
    assert.equal(new Set(names).size, machine.size);
  }),
  target({
    name: "machine/apply",
    claim:
      "Machine.apply() of any bytes gives numbers that rise and are given once, or a clean error",
    weight: 100,
    inputs: fc.record({ state, command: hostile(command.map(bytesOf)) }),
  }, ({ state, command }) => {
    const machine = machineOf(state);
    const before = machine.snapshot();
    let outcomes;
    try {
      outcomes = withinMemory(stateBytes(before), () => machine.apply(command));
    } catch (error) {
      if (!isClean(error)) throw error;
      assert(!isCommand(command));
      return;
    }
    assert(isCommand(command));
    for (const outcome of outcomes) {
      if (outcome.type !== "taken") continue;
      const { last, count } = outcome;
      assert(last <= lastTicket && BigInt(count) <= last && count >= 0);
      assert(Number.isSafeInteger(count));
    }
    const isRefused = outcomes.every(({ type }) => type === "refused");
    // Of a batch of which all is refused nothing is done, either.
    if (isRefused) assert.deepEqual(machine.snapshot(), before);
    assert(isState(machine.snapshot()));
  }),
];
