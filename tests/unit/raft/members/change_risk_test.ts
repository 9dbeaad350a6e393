// Taking a vote away: when it is refused as a risk, in which words, and what FORCE does.

import assert from "node:assert/strict";
import { electionTicks, Nodes } from "../../../lib/nodes.ts";
import { demote, join, ok, remove, settled } from "../../../lib/questions.ts";

const commands = [
  ["RAFT.REMOVESERVER", remove],
  ["RAFT.DEMOTE", demote],
] as const;

/** A cluster of these voters whose leader a knows that the silent ones do not answer. */
function led(voters: string, silent = ""): Nodes {
  const nodes = Nodes.ledBy(voters);
  for (const id of silent) nodes.crash(id);
  nodes.run(2 * electionTicks);
  assert.deepEqual(nodes.leaders, ["a"]);
  return nodes;
}

Deno.test("The last vote is not taken away, not even with FORCE", () => {
  const text = "Need at least one voter in configuration: {[]}";
  const why = `${text}; server a has the last vote, and FORCE does not help: ` +
    "give another one a vote first (RAFT.PROMOTE)";
  for (const [name, take] of commands) {
    for (const force of [false, true]) {
      const nodes = led("a");
      const alone = name === "RAFT.REMOVESERVER" ? text : why;
      assert.equal(settled(nodes, take(nodes, "a", "a", { force })), alone);
      const joined = join(nodes, "a", { id: "x", nonvoter: true });
      assert.equal(settled(nodes, joined), "ok");
      assert.equal(settled(nodes, take(nodes, "a", "a", { force })), why);
    }
  }
});

Deno.test("One of two votes is taken away only with FORCE: no failure would be survived", () => {
  for (const [name, take] of commands) {
    for (const [at, id] of ["ab", "bb", "aa", "ba"]) {
      const nodes = led("ab");
      const other = id === "a" ? "b" : "a";
      assert.equal(
        settled(nodes, take(nodes, at!, id!)),
        `only server ${other} (${other}.example:1) would be left to vote, and no ` +
          `failure of it would be survived; to do it all the same, send ` +
          `${name} ${id} FORCE`,
      );
      assert.equal(nodes.stat("a", "latest_configuration_index"), "1");
      const forced = take(nodes, at!, id!, { force: true });
      nodes.run(3);
      assert.deepEqual(forced.answer, ok);
    }
  }
});

Deno.test("A dead server of three is removed at once: the other two go on as before", () => {
  for (const [, take] of commands) {
    const nodes = led("abc", "c");
    assert.equal(settled(nodes, take(nodes, "b", "c")), "ok");
  }
});

Deno.test("A live server whose removal makes a dead one needed is removed only with FORCE", () => {
  for (const [name, take] of commands) {
    for (const id of "ab") {
      const nodes = led("abc", "c");
      assert.equal(
        settled(nodes, take(nodes, "b", id)),
        "server c (c.example:1) would be needed and does not answer: no ticket would be " +
          "given until 2 of the 2 voters left are up; to do it all the same, send " +
          `${name} ${id} FORCE`,
      );
      assert.equal(nodes.servers("a"), "abc");
    }
    const nodes = led("abc", "c");
    take(nodes, "a", "b", { force: true });
    nodes.settle();
    assert.match(nodes.servers("a"), /^a(\[b\])?c$/, "it is on its way");
  }
});

Deno.test("Of five servers with two dead, the dead may be removed, and the living may not", () => {
  const nodes = led("abcde", "de");
  assert.match(
    settled(nodes, remove(nodes, "c", "b")),
    /^servers d \(d\.example:1\), e \(e\.example:1\) would be needed and do not answer.*3 of the 4/,
  );
  assert.equal(settled(nodes, remove(nodes, "c", "e")), "ok");
  assert.equal(settled(nodes, remove(nodes, "c", "d")), "ok");
  assert.equal(settled(nodes, remove(nodes, "c", "b")), "ok");
});

Deno.test("Without a leader the answer says which voters must be up, and that nothing was changed", () => {
  const nodes = led("abc");
  nodes.crash("a");
  nodes.crash("c");
  nodes.run(3 * electionTicks);
  const asked = remove(nodes, "b", "a");
  nodes.run(100);
  assert.deepEqual(asked.answer, {
    type: "error",
    text: "node is not the leader, and there is none: 2 of the voters " +
      "a (a.example:1), b (b.example:1), c (c.example:1) must be up; " +
      "nothing was changed",
  });

  const alone = Nodes.of("a", { spares: "x" });
  const early = remove(alone, "x", "a");
  alone.run(100);
  assert.deepEqual(early.answer, {
    type: "error",
    text: "node is not the leader, and it knows of no cluster yet; " +
      "nothing was changed",
  });
});

Deno.test("A change that a lost leader had begun is not called undone", () => {
  const nodes = led("abc");
  nodes.isolate("a");
  const asked = remove(nodes, "a", "b");
  nodes.run(100);
  assert.match(
    asked.answer?.type === "error" ? asked.answer.text : "",
    /^node is not the leader, and there is none: .* must be up; whether it was done before that is not known$/,
  );
});

Deno.test("Of many voters the first nine are named, and the others counted", () => {
  const nodes = Nodes.of("abcdefghijkl");
  const asked = remove(nodes, "a", "b");
  nodes.isolate("a");
  nodes.run(100);
  assert.match(
    asked.answer?.type === "error" ? asked.answer.text : "",
    /: 7 of the voters a \(.* i \(i\.example:1\) and 3 more must be up;/,
  );
});

Deno.test("A change that waited for a leader is judged only when that one knows which servers answer", () => {
  for (const [, take] of commands) {
    const nodes = led("abc");
    nodes.crash("a");
    const asked = [take(nodes, "b", "c"), take(nodes, "c", "b")];
    nodes.run(6 * electionTicks);
    for (const { answer } of asked) {
      assert.match(
        answer?.type === "error" ? answer.text : "",
        /^server a \(a\.example:1\) would be needed and does not answer/,
      );
    }
    assert.equal(nodes.leaders.length, 1, "tickets go on");
  }
});
