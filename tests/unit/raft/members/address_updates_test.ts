// Members whose address has changed: which nodes may say so, and what the leader records.

import assert from "node:assert/strict";
import { encodeCommand } from "../../../../raft/members/change_codec.ts";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addNonvoter,
  addVoter,
  remove,
  settled,
  transfer,
} from "../../../lib/questions.ts";

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

Deno.test("Any member that sees a move has the leader record it, with or without a vote, and it changes no votes", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  assert.equal(settled(nodes, addNonvoter(nodes, "a", { id: "x" })), "ok");
  nodes.node("b").moved("x", "x.elsewhere:1");
  nodes.run(2);
  assert.match(addresses(nodes, "a"), /x x\.elsewhere:1/);
  nodes.node("x").moved("c", elsewhere);
  nodes.run(2);
  assert.match(addresses(nodes, "b"), /c c\.elsewhere:1/);
  assert.equal(nodes.servers("a"), "abc[x]");
});

Deno.test("A move that a follower saw and could not tell is not recorded when it leads later", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  nodes.node("b").moved("c", elsewhere);
  nodes.run(2);
  assert.equal(forwards.length, 1);
  nodes.crash("a");
  nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.match(addresses(nodes, "b"), /c c\.example:1/);
});

Deno.test("A follower asks the leader about one member once in a while, however often it sees the move", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  for (let i = 0; i < 24; i++) {
    nodes.node("b").moved("c", elsewhere);
    nodes.node("b").moved("a", "a.elsewhere:1");
    nodes.run();
  }
  assert.equal(forwards.length, 6, "two members, every 8 ticks");
});

Deno.test("A leader that reaches a member where the configuration says keeps that address, whatever others see", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.directly = (from, to) => from === "a" && to === "c";
  const before = index(nodes);
  for (let i = 0; i < 20; i++) {
    nodes.node("b").moved("c", elsewhere);
    nodes.run();
  }
  assert.equal(index(nodes), before);
  nodes.directly = () => false;
  nodes.run(changeTicks / 5);
  nodes.node("b").moved("c", elsewhere);
  nodes.run(2);
  assert.match(addresses(nodes, "a"), /c c\.elsewhere:1/);
});

Deno.test("A move of another disk than that of the member, or of no member, is not recorded", () => {
  const nodes = Nodes.ledBy("abc");
  const before = index(nodes);
  const moves = [
    { id: "c", incarnation: "another life" },
    { id: "x", incarnation: "life of x" },
  ];
  for (const { id, incarnation } of moves) {
    const prevIndex = BigInt(index(nodes));
    const data = encodeCommand({
      ...{ type: "move", id, address: elsewhere, incarnation, prevIndex },
    });
    nodes.hand({ type: "Forward", from: "b", to: "a", id: 1, data });
    nodes.run(2);
  }
  assert.equal(index(nodes), before);
});

Deno.test("Members that have swapped their addresses are recorded together, by one change", () => {
  const nodes = Nodes.ledBy("abc");
  const entries = () => nodes.node("a").core.log.lastIndex;
  const before = entries();
  const [a, b, c] = [..."abc"].map((id) => `${id}.example:1`);
  for (let i = 0; i < 4; i++) {
    // Each sees the two others; nobody sees all three.
    nodes.node("a").moved("b", c!);
    nodes.node("a").moved("c", a!);
    nodes.node("b").moved("a", b!);
    nodes.node("b").moved("c", a!);
    nodes.node("c").moved("a", b!);
    nodes.node("c").moved("b", c!);
    nodes.run(2);
  }
  for (const id of "abc") {
    assert.equal(addresses(nodes, id), `a ${b},b ${c},c ${a}`);
  }
  assert.equal(entries(), before + 1);
  for (const id of "abc") {
    const { logged } = nodes.computer(id);
    assert.deepEqual(logged.filter((line) => /duplicate/.test(line)), []);
  }
  assert.equal(nodes.servers("a"), "abc");
});

Deno.test("A leader that takes office forgets what was reported to it in another one", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("a").moved("c", "b.example:1"); // waits for b to move
  nodes.run(2);
  for (const id of "ba") {
    transfer(nodes, nodes.leaders[0]!, id);
    nodes.run(2);
  }
  assert.deepEqual(nodes.leaders, ["a"]);
  nodes.node("a").moved("b", "b.elsewhere:1");
  nodes.run(2);
  assert.match(addresses(nodes, "a"), /b b\.elsewhere:1/);
  assert.match(addresses(nodes, "a"), /c c\.example:1/);
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
  // Each of the two leaves its first address for one view, and that for the other.
  assert(index(nodes) - before <= 5, `${index(nodes) - before} entries`);
});

Deno.test("A member that moves again is recorded at once, and one that moves back after a while", () => {
  const nodes = Nodes.ledBy("abc");
  for (const address of [elsewhere, "c.far:1", "c.farther:1"]) {
    nodes.node("a").moved("c", address);
    nodes.run(2);
    assert(addresses(nodes, "b").endsWith(`c ${address}`), address);
  }
  nodes.node("a").moved("c", elsewhere);
  nodes.run(2);
  assert.match(addresses(nodes, "b"), /c c\.farther:1$/);
  nodes.run(6 * changeTicks);
  nodes.node("a").moved("c", elsewhere);
  nodes.run(2);
  assert.match(addresses(nodes, "b"), /c c\.elsewhere:1$/);
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
  for (let i = 0; i < 2 * changeTicks; i++) {
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
