// The log lines of a node, one a change, each with its reason.

import assert from "node:assert/strict";
import { electionTicks, Nodes, tickMillis } from "../../../lib/nodes.ts";
import { join } from "../../../lib/questions.ts";

/** The lines that `id` has logged since the last look, but for those at level debug. */
function news(nodes: Nodes, id: string): string[] {
  return nodes.computer(id).logged.splice(0)
    .filter((line) => !line.startsWith("debug: "));
}

/** The first of them that `pattern` matches. */
function line(nodes: Nodes, id: string, pattern: RegExp): string {
  const lines = news(nodes, id);
  const found = lines.find((line) => pattern.test(line));
  assert.ok(
    found !== undefined,
    `${pattern} is not among\n${lines.join("\n")}`,
  );
  return found;
}

/** Time passes for `id` alone until it leads no more. */
function untilLost(nodes: Nodes, id: string): void {
  while (nodes.leaders.includes(id)) nodes.tick(id);
}

Deno.test("ChangeLog tells of the first election, on either side", () => {
  const nodes = Nodes.ledBy("abc");
  const [stands, became] = news(nodes, "a");
  const millis = /in the (\d+) ms since/.exec(stands!)![1];
  assert.equal(
    stands,
    "info: stands for election in term 2, because it has heard no leader in the " +
      `${millis} ms since its start`,
  );
  assert.equal(
    became,
    "info: became leader in term 2 with the votes of node a, node b, after " +
      `${millis} ms without a leader`,
  );
  assert.deepEqual(news(nodes, "b"), [
    "info: follows node a at a.example:1 in term 2, the first that it hears, 0 ms " +
    "after its start",
  ]);
});

Deno.test("ChangeLog says which leader was silent, and for how long, when it is replaced", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") news(nodes, id);
  nodes.crash("a");
  const next = nodes.awaitLeader();
  const other = next === "b" ? "c" : "b";
  const lines = news(nodes, next);
  const silence = /node a at a\.example:1, the leader, was silent for (\d+) ms/;
  const millis = Number(silence.exec(lines.join())?.[1]);
  assert.ok(millis >= electionTicks * tickMillis);
  assert.ok(lines.includes(
    "info: stands for election in term 3, because node a at a.example:1, the " +
      `leader, was silent for ${millis} ms (election timeout 250 ms)`,
  ));
  assert.ok(
    lines.some((line) =>
      line.startsWith(
        "info: became leader in term 3 with the votes of node ",
      ) &&
      line.endsWith(`, after ${millis} ms without a leader`)
    ),
  );
  assert.match(
    line(nodes, other, /: follows/),
    new RegExp(
      `^info: follows node ${next} at ${next}\\.example:1 in term 3, \\d+ ms ` +
        "after node a at a\\.example:1, the leader before, was last heard$",
    ),
  );
});

Deno.test("ChangeLog names a leader that is found again, and how long it was silent", () => {
  const nodes = Nodes.ledBy("abc");
  news(nodes, "c");
  nodes.isolate("c");
  nodes.run(3 * electionTicks);
  nodes.heal();
  nodes.run(2 * electionTicks);
  const lines = news(nodes, "c");
  assert.match(
    lines[0]!,
    /^info: was not elected, without a leader for \d+ ms: node a at a\.example:1, node b at b\.example:1 did not answer$/,
  );
  assert.match(
    lines.at(-1)!,
    /^info: follows node a at a\.example:1 in term 2, which was silent for \d+ ms$/,
  );
});

Deno.test("ChangeLog says which voters refuse, once while they do", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.cut("a", "c"); // b hears the leader, and c does not
  nodes.run(4 * electionTicks);
  const refused = line(nodes, "c", /not elected/);
  assert.match(
    refused,
    /: node b at b\.example:1 refused \(hears a leader, or has newer entries\); node a at a\.example:1 did not answer$/,
  );
  nodes.run(20 * electionTicks);
  assert.deepEqual(news(nodes, "c"), [], "for a minute");
  nodes.run(60_000 / tickMillis);
  const [again, ...others] = news(nodes, "c");
  assert.match(
    again!,
    /^warning: was not elected, without a leader for 6\d s: /,
  );
  assert.deepEqual(others, []);
});

Deno.test("ChangeLog says above which number a new leader's begin", () => {
  const nodes = Nodes.ledBy("abc");
  assert.deepEqual(news(nodes, "a").length, 2, "nothing was taken yet");
  nodes.take("a", 7);
  nodes.settle();
  nodes.crash("a");
  assert.equal(
    line(nodes, nodes.awaitLeader(), /gives/),
    "info: gives numbers above 7 in term 3: those up to there that no client has " +
      "got are burnt",
  );
});

Deno.test("ChangeLog counts no number of the new leader's own, though they commit with its first entry", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("a", 7);
  nodes.settle();
  nodes.crash("a");
  nodes.keepBack("AppendEntriesResponse");
  const next = nodes.awaitLeader();
  const asked = nodes.take(next, 5);
  nodes.run(1);
  assert.deepEqual(asked.given, []);
  nodes.passes = () => true;
  nodes.run(2);
  assert.deepEqual(asked.given, [8n, 9n, 10n, 11n, 12n]);
  assert.match(
    line(nodes, next, /gives/),
    / gives numbers above 7 in term 3: /,
  );
});

Deno.test("ChangeLog is silent on the path of a ticket", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") nodes.computer(id).logged = [];
  for (let i = 0; i < 10; i++) {
    nodes.take("a", 100);
    nodes.run();
  }
  for (const id of "abc") assert.deepEqual(nodes.computer(id).logged, []);
});

Deno.test("ChangeLog warns when leadership is lost, and names each silent voter", () => {
  const nodes = Nodes.ledBy("abc");
  news(nodes, "a");
  nodes.isolate("a");
  untilLost(nodes, "a");
  assert.deepEqual(news(nodes, "a"), [
    "warning: lost leadership of term 2: no majority answers: node b at " +
    "b.example:1 was silent for 250 ms; node c at c.example:1 was silent for " +
    "250 ms (election timeout 250 ms)",
  ]);
});

Deno.test("ChangeLog says to whom leadership was handed, and for whom", () => {
  const causes = [
    ["RAFT.TRANSFER asked for it", (nodes: Nodes) => {
      nodes.ask("a", { type: "transfer", id: "b" });
    }],
    ["this node stops", (nodes: Nodes) => nodes.node("a").stop()],
    ["this node is to lose its vote", (nodes: Nodes) => {
      const rights = { prevIndex: 0n, force: true };
      nodes.ask("a", { type: "demote", id: "a", ...rights });
    }],
  ] as const;
  for (const [why, begin] of causes) {
    const nodes = Nodes.ledBy("abc");
    for (const id of "abc") news(nodes, id);
    begin(nodes);
    nodes.run();
    const lost = line(nodes, "a", /lost leadership/);
    const to = /to node (\w)/.exec(lost)![1]!;
    assert.equal(
      lost,
      `info: lost leadership of term 2: handed over to node ${to} at ` +
        `${to}.example:1, because ${why}`,
    );
    assert.deepEqual(news(nodes, to).slice(0, 1), [
      "info: stands for election in term 3, because node a at a.example:1, the " +
      "leader, asked it to take over",
    ]);
  }
});

Deno.test("ChangeLog says that a disk was the reason, and which", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") news(nodes, id);
  nodes.disk("a").stuck = true;
  nodes.take("a");
  nodes.run(2 * electionTicks);
  const lost = line(nodes, "a", /lost leadership/);
  assert.match(
    lost,
    /^warning: lost leadership of term 2: handed over to node \w at \w\.example:1, because a write to its disk has not finished for 250 ms$/,
  );
});

Deno.test("ChangeLog says that a later term ended a leadership", () => {
  const nodes = Nodes.ledBy("abc");
  news(nodes, "a");
  nodes.isolate("a");
  for (let i = 0; i < 4 * electionTicks; i++) {
    nodes.now += tickMillis;
    for (const id of "bc") nodes.tick(id);
    nodes.settle();
  }
  nodes.heal();
  nodes.run(2);
  assert.match(
    line(nodes, "a", /lost leadership/),
    /^warning: lost leadership of term 2: node [bc] at [bc]\.example:1 (leads|is in) term 3$/,
  );
});

Deno.test("ChangeLog adds that the process stood still", () => {
  const nodes = Nodes.ledBy("abc");
  news(nodes, "a");
  nodes.node("a").stoodStill(electionTicks * tickMillis - 1);
  assert.deepEqual(news(nodes, "a"), [], "for less than an election timeout");
  nodes.isolate("a");
  nodes.node("a").stoodStill(5012);
  untilLost(nodes, "a");
  const [stood, lost] = news(nodes, "a");
  assert.match(
    stood!,
    /^warning: this process stood still for 5012 ms \(election timeout 250 ms\): it was stopped, /,
  );
  assert.match(lost!, /; this process stood still for 5012 ms before$/);
});

Deno.test("ChangeLog adds a standstill that the timer has not told yet", () => {
  const nodes = Nodes.of("abc");
  let lateMillis = 0;
  nodes.crash("a");
  const sleep = {
    catchUp: () => 0,
    cutShort() {},
    get lateMillis() {
      return lateMillis;
    },
  };
  nodes.start("a", { sleep });
  nodes.elect("a");
  news(nodes, "a");
  nodes.isolate("a");
  lateMillis = 700;
  untilLost(nodes, "a");
  assert.match(
    line(nodes, "a", /lost/),
    /; this process stood still for 700 ms before$/,
  );
});

Deno.test("ChangeLog names the members when they change", () => {
  const nodes = Nodes.ledBy("ab");
  news(nodes, "b");
  join(nodes, "a", { id: "x" });
  nodes.settle();
  assert.deepEqual(news(nodes, "b"), [
    "info: members at index 3: a at a.example:1 (voter), " +
    "b at b.example:1 (voter), x at x.example:1 (learner)",
  ]);
});

Deno.test("ChangeLog says that the only voter needed no other", () => {
  const nodes = Nodes.ledBy("a");
  assert.deepEqual(news(nodes, "a"), [
    "info: stands for election in term 2, because it is the only voter",
    "info: became leader in term 2 as the only voter",
  ]);
});
