// RAFT.TRANSFER: which server takes over, that it is begun once, and what is answered.

import assert from "node:assert/strict";
import type { PeerMessage } from "../../../../raft/core/types.ts";
import {
  changeTicks,
  electionTicks,
  Nodes,
  outcome,
} from "../../../lib/nodes.ts";
import {
  error,
  join,
  ok,
  settled,
  textOf,
  transfer,
} from "../../../lib/questions.ts";

function lose(nodes: Nodes, ...types: PeerMessage["type"][]): void {
  nodes.passes = ({ type }) => !types.includes(type);
}

Deno.test("RAFT.TRANSFER hands leadership to the voter that it names, whichever node is asked", () => {
  for (const at of "abc") {
    const nodes = Nodes.ledBy("abc");
    const asked = transfer(nodes, at, "b");
    nodes.run(2);
    assert.deepEqual(asked.answer, ok, at);
    assert.deepEqual(nodes.leaders, ["b"]);
    const take = nodes.take("b");
    nodes.settle();
    assert.deepEqual(take.given, [1n]);
  }
});

Deno.test("RAFT.TRANSFER without an id hands over to some other voter, once", () => {
  for (const at of "abc") {
    const nodes = Nodes.ledBy("abc");
    const asked = transfer(nodes, at);
    nodes.run(2);
    assert.deepEqual(asked.answer, ok, at);
    const { leaders } = nodes;
    assert(leaders.length === 1 && leaders[0] !== "a");
    // The election of `a`, and one more: the successor does not hand over in its turn.
    assert.equal(nodes.stat(leaders[0]!, "term"), "3");
  }
});

Deno.test("RAFT.TRANSFER to the leader says OK and changes nothing", () => {
  const nodes = Nodes.ledBy("abc");
  for (const at of "abc") {
    assert.equal(settled(nodes, transfer(nodes, at, "a")), "ok");
  }
  assert.deepEqual(nodes.leaders, ["a"]);
});

Deno.test("RAFT.TRANSFER says OK only when the former leader follows the new one", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = transfer(nodes, "a", "b");
  for (let i = 0; asked.answer === undefined; i++) {
    assert(i < 100, "it is never answered");
    if (nodes.network.length > 0) nodes.deliver();
    else for (const id of "abc") nodes.disk(id).finish();
  }
  assert.deepEqual(asked.answer, ok);
  assert.deepEqual(nodes.leaders, ["b"]);
});

Deno.test("RAFT.TRANSFER to a server that cannot lead is refused with the reason", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  settled(nodes, join(nodes, "a", { id: "x", nonvoter: true }));
  for (const at of "ab") {
    assert.equal(
      settled(nodes, transfer(nodes, at, "z")),
      "server z is no member",
    );
    assert.equal(
      settled(nodes, transfer(nodes, at, "x")),
      "server x at x.example:1 has no vote and cannot lead; " +
        "RAFT.PROMOTE x gives it one",
    );
  }
  nodes.crash("c");
  nodes.run(2 * electionTicks);
  assert.equal(
    settled(nodes, transfer(nodes, "b", "c")),
    "server c at c.example:1 does not answer: is it running?",
  );
  const alone = Nodes.ledBy("a");
  assert.equal(
    settled(alone, transfer(alone, "a")),
    "there is no other voter to take over",
  );
  assert.deepEqual(nodes.leaders, ["a"]);
});

Deno.test("RAFT.TRANSFER to a server that does not take over is given up, and the leader goes on", () => {
  for (const at of "ac") {
    const nodes = Nodes.ledBy("abc");
    lose(nodes, "TimeoutNow");
    const asked = transfer(nodes, at, "b");
    const take = nodes.take("a");
    nodes.run(electionTicks - 1);
    if (at === "a") assert.equal(outcome(take), "1 waiting");
    nodes.run(2);
    assert.deepEqual(
      asked.answer,
      error(
        "server b did not take over in time, and server a goes on leading: " +
          "is it running, or does it lag behind?",
      ),
    );
    assert.equal(outcome(take), "1", "it waited, and the leader went on");
  }
});

Deno.test("RAFT.TRANSFER after which a third server leads names that one", () => {
  const nodes = Nodes.ledBy("abc");
  lose(nodes, "TimeoutNow");
  const asked = transfer(nodes, "a", "b");
  nodes.settle();
  nodes.isolate("a");
  nodes.passes = () => true;
  nodes.crash("b");
  nodes.run(2 * electionTicks);
  assert.equal(asked.answer, undefined, "the next leader is not known yet");
  nodes.start("b");
  for (let i = 0; i < electionTicks; i++) nodes.tick("b");
  nodes.elect("c");
  nodes.heal();
  nodes.run(2);
  assert.deepEqual(
    asked.answer,
    error("server c leads now, and not b"),
  );
});

Deno.test("RAFT.TRANSFER whose leader is lost is not forwarded to the next one", () => {
  for (const id of ["b", "c", ""]) {
    const nodes = Nodes.ledBy("abc");
    lose(nodes, "Forward");
    const asked = transfer(nodes, "b", id);
    nodes.settle();
    nodes.crash("a");
    nodes.passes = () => true;
    for (let i = 0; i < electionTicks; i++) {
      for (const id of "bc") nodes.tick(id);
    }
    nodes.elect("c");
    nodes.run(2 * electionTicks);
    assert.deepEqual(nodes.leaders, ["c"], "leadership stays where it is");
    assert.equal(
      textOf(asked.answer),
      id === "b" ? "server c leads now, and not b" : "ok",
    );
  }
});

Deno.test("RAFT.TRANSFER is answered by the asking node when that one has become leader", () => {
  for (
    const [id, text] of [["b", "ok"], ["", "ok"], ["c", /^server b leads/]]
  ) {
    const nodes = Nodes.ledBy("abc");
    lose(nodes, "Forward");
    const asked = transfer(nodes, "b", id as string);
    nodes.settle();
    nodes.crash("a");
    nodes.passes = () => true;
    for (let i = 0; i < electionTicks; i++) {
      for (const id of "bc") nodes.tick(id);
    }
    nodes.elect("b");
    assert.match(textOf(asked.answer), new RegExp(text!));
  }
});

Deno.test("RAFT.TRANSFER is not taken for done when the same leader leads in a new term", () => {
  const nodes = Nodes.ledBy("abc");
  lose(nodes, "Forward");
  const asked = transfer(nodes, "b");
  nodes.settle();
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.start("a");
  for (let i = 0; i < electionTicks; i++) for (const id of "bc") nodes.tick(id);
  nodes.elect("a");
  nodes.run(2);
  assert.equal(
    asked.answer,
    undefined,
    "a may have got the request, and answer",
  );
  nodes.run(2 * changeTicks);
  assert.deepEqual(asked.answer, error("the leader did not answer in time"));
  assert.deepEqual(nodes.leaders, ["a"]);
});

Deno.test("Transfers at the same time are one, or the later one is refused", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.disk("b").stuck = true;
  nodes.take("a");
  const asked = [
    transfer(nodes, "a", "b"),
    transfer(nodes, "a"),
    transfer(nodes, "a", "b"),
    transfer(nodes, "a", "c"),
  ];
  nodes.settle();
  nodes.disk("b").stuck = false;
  nodes.run(2);
  assert.deepEqual(nodes.leaders, ["b"]);
  assert.deepEqual(asked.map(({ answer }) => textOf(answer)), [
    "ok",
    "ok",
    "ok",
    "server b is taking over already",
  ]);
});

Deno.test("RAFT.TRANSFER without a leader waits for one, and is refused when none comes", () => {
  const nodes = Nodes.of("abc");
  const asked = transfer(nodes, "b", "c");
  nodes.run(6 * electionTicks);
  assert.deepEqual(asked.answer, ok);
  assert.deepEqual(nodes.leaders, ["c"]);

  nodes.crash("a");
  nodes.crash("c");
  nodes.run(3 * electionTicks);
  const late = transfer(nodes, "b", "c");
  nodes.run(2 * changeTicks);
  assert.match(
    textOf(late.answer),
    /^node is not the leader, and there is none: 2 of .*; nothing was changed$/,
  );
});

Deno.test("RAFT.TRANSFER whose leader vanishes without a successor is given up", () => {
  for (const at of "ab") {
    const nodes = Nodes.ledBy("abc");
    lose(nodes, "TimeoutNow", "ForwardResponse");
    const asked = transfer(nodes, at, "c");
    nodes.settle();
    for (const id of "abc") if (id !== at) nodes.crash(id);
    nodes.run(2 * changeTicks);
    assert.match(
      textOf(asked.answer),
      at === "a" ? /whether it was done before that is not known$/ : /in time$/,
    );
  }
});
