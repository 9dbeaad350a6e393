// Nonvoters: members that are added, promoted and demoted, and whose votes never count.

import assert from "node:assert/strict";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addNonvoter,
  addVoter,
  demote,
  error,
  join,
  ok,
  promote,
  remove,
  settled,
  textOf,
} from "../../../lib/questions.ts";

/** Three voters, led by the first, and nonvoter x, which has the whole log. */
function withNonvoter(): Nodes {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  assert.equal(
    settled(nodes, join(nodes, "b", { id: "x", nonvoter: true })),
    "ok",
  );
  nodes.run(3 * electionTicks);
  assert.equal(nodes.servers("x"), "abc[x]");
  return nodes;
}

Deno.test("RAFT.ADDNONVOTER adds a member that stays without a vote", () => {
  for (const at of "ab") {
    const nodes = Nodes.ledBy("abc", { spares: "x" });
    assert.equal(settled(nodes, addNonvoter(nodes, at, { id: "x" })), "ok");
    nodes.run(4 * electionTicks);
    for (const id of "abcx") assert.equal(nodes.servers(id), "abc[x]");
    const take = nodes.take("a", 3);
    nodes.run(2);
    assert.equal(take.left, 0);
    assert.equal(nodes.node("x").lastTicket, 3n);
    assert.equal(settled(nodes, addNonvoter(nodes, at, { id: "x" })), "ok");
  }
});

Deno.test("RAFT.ADDNONVOTER says OK only when the change is committed", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "bc") nodes.disk(id).stuck = true;
  const asked = [
    addNonvoter(nodes, "a", { id: "x" }),
    addNonvoter(nodes, "a", { id: "x" }),
  ];
  nodes.settle();
  assert.deepEqual(asked.map(({ answer }) => answer), [undefined, undefined]);
  for (const id of "bc") nodes.disk(id).stuck = false;
  nodes.settle();
  assert.deepEqual(asked.map(({ answer }) => answer), [ok, ok]);
});

Deno.test("RAFT.ADDNONVOTER of a voter is refused, and names the command that takes a vote away", () => {
  const nodes = Nodes.ledBy("abc");
  for (const address of ["c.example:1", "elsewhere:1"]) {
    assert.equal(
      settled(nodes, addNonvoter(nodes, "b", { id: "c", address })),
      "server c at c.example:1 has a vote; RAFT.DEMOTE c takes it away",
    );
  }
  assert.equal(nodes.servers("a"), "abc");
});

Deno.test("RAFT.ADDNONVOTER makes a learner a nonvoter, and changes its address", () => {
  const nodes = Nodes.ledBy("a", { spares: "x" });
  nodes.isolate("x");
  const adding = addVoter(nodes, "a", { id: "x" });
  nodes.settle();
  const moved = addNonvoter(nodes, "a", { id: "x", address: "x:2" });
  assert.equal(settled(nodes, moved), "ok");
  assert.equal(nodes.servers("a"), "a[x]");
  assert.match(
    nodes.stat("a", "latest_configuration"),
    /\{Suffrage:Nonvoter ID:x Address:x:2\}/,
  );
  assert.deepEqual(
    adding.answer,
    error("server x was made a nonvoter meanwhile"),
  );
});

Deno.test("RAFT.ADDNONVOTER refuses a faulty server in the words of RAFT.ADDVOTER", () => {
  const nodes = Nodes.ledBy("a");
  const cases: [Parameters<typeof addNonvoter>[2], RegExp][] = [
    [{ id: "x", prevIndex: 7777n }, /^Configuration changed since 7777/],
    [{ id: "" }, /^Empty ID in configuration: \{Nonvoter {2}/],
    [{ id: "x", address: "a.example:1" }, /^Found duplicate address/],
    [{ id: "x", address: "x" }, /x is not HOST:PORT$/],
  ];
  for (const [asked, text] of cases) {
    assert.match(settled(nodes, addNonvoter(nodes, "a", asked)), text);
  }
});

Deno.test("RAFT.PROMOTE says OK when the nonvoter has become a voter", () => {
  for (const at of "abx") {
    const nodes = withNonvoter();
    const asked = promote(nodes, at, "x");
    nodes.run(2 * electionTicks);
    assert.deepEqual(asked.answer, ok, at);
    for (const id of "abcx") assert.equal(nodes.servers(id), "abcx");
    assert.equal(settled(nodes, promote(nodes, at, "x")), "ok", "asked again");
  }
});

Deno.test("RAFT.PROMOTE of a server that is down says that it is a learner now", () => {
  const nodes = withNonvoter();
  nodes.crash("x");
  const asked = promote(nodes, "a", "x");
  nodes.run(changeTicks);
  assert.deepEqual(
    asked.answer,
    error(
      "server x at x.example:1 has not caught up yet: it is a learner, and " +
        "becomes a voter as soon as it has",
    ),
  );
  assert.equal(nodes.servers("a"), "abc(x)");
  nodes.start("x");
  nodes.run(3 * electionTicks);
  assert.equal(nodes.servers("a"), "abcx");
});

Deno.test("RAFT.PROMOTE and RAFT.DEMOTE of a server that is no member are refused", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(
    settled(nodes, promote(nodes, "b", "x")),
    "server x is no member; RAFT.ADDVOTER adds one",
  );
  assert.equal(
    settled(nodes, demote(nodes, "b", "x")),
    "server x is no member; nothing was changed",
  );
});

Deno.test("RAFT.ADDVOTER of a nonvoter gives it a vote", () => {
  const nodes = withNonvoter();
  const asked = addVoter(nodes, "c", { id: "x" });
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers("x"), "abcx");
});

Deno.test("RAFT.ADDVOTER of a nonvoter that does not catch up leaves it a nonvoter", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(settled(nodes, addNonvoter(nodes, "a", { id: "x" })), "ok");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.run(changeTicks + 5);
  assert.match(
    textOf(asked.answer),
    /did not catch up .* stays a nonvoter: is it /,
  );
  assert.equal(nodes.servers("a"), "abc[x]");
});

Deno.test("RAFT.DEMOTE takes a follower's vote away for good", () => {
  const nodes = Nodes.ledBy("abc");
  for (const at of "cba") {
    assert.equal(settled(nodes, demote(nodes, at, "c")), "ok", at);
  }
  nodes.run(4 * electionTicks);
  for (const id of "abc") assert.equal(nodes.servers(id), "ab[c]");
  nodes.crash("a");
  nodes.run(6 * electionTicks);
  assert.deepEqual(nodes.leaders, [], "c's vote does not count");
  assert.equal(nodes.stat("c", "state"), "Follower");
});

Deno.test("RAFT.DEMOTE of a learner makes it a nonvoter", () => {
  const nodes = Nodes.ledBy("a", { spares: "x" });
  nodes.isolate("x");
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.equal(settled(nodes, demote(nodes, "a", "x")), "ok");
  nodes.heal();
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("x"), "a[x]");
});

Deno.test("RAFT.DEMOTE of the leader hands over, and the successor demotes it", () => {
  for (const at of "ab") {
    const nodes = Nodes.ledBy("abc");
    const asked = demote(nodes, at, "a");
    nodes.run(3);
    assert.deepEqual(asked.answer, ok);
    const [leader, ...others] = nodes.leaders;
    assert(leader !== undefined && leader !== "a" && others.length === 0);
    assert.equal(nodes.servers(leader), "[a]bc");
    // It is still a member, and gets the log.
    const take = nodes.take(leader);
    nodes.run(2);
    assert.deepEqual(take.given, [1n]);
    assert.equal(nodes.node("a").lastTicket, 1n);
    assert.equal(settled(nodes, demote(nodes, at, "a")), "ok", "asked again");
  }
});

Deno.test("A leader demotes itself when no successor takes over", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.passes = ({ type }) => type !== "TimeoutNow";
  const asked = demote(nodes, "a", "a");
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  nodes.passes = () => true;
  assert.equal(nodes.servers(nodes.awaitLeader()), "[a]bc");
});

Deno.test("RAFT.PROMOTE gives a vote back that RAFT.DEMOTE took away", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(settled(nodes, demote(nodes, "a", "b")), "ok");
  const asked = promote(nodes, "a", "b");
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers("c"), "abc");
});

Deno.test("RAFT.PROMOTE and RAFT.DEMOTE are done only on the configuration that they name", () => {
  const nodes = withNonvoter();
  const stale = /^Configuration changed since 1 \(latest is \d+\)$/;
  assert.match(
    settled(nodes, demote(nodes, "b", "c", { prevIndex: 1n })),
    stale,
  );
  assert.match(settled(nodes, promote(nodes, "b", "x", 1n)), stale);
  const latest = () => BigInt(nodes.stat("a", "latest_configuration_index"));
  const asked = demote(nodes, "b", "c", { prevIndex: latest() });
  assert.equal(settled(nodes, asked), "ok");
  const promoted = promote(nodes, "b", "x", latest());
  nodes.run(2 * electionTicks);
  assert.deepEqual(promoted.answer, ok);
});

Deno.test("A repeated join changes nobody's suffrage, whatever the node was started with", () => {
  const nodes = withNonvoter();
  for (const nonvoter of [false, true]) {
    const address = `x.elsewhere:${nonvoter ? 1 : 2}`;
    const asked = join(nodes, "a", { id: "x", address, nonvoter });
    assert.equal(settled(nodes, asked), "ok");
    assert.equal(nodes.servers("a"), "abc[x]");
  }
  const promoted = promote(nodes, "a", "x");
  nodes.run(2 * electionTicks);
  assert.deepEqual(promoted.answer, ok);
  assert.equal(
    settled(nodes, join(nodes, "b", { id: "x", nonvoter: true })),
    "ok",
  );
  assert.equal(
    nodes.servers("a").at(-1),
    "x",
    "a late join takes no vote away",
  );
});

Deno.test("A nonvoter that RAFT.ADDNONVOTER added gets no vote when it joins by itself", () => {
  const nodes = Nodes.ledBy("a", { spares: "x" });
  nodes.isolate("x");
  assert.equal(settled(nodes, addNonvoter(nodes, "a", { id: "x" })), "ok");
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  nodes.heal();
  nodes.run(3 * electionTicks);
  assert.equal(nodes.servers("x"), "a[x]");
});

Deno.test("RAFT.REMOVESERVER of a nonvoter needs no FORCE, however few voters there are", () => {
  const nodes = Nodes.ledBy("ab", { spares: "x" });
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x", nonvoter: true })),
    "ok",
  );
  nodes.run();
  assert.equal(settled(nodes, remove(nodes, "x", "x")), "ok");
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("RAFT.PROMOTE does not say OK when the server was removed meanwhile", () => {
  const nodes = withNonvoter();
  nodes.crash("x");
  const asked = promote(nodes, "a", "x");
  nodes.settle();
  assert.equal(settled(nodes, remove(nodes, "a", "x")), "ok");
  assert.equal(textOf(asked.answer), "server x was removed meanwhile");
});
