// Several sequences, blocks, capped requests, and what the state refuses.

import assert from "node:assert/strict";
import { int64Max } from "../../../../base/range.ts";
import { takeCountMax } from "../../../../raft/core/limits.ts";
import type { Refusal } from "../../../../raft/channel/messages.ts";
import {
  askersMax,
  Dispenser,
  lanesMax,
  laneTicketsMax,
  ticketsWaitingMax,
} from "../../../../server/tickets/dispenser.ts";
import { ticksPerTimeout } from "../../../../server/tickets/lane.ts";
import { Desk } from "./desk.ts";

const overflow = "ERR increment or decrement would overflow";

function takesOf(desk: Desk): string[] {
  return desk.takes.map(({ name, count, isCapped, rest }) =>
    `${name} ${count}${isCapped ? " capped" : ""}${rest > 0 ? ` -${rest}` : ""}`
  );
}

Deno.test("Lanes ask for each sequence by itself, and wait for no other", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2, { name: "orders" });
  desk.take(desk.client("bob"), 1, { name: "invoices" });
  desk.take(desk.client("eve"), 3, { name: "orders" });
  desk.endTurn();
  assert.deepEqual(takesOf(desk), ["orders 5", "invoices 1"]);
  desk.take(desk.client("bob"), 1, { name: "invoices" });
  desk.taken(1n, 1, "invoices");
  assert.deepEqual(takesOf(desk).slice(2), ["invoices 1"]);
  desk.taken(2n, 1, "invoices");
  desk.taken(5n, 5, "orders");
  assert.deepEqual(desk.told, ["bob 1-1", "bob 2-2", "ann 1-2", "eve 3-5"]);
  assert.equal(desk.dispenser.waiting, 0);
});

Deno.test("All lanes of a turn post together", () => {
  let turns = 0;
  const tasks: (() => void)[] = [];
  let posted = 0;
  let isTogether = false;
  const dispenser = new Dispenser({
    requests: {
      take() {
        assert(isTogether);
        posted++;
      },
      refill() {},
    },
    together(task) {
      turns++;
      isTogether = true;
      task();
      isTogether = false;
    },
    defer: (task) => tasks.push(task),
    asksAgain: true,
    timeoutMillis: 10_000,
  });
  const client = { granted() {}, refused() {} };
  const request = { count: 1, isBlock: false, isCapped: false };
  for (let at = 0; at < 50; at++) {
    dispenser.take(`s${at % 10}`, client, request);
  }
  assert.equal(tasks.length, 1);
  tasks[0]!();
  assert.deepEqual([turns, posted], [1, 10]);
});

Deno.test("A block is part of the lane's take, and one range of it", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.take(desk.client("bob"), 1000, { isBlock: true });
  desk.take(desk.client("eve"), 1);
  desk.endTurn();
  assert.deepEqual(takesOf(desk), ["ticket 1003"]);
  desk.taken(1003n, 1003);
  assert.deepEqual(desk.told, ["ann 1-2", "bob 3-1002", "eve 1003-1003"]);
});

/** Ann has taken one ticket, and the node has lent those up to `last`. */
function stocked(last: number) {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1);
  desk.endTurn();
  desk.taken(BigInt(last), last);
  return desk;
}

Deno.test("A block comes from the loan if it fits, and else sends the loan back with its take", () => {
  const desk = stocked(20);
  desk.take(desk.client("bob"), 10, { isBlock: true });
  assert.equal(desk.told.at(-1), "bob 2-11");
  desk.take(desk.client("eve"), 10, { isBlock: true });
  desk.take(desk.client("ann"), 1);
  assert.equal(desk.told.length, 2, "ann comes behind eve");
  desk.endTurn();
  assert.deepEqual(takesOf(desk).slice(1), ["ticket 11 -9"]);
  assert.equal(desk.recall().count, 0, "it has gone back");
  desk.taken(22n, 11);
  assert.deepEqual(desk.told.slice(2), ["eve 12-21", "ann 22-22"]);
});

Deno.test("A run of single tickets takes what is lent, and asks for the rest", () => {
  const desk = stocked(5);
  desk.take(desk.client("bob"), 10);
  desk.endTurn();
  assert.deepEqual(takesOf(desk).slice(1), ["ticket 6"]);
  desk.taken(11n, 6);
  assert.deepEqual(desk.told.slice(1), ["bob 2-5", "bob 6-11"]);
});

Deno.test("A block that waits while more is lent is served from all of it, or sends all back", () => {
  for (const count of [6, 60]) {
    const desk = stocked(11);
    desk.take(desk.client("ann"), 6);
    desk.endTurn();
    assert.deepEqual(desk.posted, [1, "refill"]);
    desk.take(desk.client("bob"), count, { isBlock: true });
    desk.endTurn();
    desk.lent(21n, 10);
    desk.endTurn();
    if (count === 6) assert.equal(desk.told.at(-1), "bob 8-13");
    else assert.deepEqual(takesOf(desk).slice(1), ["ticket 60 -14"]);
  }
});

Deno.test("A loan that is recalled while a block waits comes back by message alone", () => {
  const desk = stocked(5);
  desk.take(desk.client("bob"), 10, { isBlock: true });
  assert.deepEqual(desk.recall(), { last: 5n, count: 4 });
  desk.endTurn();
  assert.deepEqual(takesOf(desk).slice(1), ["ticket 10"]);
});

Deno.test("A block beyond the end of the sequence gets nothing, and those beside it what is left", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1);
  desk.take(desk.client("bob"), 5, { isBlock: true });
  desk.take(desk.client("eve"), 1);
  desk.endTurn();
  const last = 2n ** 64n - 1n;
  desk.refused("exhausted");
  desk.endTurn();
  desk.taken(last - 2n, 1);
  desk.endTurn();
  desk.refused("exhausted");
  desk.endTurn();
  desk.taken(last - 1n, 1);
  assert.deepEqual(takesOf(desk), [
    "ticket 7",
    "ticket 1",
    "ticket 5",
    "ticket 1",
  ]);
  assert.deepEqual(
    desk.told.map((text) => text.slice(0, 40)),
    [
      "ann 18446744073709551613-18446744073709551613",
      "bob 5 x ERR tickets are exhausted: fewer than 5 are left",
      "eve 18446744073709551614-18446744073709551614",
    ].map((text) => text.slice(0, 40)),
  );
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  assert.equal(takesOf(desk).at(-1), "ticket 2", "the lane is careful no more");
});

Deno.test("A lane without numbers asks once more, and tells all that wait", () => {
  const desk = new Desk();
  for (const name of ["ann", "bob", "eve"]) desk.take(desk.client(name), 1000);
  desk.endTurn();
  desk.refused("exhausted");
  desk.endTurn();
  desk.refused("exhausted");
  desk.endTurn();
  assert.deepEqual(takesOf(desk), ["ticket 3000", "ticket 1"]);
  assert.deepEqual(
    desk.told.map((text) => text.slice(0, 10)),
    ["ann 1000 x", "bob 1000 x", "eve 1000 x"],
  );
});

Deno.test("Capped requests beyond 2^63 - 1 hear that they would overflow, and hold up no other", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1, { isCapped: true });
  desk.take(desk.client("bob"), 2);
  desk.take(desk.client("eve"), 2, { isCapped: true, isBlock: true });
  desk.take(desk.client("ann"), 1, { isCapped: true });
  desk.endTurn();
  desk.refused("above-int64");
  desk.endTurn();
  desk.taken(int64Max, 1);
  desk.endTurn();
  desk.taken(int64Max + 2n, 2);
  desk.endTurn();
  desk.refused("above-int64");
  desk.endTurn();
  desk.refused("above-int64");
  assert.deepEqual(takesOf(desk), [
    "ticket 6 capped",
    "ticket 1 capped",
    "ticket 2",
    "ticket 2 capped",
    "ticket 1 capped",
  ]);
  assert.deepEqual(desk.told, [
    `ann ${int64Max}-${int64Max}`,
    `bob ${int64Max + 1n}-${int64Max + 2n}`,
    `eve 2 x ${overflow}`,
    `ann 1 x ${overflow}`,
  ]);
});

Deno.test("A loan that reaches beyond 2^63 - 1 serves capped requests up to there, and others further", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1);
  desk.endTurn();
  desk.taken(int64Max + 10n, 12); // up to int64Max - 1 for ann
  const capped = { isCapped: true };
  desk.take(desk.client("bob"), 2, { ...capped, isBlock: true });
  desk.take(desk.client("eve"), 1, capped);
  desk.take(desk.client("eve"), 1, capped);
  desk.take(desk.client("ann"), 1);
  assert.deepEqual(desk.told.slice(1), [
    `bob 2 x ${overflow}`,
    `eve ${int64Max}-${int64Max}`,
    `eve 1 x ${overflow}`,
    `ann ${int64Max + 1n}-${int64Max + 1n}`,
  ]);
  assert.equal(desk.dispenser.waiting, 0);
});

Deno.test("A request that is not capped never hears that it would overflow", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1, { isCapped: true });
  desk.take(desk.client("bob"), 1);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1); // nobody waits for what may come
  desk.take(desk.client("eve"), 1);
  desk.refused("above-int64");
  desk.endTurn();
  assert.deepEqual(takesOf(desk), ["ticket 2 capped", "ticket 1"]);
});

Deno.test("An exhausted sequence tells capped requests that they would overflow", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 3, { isCapped: true, isBlock: true });
  desk.endTurn();
  desk.refused("exhausted");
  assert.deepEqual(desk.told, [`ann 3 x ${overflow}`]);
});

Deno.test("What the policy and the limit of sequences refuse, all requests of the take hear at once", () => {
  const refused = (reason: Refusal) => {
    const desk = new Desk();
    desk.take(desk.client("ann"), 2, { name: "oders" });
    desk.take(desk.client("bob"), 5, { name: "oders", isBlock: true });
    desk.endTurn();
    desk.take(desk.client("eve"), 1, { name: "oders" });
    desk.refused(reason, "oders");
    assert.equal(takesOf(desk).at(-1), "oders 1", "eve asks for herself");
    return desk.told;
  };
  const unknown =
    "ERR no sequence 'oders': the policy is 'created', see TICKET.CREATE";
  assert.deepEqual(refused("unknown-sequence"), [
    `ann 2 x ${unknown}`,
    `bob 5 x ${unknown}`,
  ]);
  const full = "ERR no sequence 'oders', and no room to begin it: " +
    "as many exist as --max-sequences allows";
  assert.deepEqual(refused("too-many-sequences"), [
    `ann 2 x ${full}`,
    `bob 5 x ${full}`,
  ]);
});

Deno.test("Lanes at rest are forgotten, and none in which something waits or is lent", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  desk.take(ann, 1, { name: "lent" });
  desk.take(ann, 1, { name: "waits" });
  desk.endTurn();
  desk.taken(9n, 9, "lent");
  for (let at = 0; at < 3 * lanesMax; at++) {
    const name = `s${at}`;
    desk.take(ann, 1, { name });
    desk.endTurn();
    assert.equal(desk.takes.at(-1)?.name, name);
    desk.taken(1n, 1, name);
  }
  assert(dispenser.lanes <= lanesMax, `${dispenser.lanes} lanes`);
  desk.told.length = 0;
  desk.take(ann, 1, { name: "lent" });
  desk.taken(5n, 1, "waits");
  assert.deepEqual(desk.told, ["ann 2-2", "ann 5-5"]);
});

Deno.test("Lanes hear of the time that has passed, each while something waits in it", () => {
  const desk = new Desk();
  const ann = desk.client("ann");
  for (let at = 0; at < 5; at++) desk.take(ann, 1, { name: `s${at}` });
  desk.endTurn();
  desk.taken(1n, 1, "s2");
  desk.ticks(ticksPerTimeout + 1);
  assert.equal(desk.told.length, 5);
  assert.equal(desk.dispenser.waiting, 4, "numbers on their way for nobody");
  for (const at of [0, 1, 3, 4]) desk.refused("leadership-lost", `s${at}`);
  desk.endTurn();
  assert.deepEqual([desk.takes.length, desk.dispenser.waiting], [5, 0]);
});

Deno.test("The limits of what waits are those of all lanes together, but for the numbers of one", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  const block = { isBlock: true };
  const count = 1_000_000;
  const has = (name: string) => dispenser.hasRoom(name, { ...block, count });
  let asked = 0;
  for (; has("a"); asked++) desk.take(ann, count, { ...block, name: "a" });
  assert.equal(asked, Math.floor(laneTicketsMax / count));
  assert(has("b"));
  desk.take(ann, ticketsWaitingMax - asked, { name: "b" });
  assert(!desk.hasRoom(1) && !has("c"));
  desk.endTurn();
  const [first, second] = desk.takes;
  assert.deepEqual([first!.count, second!.count], [
    Math.floor(takeCountMax / count) * count,
    ticketsWaitingMax - asked,
  ]);
  assert(askersMax > asked);
});

Deno.test("More than one take can hold goes in several, blocks whole", () => {
  const desk = new Desk();
  const ann = desk.client("ann");
  desk.take(ann, 1000);
  for (let i = 0; i < 5; i++) desk.take(ann, 900_000, { isBlock: true });
  desk.endTurn();
  let last = 0n;
  while (desk.dispenser.waiting > 0) {
    const count = desk.posted.shift() as number;
    assert(count <= takeCountMax);
    desk.taken(last += BigInt(count), count);
    desk.endTurn();
  }
  assert.deepEqual(
    desk.takes.map(({ count }) => count),
    [1_801_000, 1_800_000, 900_000],
  );
  assert.equal(desk.told.length, 6);
});
