// The log lines of a node, one a change.

import assert from "node:assert/strict";
import { electionTicks, Nodes } from "../../../lib/nodes.ts";
import { join } from "../../../lib/questions.ts";

/** The lines that `id` has logged since the last look. */
function news(nodes: Nodes, id: string): string[] {
  return nodes.computer(id).logged.splice(0);
}

Deno.test("ChangeLog tells of an election, on either side", () => {
  const nodes = Nodes.ledBy("abc");
  assert.deepEqual(news(nodes, "a"), [
    "debug: has no leader in term 1",
    "debug: asks whether it could be elected after term 1",
    "info: stands for election in term 2",
    "info: became leader in term 2",
  ]);
  assert.deepEqual(news(nodes, "b").slice(-1), [
    "info: follows node a in term 2",
  ]);
});

Deno.test("ChangeLog is silent on the path of a ticket", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") news(nodes, id);
  for (let i = 0; i < 10; i++) {
    nodes.take("a", 100);
    nodes.run();
  }
  for (const id of "abc") assert.deepEqual(news(nodes, id), []);
});

Deno.test("ChangeLog warns when leadership is lost", () => {
  const nodes = Nodes.ledBy("abc");
  news(nodes, "a");
  nodes.isolate("a");
  while (nodes.leaders.includes("a")) nodes.tick("a");
  assert.deepEqual(news(nodes, "a"), [
    "warning: leads no more, in term 2",
    "debug: has no leader in term 2",
  ]);
});

Deno.test("ChangeLog names the members when they change", () => {
  const nodes = Nodes.ledBy("ab");
  news(nodes, "b");
  join(nodes, "a", { id: "x" });
  nodes.settle();
  assert.deepEqual(news(nodes, "b"), [
    "info: members at index 3: a at a.example:1 (voter), " +
    "b at b.example:1 (voter), x at x.example:1 (learner)",
  ]);
});

Deno.test("ChangeLog tells of a disk that does not answer, and when it does again", () => {
  const nodes = Nodes.ledBy("a");
  news(nodes, "a");
  nodes.disk("a").stuck = true;
  nodes.take("a");
  nodes.run(2 * electionTicks);
  assert.deepEqual(news(nodes, "a"), [
    "warning: the disk has not answered for an election timeout",
  ]);
  nodes.disk("a").stuck = false;
  nodes.run();
  assert.deepEqual(news(nodes, "a"), ["info: the disk answers again"]);
});
