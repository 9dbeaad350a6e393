// TICKETs that are answered from what the node has lent: in whose order, when more is asked
// for, and what goes back.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../../../base/assert.ts";
import type { TicketClient } from "../../../../server/tickets/ticket_request.ts";
import { Desk } from "./desk.ts";

/** Ann has asked for one ticket, and the node has given `count`. */
function stocked(count: number) {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  desk.take(ann, 1);
  desk.endTurn();
  desk.taken(BigInt(count), count);
  return { desk, dispenser, ann };
}

Deno.test("Dispenser gives by itself what it got beyond what was asked for", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.taken(12n, 12);
  desk.take(desk.client("bob"), 3);
  desk.take(desk.client("ann"), 1);
  assert.deepEqual(desk.told, ["ann 1-2", "bob 3-5", "ann 6-6"]);
  assert.equal(dispenser.waiting, 0);
  desk.endTurn();
  assert.deepEqual(desk.posted, [2], "more than half is left");
});

Deno.test("Dispenser asks for more in time, without anybody waiting, until it gets no more", () => {
  const { desk, ann } = stocked(11);
  desk.take(ann, 6);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"]);
  desk.take(ann, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"], "one is under way");
  desk.lent(21n, 10);
  desk.take(ann, 9);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill", "refill"]);
  desk.nothingLent();
  desk.take(ann, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted.length, 3, "there is none to be had");
  desk.take(ann, 4);
  desk.endTurn();
  assert.deepEqual(desk.posted.slice(3), [1], "what the loan did not have");
  desk.taken(22n, 1);
  const runs = ["1-1", "2-7", "8-8", "9-17", "18-18", "19-21", "22-22"];
  assert.deepEqual(desk.told, runs.map((run) => `ann ${run}`));
});

Deno.test("Dispenser asks for those who came while it asked to be lent more, when it is lent nothing", () => {
  const { desk, ann } = stocked(5);
  desk.take(ann, 3);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"]);
  desk.take(ann, 3);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"], "one is under way");
  desk.nothingLent();
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill", 2]);
});

Deno.test("Dispenser deals what it is lent to those who came while it asked for that", () => {
  const { desk, ann } = stocked(5);
  desk.take(ann, 3);
  desk.endTurn();
  desk.take(ann, 3);
  desk.lent(9n, 4);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"]);
  assert.deepEqual(desk.told.slice(1), ["ann 2-4", "ann 5-5", "ann 6-7"]);
  assert.deepEqual(desk.recall(), { last: 9n, count: 2 });
});

Deno.test("Dispenser deals to who asks while it deals before it keeps a loan", () => {
  const desk = new Desk();
  const told: bigint[] = [];
  let left = 3;
  const eager: TicketClient = {
    granted(last) {
      told.push(last);
      if (--left > 0) desk.take(eager, 1);
    },
    refused() {},
  };
  desk.take(eager, 1);
  desk.endTurn();
  desk.taken(10n, 10);
  assert.deepEqual(told, [1n, 2n, 3n]);
  assert.deepEqual(desk.recall(), { last: 10n, count: 7 });
});

Deno.test("Dispenser deals to who came after a take was posted before it keeps a loan", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 1);
  desk.endTurn();
  desk.take(desk.client("bob"), 2);
  desk.taken(10n, 10);
  desk.endTurn();
  assert.deepEqual(desk.told, ["ann 1-1", "bob 2-3"]);
  assert.deepEqual(desk.posted, [1]);
  desk.take(desk.client("eve"), 1);
  assert.deepEqual(desk.told.at(-1), "eve 4-4");
  assert.deepEqual(desk.recall(), { last: 10n, count: 6 });
});

Deno.test("Dispenser gives its loan back once, and asks from then on", () => {
  const { desk } = stocked(10);
  assert.deepEqual(desk.recall(), { last: 10n, count: 9 });
  assert.equal(desk.recall().count, 0);
  desk.take(desk.client("ann"), 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 1]);
  assert.deepEqual(desk.told, ["ann 1-1"]);
});

Deno.test("Dispenser that is closed gives nothing of its loan, and all of it back", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  desk.take(desk.client("ann"), 1);
  desk.endTurn();
  dispenser.close();
  desk.taken(10n, 10);
  desk.take(desk.client("bob"), 1);
  assert.match(desk.told.at(-1)!, /^bob 1 x/);
  assert.deepEqual(desk.recall(), { last: 10n, count: 9 });
});

Deno.test("Dispenser stops at answers that it did not ask for", () => {
  const { desk, ann } = stocked(11);
  assert.throws(() => desk.lent(12n, 1), InvariantError);
  assert.throws(() => desk.nothingLent(), InvariantError);
  desk.take(ann, 6);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, "refill"]);
  assert.throws(() => desk.taken(12n, 1), InvariantError);
  assert.throws(
    () => desk.refused("leadership-lost"),
    InvariantError,
  );
  assert.throws(() => desk.lent(11n, 0), InvariantError);
});

Deno.test("Dispenser gives no number that others have passed, and to all, whatever it is lent and when that is recalled", () => {
  const step = fc.oneof(
    fc.record({ who: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ surplus: fc.nat(20) }),
    fc.constantFrom("turn", "answer", "lose", "tick", "recall"),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const desk = new Desk();
      const { dispenser } = desk;
      let highest = 0n;
      /** The next number of a node that gets back what it lent. */
      let next = 1n;
      const clients = [0, 1, 2, 3, 4].map((): TicketClient => ({
        granted(to, count) {
          assert(to - BigInt(count) >= highest, `${to} after ${highest}`);
          highest = to;
        },
        refused() {},
      }));
      const answer = (surplus: number) => {
        const wanted = desk.posted.shift();
        if (wanted === undefined) return;
        if (wanted !== "refill") {
          next += BigInt(wanted + surplus);
          desk.taken(next - 1n, wanted + surplus);
        } else if (surplus > 0) {
          next += BigInt(surplus);
          desk.lent(next - 1n, surplus);
        } else desk.nothingLent();
      };
      const turn = () => {
        desk.endTurn();
        const isAsked = dispenser.waiting === 0 || desk.posted.length > 0;
        assert(isAsked, "somebody waits, and nothing is asked");
      };
      for (const one of steps) {
        if (one === "turn") turn();
        else if (one === "answer") answer(0);
        else if (one === "tick") dispenser.tick();
        else if (one === "lose") {
          const wanted = desk.posted.shift();
          if (wanted === "refill") desk.nothingLent();
          else if (wanted !== undefined) {
            desk.refused("leadership-lost");
          }
        } else if (one === "recall") {
          const { last, count } = desk.recall();
          if (count > 0) assert.equal(last, next - 1n, "the last of all");
          next -= BigInt(count);
          assert(next > highest, "what comes back was given to nobody");
        } else if ("surplus" in one) answer(one.surplus);
        else desk.take(clients[one.who]!, one.count);
      }
      while (dispenser.waiting > 0) {
        turn();
        answer(0);
      }
    }),
  );
});
