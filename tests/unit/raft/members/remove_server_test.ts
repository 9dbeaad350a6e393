// RAFT.REMOVESERVER: of followers, of the leader itself, and of a server that is no member.

import assert from "node:assert/strict";
import { electionTicks, Nodes } from "../../../lib/nodes.ts";
import { join, ok, remove, settled, textOf } from "../../../lib/questions.ts";

Deno.test("RAFT.REMOVESERVER removes a follower, and says OK of a server that is no member", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(nodes.servers("a"), "ab");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(settled(nodes, remove(nodes, "a", "nobody")), "ok");
});

Deno.test("RAFT.REMOVESERVER asked again waits until the first removal is committed", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  const asked = [remove(nodes, "a", "c"), remove(nodes, "a", "c")];
  nodes.settle();
  assert.equal(nodes.servers("a"), "ab");
  assert.deepEqual(asked.map(({ answer }) => answer), [undefined, undefined]);
});

Deno.test("RAFT.REMOVESERVER of the only voter is refused", () => {
  const nodes = Nodes.ledBy("a");
  const text = "Need at least one voter in configuration: {[]}";
  assert.equal(settled(nodes, remove(nodes, "a", "a")), text);
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.match(
    settled(nodes, remove(nodes, "a", "a")),
    /^Need at least one voter in configuration: {\[\]}; server a has the last vote/,
  );
});

Deno.test("RAFT.REMOVESERVER of the leader hands over, and the successor removes it", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "a", "a");
  nodes.settle();
  assert.notDeepEqual(nodes.leaders, ["a"]);
  nodes.run(2);
  assert.deepEqual(asked.answer, ok, "answered by the removed node itself");
  assert.equal(nodes.leaders.length, 1);
  const leader = nodes.leaders[0]!;
  assert.equal(nodes.servers(leader), "bc");
  const take = nodes.take(leader);
  nodes.settle();
  assert.deepEqual(take.given, [1n]);

  // The removed node knows it, and starts no election until it is stopped.
  const term = nodes.stat(leader, "term");
  nodes.run(10 * electionTicks);
  assert.deepEqual(nodes.leaders, [leader]);
  assert.equal(nodes.stat(leader, "term"), term);
});

Deno.test("RAFT.REMOVESERVER of the leader waits until the leader has committed earlier changes", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.disk(id).stuck = true;
  const asked = [
    remove(nodes, "a", "c"),
    remove(nodes, "a", "a", { force: true }),
  ];
  const take = nodes.take("a");
  assert.equal(take.left, 1, "it goes on serving");
  for (const id of "bc") nodes.disk(id).stuck = false;
  nodes.run(3);
  assert.deepEqual(asked.map(({ answer }) => answer), [ok, ok]);
  assert.deepEqual(take.given, [1n]);
  assert.equal(nodes.servers("b"), "b");
});

Deno.test("RAFT.REMOVESERVER of the leader may be asked of a follower", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "b", "a");
  nodes.run(3);
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers(nodes.leaders[0]!), "bc");
});

Deno.test("Two voters that are each to remove themselves do not hand over for ever", () => {
  const nodes = Nodes.ledBy("ab");
  nodes.isolate("b");
  const asked = [
    remove(nodes, "b", "b", { force: true }),
    remove(nodes, "a", "a", { force: true }),
  ];
  nodes.heal();
  nodes.settle();
  assert(Number(nodes.stat("a", "term")) < 6, "an election or two, no more");
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.map(({ answer }) => textOf(answer)).toSorted(), [
    "Need at least one voter in configuration: {[]}",
    "ok",
  ]);
});
