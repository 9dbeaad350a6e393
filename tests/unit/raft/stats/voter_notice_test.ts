// The notice that a cluster of two voters survives no loss.

import assert from "node:assert/strict";
import { Nodes, tickMillis } from "../../../lib/nodes.ts";
import { join } from "../../../lib/questions.ts";

const delayTicks = 30_000 / tickMillis;
const notice = "warning: the cluster has two voters, a and b: when either is " +
  "away, nobody gets a ticket; start a third node with --join";

function notices(nodes: Nodes, id: string): string[] {
  return nodes.computer(id).logged.splice(0)
    .filter((line) => line.includes("two voters"));
}

Deno.test("VoterNotice tells each node of two voters, once, and not before half a minute", () => {
  const nodes = Nodes.ledBy("ab");
  nodes.run(delayTicks - 10);
  for (const id of "ab") assert.deepEqual(notices(nodes, id), []);
  nodes.run(20);
  for (const id of "ab") assert.deepEqual(notices(nodes, id), [notice]);
  nodes.run(3 * delayTicks);
  for (const id of "ab") assert.deepEqual(notices(nodes, id), []);
});

Deno.test("VoterNotice is silent with one or three voters, and while a third comes", () => {
  for (const voters of ["a", "abc"]) {
    const nodes = Nodes.ledBy(voters);
    nodes.run(2 * delayTicks);
    assert.deepEqual(notices(nodes, "a"), []);
  }
  const growing = Nodes.ledBy("ab", { spares: "x" });
  growing.isolate("x");
  join(growing, "a", { id: "x" });
  growing.run(2 * delayTicks);
  assert.deepEqual(notices(growing, "a"), [], "it is a learner");
});

Deno.test("VoterNotice tells it again when there were three voters meanwhile", () => {
  const nodes = Nodes.ledBy("ab", { spares: "x" });
  nodes.run(2 * delayTicks);
  assert.deepEqual(notices(nodes, "b"), [notice]);
  join(nodes, "a", { id: "x" });
  nodes.run(delayTicks);
  assert.deepEqual(notices(nodes, "b"), []);
  const command = { type: "remove-server", id: "x" } as const;
  nodes.ask("a", { ...command, prevIndex: 0n, force: true });
  nodes.run(2 * delayTicks);
  assert.deepEqual(notices(nodes, "b"), [notice]);
});

Deno.test("VoterNotice believes only committed members", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  const command = { type: "remove-server", id: "c" } as const;
  nodes.ask("a", { ...command, prevIndex: 0n, force: true });
  assert.equal(nodes.servers("a"), "ab");
  for (let i = 0; i < 2 * delayTicks; i++) nodes.tick("a");
  assert.deepEqual(notices(nodes, "a"), []);
});
