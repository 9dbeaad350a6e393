// Changes of members and transfers at random, while nodes crash and messages are lost.

import assert from "node:assert/strict";
import fc from "fast-check";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addNonvoter,
  addVoter,
  demote,
  join,
  promote,
  remove,
  transfer,
} from "../../../lib/questions.ts";

type Event = {
  readonly name: string;
  /** The node that it happens to, or that is asked; most events need it. */
  readonly at: string;
  readonly id: string;
};

const events: Record<string, (nodes: Nodes, event: Event) => void> = {
  add: (nodes, { at, id }) =>
    ifUp(nodes, at, () => addVoter(nodes, at, { id })),
  addNonvoter: (nodes, { at, id }) =>
    ifUp(nodes, at, () => addNonvoter(nodes, at, { id })),
  join: (nodes, { at, id }) => ifUp(nodes, at, () => join(nodes, at, { id })),
  joinNonvoter: (nodes, { at, id }) =>
    ifUp(nodes, at, () => join(nodes, at, { id, nonvoter: true })),
  promote: (nodes, { at, id }) => ifUp(nodes, at, () => promote(nodes, at, id)),
  demote: (nodes, { at, id }) => ifUp(nodes, at, () => demote(nodes, at, id)),
  remove: (nodes, { at, id }) => ifUp(nodes, at, () => remove(nodes, at, id)),
  force: (nodes, { at, id }) =>
    ifUp(nodes, at, () => {
      if (nodes.random(2) === 0) remove(nodes, at, id, { force: true });
      else demote(nodes, at, id, { force: true });
    }),
  transfer: (nodes, { at, id }) =>
    ifUp(nodes, at, () => transfer(nodes, at, id)),
  transferToAny: (nodes, { at }) => ifUp(nodes, at, () => transfer(nodes, at)),
  run: (nodes) => nodes.run(2),
  runOn: (nodes) => nodes.run(electionTicks),
  tick: (nodes, { at }) => nodes.tick(at),
  settle: (nodes) => nodes.settle(),
  deliver: (nodes) => void (nodes.network.length > 0 && nodes.deliver()),
  repeat: (nodes) => {
    if (nodes.network.length > 0) nodes.deliver(0, { keep: true });
  },
  drop: (nodes) => void nodes.network.shift(),
  dropAll: (nodes) => nodes.network = [],
  crash: (nodes, { at }) => nodes.crash(at),
  start: (nodes, { at }) => start(nodes, at),
  isolate: (nodes, { at }) => nodes.isolate(at),
  heal: (nodes) => nodes.heal(),
  slow: (nodes, { at }) => nodes.disk(at).stuck = true,
  quick: (nodes, { at }) => nodes.disk(at).stuck = false,
};

function ifUp(nodes: Nodes, at: string, act: () => void): void {
  if (nodes.computer(at).node !== undefined) act();
}

function start(nodes: Nodes, at: string): void {
  if (nodes.computer(at).node === undefined) nodes.start(at);
}

const id = fc.constantFrom("a", "b", "c", "x");
const schedule = fc.array(
  fc.record({ name: fc.constantFrom(...Object.keys(events)), at: id, id }),
  { minLength: 10, maxLength: 100, size: "max" },
);

// `Nodes` checks that nothing is answered twice or unasked.
Deno.test("Every change that is asked for gets one answer, whatever happens", () => {
  fc.assert(
    fc.property(fc.nat(), schedule, (seed, schedule) => {
      const nodes = Nodes.of("abc", { spares: "x", seed });
      nodes.elect("a");
      for (const event of schedule) events[event.name]!(nodes, event);

      nodes.heal();
      for (const id of nodes.computers.keys()) {
        nodes.disk(id).stuck = false;
        start(nodes, id);
      }
      nodes.run(2 * changeTicks + 4 * electionTicks);
      assert.deepEqual(nodes.failures, []);
      for (const { id, questions } of nodes.computers.values()) {
        assert.equal(questions.size, 0, `${id} left questions unanswered`);
      }
    }),
    { numRuns: 300 },
  );
});
