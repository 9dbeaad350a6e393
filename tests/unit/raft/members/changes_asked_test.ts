// Changes asked of a node that does not lead: it forwards them, asks again when their leader
// is lost, and brings the answers back. What becomes of a change that a lost leader had
// begun is in `change_lost_test.ts`.

import assert from "node:assert/strict";
import { changeTicks, electionTicks, Nodes } from "../../../lib/nodes.ts";
import {
  addVoter,
  error,
  ok,
  remove,
  settled,
} from "../../../lib/questions.ts";

Deno.test("Without a leader a change waits, and is refused when its time is up", () => {
  const nodes = Nodes.of("abc");
  nodes.isolate("b");
  const asked = remove(nodes, "b", "c");
  nodes.run(changeTicks);
  assert.equal(asked.answer, undefined);
  nodes.run(changeTicks);
  assert.deepEqual(
    asked.answer,
    error(
      "node is not the leader, and there is none: 2 of the voters " +
        "a (a.example:1), b (b.example:1), c (c.example:1) must be up; " +
        "nothing was changed",
    ),
  );

  nodes.heal();
  nodes.run(2 * electionTicks);
  const again = remove(nodes, "b", "c");
  nodes.run(4 * electionTicks);
  assert.deepEqual(again.answer, ok);
});

Deno.test("A follower forwards a change to the leader, and answers as the leader does", () => {
  const nodes = Nodes.of("abc", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "b", { id: "x" });
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  assert.match(
    settled(nodes, addVoter(nodes, "b", { id: "y", prevIndex: 7777n })),
    /^Configuration changed since 7777/,
  );
});

Deno.test("A change whose leader is lost is forwarded to the next one", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("ForwardResponse");
  const asked = remove(nodes, "b", "nobody");
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.awaitLeader();
  nodes.run();
  assert.deepEqual(asked.answer, ok);
});

Deno.test("A change that was lost on its way is forwarded again when its leader leads in a new term", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = remove(nodes, "b", "nobody");
  nodes.settle();
  assert.equal(forwards.length, 1);
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.start("a");
  // The others have just stopped hearing it, and take it for the leader still.
  for (let i = 0; i < electionTicks; i++) for (const id of "bc") nodes.tick(id);
  nodes.elect("a");
  nodes.run(2);
  assert.deepEqual(asked.answer, ok);
});

Deno.test("A change that names its configuration is not asked again: it may be done", () => {
  for (const at of "ab") {
    const nodes = Nodes.ledBy("abc");
    nodes.keepBack("ForwardResponse");
    const asked = remove(nodes, at, "c", { prevIndex: 1n });
    if (at === "a") nodes.isolate("a");
    else nodes.settle();
    assert.equal(asked.answer, undefined);
    if (at === "b") nodes.isolate("a");
    nodes.run(4 * electionTicks);
    nodes.heal();
    nodes.run(2);
    assert.deepEqual(
      asked.answer,
      error("leadership lost while committing log"),
      at,
    );
  }
});

Deno.test("A promotion whose leader is lost is finished by the next one", () => {
  const nodes = Nodes.of("abc", { spares: "x" });
  nodes.elect("a");
  const asked = addVoter(nodes, "b", { id: "x" });
  nodes.isolate("x");
  nodes.run();
  assert.equal(nodes.servers("b"), "abc(x)");
  nodes.crash("a");
  nodes.heal();
  nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.deepEqual(asked.answer, ok);
});

Deno.test("A change that its leader never answers is given up", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("Forward");
  const asked = remove(nodes, "b", "c");
  nodes.run(2 * changeTicks);
  assert.deepEqual(asked.answer, error("the leader did not answer in time"));
});

Deno.test("A change that no majority saves is given up as not committed", () => {
  const nodes = Nodes.of("abc");
  nodes.crash("a");
  nodes.start("a", { changeTicks: 3 });
  nodes.elect("a");
  for (const id of "bc") nodes.disk(id).stuck = true;
  const asked = remove(nodes, "a", "c");
  nodes.run(3);
  assert.deepEqual(
    asked.answer,
    error("the change is not committed: a majority does not answer"),
  );
});

Deno.test("A node that turned a change away is not asked again within the same tick", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = remove(nodes, "b", "c");
  const [forward] = forwards;
  assert(forward?.type === "Forward");
  for (let i = 0; i < 3; i++) {
    nodes.hand({
      ...forward,
      type: "ForwardResponse",
      from: "a",
      to: "b",
      data: new TextEncoder().encode(
        '{"type":"error","text":"node is not the leader"}',
      ),
    });
  }
  assert.equal(forwards.length, 1);
  nodes.tick("b");
  assert.equal(forwards.length, 2);
  nodes.passes = () => true;
  nodes.run(2 * changeTicks);
  assert.notEqual(asked.answer, undefined);
});

Deno.test("A Forward that arrives twice is answered once", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "b", "c");
  const at = nodes.network.findIndex(({ type }) => type === "Forward");
  nodes.deliver(at, { keep: true });
  nodes.deliver(at);
  nodes.settle();
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("An answer to a Forward of a former process is ignored", () => {
  const nodes = Nodes.ledBy("abc");
  const late = nodes.keepBack("ForwardResponse");
  remove(nodes, "b", "nobody");
  nodes.settle();
  nodes.crash("b");
  nodes.start("b");
  nodes.run();
  const asked = addVoter(nodes, "b", { id: "x" });
  nodes.settle();
  assert.equal(late.length, 1);
  nodes.hand(late[0]!);
  assert.equal(asked.answer, undefined);
});

Deno.test("A follower turns away what another node forwards to it", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.hand({
    type: "Forward",
    from: "c",
    to: "b",
    id: 1,
    data: new TextEncoder().encode(
      '{"type":"remove-server","id":"c","prevIndex":"0"}',
    ),
  });
  const answer = nodes.network.pop();
  assert(answer?.type === "ForwardResponse" && answer.to === "c");
  assert.match(new TextDecoder().decode(answer.data), /node is not the leader/);
});
