// Changes of members asked of the leader: what is done, refused, or has to wait.

import assert from "node:assert/strict";
import {
  blank,
  changeTicks,
  cluster,
  electionTicks,
  Nodes,
} from "../../../lib/nodes.ts";
import {
  addVoter,
  error,
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

Deno.test("RAFT.ADDVOTER of an address where nobody lives costs no quorum, and ends", () => {
  const nodes = Nodes.ledBy("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  for (let ticks = 0; asked.answer === undefined; ticks++) {
    assert(ticks <= changeTicks, "it never ends");
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

Deno.test("RAFT.ADDVOTER does not say that a server is not added before that is sure", () => {
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

Deno.test("RAFT.ADDVOTER leaves a learner that joined by itself where it is", () => {
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

Deno.test("RAFT.ADDVOTER asked twice says OK twice", () => {
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

Deno.test("RAFT.ADDVOTER does not say OK of a server that was removed meanwhile", () => {
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
    incarnation: "life of c",
  });
});

Deno.test("RAFT.ADDVOTER says what is wrong in the original's words", () => {
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

Deno.test("A change builds on the configuration that it names", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(
    settled(nodes, remove(nodes, "a", "c", { prevIndex: 1n })),
    "ok",
  );
  const latest = nodes.stat("a", "latest_configuration_index");
  assert.equal(
    settled(nodes, remove(nodes, "a", "b", { prevIndex: 1n })),
    `Configuration changed since 1 (latest is ${latest})`,
  );
  assert.equal(
    settled(
      nodes,
      remove(nodes, "b", "b", { prevIndex: BigInt(latest), force: true }),
    ),
    "ok",
  );
});

Deno.test("A 65th server is one too many", () => {
  const nodes = Nodes.ledBy("a");
  for (let i = 1; i < 64; i++) {
    assert.equal(settled(nodes, join(nodes, "a", { id: `x${i}` })), "ok");
  }
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x64" })),
    "cannot join: 65 servers are more than 64",
  );
  assert.match(
    settled(nodes, addVoter(nodes, "a", { id: "x64" })),
    /^65 servers are more than 64$/,
  );
});

Deno.test("What a client sends too long kills neither its node nor the leader", () => {
  const nodes = Nodes.ledBy("ab");
  const long = "\x01".repeat(60_000);
  for (const at of "ab") {
    const asked = [
      addVoter(nodes, at, { id: long, address: long }),
      addVoter(nodes, at, { id: "x", address: long.slice(0, 10_800) }),
      remove(nodes, at, long),
      join(nodes, at, { id: "x", incarnation: long }),
    ];
    nodes.settle();
    assert.equal(nodes.computer("a").end, undefined);
    assert.equal(nodes.computer("b").end, undefined);
    for (const { answer } of asked) {
      assert.match(textOf(answer), /more than 255 bytes/);
    }
  }
});

Deno.test("RAFT.REMOVESERVER removes a follower, and answers OK for who is no member", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(nodes.servers("a"), "ab");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(settled(nodes, remove(nodes, "a", "nobody")), "ok");
});

Deno.test("RAFT.REMOVESERVER of who is gone already waits until that is committed", () => {
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

  // The removed node knows, and is quiet until it is stopped.
  const term = nodes.stat(leader, "term");
  nodes.run(10 * electionTicks);
  assert.deepEqual(nodes.leaders, [leader]);
  assert.equal(nodes.stat(leader, "term"), term);
});

Deno.test("RAFT.REMOVESERVER of the leader waits until it has done what came before", () => {
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

Deno.test("RAFT.REMOVESERVER of the leader, asked of a follower, is done as well", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "b", "a");
  nodes.run(3);
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers(nodes.leaders[0]!), "bc");
});

Deno.test("Two voters that are to remove themselves do not hand over for ever", () => {
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

Deno.test("A joining node becomes a voter when it has caught up", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.equal(nodes.servers("a"), "a(x)");
  nodes.run(electionTicks);
  assert.equal(nodes.servers("x"), "ax");
});

Deno.test("A node that joins again as it was is welcome", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(settled(nodes, join(nodes, "a", { id: "b" })), "ok");
  assert.equal(nodes.stat("a", "latest_configuration_index"), "1");
});

Deno.test("A member that joins from another address keeps its vote", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = join(nodes, "a", { id: "b", address: "b.elsewhere:1" });
  assert.equal(settled(nodes, asked), "ok");
  assert.equal(nodes.servers("a"), "abc");
  assert.match(
    nodes.stat("a", "latest_configuration"),
    /ID:b Address:b\.elsewhere:1/,
  );
});

Deno.test("A used id is refused: its disk may have forgotten its promises (PITFALLS 17, 30)", () => {
  const nodes = Nodes.ledBy("abc");
  for (const at of "abc") {
    const asked = join(nodes, at, { id: "b", incarnation: "another life" });
    assert.equal(
      settled(nodes, asked),
      "cannot join: id b belongs to the server at b.example:1; take another --id " +
        "or, if that server's data is lost, send RAFT.REMOVESERVER b first",
    );
  }
});

Deno.test("A wiped node joins again once its former self was removed", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  nodes.disk("c").replace(blank("c", "another life"));
  nodes.start("c");
  nodes.run(3 * electionTicks);
  assert.equal(nodes.stat("c", "last_log_index"), "0", "nobody talks to it");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "c", incarnation: "another life" })),
    "ok",
  );
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("c"), "abc");
});

Deno.test("A node of another cluster is refused", () => {
  const nodes = Nodes.ledBy("a");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x", cluster: "d".repeat(32) })),
    `cannot join: this is cluster ${cluster}`,
  );
});

Deno.test("A joining node is told what is wrong with its address", () => {
  const nodes = Nodes.ledBy("a");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x", address: "a.example:1" })),
    "cannot join: Found duplicate address in configuration: a.example:1; that is " +
      "server a's: if it is gone, send RAFT.REMOVESERVER a first",
  );
});

Deno.test("An id added by RAFT.ADDVOTER belongs to the first who joins under it", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  addVoter(nodes, "a", { id: "x" });
  nodes.settle();
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.match(
    settled(nodes, join(nodes, "a", { id: "x", incarnation: "another" })),
    /^cannot join: id x belongs/,
  );
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("a"), "ax");
});

Deno.test("RAFT.ADDVOTER makes a voter only of a server whose disk is known (PITFALLS 17)", () => {
  const nodes = Nodes.of("ab", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.run(3 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  for (const id of "abx") {
    assert.equal(nodes.node(id).members.incarnationOf("x"), "life of x");
  }
  // Wiped, it has forgotten what it voted and acknowledged: nobody talks to it.
  nodes.crash("x");
  nodes.disk("x").replace(blank("x", "another life"));
  nodes.start("x");
  nodes.crash("a");
  nodes.run(6 * electionTicks);
  assert.equal(nodes.stat("b", "state"), "Candidate");
  assert.equal(nodes.stat("x", "last_log_index"), "0");
});

Deno.test("Changes asked at once are done one by one, and all answered", () => {
  const nodes = Nodes.of("abc", { spares: "xyz" });
  nodes.elect("a");
  const asked = [
    addVoter(nodes, "a", { id: "x" }),
    join(nodes, "b", { id: "y" }),
    remove(nodes, "c", "b"),
    addVoter(nodes, "c", { id: "z" }),
    remove(nodes, "a", "nobody"),
  ];
  nodes.run(6 * electionTicks);
  assert.deepEqual(asked.map(({ answer }) => answer), asked.map(() => ok));
  assert.deepEqual([...nodes.servers("a")].toSorted().join(""), "acxyz");
});

Deno.test("The 101st change that waits is refused", () => {
  const nodes = Nodes.of("abc");
  for (let i = 0; i < 100; i++) remove(nodes, "a", "c");
  assert.deepEqual(
    remove(nodes, "a", "c").answer,
    error("too many configuration changes are waiting"),
  );
});

Deno.test("A leader that was replaced does not say that a change is done already", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  nodes.isolate("a");
  for (let i = 0; !nodes.leaders.some((id) => id !== "a"); i++) {
    assert(i < 100);
    for (const id of "bc") nodes.tick(id);
    nodes.settle();
  }
  const asked = remove(nodes, "a", "x");
  nodes.settle();
  assert.equal(asked.answer, undefined, "who knows whether x was added?");
  nodes.heal();
  nodes.run(5);
  assert.deepEqual(asked.answer, ok, "the new leader says so");
});
