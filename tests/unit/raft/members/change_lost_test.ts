// Changes whose leader is lost, or ends, after it has begun them: the client is told the
// truth, and a transfer is not begun again.

import assert from "node:assert/strict";
import type { PeerMessage } from "../../../../raft/core/types.ts";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addVoter,
  ok,
  remove,
  textOf,
  transfer,
} from "../../../lib/questions.ts";

function only(nodes: Nodes, ...types: PeerMessage["type"][]): void {
  nodes.passes = ({ type }) => types.includes(type);
}

Deno.test("Nobody is told that nothing was changed after a lost leader had begun the change (PITFALLS 31)", () => {
  const nodes = Nodes.ledBy("abcde");
  for (const id of "cde") nodes.crash(id);
  const asked = remove(nodes, "b", "e", { force: true });
  nodes.run(2 * changeTicks + 2 * electionTicks);
  assert.match(
    textOf(asked.answer),
    /^node is not the leader, and there is none/,
  );
  assert.match(
    textOf(asked.answer),
    /whether it was done before .* not known$/,
  );
  nodes.start("c");
  nodes.awaitLeader();
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("a"), "abcd", "it was done");
});

Deno.test("RAFT.TRANSFER hands over once, however long its leader stays silent", () => {
  const nodes = Nodes.ledBy("abc");
  transfer(nodes, "c");
  only(nodes, "Forward", "ForwardResponse");
  nodes.settle();
  nodes.run(changeTicks + 3);
  nodes.passes = () => true;
  const leader = nodes.awaitLeader();
  const term = nodes.stat(leader, "term");
  nodes.run(4 * electionTicks);
  assert.deepEqual([nodes.leaders, nodes.stat(leader, "term")], [
    [leader],
    term,
  ]);
});

Deno.test("RAFT.TRANSFER is not given up by a node that learns the leader's term late", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("b");
  nodes.crash("a");
  nodes.start("a");
  nodes.awaitLeader();
  while (nodes.stat("a", "state") !== "Leader") {
    const [leader] = nodes.leaders;
    if (leader !== undefined) transfer(nodes, leader, "a");
    nodes.run();
  }
  nodes.heal();
  const asked = transfer(nodes, "b", "c");
  nodes.run(4);
  assert.deepEqual(asked.answer, ok);
  assert.deepEqual(nodes.leaders, ["c"]);
});

Deno.test("A leader that stops leaves the answer to the next one", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  const asked = addVoter(nodes, "b", { id: "x" });
  nodes.disk("x").stuck = true;
  nodes.run(1);
  nodes.node("a").stop();
  nodes.run(3 * electionTicks);
  nodes.disk("x").stuck = false;
  nodes.run(4 * electionTicks);
  assert.deepEqual(asked.answer, ok);
});
