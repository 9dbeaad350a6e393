// A raise, and every entry of the log that may be under way beside it: one that takes numbers,
// one that gives some back, and a loan. `computer.ts` checks that no ticket asked for after a
// raise or after TICKET.LAST is at or below its number.

import assert from "node:assert/strict";
import { lastTicket } from "../../../../raft/tickets/machine.ts";
import type { Grouped } from "../../../lib/grouped.ts";
import { changeTicks, Nodes, nodesAt, outcome } from "../../../lib/nodes.ts";
import {
  addVoter,
  last,
  raise,
  told,
  toldNow,
} from "../../../lib/questions.ts";

/** Node `a`, alone, which takes ahead as soon as it can. */
function eager({ lends = false } = {}): Nodes {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.crash("a");
  nodes.start("a", { takesMin: 1, lends });
  nodes.elect("a");
  return nodes;
}

/** … with some numbers in hand; the last that was given. */
function stocked(options?: { lends: boolean }): Nodes {
  const nodes = eager(options);
  for (let i = 0; i < 2; i++) nodes.take("a", 8);
  nodes.settle();
  assert(nodes.node("a").reserve.size >= 8, "nothing is in hand");
  return nodes;
}

function next(nodes: Nodes, id: string): bigint {
  const asked = nodes.take(id);
  nodes.settle();
  assert.equal(asked.given.length, 1, outcome(asked));
  return asked.given[0]!;
}

function lastNow(nodes: Nodes, asked: Grouped): string {
  return toldNow(nodes, asked).replace(/^last /, "").replace("none", "0");
}

function lastIndex(nodes: Nodes, id = "a"): number {
  return nodes.node(id).core.log.lastIndex;
}

Deno.test("The next ticket is above the number raised to, on any node", () => {
  const nodes = Nodes.ledBy("abc");
  assert.equal(toldNow(nodes, raise(nodes, "a", 1000n)), "ok");
  assert.equal(next(nodes, "a"), 1001n);
  assert.equal(toldNow(nodes, raise(nodes, "b", 2000n)), "ok");
  assert.equal(next(nodes, "c"), 2001n);
});

Deno.test("A raise never lowers, and asked again it adds nothing to the log", () => {
  const nodes = Nodes.ledBy("abc");
  toldNow(nodes, raise(nodes, "a", 1000n));
  const before = lastIndex(nodes);
  for (const to of [1000n, 999n, 1n]) {
    assert.equal(toldNow(nodes, raise(nodes, "b", to)), "ok");
  }
  assert.equal(lastIndex(nodes), before);
  assert.equal(next(nodes, "a"), 1001n);
});

Deno.test("Numbers in hand that are passed over are not given, and the next comes behind them", () => {
  for (const above of [1n, 3n, 500n]) {
    const nodes = stocked();
    const { reserve } = nodes.node("a");
    const given = nodes.highest;
    assert.equal(toldNow(nodes, raise(nodes, "a", given + above)), "ok");
    assert.equal(next(nodes, "a"), given + above + 1n);
    assert.equal(reserve.burnt, 0n);
  }
});

Deno.test("A raise to what was given last changes nothing", () => {
  const nodes = stocked();
  const before = lastIndex(nodes);
  const { burnt } = nodes.node("a").reserve;
  assert.equal(toldNow(nodes, raise(nodes, "a", nodes.highest)), "ok");
  assert.equal(lastIndex(nodes), before);
  assert.equal(nodes.node("a").reserve.burnt, burnt);
});

for (const above of [2n, 10_000n]) {
  Deno.test(`A take that was proposed before a raise to ${above} more gives nothing below it`, () => {
    const nodes = Nodes.ledBy("a");
    nodes.disk("a").stuck = true;
    const before = nodes.take("a", 5);
    const asked = raise(nodes, "a", above);
    const after = nodes.take("a", 5);
    nodes.disk("a").stuck = false;
    nodes.settle();
    assert.equal(told(asked), "ok");
    assert.equal(outcome(before), "1, 2, 3, 4, 5");
    assert(after.given.every((number) => number > 5n));
    assert(next(nodes, "a") > above);
  });

  Deno.test(`A take that was proposed behind a raise to ${above} more comes above it`, () => {
    const nodes = Nodes.ledBy("a");
    nodes.disk("a").stuck = true;
    const asked = raise(nodes, "a", above);
    const after = nodes.take("a", 5);
    nodes.disk("a").stuck = false;
    nodes.settle();
    assert.equal(told(asked), "ok");
    assert.equal(after.given[0], above + 1n);
  });

  Deno.test(`A return that was proposed before a raise to ${above} more comes first`, () => {
    const nodes = stocked();
    const given = nodes.highest;
    const { size } = nodes.node("a").reserve;
    nodes.disk("a").stuck = true;
    for (let i = 0; i < 100 && !nodes.disk("a").writing; i++) nodes.tick("a");
    assert.equal(nodes.node("a").reserve.size, size, "all is on its way back");
    const asked = raise(nodes, "a", given + above);
    nodes.disk("a").stuck = false;
    nodes.settle();
    assert.equal(told(asked), "ok");
    assert.equal(nodes.node("a").lastTicket, given + above);
    assert.equal(next(nodes, "a"), given + above + 1n);
  });

  Deno.test(`Nothing is given back behind a raise to ${above} more that is under way`, () => {
    const nodes = stocked();
    const given = nodes.highest;
    nodes.disk("a").stuck = true;
    const asked = raise(nodes, "a", given + above);
    for (let i = 0; i < 30; i++) nodes.tick("a");
    nodes.disk("a").stuck = false;
    nodes.settle();
    assert.equal(told(asked), "ok");
    assert.equal(next(nodes, "a"), given + above + 1n);
    nodes.run(60);
    assert(next(nodes, "a") > given + above + 1n);
  });
}

Deno.test("A raise waits until the loan has come back, and nothing is lent before it is applied", () => {
  const nodes = stocked({ lends: true });
  const computer = nodes.computer("a");
  assert(computer.loan.length > 4);
  const given = nodes.highest;
  const before = lastIndex(nodes);
  const asked = raise(nodes, "a", given + 3n);
  nodes.settle();
  assert(computer.recalled);
  assert.equal(lastIndex(nodes), before, "nothing is proposed yet");
  nodes.serve("a", 1);
  nodes.disk("a").stuck = true;
  nodes.giveBack("a");
  assert.equal(lastIndex(nodes), before + 2, "a return, and the raise");
  // It would be answered from the reserve with a loan, but for the raise.
  nodes.take("a", 1);
  nodes.refill("a");
  assert.deepEqual(computer.loan, []);
  assert.equal(asked.outcomes, undefined);
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.equal(told(asked), "ok");
  assert(next(nodes, "a") > given + 3n);
});

Deno.test("TICKET.LAST is the last that was given, whatever is in hand", () => {
  const nodes = stocked();
  assert.equal(lastNow(nodes, last(nodes, "a")), `${nodes.highest}`);
  assert.equal(next(nodes, "a"), nodes.highest);
  assert.equal(lastNow(nodes, last(nodes, "a")), `${nodes.highest}`);
});

Deno.test("TICKET.LAST is 0 before any ticket, and adds nothing to the log", () => {
  const nodes = Nodes.ledBy("abc");
  const before = lastIndex(nodes);
  for (const id of "abc") assert.equal(lastNow(nodes, last(nodes, id)), "0");
  assert.equal(lastIndex(nodes), before);
  next(nodes, "b");
  assert.equal(lastNow(nodes, last(nodes, "c")), "1");
});

Deno.test("TICKET.LAST knows the numbers that are on their way back into the log", () => {
  const nodes = stocked();
  nodes.disk("a").stuck = true;
  for (let i = 0; i < 100 && !nodes.disk("a").writing; i++) nodes.tick("a");
  assert.equal(lastNow(nodes, last(nodes, "a")), `${nodes.highest}`);
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.equal(lastNow(nodes, last(nodes, "a")), `${nodes.highest}`);
  assert.equal(next(nodes, "a"), nodes.highest);
});

Deno.test("TICKET.LAST recalls the loan: lent numbers would be given after it", () => {
  const nodes = stocked({ lends: true });
  assert(nodes.computer("a").loan.length > 4);
  const asked = last(nodes, "a");
  nodes.settle();
  assert.equal(asked.outcomes, undefined);
  const [served] = nodes.serve("a", 1);
  nodes.giveBack("a");
  nodes.settle();
  assert.equal(told(asked), `last ${served}`);
  assert.equal(next(nodes, "a"), served! + 1n);
});

Deno.test("At the end of the sequence nothing is left, and TICKET.LAST says so", () => {
  const nodes = nodesAt(5n);
  assert.equal(toldNow(nodes, raise(nodes, "a", lastTicket)), "ok");
  assert.equal(lastNow(nodes, last(nodes, "a")), `${lastTicket}`);
  const asked = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(asked), "1 exhausted");
  assert.equal(toldNow(nodes, raise(nodes, "a", lastTicket)), "ok");
  assert.equal(toldNow(nodes, raise(nodes, "a", lastTicket - 1n)), "ok");
});

Deno.test("One number below the end of the sequence there is one ticket left", () => {
  const nodes = nodesAt(5n);
  assert.equal(toldNow(nodes, raise(nodes, "a", lastTicket - 1n)), "ok");
  assert.equal(next(nodes, "a"), lastTicket);
  const asked = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(asked), "1 exhausted");
});

Deno.test("A member that joins after a raise knows it", () => {
  const nodes = Nodes.ledBy("a", { spares: "x" });
  toldNow(nodes, raise(nodes, "a", 77n));
  addVoter(nodes, "a", { id: "x" });
  nodes.run(40);
  assert.equal(nodes.node("x").lastTicket, 77n);
});

Deno.test("A raise is told in the log, a burst of them in two lines, and one without effect not", () => {
  const nodes = Nodes.ledBy("abc");
  const told = () =>
    nodes.computer("a").logged.filter((line) => /because a client/.test(line));
  for (const to of [500n, 600n, 700n, 700n, 600n]) {
    assert.equal(toldNow(nodes, raise(nodes, "b", to)), "ok");
  }
  assert.equal(told().length, 1);
  nodes.run(changeTicks);
  assert.deepEqual(
    told().map((line) => /above (\d+), because a client/.exec(line)?.[1]),
    ["500", "700"],
  );
});
