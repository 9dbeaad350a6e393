// Groups of operations at their leader: all or none, at one moment, in their order. `grouped.ts`
// checks that a group's numbers are next to each other, and that what is read is not old.

import assert from "node:assert/strict";
import { int64Max } from "../../../../base/range.ts";
import type { Group } from "../../../../raft/channel/operations.ts";
import { lastTicket } from "../../../../raft/tickets/machine.ts";
import type { Grouped } from "../../../lib/grouped.ts";
import {
  check,
  create,
  last,
  list,
  raiseTo,
  take,
} from "../../../lib/groups.ts";
import { Nodes } from "../../../lib/nodes.ts";
import { backUp, told, toldNow } from "../../../lib/questions.ts";

/** What becomes of `group` on node `a`, at once. */
function done(nodes: Nodes, ...group: Group): string {
  return toldNow(nodes, nodes.group("a", group));
}

/** Node `a`, alone, which takes ahead as soon as it can. */
function eager({ lends = false } = {}): Nodes {
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { takesMin: 1, lends });
  nodes.elect("a");
  return nodes;
}

/** … with numbers of `ticket` in hand. */
function stocked(options?: { lends: boolean }): Nodes {
  const nodes = eager(options);
  for (let i = 0; i < 2; i++) nodes.take("a", 8);
  nodes.settle();
  assert(nodes.node("a").reserve.size >= 8, "nothing is in hand");
  return nodes;
}

function lastIndex(nodes: Nodes): number {
  return nodes.node("a").core.log.lastIndex;
}

const limited = { type: "set-policy", policy: "created" } as const;

Deno.test("The operations of a group are carried out in their order", () => {
  for (const nodes of [Nodes.ledBy("abc"), Nodes.ledBy("a"), stocked()]) {
    done(nodes, create("a", 11n), create("b"));
    assert.equal(
      done(nodes, last("a"), take("a", 5), last("a"), take("b"), take("a")),
      "last 10, 11-15, last 15, 1, 16",
    );
    assert.equal(
      done(nodes, take("a"), raiseTo("a", 50n), last("a"), take("a")),
      "17, ok, last 50, 51",
    );
    assert.equal(done(nodes, last("a"), last("c")), "last 51, last none");
  }
});

Deno.test("A sequence that begins with its group was not there before", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(
    done(nodes, last("a"), check("a", undefined), take("a", 3), last("a")),
    "last none, ok, 1-3, last 3",
  );
  assert.equal(done(nodes, take("b", 2)), "1-2");
  assert.equal(done(nodes, take("c"), take("c")), "1, 2");
});

Deno.test("A sequence that does not exist is not begun by takes behind the question", () => {
  const nodes = stocked({ lends: true });
  // It waits for what is lent of `ticket`, and the take behind it does not.
  const asked = nodes.group("a", [last("ticket"), last("new")], [take("new")]);
  nodes.settle();
  nodes.giveBack("a");
  assert.equal(toldNow(nodes, asked), `last ${nodes.highest}, last none; 1`);
});

/** Groups that are refused, and why. Sequence `full` has two numbers, `low` one below 2^63. */
const refused: readonly (readonly [string, Group, string])[] = [
  ["exhausted", [take("a"), take("full", 3)], "exhausted at 1"],
  ["together", [take("full"), take("a"), take("full", 2)], "exhausted at 2"],
  ["above 2^63", [take("a"), take("low", 2, true)], "above-int64 at 1"],
  [
    "together",
    [take("low", 1, true), take("low", 1, true)],
    "above-int64 at 1",
  ],
  ["changed", [take("a"), check("a", 7n)], "changed at 1"],
  ["no longer as before", [check("a", 4n), raiseTo("a", 9n)], "changed at 0"],
  ["not there", [take("a"), check("new", 0n)], "changed at 1"],
  ["already there", [take("new"), create("a")], "exists at 1"],
  ["twice there", [create("new"), create("new")], "exists at 1"],
  ["exhausted, new", [take("new"), take("full", 3)], "exhausted at 1"],
  [
    "exhausted by the log",
    [raiseTo("a", 9n), take("full", 3)],
    "exhausted at 1",
  ],
];

for (const [why, group, expected] of refused) {
  const shown = group.map(({ type }) => type).join(", ");
  Deno.test(`A group of ${shown} that is ${why} leaves no trace`, () => {
    const nodes = Nodes.ledBy("abc");
    done(nodes, take("a", 3));
    done(nodes, raiseTo("full", lastTicket - 2n));
    done(nodes, raiseTo("low", int64Max - 1n));
    assert.equal(done(nodes, ...group), expected);
    assert.equal(
      done(nodes, list()),
      `[a 3 full ${lastTicket - 2n} low ${int64Max - 1n}] 0`,
    );
    assert.equal(
      done(nodes, take("a"), take("full", 2), take("low", 1, true)),
      `4, ${lastTicket - 1n}-${lastTicket}, ${int64Max}`,
    );
  });
}

Deno.test("A name that nobody created is refused by the policy, and read all the same", () => {
  const nodes = Nodes.ledBy("abc");
  done(nodes, take("a"));
  assert.equal(done(nodes, limited), "ok");
  assert.equal(done(nodes, { type: "policy" }), "created");
  assert.equal(done(nodes, take("a"), take("b")), "unknown-sequence at 1");
  assert.equal(done(nodes, raiseTo("b", 9n)), "unknown-sequence at 0");
  assert.equal(done(nodes, last("b"), take("a")), "last none, 2");
  assert.equal(done(nodes, create("b", 7n), take("b")), "ok, 7");
  assert.equal(done(nodes, { type: "size" }), "size 2");
});

Deno.test("One sequence too many is refused, and nothing of its group is done", () => {
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { sequencesMax: 2 });
  nodes.elect("a");
  assert.equal(
    done(nodes, take("a"), take("b"), take("c")),
    "too-many-sequences at 2",
  );
  assert.equal(done(nodes, { type: "size" }), "size 0");
  assert.equal(done(nodes, take("a"), take("b")), "1, 1");
  assert.equal(done(nodes, take("a"), take("c")), "too-many-sequences at 1");
  assert.equal(done(nodes, take("a"), take("b")), "2, 2");
});

Deno.test("A group of more new names than one entry holds is refused whole, and leaves none", () => {
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { sequencesMax: 400 });
  nodes.elect("a");
  const names = Array.from({ length: 600 }, (_, i) => "n".repeat(120) + i);
  assert.match(
    done(nodes, ...names.map((name) => take(name))),
    /too large for one entry of the log; nothing was done$/,
  );
  nodes.run(5);
  assert.equal(done(nodes, { type: "size" }), "size 0");
});

Deno.test("A group that names a few new sequences very often fits one entry", () => {
  const nodes = Nodes.ledBy("abc");
  const names = ["x", "y"].map((name) => name.repeat(120));
  const group = Array.from({ length: 1000 }, (_, i) => take(names[i & 1]!));
  const before = lastIndex(nodes);
  const told = done(nodes, ...group).split(", ");
  assert.equal(lastIndex(nodes), before + 1);
  assert.deepEqual(told.slice(-2), ["500", "500"]);
});

Deno.test("A check sees the last number that was given, not what is in hand", () => {
  const nodes = stocked();
  const before = nodes.highest;
  assert.equal(
    done(nodes, check("ticket", before), take("ticket")),
    `ok, ${before + 1n}`,
  );
  assert.equal(
    done(nodes, check("ticket", before), take("ticket")),
    "changed at 0",
  );
  assert.equal(
    done(nodes, take("ticket"), check("ticket", before + 2n)),
    `${before + 2n}, ok`,
  );
});

Deno.test("Of two groups that watch one number, one is carried out", () => {
  const nodes = Nodes.ledBy("abc");
  done(nodes, take("a"));
  const asked = ["a", "b", "c"].map((id) =>
    nodes.group(id, [check("a", 1n), take("a")])
  );
  nodes.settle();
  assert.deepEqual(asked.map(told).toSorted(), [
    "changed at 0",
    "changed at 0",
    "ok, 2",
  ]);
});

Deno.test("Lent numbers come back before a group reads or takes of their sequence", () => {
  for (
    const group of [[last("ticket")], [take("ticket")], [
      raiseTo("ticket", 99n),
    ]]
  ) {
    const nodes = stocked({ lends: true });
    const computer = nodes.computer("a");
    assert(computer.loan.length > 4);
    const asked: Grouped = nodes.group("a", group);
    nodes.settle();
    assert.equal(asked.outcomes, undefined);
    assert(computer.recalled);
    const [served] = nodes.serve("a", 1);
    nodes.giveBack("a");
    nodes.settle();
    const expected = {
      last: `last ${served}`,
      take: `${served! + 1n}`,
      raise: "ok",
    };
    assert.equal(told(asked), expected[group[0]!.type as "last"]);
  }
});

Deno.test("A loan of one sequence does not hold up groups of others", () => {
  const nodes = stocked({ lends: true });
  assert(nodes.computer("a").loan.length > 4);
  assert.equal(done(nodes, take("orders"), last("orders")), "1, last 1");
  assert(!nodes.computer("a").recalled);
});

Deno.test("Numbers of groups and of takes are dense, and none is given twice", () => {
  const nodes = Nodes.ledBy("abc");
  const takes = [];
  for (let i = 0; i < 30; i++) {
    const id = "abc"[i % 3]!;
    if (i % 2 === 0) takes.push(nodes.take(id, 3));
    else nodes.group(id, [take("ticket", 2), take("orders"), take("ticket")]);
    if (i % 7 === 0) nodes.run(1);
  }
  nodes.settle();
  assert.equal(nodes.given.size, 90);
  assert.equal(nodes.highest, 90n);
  assert.equal(nodes.received("orders").numbers.size, 15);
  assert.equal(nodes.received("orders").highest, 15n);
});

Deno.test("Groups that only take and read add nothing to the log but what takes do", () => {
  const nodes = stocked();
  const before = lastIndex(nodes);
  const asked = done(
    nodes,
    last("ticket"),
    take("ticket"),
    { type: "size" },
    list(),
  );
  assert.match(asked, /^last (\d+), \d+, size 1, \[ticket \d+\] 0$/);
  assert.equal(lastIndex(nodes), before);
});

Deno.test("A list shows numbers as they are given, and goes from page to page", () => {
  const nodes = stocked();
  done(nodes, create("b", 5n), create("c", 9n));
  assert.equal(done(nodes, list(0, 2)), `[ticket ${nodes.highest} b 4] 2`);
  assert.equal(done(nodes, list(2, 2)), "[c 8] 0");
  assert.equal(done(nodes, list(3, 2)), "[] 0");
  assert.equal(done(nodes, list(2 ** 40, 2)), "[] 0");
});

Deno.test("A page ends before it is too long, and the next one begins there", () => {
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { sequencesMax: 2000 });
  nodes.elect("a");
  const name = (i: number) => `${i}`.padStart(128, "n");
  for (let i = 0; i < 1000; i += 100) {
    done(nodes, ...Array.from({ length: 100 }, (_, j) => create(name(i + j))));
  }
  const seen: string[] = [];
  let cursor = 0;
  do {
    const asked = nodes.group("a", [list(cursor, 4000)]);
    nodes.settle();
    const [outcome] = asked.outcomes!;
    assert(outcome?.type === "done" && outcome.results[0]?.type === "page");
    const { sequences, next } = outcome.results[0];
    assert(sequences.length < 300);
    seen.push(...sequences.map(([name]) => name));
    cursor = next;
  } while (cursor !== 0);
  assert.deepEqual(seen, Array.from({ length: 1000 }, (_, i) => name(i)));
});

Deno.test("RAFT.BACKUP holds the state after the last applied entry, from any node", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("b", 7);
  nodes.settle();
  toldNow(nodes, nodes.group("c", [create("orders", 100n)]));
  const { log } = nodes.node("a").core;
  for (const id of "abc") {
    const asked = backUp(nodes, id);
    nodes.settle();
    const [outcome] = asked.outcomes!;
    assert(outcome?.type === "done");
    assert.deepEqual(outcome.results, [{
      type: "backup",
      next: 0,
      pairs: [
        ["format", "2"],
        ["cluster", "c".repeat(32)],
        ["index", `${log.lastApplied}`],
        ["term", `${nodes.node("a").core.currentTerm}`],
        ["members", "3"],
        ["a", "voter a.example:1"],
        ["b", "voter b.example:1"],
        ["c", "voter c.example:1"],
        ["policy", "any"],
        ["sequences", "2"],
        ["ticket", "7"],
        ["orders", "99"],
      ],
    }]);
  }
});

Deno.test("The pages of a backup hold every sequence once, with the last number taken", () => {
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { sequencesMax: 5000 });
  nodes.elect("a");
  for (let i = 0; i < 4200; i += 600) {
    done(
      nodes,
      ...Array.from({ length: 600 }, (_, j) => create(`s${i + j}`, 7n)),
    );
  }
  const pairs: (readonly [string, string])[] = [];
  let [cursor, pages] = [0, 0];
  do {
    const asked = nodes.group("a", [{ type: "backup", cursor }]);
    nodes.settle();
    const [outcome] = asked.outcomes!;
    assert(outcome?.type === "done" && outcome.results[0]?.type === "backup");
    pairs.push(...outcome.results[0].pairs);
    cursor = outcome.results[0].next;
    pages++;
  } while (cursor !== 0);
  assert(pages > 1);
  const sequences = pairs.slice(-4200);
  assert.deepEqual(pairs.at(-4201), ["sequences", "4200"]);
  assert.deepEqual(sequences[0], ["s0", "6"]);
  assert.equal(new Set(sequences.map(([name]) => name)).size, 4200);
});

Deno.test("A group that changes sequences and lists them, or fits no entry, is an error", () => {
  const nodes = Nodes.ledBy("a");
  assert.equal(
    done(nodes, create("a"), list()),
    "a group that changes sequences cannot list them; nothing was done",
  );
  const long = Array.from(
    { length: 1000 },
    (_, i) => raiseTo(`${i}`.padStart(128, "n"), 1n),
  );
  assert.equal(
    done(nodes, ...long),
    "the group is too large for one entry of the log; nothing was done",
  );
  assert.equal(done(nodes, { type: "size" }), "size 0");
});

Deno.test("Raises of several sequences are told in one line", () => {
  const nodes = Nodes.ledBy("a");
  done(nodes, raiseTo("a", 5n));
  done(nodes, raiseTo("b", 6n), raiseTo("c", 7n), raiseTo("a", 4n));
  nodes.run(40);
  const lines = nodes.computer("a").logged.filter((line) =>
    /because a client/.test(line)
  );
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /numbers of a above 5/);
  assert.match(lines[1]!, /raised 1 other sequence/);
});
