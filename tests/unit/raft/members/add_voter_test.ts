// RAFT.ADDVOTER: a learner first, a voter when it has caught up, and what is refused.

import assert from "node:assert/strict";
import {
  blank,
  changeTicks,
  electionTicks,
  Nodes,
} from "../../../lib/nodes.ts";
import {
  addVoter,
  error,
  incarnationOf,
  join,
  ok,
  remove,
  settled,
  textOf,
} from "../../../lib/questions.ts";

Deno.test("RAFT.ADDVOTER adds a learner, and says OK when it has become a voter", () => {
  const nodes = Nodes.of("abc", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  assert.equal(nodes.servers("a"), "abc(x)");
  nodes.settle();
  assert.equal(asked.answer, undefined);
  nodes.run(electionTicks);
  assert.deepEqual(asked.answer, ok);
  for (const id of "abcx") assert.equal(nodes.servers(id), "abcx");
});

Deno.test("RAFT.ADDVOTER says OK only when the promotion is committed", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  // The promotion needs the new voter's own disk.
  for (let i = 0; nodes.servers("a") !== "ax"; i++) {
    assert(i < 2 * electionTicks, "x is never promoted");
    nodes.settle();
    nodes.tick("a");
  }
  nodes.disk("x").stuck = true;
  nodes.run(2);
  assert.equal(asked.answer, undefined);
  nodes.disk("x").stuck = false;
  nodes.run();
  assert.deepEqual(asked.answer, ok);
});

Deno.test("RAFT.ADDVOTER of an address without a node costs no quorum, and is given up", () => {
  const nodes = Nodes.ledBy("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  for (let ticks = 0; asked.answer === undefined; ticks++) {
    assert(ticks <= changeTicks, "it is never answered");
    const take = nodes.take("a");
    nodes.run();
    assert.equal(take.left, 0, "tickets go on meanwhile");
  }
  assert.deepEqual(
    asked.answer,
    error(
      "server x at x.example:1 did not catch up in time and was not added: " +
        "is it running, and was it started with --join?",
    ),
  );
  nodes.settle();
  assert.equal(nodes.servers("a"), "a");
});

Deno.test("RAFT.ADDVOTER says that a server was not added only once it is taken out again", () => {
  const nodes = Nodes.of("abc");
  nodes.crash("a");
  nodes.start("a", { changeTicks: 3 });
  nodes.elect("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.settle();
  for (const id of "bc") nodes.disk(id).stuck = true;
  remove(nodes, "a", "c");
  nodes.run(3);
  assert.equal(asked.answer, undefined, "another change is under way");
  for (const id of "bc") nodes.disk(id).stuck = false;
  nodes.run(2);
  assert.match(textOf(asked.answer), /was not added/);
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("RAFT.ADDVOTER leaves a learner that joined by itself a learner", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  nodes.isolate("x");
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.run(2 * changeTicks);
  assert.match(
    textOf(asked.answer),
    /^server x at x\.example:1 has not caught up yet/,
  );
  assert.equal(nodes.servers("a"), "a(x)");
});

Deno.test("RAFT.ADDVOTER of the same server says OK however often it is asked", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  const asked = [
    addVoter(nodes, "a", { id: "x" }),
    addVoter(nodes, "a", { id: "x" }),
  ];
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.map(({ answer }) => answer), [ok, ok]);
  assert.equal(settled(nodes, addVoter(nodes, "a", { id: "x" })), "ok");
  assert.equal(nodes.servers("a"), "ax");
});

Deno.test("RAFT.ADDVOTER does not say OK when the server was removed meanwhile", () => {
  const nodes = Nodes.ledBy("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.settle();
  assert.equal(settled(nodes, remove(nodes, "a", "x")), "ok");
  assert.equal(settled(nodes, asked), "server x was removed meanwhile");
});

Deno.test("RAFT.ADDVOTER moves a voter to another address", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = addVoter(nodes, "a", { id: "c", address: "elsewhere:1" });
  assert.equal(settled(nodes, asked), "ok");
  const { answer } = nodes.ask("a", { type: "configuration" });
  assert(answer?.type === "servers");
  assert.deepEqual(answer.servers[2], {
    id: "c",
    address: "elsewhere:1",
    suffrage: "voter",
    incarnation: incarnationOf("c"),
  });
});

Deno.test("RAFT.ADDVOTER refuses a faulty server in the original's words", () => {
  const nodes = Nodes.ledBy("a");
  const cases: [Parameters<typeof addVoter>[2], RegExp][] = [
    [
      { id: "x", prevIndex: 7777n },
      /^Configuration changed since 7777 \(latest is 1\)$/,
    ],
    [{ id: "" }, /^Empty ID in configuration: \{/],
    [{ id: "5", address: "" }, /^Empty address in configuration: \{\w+ 5 \}$/],
    [
      { id: "5", address: "a.example:1" },
      /^Found duplicate address in configuration: a\.example:1$/,
    ],
    [
      { id: "a b", address: "x:1" },
      /^Invalid ID in configuration: a b is not 1 to 64 of/,
    ],
    [
      { id: "x".repeat(65), address: "x:1" },
      /^Invalid ID in configuration: x+ is not/,
    ],
    [
      { id: "x", address: "x" },
      /^Invalid address in configuration: x is not HOST:PORT$/,
    ],
    [
      { id: "x", address: "x:65536" },
      /^Invalid address in configuration: x:65536/,
    ],
    [
      { id: "x", address: "0.0.0.0:1" },
      /^Invalid address in configuration: 0\.0\.0\.0:1 names every address/,
    ],
  ];
  for (const [asked, text] of cases) {
    assert.match(settled(nodes, addVoter(nodes, "a", asked)), text);
  }
  assert.equal(nodes.stat("a", "latest_configuration_index"), "1");
});

Deno.test("RAFT.ADDVOTER makes a voter only of a server whose disk is known (PITFALLS 17)", () => {
  const nodes = Nodes.of("ab", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.run(3 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  for (const id of "abx") {
    assert.equal(nodes.node(id).members.incarnationOf("x"), incarnationOf("x"));
  }
  // Wiped, it has forgotten its votes and acknowledgements: no node accepts it.
  nodes.crash("x");
  nodes.disk("x").replace(blank("x", "another disk"));
  nodes.start("x");
  nodes.crash("a");
  nodes.run(6 * electionTicks);
  assert.equal(nodes.stat("b", "state"), "Candidate");
  assert.equal(nodes.stat("x", "last_log_index"), "0");
});
