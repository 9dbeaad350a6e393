// RAFT.JOIN as the leader sees it: which nodes it adds, and which ids it refuses. `join_test.ts`
// has the joining node.

import assert from "node:assert/strict";
import { blank, cluster, electionTicks, Nodes } from "../../../lib/nodes.ts";
import { addVoter, join, remove, settled } from "../../../lib/questions.ts";

Deno.test("A joining node becomes a voter when it has caught up", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.equal(nodes.servers("a"), "a(x)");
  nodes.run(electionTicks);
  assert.equal(nodes.servers("x"), "ax");
});

Deno.test("A repeated join of a member says OK and changes nothing", () => {
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

Deno.test("A join under a used id is refused: its disk may have forgotten its promises (PITFALLS 17, 30)", () => {
  const nodes = Nodes.ledBy("abc");
  for (const at of "abc") {
    const asked = join(nodes, at, { id: "b", incarnation: "another disk" });
    assert.equal(
      settled(nodes, asked),
      "cannot join: id b belongs to the server at b.example:1; take another --id " +
        "or, if that server's data is lost, send RAFT.REMOVESERVER b first",
    );
  }
});

Deno.test("A wiped node may join once its former incarnation was removed", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  nodes.disk("c").replace(blank("c", "another disk"));
  nodes.start("c");
  nodes.run(3 * electionTicks);
  assert.equal(nodes.stat("c", "last_log_index"), "0", "no node accepts it");
  assert.equal(settled(nodes, remove(nodes, "a", "c")), "ok");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "c", incarnation: "another disk" })),
    "ok",
  );
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("c"), "abc");
});

Deno.test("A join of a node of another cluster is refused", () => {
  const nodes = Nodes.ledBy("a");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x", cluster: "d".repeat(32) })),
    `cannot join: this is cluster ${cluster}`,
  );
});

Deno.test("A join with another server's address is refused, and says whose it is", () => {
  const nodes = Nodes.ledBy("a");
  assert.equal(
    settled(nodes, join(nodes, "a", { id: "x", address: "a.example:1" })),
    "cannot join: Found duplicate address in configuration: a.example:1; that is " +
      "server a's: if it is gone, send RAFT.REMOVESERVER a first",
  );
});

Deno.test("An id that RAFT.ADDVOTER added belongs to the first node that joins under it", () => {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.elect("a");
  addVoter(nodes, "a", { id: "x" });
  nodes.settle();
  assert.equal(settled(nodes, join(nodes, "a", { id: "x" })), "ok");
  assert.match(
    settled(nodes, join(nodes, "a", { id: "x", incarnation: "another disk" })),
    /^cannot join: id x belongs/,
  );
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("a"), "ax");
});
