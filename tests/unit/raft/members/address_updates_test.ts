// Members whose address has changed: which nodes may say so, and what the leader records.

import assert from "node:assert/strict";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import { addVoter, remove, settled } from "../../../lib/questions.ts";

const elsewhere = "c.elsewhere:1";

function addresses(nodes: Nodes, at: string): string {
  const { answer } = nodes.ask(at, { type: "configuration" });
  assert(answer?.type === "servers");
  return answer.servers.map(({ id, address }) => `${id} ${address}`).join();
}

function index(nodes: Nodes): number {
  return nodes.node("a").members.configurationIndex;
}

Deno.test("A leader records the new address of a member once, and logs it", () => {
  const nodes = Nodes.ledBy("abc");
  const before = index(nodes);
  nodes.node("a").moved("c", elsewhere);
  nodes.node("a").moved("c", elsewhere);
  nodes.settle();
  nodes.node("a").moved("c", elsewhere);
  nodes.run(2);
  for (const id of "abc") {
    assert.equal(
      addresses(nodes, id),
      `a a.example:1,b b.example:1,c ${elsewhere}`,
    );
  }
  assert(index(nodes) > before);
  const { logged } = nodes.computer("a");
  assert.equal(
    logged.filter((line) => line === `info: node c has moved to ${elsewhere}`)
      .length,
    1,
  );
  assert.equal(nodes.servers("a"), "abc", "it keeps its vote");
});

Deno.test("What a follower learned about a move is not recorded when it leads later", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("b").moved("c", elsewhere);
  nodes.run(2);
  nodes.crash("a");
  nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.match(addresses(nodes, "b"), /c c\.example:1/);
});

Deno.test("The new address of a leader is recorded when another node reports it", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("b").moved("a", "a.elsewhere:1");
  nodes.node("b").moved("a", "a.elsewhere:1");
  nodes.node("c").moved("a", "a.elsewhere:1");
  nodes.run(3);
  assert.match(addresses(nodes, "c"), /a a\.elsewhere:1/);
  assert.deepEqual(nodes.leaders, ["a"]);
});

Deno.test("Two nodes that see a member at different addresses do not overwrite each other for ever", () => {
  const nodes = Nodes.ledBy("abc");
  const before = index(nodes);
  for (let i = 0; i < 2 * changeTicks; i++) {
    const isHere = addresses(nodes, "a").includes(elsewhere);
    nodes.node("a").moved("c", isHere ? "c.public:1" : elsewhere);
    const leader = addresses(nodes, "b").includes("a.private:1");
    if (leader) nodes.node("c").moved("a", "a.public:1");
    else nodes.node("b").moved("a", "a.private:1");
    nodes.run();
  }
  assert(index(nodes) - before <= 3, `${index(nodes) - before} changes`);
});

Deno.test("An address with a host is not replaced by one without, which means another host to each node", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("a").moved("c", ":7003");
  nodes.run(2);
  assert.match(addresses(nodes, "a"), /c c\.example:1$/);
});

Deno.test("A move that was seen before the members changed is not recorded after that", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("b").moved("a", "a.elsewhere:1");
  const held = nodes.network.splice(0);
  assert.deepEqual(held.map(({ type }) => type), ["Forward"]);
  assert.equal(
    settled(nodes, addVoter(nodes, "a", { id: "a", address: "a.proxy:1" })),
    "ok",
  );
  nodes.network.push(...held);
  nodes.run(2 * electionTicks);
  assert.match(addresses(nodes, "c"), /a a\.proxy:1/);
});

Deno.test("An address that another member has is not recorded, and warned of once", () => {
  const nodes = Nodes.ledBy("abc");
  const before = index(nodes);
  for (let i = 0; i < 3; i++) {
    nodes.node("a").moved("c", "b.example:1");
    nodes.run();
  }
  assert.equal(index(nodes), before);
  const { logged } = nodes.computer("a");
  assert.deepEqual(logged.filter((line) => line.includes("b.example:1")), [
    "warning: node c says that it is at b.example:1 now: Found duplicate address " +
    "in configuration: b.example:1",
  ]);
  assert.deepEqual(nodes.failures, []);
});

Deno.test("A move while the members change, or of a node that is no member, does no harm", () => {
  const nodes = Nodes.ledBy("abcd");
  for (const id of "bcd") nodes.disk(id).stuck = true;
  remove(nodes, "a", "d");
  nodes.node("a").moved("c", elsewhere);
  nodes.node("a").moved("d", elsewhere);
  nodes.node("a").moved("nobody", elsewhere);
  for (const id of "bcd") nodes.disk(id).stuck = false;
  nodes.run(3);
  assert.equal(nodes.servers("a"), "abc");
  nodes.node("a").moved("c", elsewhere);
  nodes.run(2);
  assert.match(addresses(nodes, "b"), /c c\.elsewhere:1$/);
});
