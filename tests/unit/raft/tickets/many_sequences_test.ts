// Takes of many sequences on nodes of a cluster: what each waits for, what travels between the
// nodes for all of them at once, and what is told of them when a leader is lost.

import assert from "node:assert/strict";
import type { Take, TakeResponse } from "../../../../raft/core/types.ts";
import { Machine } from "../../../../raft/tickets/machine.ts";
import {
  electionTicks,
  foundedBy,
  membersOf,
  Nodes,
  type NodesOptions,
  outcome,
} from "../../../lib/nodes.ts";

const of = (name: string) => ({ name });

/** A cluster of `voters` with the state of `machine`, led by the first. */
function withState(voters: string, machine: Machine): Nodes {
  const nodes = new Nodes(
    [...voters].map((id) => ({
      ...foundedBy(id, membersOf(voters)),
      snapshot: {
        ...{ index: 9, term: 1, configurationIndex: 1 },
        configuration: membersOf(voters),
        data: machine.snapshot(),
      },
      entries: [],
    })),
  );
  nodes.elect(voters[0]!);
  return nodes;
}

/** Whatever of `type` is sent from now on. */
function sent<T extends "Take" | "TakeResponse">(nodes: Nodes, type: T) {
  const found: (T extends "Take" ? Take : TakeResponse)[] = [];
  nodes.passes = (message) => {
    if (message.type === type) found.push(message as typeof found[0]);
    return true;
  };
  return found;
}

/** `c` has taken nothing yet, and forwards all of `asked` when it hears of its leader. */
function forwarding(ask: (nodes: Nodes) => void, options?: NodesOptions) {
  const nodes = Nodes.of("abc", options);
  ask(nodes);
  const takes = sent(nodes, "Take");
  nodes.elect("a");
  return { nodes, takes };
}

Deno.test("Each sequence begins at 1, on every node", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = [
    nodes.take("a", 2, of("x")),
    nodes.take("b", 3, of("y")),
    nodes.take("c", 1, of("x")),
    nodes.take("b", 1),
  ];
  nodes.settle();
  assert.deepEqual(asked.map(outcome), ["1, 2", "1, 2, 3", "3", "1"]);
  nodes.run(25);
  for (const id of "abc") assert.equal(nodes.stat(id, "sequences"), "3");
  assert.equal(nodes.computer("b").status?.sequences, 3);
});

Deno.test("Takes that begin at one time travel in one message, and are answered in one", () => {
  const nodes = Nodes.of("abc");
  const asked = [
    ...[..."xyz"].map((name, at) => nodes.take("c", at + 1, of(name))),
    nodes.take("c", 1, of("x")),
    nodes.take("c", 4),
  ];
  const takes = sent(nodes, "Take");
  const passes = nodes.passes;
  const answers: TakeResponse[] = [];
  nodes.passes = (message) => {
    if (message.type === "TakeResponse") answers.push(message);
    return passes(message);
  };
  nodes.elect("a");
  assert.deepEqual(takes.map(({ parts }) => parts.length), [5]);
  assert.deepEqual(answers.map(({ answers }) => answers.length), [5]);
  const outcomes = ["1", "1, 2", "1, 2, 3", "2", "1, 2, 3, 4"];
  assert.deepEqual(asked.map(outcome), outcomes);
});

Deno.test("Takes that come together are one entry at their leader, and one message on their way to it", () => {
  const nodes = Nodes.ledBy("abc");
  const before = Number(nodes.stat("a", "last_log_index"));
  const takes = sent(nodes, "Take");
  for (const id of "ab") {
    nodes.node(id).together(() => {
      for (const name of "wxyz") nodes.take(id, 2, of(name));
    });
    nodes.settle();
  }
  assert.equal(Number(nodes.stat("a", "last_log_index")), before + 2);
  assert.deepEqual(takes.map(({ parts }) => parts.length), [4]);
  assert.equal(nodes.received("z").highest, 4n);
});

Deno.test("Takes that do not fit into one message travel in several", () => {
  const names = Array.from({ length: 600 }, (_, i) => `${"n".repeat(120)}${i}`);
  const { nodes, takes } = forwarding((nodes) => {
    for (const name of names) nodes.take("c", 1, { name });
  });
  assert.deepEqual(takes.map(({ id }) => id), [1, 2]);
  const parts = takes.flatMap(({ parts }) => parts.map(({ name }) => name));
  assert.deepEqual(parts, names);
  // Of 600 names no more than 100 are allowed here: the others are refused, each by itself.
  const given = names.filter((name) => nodes.received(name).highest === 1n);
  assert.equal(given.length, 100);
  assert.equal(nodes.computer("c").takes.length, 0);
});

Deno.test("Parts of a take are answered when each is settled: those in hand at once", () => {
  const nodes = Nodes.of("abc");
  for (const id of "abc") {
    nodes.crash(id);
    nodes.start(id, { takesMin: 1 });
  }
  nodes.elect("a");
  for (let i = 0; i < 3; i++) nodes.take("a", 8, of("hot"));
  nodes.settle();
  nodes.crash("c");
  nodes.start("c");
  const hot = nodes.take("c", 2, of("hot"));
  const cold = nodes.take("c", 2, of("cold"));
  nodes.disk("a").stuck = true;
  nodes.disk("b").stuck = true;
  const takes = sent(nodes, "Take");
  nodes.tick("a");
  nodes.settle();
  assert.deepEqual(takes.map(({ parts }) => parts.length), [2]);
  assert.deepEqual([hot.left, cold.left], [0, 2]);
  const { given } = hot;
  // Sent again, it is answered with what is settled, and executed no second time.
  const answers = sent(nodes, "TakeResponse");
  nodes.network.push(takes[0]!);
  nodes.settle();
  assert.deepEqual(answers.map(({ answers }) => answers.length), [1]);
  assert.deepEqual([hot.given, cold.left], [given, 2]);
  nodes.disk("a").stuck = nodes.disk("b").stuck = false;
  nodes.settle();
  assert.equal(outcome(cold), "1, 2");
  assert.equal(nodes.node("a").reserve.lastOf("cold"), 2n);
});

Deno.test("A take that waits holds up no take of another sequence", () => {
  const nodes = Nodes.ledBy("abc");
  const answers = nodes.keepBack("TakeResponse");
  const first = nodes.take("c", 1, of("x"));
  nodes.settle();
  assert.equal(answers.length, 1);
  nodes.passes = () => true;
  const second = nodes.take("c", 1, of("y"));
  nodes.settle();
  assert.deepEqual([first, second].map(outcome), ["1 waiting", "1"]);
  nodes.run(electionTicks);
  assert.equal(outcome(first), "1");
});

Deno.test("A take whose answer was lost is answered, however many takes came since", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("TakeResponse");
  const first = nodes.take("c", 5, of("x"));
  nodes.settle();
  nodes.passes = () => true;
  for (let i = 0; i < 300; i++) {
    nodes.take("c", 1, of("y"));
    nodes.settle();
  }
  nodes.run(electionTicks);
  assert.equal(outcome(first), "1, 2, 3, 4, 5");
});

Deno.test("A leader forgets the takes that their process has the answers of", () => {
  const nodes = Nodes.ledBy("abc");
  const takes = sent(nodes, "Take");
  for (let i = 0; i < 3; i++) {
    nodes.take("c");
    nodes.settle();
  }
  assert.deepEqual(takes.map(({ answered }) => answered), [0, 1, 2]);
  nodes.network.push(takes[0]!, takes[1]!, takes[2]!);
  const answers = sent(nodes, "TakeResponse");
  nodes.settle();
  assert.deepEqual(answers.map(({ id }) => id), [3]);
  assert.equal(nodes.node("a").lastTicket, 3n);
});

Deno.test("A refusal of the state reaches the client that asked for that sequence, and no other", () => {
  const nodes = withState("abc", Machine.of([["x", 7n]], "created"));
  const asked = ["x", "y", "x"].flatMap((name) =>
    [..."abc"].map((id) => nodes.take(id, 1, of(name)))
  );
  nodes.settle();
  const refused = asked.filter((one) => outcome(one) === "1 unknown-sequence");
  assert.deepEqual(refused, asked.slice(3, 6));
  assert.equal(nodes.received("x").highest, 13n);
});

Deno.test("A refusal is told when a majority has confirmed the leader, as an answer is (PITFALLS 19)", () => {
  const nodes = withState("abc", Machine.of([], "created"));
  nodes.keepBack("ConfirmResponse");
  const asked = nodes.take("a", 1, of("x"));
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting");
  nodes.passes = () => true;
  nodes.run(1);
  assert.equal(outcome(asked), "1 unknown-sequence");
});

Deno.test("A leader that loses numbers of many sequences says so in one line", () => {
  const nodes = Nodes.of("abc");
  for (const id of "abc") {
    nodes.crash(id);
    nodes.start(id, { takesMin: 1 });
  }
  nodes.elect("a");
  for (let i = 0; i < 3; i++) {
    for (const name of "vwxyz") nodes.take("a", 8, of(name));
    nodes.settle();
  }
  const { size } = nodes.node("a").reserve;
  nodes.isolate("a");
  nodes.run(3 * electionTicks);
  const lines = nodes.computer("a").logged.filter((line) => /burnt/.test(line));
  assert.deepEqual(lines, [
    `info: burnt ${size} numbers of 5 sequences (v, w, x, …): this node lost its ` +
    `leadership with ${size} in hand`,
  ]);
  assert.equal(nodes.stat("a", "tickets_burnt"), `${size}`);
});

Deno.test("A leader that is lost with takes of many sequences costs one line", () => {
  const { nodes } = forwarding((nodes) => {
    for (const name of "wxyz") nodes.take("c", 2, of(name));
    nodes.keepBack("TakeResponse");
  });
  const { takes } = nodes.computer("c");
  assert.equal(takes.length, 0, "these were answered");
  nodes.keepBack("TakeResponse");
  nodes.take("c", 2, of("w"));
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.awaitLeader();
  const lines = nodes.computer("c").logged.filter((line) => /burnt/.test(line));
  assert.deepEqual(lines.map((line) => line.slice(0, 41)), [
    "info: may have burnt 2 numbers of w: node",
  ]);
});
