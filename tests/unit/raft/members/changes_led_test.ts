// What holds for every change on the leader: limits, order, the configuration that it builds
// on, and when "done already" may be said.

import assert from "node:assert/strict";
import { electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addVoter,
  error,
  join,
  ok,
  remove,
  settled,
  textOf,
} from "../../../lib/questions.ts";

Deno.test("A change is made only on the configuration that it names", () => {
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

Deno.test("A 65th server is refused", () => {
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

Deno.test("A text of more than 255 bytes is refused, and ends neither its node nor the leader", () => {
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

Deno.test("Changes asked at the same time are made one by one, and all answered", () => {
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
  assert.equal(asked.answer, undefined, "another leader may have added x");
  nodes.heal();
  nodes.run(5);
  assert.deepEqual(asked.answer, ok, "the new leader answers");
});
