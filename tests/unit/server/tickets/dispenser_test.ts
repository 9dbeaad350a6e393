// TICKETs gathered, dealt, asked for again and given up.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../../../base/assert.ts";
import {
  askersMax,
  ticketsWaitingMax,
} from "../../../../server/tickets/dispenser.ts";
import { ticksPerTimeout } from "../../../../server/tickets/lane.ts";
import type { TicketClient } from "../../../../server/tickets/ticket_request.ts";
import { Desk } from "./desk.ts";

Deno.test("Dispenser gathers a turn's requests into one take, first come, first served", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  desk.take(desk.client("ann"), 2);
  desk.take(desk.client("bob"), 1);
  desk.take(desk.client("eve"), 3);
  assert.deepEqual(desk.posted, []);
  desk.endTurn();
  assert.deepEqual(desk.posted, [6]);
  desk.taken(16n, 6);
  assert.deepEqual(desk.told, ["ann 11-12", "bob 13-13", "eve 14-16"]);
  assert.equal(dispenser.waiting, 0);
  desk.endTurn();
  assert.deepEqual(desk.posted, [6]);
});

Deno.test("Dispenser has one take in flight; what comes meanwhile joins the next", () => {
  const desk = new Desk();
  const ann = desk.client("ann");
  desk.take(ann, 1);
  desk.endTurn();
  desk.take(ann, 1);
  desk.endTurn();
  desk.take(desk.client("bob"), 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1]);
  desk.taken(1n, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 2]);
  desk.taken(3n, 2);
  assert.deepEqual(desk.told, ["ann 1-1", "ann 2-2", "bob 3-3"]);
});

Deno.test("Dispenser asks for who waits before it deals out what came", () => {
  const desk = new Desk();
  desk.take({
    granted: () => desk.told.push(`given when ${desk.posted} were asked for`),
    refused() {},
  }, 1);
  desk.endTurn();
  desk.take(desk.client("bob"), 3);
  desk.taken(1n, 1);
  assert.deepEqual(desk.told, ["given when 1,3 were asked for"]);
});

Deno.test("Dispenser asks for each by itself when the sequence ends within a take", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.take(desk.client("bob"), 3);
  desk.endTurn();
  let left = 3;
  while (desk.posted.length > 0) {
    const count = desk.posted.shift() as number;
    if (count > left) desk.refused("exhausted");
    else desk.taken(2n ** 64n - 1n - BigInt(left -= count), count);
    desk.endTurn();
  }
  assert.deepEqual(desk.takes.map(({ count }) => count), [5, 1, 1, 1, 1]);
  assert.deepEqual(desk.told, [
    "ann 18446744073709551613-18446744073709551613",
    "ann 18446744073709551614-18446744073709551614",
    "bob 18446744073709551615-18446744073709551615",
    "bob 2 x ERR tickets are exhausted: 18446744073709551615 was the last",
  ]);
});

Deno.test("Dispenser that does not ask again refuses only what was posted", () => {
  const desk = new Desk({ asksAgain: false });
  const ann = desk.client("ann");
  desk.take(ann, 2);
  desk.endTurn();
  desk.take(ann, 5);
  desk.refused("leadership-lost");
  assert.deepEqual(desk.told, [
    "ann 2 x ERR leadership lost while committing log",
  ]);
  desk.endTurn();
  assert.deepEqual(desk.posted, [2, 5]);
  desk.taken(5n, 5);
  assert.deepEqual(desk.told.slice(1), ["ann 1-5"]);
});

Deno.test("Dispenser asks again when a leader is lost, in order and with all that waits", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.take(desk.client("bob"), 1);
  desk.endTurn();
  desk.take(desk.client("eve"), 4);
  desk.refused("leadership-lost");
  desk.endTurn();
  assert.deepEqual([desk.posted, desk.told], [[3, 7], []]);
  desk.refused("not-leader");
  desk.endTurn();
  desk.taken(17n, 7);
  assert.deepEqual(desk.posted, [3, 7, 7]);
  assert.deepEqual(desk.told, ["ann 11-12", "bob 13-13", "eve 14-17"]);
});

Deno.test("Dispenser passes on where a client is to go, and asks for the others", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.take(desk.client("bob"), 1);
  desk.refused({ movedTo: "10.0.0.1:11001" });
  desk.endTurn();
  assert.deepEqual(desk.told, ["ann 2 x MOVED 0 10.0.0.1:11001"]);
  assert.deepEqual(desk.posted, [2, 1]);
});

Deno.test("Dispenser asks a node that belongs to no cluster once, and tells who waits", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.refused("no-cluster");
  desk.endTurn();
  assert.deepEqual(desk.posted, [2]);
  assert.deepEqual(desk.told, [
    "ann 2 x CLUSTERDOWN This node belongs to no cluster: nothing was done, " +
    "ask another",
  ]);
});

Deno.test("Dispenser tells who waited too long, each in its own time", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  desk.take(ann, 2);
  desk.endTurn(); // one take is under way for ann alone
  desk.ticks(1);
  desk.take(ann, 1);
  desk.take(desk.client("bob"), 1);
  desk.ticks(ticksPerTimeout - 1);
  assert.deepEqual(desk.told, []);
  desk.ticks(1);
  assert.deepEqual(desk.told, ["ann 2 x CLUSTERDOWN No leader within 10s"]);
  desk.ticks(1);
  assert.deepEqual(desk.told.slice(1), [
    "ann 1 x CLUSTERDOWN No leader within 10s",
    "bob 1 x CLUSTERDOWN No leader within 10s",
  ]);
  assert.equal(dispenser.waiting, 2, "the numbers on their way for ann");
});

Deno.test("Dispenser burns numbers that come too late, and gives them to nobody", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  desk.take(desk.client("bob"), 1);
  desk.taken(2n, 2);
  assert.equal(desk.told.length, 1, "bob asked after 1 and 2 were taken");
  desk.endTurn();
  desk.taken(3n, 1);
  assert.deepEqual(desk.told.slice(1), ["bob 3-3"]);
});

Deno.test("Dispenser passes nothing on that comes too late, to who waits already either", () => {
  const desk = new Desk();
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(5);
  desk.take(desk.client("bob"), 1);
  desk.ticks(ticksPerTimeout - 4);
  desk.taken(2n, 2);
  assert.equal(desk.told.length, 1, "bob asked after 1 and 2 were taken");
  desk.endTurn();
  desk.taken(3n, 1);
  assert.deepEqual(desk.told.slice(1), ["bob 3-3"]);
});

Deno.test("Dispenser asks for nothing again that nobody waits for", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  desk.take(desk.client("bob"), 5);
  desk.refused("leadership-lost");
  desk.endTurn();
  assert.deepEqual(desk.posted, [2, 5]);
  desk.refused("leadership-lost");
  desk.ticks(ticksPerTimeout + 1);
  desk.endTurn();
  assert.deepEqual([desk.posted, dispenser.waiting], [[2, 5], 0]);
});

Deno.test("Dispenser without a leader holds no more than it may, whoever comes and goes", () => {
  const desk = new Desk();
  const clients = [desk.client("ann"), desk.client("bob")];
  assert.equal(desk.hasRoom(ticketsWaitingMax + 1), false);
  let asked = 0;
  for (; desk.hasRoom(1); asked++) desk.take(clients[asked % 2]!, 1);
  assert.equal(asked, askersMax);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  assert.ok(desk.hasRoom(1), "those whose time is up leave their places");
});

Deno.test("Dispenser that is closed tells who waits and who comes, and asks for nothing", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.take(desk.client("bob"), 1);
  dispenser.close();
  desk.take(desk.client("eve"), 1);
  assert.deepEqual(desk.told, [
    "ann 2 x ERR the node is stopping",
    "bob 1 x ERR the node is stopping",
    "eve 1 x ERR the node is stopping",
  ]);
  desk.refused("not-leader");
  desk.endTurn();
  assert.deepEqual(desk.posted, [2]);
});

Deno.test("Dispenser lets a client that asks from within its answer join the next take", () => {
  const desk = new Desk();
  const greedy: TicketClient = {
    granted(last, count) {
      desk.told.push(`greedy ${last}`);
      if (last < 3n) desk.take(greedy, count);
    },
    refused() {},
  };
  desk.take(greedy, 1);
  for (let last = 1n; last <= 3n; last++) {
    desk.endTurn();
    desk.taken(last, 1);
  }
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 1, 1]);
  assert.deepEqual(desk.told, ["greedy 1", "greedy 2", "greedy 3"]);
});

Deno.test("Dispenser stops at counts that do not add up", () => {
  const desk = new Desk();
  assert.throws(() => desk.taken(1n, 1), InvariantError);
  assert.throws(() => desk.take(desk.client("ann"), 0), InvariantError);
  desk.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.take(desk.client("bob"), 2);
  assert.throws(() => desk.taken(1n, 2), InvariantError);
  assert.throws(() => desk.taken(0n, 0), InvariantError);
  assert.throws(() => desk.refused("not-leader"), InvariantError);
  assert.throws(() => desk.refused("not-leader"), InvariantError);
  assert.throws(
    () => desk.take(desk.client("eve"), ticketsWaitingMax),
    InvariantError,
  );
});

Deno.test("Dispenser says that it is broken when a request fails in it", () => {
  const desk = new Desk();
  const ann = desk.client("ann");
  desk.take(ann, 1);
  assert.deepEqual(desk.faults, []);
  assert.throws(() => desk.take(ann, 0), InvariantError);
  assert.match(String(desk.faults), /^InvariantError: 0 tickets asked for$/);
});

Deno.test("Dispenser gives numbers in the order of asking, none taken before it was asked", () => {
  const step = fc.oneof(
    fc.record({ who: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }),
    fc.constantFrom("turn", "answer", "part", "lose", "tick"),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const desk = new Desk();
      const { dispenser } = desk;
      /** The askers that are not answered, ticket by ticket; the oldest first. */
      const waiting: { who: number; after: bigint; tick: number }[] = [];
      let last = 0n;
      let lastTaken = 0n;
      let ticks = 0;
      const clients = [0, 1, 2, 3, 4].map((who): TicketClient => ({
        granted(to, count) {
          for (let number = to - BigInt(count - 1); number <= to; number++) {
            const asked = waiting.shift();
            assert.equal(asked?.who, who, "first come, first served");
            assert(
              number > asked!.after,
              `${number} was taken before it was asked`,
            );
            assert(number > last, "each number once, and rising");
            last = number;
          }
        },
        refused(count) {
          for (let i = 0; i < count; i++) {
            const asked = waiting.shift();
            assert.equal(asked?.who, who, "first come, first told");
            assert(ticks - asked!.tick > ticksPerTimeout, "too early");
          }
        },
      }));
      /** Takes under way; their numbers may be taken as soon as they are posted. */
      const posted: { count: number; to: bigint }[] = [];
      const turn = () => {
        desk.endTurn();
        for (const count of desk.posted.splice(0)) {
          assert(count !== "refill", "nothing was lent");
          posted.push({ count, to: lastTaken += BigInt(count) });
        }
      };
      const answer = (most: number) => {
        const take = posted[0];
        if (take === undefined) return;
        const part = Math.min(most, take.count);
        take.count -= part;
        if (take.count === 0) posted.shift();
        desk.taken(take.to - BigInt(take.count), part);
      };
      for (const one of steps) {
        if (one === "turn") turn();
        else if (one === "answer") answer(Infinity);
        else if (one === "part") answer(2);
        else if (one === "lose") {
          const take = posted.shift();
          if (take) desk.refused("leadership-lost");
        } else if (one === "tick") {
          ticks++;
          dispenser.tick();
          for (const { tick } of waiting) {
            assert(ticks - tick <= ticksPerTimeout);
          }
        } else if (typeof one === "object") {
          const asked = { who: one.who, after: lastTaken, tick: ticks };
          for (let i = 0; i < one.count; i++) waiting.push(asked);
          desk.take(clients[one.who]!, one.count);
        }
        assert(dispenser.waiting >= waiting.length);
      }
      while (dispenser.waiting > 0) {
        turn();
        answer(Infinity);
      }
      assert.deepEqual(waiting, []);
    }),
  );
});

Deno.test("Dispenser says when requests begin to wait, and not while a loan answers them", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  let began = 0;
  dispenser.onWait(() => began++);
  const ann = desk.client("ann");
  desk.take(ann, 1);
  desk.take(ann, 1);
  assert.equal(began, 1);
  desk.endTurn();
  desk.taken(4n, 4);
  desk.take(ann, 2);
  assert.equal(began, 1, "it is answered from the loan");
  desk.take(ann, 1);
  assert.equal(began, 2);
});
