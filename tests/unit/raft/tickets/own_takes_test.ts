// Takes that a node forwards to the leader: once each, whatever is lost, doubled or late.

import assert from "node:assert/strict";
import type { Take } from "../../../../raft/core/types.ts";
import { electionTicks, Nodes, outcome } from "../../../lib/nodes.ts";

function takesIn(nodes: Nodes): Take[] {
  return nodes.network.filter((message) => message.type === "Take");
}

Deno.test("A follower gets tickets from the leader for its clients, in their order", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = [nodes.take("b", 2), nodes.take("b"), nodes.take("c", 3)];
  nodes.settle();
  assert.deepEqual(asked.map(outcome), ["1, 2", "3", "4, 5, 6"]);
});

Deno.test("A follower sends one message for a take, and the leader one entry", () => {
  const nodes = Nodes.ledBy("abc");
  const before = Number(nodes.stat("a", "last_log_index"));
  nodes.take("b", 1000);
  assert.deepEqual(takesIn(nodes).map(({ to, parts }) => [to, parts]), [
    ["a", [{ name: "ticket", count: 1000, isCapped: false }]],
  ]);
  nodes.settle();
  assert.equal(Number(nodes.stat("a", "last_log_index")), before + 1);
});

Deno.test("A forwarded take is answered once a majority of disks has it, and not before", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") nodes.disk(id).stuck = true;
  const asked = nodes.take("b");
  nodes.settle();
  nodes.disk("a").finish();
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting", "on one disk of three");
  nodes.disk("c").finish();
  nodes.settle();
  assert.equal(outcome(asked), "1");
});

Deno.test("A take that meets no leader waits for one", () => {
  const nodes = Nodes.of("abc");
  const asked = nodes.take("c", 2);
  nodes.settle();
  assert.equal(outcome(asked), "2 waiting");
  nodes.elect("a");
  assert.equal(outcome(asked), "1, 2");
});

Deno.test("A learner forwards takes as well", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  const { incarnation } = nodes.computer("x");
  const address = "x.example:1";
  const cluster = "c".repeat(32);
  const join = { type: "join", id: "x", address, incarnation, cluster };
  nodes.ask("a", join as never);
  nodes.settle();
  nodes.run(1);
  assert.equal(nodes.servers("x"), "abc(x)", "promotion takes time");
  const asked = nodes.take("x");
  nodes.settle();
  assert.equal(outcome(asked), "1");
});

Deno.test("A node that joins takes no numbers from a leader that it does not know yet", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  const { incarnation } = nodes.computer("x");
  const address = "x.example:1";
  const cluster = "c".repeat(32);
  const join = { type: "join", id: "x", address, incarnation, cluster };
  // It cannot say what it lacks, and so hears of no configuration.
  nodes.disk("x").stuck = true;
  nodes.ask("a", join as never);
  nodes.settle();
  nodes.run(2);
  const asked = nodes.take("x");
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting");
  nodes.disk("x").stuck = false;
  nodes.run(2 * electionTicks);
  assert.equal(outcome(asked), "1");
});

Deno.test("A take that the network doubles, early or late, is executed once", () => {
  const nodes = Nodes.ledBy("abc");
  const first = nodes.take("b", 5);
  const [take] = takesIn(nodes);
  nodes.deliver(nodes.network.indexOf(take!), { keep: true });
  nodes.settle();
  nodes.network.push(take!);
  nodes.settle();
  const next = nodes.take("b");
  nodes.settle();
  assert.deepEqual([first, next].map(outcome), ["1, 2, 3, 4, 5", "6"]);
});

for (const lost of ["Take", "TakeResponse"] as const) {
  Deno.test(`A ${lost} that is lost costs time, and no numbers`, () => {
    const nodes = Nodes.ledBy("abc");
    nodes.keepBack(lost);
    const asked = nodes.take("b", 3);
    nodes.run(electionTicks - 1);
    assert.equal(outcome(asked), "3 waiting");
    nodes.passes = () => true;
    nodes.run(1);
    assert.equal(outcome(asked), "1, 2, 3");
    const next = nodes.take("a");
    nodes.settle();
    assert.equal(outcome(next), "4", "nothing was taken twice");
  });
}

Deno.test("A take whose leader is lost is refused when another leads, its numbers burnt", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("TakeResponse");
  const asked = nodes.take("b", 5);
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.run(1);
  assert.equal(outcome(asked), "5 waiting", "who knows who leads next?");
  const leader = nodes.awaitLeader();
  assert.equal(outcome(asked), "5 leadership-lost");
  assert.ok(
    nodes.computer("b").logged.includes(
      "info: may have burnt 5 numbers of ticket: node a was asked for them, and lost its " +
        "leadership or died before it answered",
    ),
  );
  const next = nodes.take(leader);
  nodes.settle();
  assert.equal(outcome(next), "6");
});

Deno.test("A take survives the absence of its leader, if the same one returns in its term", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.cut("a", "b");
  const asked = nodes.take("b", 2);
  nodes.run(3 * electionTicks);
  assert.equal(nodes.stat("b", "state"), "Candidate");
  nodes.heal();
  nodes.run(electionTicks);
  assert.equal(nodes.stat("b", "state"), "Follower");
  assert.equal(outcome(asked), "1, 2");
});

Deno.test("A leader answers those who asked it when it loses its office", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.cut("a", "c");
  // b hears the leader and is heard, but its disk keeps it from acknowledging.
  nodes.disk("b").stuck = true;
  nodes.disk("c").stuck = true;
  const asked = nodes.take("b", 4);
  while (nodes.leaders.includes("a")) nodes.run(1);
  nodes.settle();
  assert.equal(outcome(asked), "4 leadership-lost");
});

Deno.test("A take of a term that is over is not executed by who leads in a later one", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("b", 7);
  const [late] = takesIn(nodes);
  nodes.network = [];
  for (const id of "abc") {
    nodes.crash(id);
    nodes.start(id);
  }
  nodes.elect("a");
  nodes.network.push(late!);
  nodes.settle();
  const next = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(next), "1");
});

Deno.test("An answer to a former life of this node is no answer to it", () => {
  const nodes = Nodes.ledBy("abc");
  const answers = nodes.keepBack("TakeResponse");
  nodes.take("b", 3);
  nodes.settle();
  nodes.crash("b");
  nodes.start("b");
  nodes.passes = ({ type }) => type !== "TakeResponse";
  nodes.run(2);
  const asked = nodes.take("b", 3);
  nodes.settle();
  nodes.passes = () => true;
  nodes.network.push(...answers);
  nodes.settle();
  assert.equal(outcome(asked), "3 waiting");
  nodes.run(electionTicks);
  assert.equal(outcome(asked), "4, 5, 6");
});

Deno.test("A take that meets a hand-over waits for its end, on the leader and elsewhere", () => {
  const nodes = Nodes.ledBy("abc");
  const timeouts = nodes.keepBack("TimeoutNow");
  nodes.node("a").core.transferLeadership("b");
  nodes.node("a").tick();
  assert.equal(timeouts.length, 1);
  const asked = [nodes.take("a"), nodes.take("c")];
  nodes.settle();
  assert.deepEqual(asked.map(outcome), ["1 waiting", "1 waiting"]);
  nodes.run(electionTicks);
  assert.deepEqual(nodes.leaders, ["a"], "the successor never heard of it");
  assert.deepEqual(asked.map(outcome), ["2", "1"]);
});

Deno.test("A leader that has handed over is left the time to answer what it was asked", () => {
  const nodes = Nodes.ledBy("abc");
  const answers = nodes.keepBack("TakeResponse");
  const asked = nodes.take("c", 3);
  nodes.settle();
  nodes.node("a").core.transferLeadership("b");
  nodes.tick("a");
  nodes.settle();
  assert.deepEqual(nodes.leaders, ["b"]);
  assert.equal(outcome(asked), "3 waiting");
  nodes.passes = () => true;
  nodes.network.push(...answers); // overtaken by the news that b leads
  nodes.settle();
  assert.equal(outcome(asked), "1, 2, 3");
});

Deno.test("A take of another isolate does not wait for one that was sent to the last leader", () => {
  const nodes = Nodes.ledBy("abc");
  const answers = nodes.keepBack("TakeResponse");
  const first = nodes.take("c", 3);
  nodes.settle();
  nodes.node("a").core.transferLeadership("c");
  nodes.tick("a");
  nodes.settle();
  assert.deepEqual(nodes.leaders, ["c"]);
  const second = nodes.take("c");
  nodes.settle();
  assert.deepEqual([first, second].map(outcome), ["3 waiting", "4"]);
  nodes.passes = () => true;
  nodes.network.push(...answers);
  nodes.settle();
  assert.deepEqual([first, second].map(outcome), ["1, 2, 3", "4"]);
});

Deno.test("A leader to whom no connection is left is not waited for", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("TakeResponse");
  const asked = nodes.take("c", 3);
  nodes.settle();
  nodes.crash("a");
  nodes.awaitLeader();
  assert.equal(outcome(asked), "3 leadership-lost");
});

Deno.test("A hand-over costs those who ask nothing but the time it takes", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.node("a").core.transferLeadership("b");
  const asked = [nodes.take("a"), nodes.take("c")];
  nodes.run(1);
  assert.deepEqual(nodes.leaders, ["b"]);
  // A take that waited at the old leader goes on. One that had been forwarded to it is
  // refused, and its sender asks again.
  nodes.run(2);
  assert.equal(outcome(asked[0]!), "1");
  assert.equal(outcome(asked[1]!), "1 leadership-lost");
});

Deno.test("Whoever asked a node that does not lead waits a tick before he asks it again", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("b");
  while (nodes.leaders.includes("a") && nodes.stat("a", "term") === "2") {
    nodes.crash("a");
    nodes.start("a");
  }
  nodes.heal();
  nodes.cut("b", "c");
  // b still follows a, which has begun again and leads nobody.
  const sent = () => nodes.network.filter(({ type }) => type === "Take").length;
  const first = nodes.take("b");
  nodes.deliver(nodes.network.findIndex(({ type }) => type === "Take"));
  nodes.deliver(nodes.network.findIndex((m) => m.type === "TakeResponse"));
  assert.equal(outcome(first), "1 leadership-lost");
  const again = nodes.take("b");
  assert.equal(sent(), 0);
  nodes.tick("b");
  assert.equal(sent(), 1);
  assert.equal(outcome(again), "1 waiting");
});

Deno.test("A leader serves what others forward, whatever it does for its own clients", () => {
  const nodes = Nodes.ledBy("abc", { forward: "no" });
  nodes.computer("b").node = undefined;
  nodes.start("b", { forward: "yes" });
  nodes.run(2);
  const asked = nodes.take("b");
  nodes.settle();
  assert.equal(outcome(asked), "1");
});

Deno.test("A node that ends answers its own clients and those of others", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.disk("b").stuck = true;
  nodes.disk("c").stuck = true;
  const asked = [nodes.take("b"), nodes.take("a")];
  nodes.deliver(nodes.network.findIndex(({ type }) => type === "Take"));
  nodes.crash("c");
  nodes.isolate("a");
  nodes.node("a").stop();
  nodes.run(electionTicks);
  assert.equal(outcome(asked[1]!), "1 leadership-lost");
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
});

Deno.test("A take that comes again after many others is executed no more", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("b", 5);
  const [old] = takesIn(nodes);
  nodes.settle();
  for (let i = 0; i < 100; i++) {
    nodes.take("b");
    nodes.settle();
  }
  nodes.network.push(old!);
  nodes.settle();
  const next = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(next), "106");
});
