// Changes asked of a node that does not lead: passed on, asked again, told back.

import assert from "node:assert/strict";
import type { Forward } from "../../../../raft/core/types.ts";
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

Deno.test("A follower passes a change on to the leader, and its answer back", () => {
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

Deno.test("A change whose leader is lost is asked again of the next", () => {
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

Deno.test("A change that was lost on its way is asked again of the same leader in a new term", () => {
  const nodes = Nodes.ledBy("abc");
  const forwards = nodes.keepBack("Forward");
  const asked = remove(nodes, "b", "nobody");
  nodes.settle();
  assert.equal(forwards.length, 1);
  nodes.crash("a");
  nodes.passes = () => true;
  nodes.start("a");
  // The others have just stopped hearing it, and have not yet given it up.
  for (let i = 0; i < electionTicks; i++) for (const id of "bc") nodes.tick(id);
  nodes.elect("a");
  nodes.run(2);
  assert.deepEqual(asked.answer, ok);
});

Deno.test("A change that named its footing is not asked again: it may be done already", () => {
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

Deno.test("A leader that is lost while it promotes leaves the rest to the next", () => {
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

Deno.test("A change whose leader never answers ends, saying so", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.keepBack("Forward");
  const asked = remove(nodes, "b", "c");
  nodes.run(2 * changeTicks);
  assert.deepEqual(asked.answer, error("the leader did not answer in time"));
});

Deno.test("A leader says of a change that its majority does not save: not committed", () => {
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

Deno.test("A node that turned a question away is not asked again in the same tick", () => {
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

Deno.test("A question that comes twice is answered once", () => {
  const nodes = Nodes.ledBy("abc");
  const asked = remove(nodes, "b", "c");
  const at = nodes.network.findIndex(({ type }) => type === "Forward");
  nodes.deliver(at, { keep: true });
  nodes.deliver(at);
  nodes.settle();
  assert.deepEqual(asked.answer, ok);
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("An answer to a question of a former life answers nothing of this one", () => {
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

function forward(data: string): Forward {
  return {
    type: "Forward",
    from: "b",
    to: "a",
    id: 1,
    data: new TextEncoder().encode(data),
  };
}

Deno.test("A follower that is asked for the leader turns the question away", () => {
  const nodes = Nodes.ledBy("abc");
  const question = '{"type":"remove-server","id":"c","prevIndex":"0"}';
  nodes.hand({ ...forward(question), from: "c", to: "b" });
  const answer = nodes.network.pop();
  assert(answer?.type === "ForwardResponse" && answer.to === "c");
  assert.match(new TextDecoder().decode(answer.data), /node is not the leader/);
});

Deno.test("A question that cannot be read is answered, and changes nothing", () => {
  const nodes = Nodes.ledBy("ab");
  const questions = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"remove-server"',
    "{}",
    '{"type":"remove-server"}',
    '{"type":"remove-server","id":"b"}',
    '{"type":"remove-server","id":"b","prevIndex":0}',
    '{"type":"remove-server","id":"b","prevIndex":"-1"}',
    '{"type":"remove-server","id":7,"prevIndex":"0"}',
    '{"type":"remove-server","id":"b","prevIndex":"123456789012345678901"}',
    '{"type":"add-voter","id":"x","prevIndex":"0"}',
    '{"type":"join","id":"x","address":"x:1","incarnation":"1"}',
    '{"type":"snapshot","id":"x","prevIndex":"0"}',
    "\xff\xfe",
  ];
  for (const question of questions) {
    nodes.hand(forward(question));
    const answer = nodes.network.pop();
    assert(answer?.type === "ForwardResponse", question);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(answer.data)), {
      type: "error",
      text: "the leader does not know this command",
    });
    nodes.settle();
  }
  assert.equal(nodes.servers("a"), "ab");
});

Deno.test("An answer that cannot be read is an error, and a foreign one is none", () => {
  for (const data of ["", "[", "{}", '{"type":"error"}', '{"type":"text"}']) {
    const nodes = Nodes.ledBy("abc");
    const forwards = nodes.keepBack("Forward");
    const asked = remove(nodes, "b", "c");
    const { id } = forwards[0] as Forward;
    const answer = (from: string, id: number) =>
      nodes.hand({
        ...forward(data),
        type: "ForwardResponse",
        from,
        to: "b",
        id,
      });
    answer("a", id + 1);
    answer("c", id);
    assert.equal(asked.answer, undefined);
    answer("a", id);
    assert.deepEqual(asked.answer, error("the leader's answer is unreadable"));
    answer("a", id);
  }
});
