// Numbers that a node lends to the isolate of its clients, while it is all of its cluster.

import assert from "node:assert/strict";
import { Nodes, outcome } from "../../../lib/nodes.ts";
import { addVoter, join, settled } from "../../../lib/questions.ts";

/** A node alone, which may lend numbers; `x` might join it. */
function alone(): Nodes {
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.crash("a");
  nodes.start("a", { takesMin: 1, lends: true });
  nodes.elect("a");
  return nodes;
}

/** … which has lent some numbers. */
function lender(): Nodes {
  const nodes = alone();
  nodes.take("a", 16);
  nodes.settle();
  assert(nodes.computer("a").loan.length >= 8, "nothing is lent");
  return nodes;
}

/** … whose next refill waits for the disk, on which more that it takes ahead is not yet. */
function waiting(): Nodes {
  const nodes = lender();
  const computer = nodes.computer("a");
  computer.disk.stuck = true;
  nodes.serve("a", computer.loan.length - 1);
  while (!computer.refilling) nodes.refill("a");
  return nodes;
}

function next(nodes: Nodes, id: string): bigint {
  const asked = nodes.take(id);
  nodes.settle();
  assert.equal(asked.given.length, 1, outcome(asked));
  return asked.given[0]!;
}

Deno.test("A node that is alone lends numbers that are durable, and those that follow come after", () => {
  const nodes = lender();
  const { loan } = nodes.computer("a");
  assert(loan.at(-1)! <= nodes.node("a").lastTicket);
  const served = nodes.serve("a", loan.length);
  assert.equal(served[0], 17n, "after 16 that were asked for");
  assert.equal(next(nodes, "a"), served.at(-1)! + 1n);
});

Deno.test("What is lent outlives its node in nobody's hand", () => {
  const nodes = lender();
  nodes.serve("a", 3);
  const taken = nodes.node("a").lastTicket;
  nodes.crash("a");
  nodes.start("a");
  nodes.elect("a");
  assert.equal(next(nodes, "a"), taken + 1n);
});

Deno.test("Nothing is lent by a cluster, nor before many isolates", () => {
  for (const [voters, lends] of [["abc", true], ["a", false]] as const) {
    const nodes = Nodes.of(voters);
    for (const id of voters) {
      nodes.crash(id);
      nodes.start(id, { takesMin: 1, lends });
    }
    nodes.elect("a");
    for (let i = 0; i < 20; i++) next(nodes, "a");
    assert.deepEqual(nodes.computer("a").loan, []);
  }
});

for (const how of ["a voter that is named", "a node that joins"]) {
  Deno.test(`The members change when all has come back: ${how}`, () => {
    const nodes = lender();
    const served = nodes.serve("a", 2);
    const asked = how.startsWith("a voter")
      ? addVoter(nodes, "a", { id: "x" })
      : join(nodes, "a", { id: "x" });
    nodes.run(1);
    assert.equal(nodes.servers("a"), "a", "not yet");
    assert.equal(nodes.computer("a").recalled, true);
    // Until then clients are served from it, and nobody from the node.
    served.push(...nodes.serve("a"));
    nodes.giveBack("a");
    assert.notEqual(nodes.servers("a"), "a");
    nodes.run(10);
    assert.equal(settled(nodes, asked), "ok");
    assert.equal(next(nodes, "x"), served.at(-1)! + 1n, "without a gap");
    for (let i = 0; i < 20; i++) next(nodes, "a");
    assert.deepEqual(nodes.computer("a").loan, [], "a lends no more");
  });
}

Deno.test("A take that comes after a recall is answered when all has come back", () => {
  const nodes = lender();
  addVoter(nodes, "a", { id: "x" });
  const { loan } = nodes.computer("a");
  const [number] = nodes.serve("a", loan.length).slice(-1);
  const early = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(early), "1 waiting");
  nodes.giveBack("a");
  nodes.run(1);
  assert.equal(outcome(early), `${number! + 1n}`);
});

Deno.test("A node that lends no more once it has members lends again when it is alone", () => {
  const nodes = lender();
  const asked = join(nodes, "a", { id: "x" });
  nodes.giveBack("a");
  assert.equal(settled(nodes, asked), "ok");
  nodes.run(5);
  const { id, ...forced } = { id: "x", force: true };
  nodes.ask("a", { type: "remove-server", id, prevIndex: 0n, ...forced });
  nodes.run(5);
  assert.equal(nodes.servers("a"), "a");
  nodes.take("a", 8);
  nodes.settle();
  assert(nodes.computer("a").loan.length > 0);
});

Deno.test("What is lent and not used comes back when nobody has come for a while, and goes into the log", () => {
  const nodes = lender();
  const [last] = nodes.serve("a", 1);
  nodes.run(25);
  assert.equal(nodes.computer("a").recalled, true);
  nodes.giveBack("a");
  nodes.run(2);
  assert.equal(nodes.node("a").lastTicket, last);
  assert.equal(next(nodes, "a"), last! + 1n);
});

Deno.test("A loan of which nothing comes back counts no more, and its hand is dropped", () => {
  const nodes = lender();
  nodes.serve("a", nodes.computer("a").loan.length);
  nodes.run(25);
  assert.equal(nodes.computer("a").recalled, true);
  nodes.giveBack("a");
  nodes.run(25);
  const { hands } = nodes.node("a").reserve;
  assert.deepEqual([hands.unasked, hands.count], [0, 0]);
});

Deno.test("A node that is stopped gets back what it has lent, and the next life goes on without a gap", () => {
  const nodes = lender();
  const [last] = nodes.serve("a", 1);
  nodes.node("a").stop();
  nodes.settle();
  assert.equal(nodes.computer("a").end, undefined, "it waits");
  nodes.giveBack("a");
  nodes.settle();
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
  nodes.start("a");
  nodes.elect("a");
  assert.equal(next(nodes, "a"), last! + 1n);
});

Deno.test("A refill brings more, or the word that there is none", () => {
  const nodes = lender();
  const before = nodes.computer("a").loan.length;
  nodes.refill("a");
  nodes.settle();
  const { loan } = nodes.computer("a");
  assert(loan.length > before);
  assert.equal(loan.at(-1)! - loan[0]!, BigInt(loan.length - 1));
  nodes.run(6); // nothing was asked for lately
  nodes.giveBack("a");
  nodes.refill("a");
  assert.equal(nodes.computer("a").refilling, false);
  assert.deepEqual(nodes.computer("a").loan, []);
});

Deno.test("Each sequence that is asked for steadily has a loan of its own, which comes back alone", () => {
  const nodes = lender();
  nodes.take("a", 16, { name: "x" });
  nodes.settle();
  const computer = nodes.computer("a");
  assert(computer.loanOf("x").numbers.length > 0);
  for (let i = 0; i < 12; i++) {
    nodes.run(1);
    nodes.take("a", computer.loan.length + 8);
    nodes.settle();
  }
  assert.equal(computer.loanOf("x").recalled, true, "nobody comes for x");
  assert.equal(computer.recalled, false);
  nodes.serve("a", 1);
});

Deno.test("While all loans are to come back, none goes out of what is back already", () => {
  const nodes = lender();
  nodes.take("a", 16, { name: "x" });
  nodes.settle();
  const asked = addVoter(nodes, "a", { id: "x" });
  nodes.giveBack("a");
  nodes.take("a", 2);
  nodes.settle();
  assert.deepEqual(nodes.computer("a").loan, []);
  nodes.refill("a");
  assert.equal(nodes.computer("a").refilling, false);
  nodes.giveBack("a", "x");
  nodes.run(10);
  assert.equal(settled(nodes, asked), "ok");
});

Deno.test("A block that the loan is too short for takes it along, and leaves no gap", () => {
  const nodes = lender();
  const served = nodes.serve("a", 2);
  const { length } = nodes.computer("a").loan;
  const block = nodes.take("a", length + 5, { isBlock: true });
  nodes.settle();
  assert.equal(block.given[0], served[1]! + 1n);
  assert.equal(block.given.length, length + 5);
  assert.equal(nodes.node("a").reserve.burnt, 0n);
});

for (const overtakes of [false, true]) {
  Deno.test(
    `A block takes the loan along while that is recalled, without a gap: the answer to the recall comes ${
      overtakes ? "before" : "after"
    } it`,
    () => {
      const nodes = lender();
      const [last] = nodes.serve("a", 1);
      const asked = addVoter(nodes, "a", { id: "x" });
      const computer = nodes.computer("a");
      assert.equal(computer.recalled, true);
      // Main had asked before it heard of the recall, to which it has nothing to add.
      const rest = computer.loan.length;
      if (overtakes) {
        const loan = computer.loanOf().numbers.splice(0);
        nodes.giveBack("a");
        computer.loanOf().numbers.push(...loan);
      }
      const block = nodes.take("a", rest + 5, { isBlock: true });
      nodes.settle();
      if (!overtakes) {
        assert.equal(block.left, rest + 5, "it waits");
        nodes.giveBack("a");
      }
      nodes.run(10);
      assert.equal(settled(nodes, asked), "ok");
      assert.equal(block.given[0], last! + 1n);
      assert.equal(nodes.node("a").reserve.burnt, 0n);
    },
  );
}

Deno.test("A refill that crosses a recall brings nothing", () => {
  const nodes = lender();
  nodes.run(25);
  assert.equal(nodes.computer("a").recalled, true);
  nodes.serve("a", nodes.computer("a").loan.length - 1);
  nodes.refill("a"); // much was used lately
  assert.equal(nodes.computer("a").refilling, false);
  assert.equal(nodes.computer("a").loan.length, 1);
});

Deno.test("What a refill brought is recalled like all that is lent", () => {
  const nodes = alone();
  for (let i = 0; i < 3; i++) nodes.take("a", 8);
  nodes.settle();
  assert.deepEqual(
    nodes.computer("a").loan,
    [],
    "the third take got the rest",
  );
  nodes.refill("a");
  nodes.settle();
  assert(nodes.computer("a").loan.length > 0);
  addVoter(nodes, "a", { id: "x" });
  assert.equal(nodes.computer("a").recalled, true);
});

Deno.test("A refill on a node that does not lead is answered at once, and asks nobody", () => {
  const nodes = Nodes.ledBy("abc");
  const forwarded = nodes.keepBack("Take");
  nodes.refill("b");
  assert.equal(nodes.computer("b").refilling, false);
  assert.deepEqual(forwarded, []);
});

Deno.test("A refill that waits for the disk is told that nothing comes when the node is stopped", () => {
  const nodes = waiting();
  nodes.node("a").stop();
  assert.equal(nodes.computer("a").refilling, false);
  nodes.giveBack("a");
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
});

for (const when of ["before", "after"]) {
  Deno.test(`Nothing is lent once it was recalled, though it was asked for before: it comes ${when} the rest is back`, () => {
    const nodes = waiting();
    const { disk } = nodes.computer("a");
    addVoter(nodes, "a", { id: "x" });
    assert.equal(nodes.computer("a").recalled, true);
    if (when === "after") nodes.giveBack("a");
    while (disk.finish());
    if (when === "before") nodes.giveBack("a");
    disk.stuck = false;
    nodes.run(1);
    assert.notEqual(nodes.servers("a"), "a");
    assert.equal(nodes.computer("a").refilling, false, "it is answered");
    assert.deepEqual(nodes.computer("a").loan, [], "and nothing is lent");
  });
}

Deno.test("One who was removed, and asks all the same, is given nothing, and no loan is recalled", () => {
  const nodes = Nodes.of("ab");
  for (const id of "ab") {
    nodes.crash(id);
    nodes.start(id, { takesMin: 1, lends: true });
  }
  nodes.elect("a");
  nodes.take("b");
  const [late] = nodes.network.splice(0);
  assert(late?.type === "Take");
  const removal = { id: "b", prevIndex: 0n, force: true };
  nodes.ask("a", { type: "remove-server", ...removal });
  nodes.settle();
  assert.equal(nodes.servers("a"), "a");
  nodes.take("a", 16);
  nodes.settle();
  assert(nodes.computer("a").loan.length > 0);
  assert.equal(nodes.hand(late), undefined, "it may not know yet: no fault");
  nodes.settle();
  assert.equal(nodes.computer("a").recalled, false);
  assert.equal(nodes.given.size, 16);
  nodes.serve("a");
});

Deno.test("What is lent counts among the numbers that a crash may burn", () => {
  const aheadMax = 10;
  const nodes = Nodes.of("a");
  nodes.crash("a");
  nodes.start("a", { takesMin: 1, aheadMax, lends: true });
  nodes.elect("a");
  nodes.take("a", 3);
  nodes.settle();
  let rest = 0;
  for (let i = 0; i < 30; i++) {
    const { loan } = nodes.computer("a");
    const { lastTicket, reserve } = nodes.node("a");
    const beyond = BigInt(nodes.given.size + aheadMax);
    assert(lastTicket <= beyond, `${lastTicket} > ${beyond}`);
    assert(
      reserve.hands.find("ticket")!.lent >= loan.length,
      `${reserve.hands.find("ticket")!.lent} < ${loan.length}`,
    );
    // As the dispenser does: less than half of what came last is left when it asks for more.
    const lentLast = loan.length - rest;
    rest = Math.max(0, Math.floor(lentLast / 2) - 1);
    nodes.serve("a", loan.length - rest);
    nodes.refill("a");
    nodes.settle();
  }
  assert(nodes.given.size > 30, "it was lent all the time");
});

Deno.test("A take that overtakes the answer to a recall leaves the loan counted: no more than --ahead is taken", () => {
  const aheadMax = 10;
  const nodes = Nodes.of("a", { spares: "x" });
  nodes.crash("a");
  nodes.start("a", { takesMin: 1, aheadMax, lends: true });
  nodes.elect("a");
  nodes.take("a", 3);
  nodes.settle();
  const computer = nodes.computer("a");
  addVoter(nodes, "a", { id: "x" });
  assert.equal(computer.recalled, true);
  // Main has sent all of it back, and asks for one number, which arrives first.
  const onItsWay = computer.loanOf().numbers.splice(0);
  assert(onItsWay.length > 0);
  const asked = nodes.take("a", 1);
  nodes.settle();
  computer.loanOf().numbers.push(...onItsWay);
  nodes.giveBack("a");
  const { unasked } = nodes.node("a").reserve.hands.find(asked.name)!;
  assert(unasked <= aheadMax, `${unasked} beyond what is asked for`);
  nodes.settle();
  assert.equal(asked.given[0], onItsWay[0], "nothing burns");
});

Deno.test("Steady demand never makes a loan grow, and no loan comes back while it lasts", () => {
  const nodes = alone();
  const perTick = 40;
  nodes.take("a", perTick);
  nodes.settle();
  const lent = () => nodes.computer("a").loan.length;
  let low = Math.floor(lent() / 2);
  let most = 0;
  for (let served = 0; served < 100 * perTick; served++) {
    nodes.serve("a", 1);
    if (lent() < low) { // as the dispenser does
      const before = lent();
      nodes.refill("a");
      nodes.settle();
      low = Math.floor((lent() - before) / 2);
    }
    assert(lent() > 0, `nothing is lent after ${served}`);
    if (served % perTick === 0) nodes.run(1);
    assert.equal(nodes.computer("a").recalled, false, `after ${served}`);
    most = Math.max(most, nodes.node("a").reserve.hands.unasked);
  }
  assert(most <= 6 * perTick, `a crash would burn ${most}`);
});
