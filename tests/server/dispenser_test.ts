// TICKETs gathered, dealt, asked for again and given up.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../raft/core/assert.ts";
import {
  askersMax,
  Dispenser,
  type TicketClient,
  ticketsWaitingMax,
  ticksPerTimeout,
} from "../../server/dispenser.ts";

/** A dispenser whose turns end, and whose takes are answered, by hand. */
class Desk {
  readonly posted: number[] = [];
  readonly told: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly dispenser: Dispenser;

  constructor({ asksAgain = true } = {}) {
    this.dispenser = new Dispenser({
      post: (count) => this.posted.push(count),
      defer: (task) => this.#tasks.push(task),
      asksAgain,
      timeoutMillis: 10_000,
    });
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.dispenser.tick();
  }

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  client(name: string): TicketClient {
    return {
      granted: (last: bigint, count: number) =>
        this.told.push(`${name} ${last - BigInt(count - 1)}-${last}`),
      refused: (count: number, text: string) =>
        this.told.push(`${name} ${count} x ${text}`),
    };
  }
}

Deno.test("Dispenser gathers a turn's requests into one take, first come, first served", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  dispenser.take(desk.client("bob"), 1);
  dispenser.take(desk.client("eve"), 3);
  assert.deepEqual(desk.posted, []);
  desk.endTurn();
  assert.deepEqual(desk.posted, [6]);
  dispenser.taken(16n, 6);
  assert.deepEqual(desk.told, ["ann 11-12", "bob 13-13", "eve 14-16"]);
  assert.equal(dispenser.waiting, 0);
  desk.endTurn();
  assert.deepEqual(desk.posted, [6]);
});

Deno.test("Dispenser has one take in flight; what comes meanwhile joins the next", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 1);
  desk.endTurn();
  dispenser.take(ann, 1);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1]);
  dispenser.taken(1n, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 2]);
  dispenser.taken(3n, 2);
  assert.deepEqual(desk.told, ["ann 1-1", "ann 2-2", "bob 3-3"]);
});

Deno.test("Dispenser asks for who waits before it deals out what came", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take({
    granted: () => desk.told.push(`given when ${desk.posted} were asked for`),
    refused() {},
  }, 1);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 3);
  dispenser.taken(1n, 1);
  assert.deepEqual(desk.told, ["given when 1,3 were asked for"]);
});

Deno.test("Dispenser answers a request in parts when the sequence ends within it", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  dispenser.take(desk.client("bob"), 3);
  desk.endTurn();
  dispenser.taken(2n ** 64n - 1n, 3);
  dispenser.refused(2, "exhausted");
  assert.deepEqual(desk.told, [
    "ann 18446744073709551613-18446744073709551614",
    "bob 18446744073709551615-18446744073709551615",
    "bob 2 x ERR tickets are exhausted: 18446744073709551615 was the last",
  ]);
});

Deno.test("Dispenser that does not ask again refuses only what was posted", () => {
  const desk = new Desk({ asksAgain: false });
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 2);
  desk.endTurn();
  dispenser.take(ann, 5);
  dispenser.refused(2, "leadership-lost");
  assert.deepEqual(desk.told, [
    "ann 2 x ERR leadership lost while committing log",
  ]);
  desk.endTurn();
  assert.deepEqual(desk.posted, [2, 5]);
  dispenser.taken(5n, 5);
  assert.deepEqual(desk.told.slice(1), ["ann 1-5"]);
});

Deno.test("Dispenser asks again when a leader is lost, in order and with all that waits", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  dispenser.take(desk.client("bob"), 1);
  desk.endTurn();
  dispenser.take(desk.client("eve"), 4);
  dispenser.refused(3, "leadership-lost");
  desk.endTurn();
  assert.deepEqual([desk.posted, desk.told], [[3, 7], []]);
  dispenser.refused(7, "not-leader");
  desk.endTurn();
  dispenser.taken(17n, 7);
  assert.deepEqual(desk.posted, [3, 7, 7]);
  assert.deepEqual(desk.told, ["ann 11-12", "bob 13-13", "eve 14-17"]);
});

Deno.test("Dispenser passes on where a client is to go, and asks for the others", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 1);
  dispenser.refused(2, { movedTo: "10.0.0.1:11001" });
  desk.endTurn();
  assert.deepEqual(desk.told, ["ann 2 x MOVED 0 10.0.0.1:11001"]);
  assert.deepEqual(desk.posted, [2, 1]);
});

Deno.test("Dispenser tells who waited too long, each in its own time", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 2);
  desk.endTurn(); // one take is under way for ann alone
  desk.ticks(1);
  dispenser.take(ann, 1);
  dispenser.take(desk.client("bob"), 1);
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
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  dispenser.take(desk.client("bob"), 1);
  dispenser.taken(2n, 2);
  assert.equal(desk.told.length, 1, "bob asked after 1 and 2 were taken");
  desk.endTurn();
  dispenser.taken(3n, 1);
  assert.deepEqual(desk.told.slice(1), ["bob 3-3"]);
});

Deno.test("Dispenser passes nothing on that comes too late, to who waits already either", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(5);
  dispenser.take(desk.client("bob"), 1);
  desk.ticks(ticksPerTimeout - 4);
  dispenser.taken(2n, 2);
  assert.equal(desk.told.length, 1, "bob asked after 1 and 2 were taken");
  desk.endTurn();
  dispenser.taken(3n, 1);
  assert.deepEqual(desk.told.slice(1), ["bob 3-3"]);
});

Deno.test("Dispenser asks for nothing again that nobody waits for", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  dispenser.take(desk.client("bob"), 5);
  dispenser.refused(2, "leadership-lost");
  desk.endTurn();
  assert.deepEqual(desk.posted, [2, 5]);
  dispenser.refused(5, "leadership-lost");
  desk.ticks(ticksPerTimeout + 1);
  desk.endTurn();
  assert.deepEqual([desk.posted, dispenser.waiting], [[2, 5], 0]);
});

Deno.test("Dispenser without a leader holds no more than it may, whoever comes and goes", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const clients = [desk.client("ann"), desk.client("bob")];
  assert.equal(dispenser.hasRoom(ticketsWaitingMax + 1), false);
  let asked = 0;
  for (; dispenser.hasRoom(1); asked++) dispenser.take(clients[asked % 2]!, 1);
  assert.equal(asked, askersMax);
  desk.endTurn();
  desk.ticks(ticksPerTimeout + 1);
  assert.ok(dispenser.hasRoom(1), "those whose time is up leave their places");
});

Deno.test("Dispenser that is closed tells who waits and who comes, and asks for nothing", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 1);
  dispenser.close();
  dispenser.take(desk.client("eve"), 1);
  assert.deepEqual(desk.told, [
    "ann 2 x ERR the node is stopping",
    "bob 1 x ERR the node is stopping",
    "eve 1 x ERR the node is stopping",
  ]);
  dispenser.refused(2, "not-leader");
  desk.endTurn();
  assert.deepEqual(desk.posted, [2]);
});

Deno.test("Dispenser lets a client that asks from within its answer join the next take", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const greedy: TicketClient = {
    granted(last, count) {
      desk.told.push(`greedy ${last}`);
      if (last < 3n) dispenser.take(greedy, count);
    },
    refused() {},
  };
  dispenser.take(greedy, 1);
  for (let last = 1n; last <= 3n; last++) {
    desk.endTurn();
    dispenser.taken(last, 1);
  }
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 1, 1]);
  assert.deepEqual(desk.told, ["greedy 1", "greedy 2", "greedy 3"]);
});

Deno.test("Dispenser stops at counts that do not add up", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  assert.throws(() => dispenser.taken(1n, 1), InvariantError);
  assert.throws(() => dispenser.take(desk.client("ann"), 0), InvariantError);
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 2);
  assert.throws(() => dispenser.taken(1n, 2), InvariantError);
  assert.throws(() => dispenser.taken(0n, 0), InvariantError);
  assert.throws(() => dispenser.refused(0, "not-leader"), InvariantError);
  assert.throws(() => dispenser.refused(3, "not-leader"), InvariantError);
  assert.throws(
    () => dispenser.take(desk.client("eve"), ticketsWaitingMax),
    InvariantError,
  );
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
      /** Who asked and is not answered, ticket by ticket; the oldest first. */
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
          posted.push({ count, to: lastTaken += BigInt(count) });
        }
      };
      const answer = (most: number) => {
        const take = posted[0];
        if (take === undefined) return;
        const part = Math.min(most, take.count);
        take.count -= part;
        if (take.count === 0) posted.shift();
        dispenser.taken(take.to - BigInt(take.count), part);
      };
      for (const one of steps) {
        if (one === "turn") turn();
        else if (one === "answer") answer(Infinity);
        else if (one === "part") answer(2);
        else if (one === "lose") {
          const take = posted.shift();
          if (take) dispenser.refused(take.count, "leadership-lost");
        } else if (one === "tick") {
          ticks++;
          dispenser.tick();
          for (const { tick } of waiting) {
            assert(ticks - tick <= ticksPerTimeout);
          }
        } else if (typeof one === "object") {
          const asked = { who: one.who, after: lastTaken, tick: ticks };
          for (let i = 0; i < one.count; i++) waiting.push(asked);
          dispenser.take(clients[one.who]!, one.count);
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

Deno.test("Dispenser gives by itself what it got beyond what was asked for", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 2);
  desk.endTurn();
  dispenser.taken(12n, 12);
  dispenser.take(desk.client("bob"), 3);
  dispenser.take(desk.client("ann"), 1);
  assert.deepEqual(desk.told, ["ann 1-2", "bob 3-5", "ann 6-6"]);
  assert.equal(dispenser.waiting, 0);
  desk.endTurn();
  assert.deepEqual(desk.posted, [2], "more than half is left");
});

Deno.test("Dispenser asks for more in time, without anybody waiting, until it gets no more", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 1);
  desk.endTurn();
  dispenser.taken(11n, 11);
  dispenser.take(ann, 6);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0]);
  dispenser.take(ann, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0], "one take is under way");
  dispenser.taken(21n, 10);
  dispenser.take(ann, 9);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0, 0]);
  dispenser.taken(21n, 0);
  dispenser.take(ann, 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0, 0], "there is none to be had");
  dispenser.take(ann, 4);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0, 0, 1], "what the stock did not have");
  dispenser.taken(22n, 1);
  const runs = ["1-1", "2-7", "8-8", "9-17", "18-18", "19-21", "22-22"];
  assert.deepEqual(desk.told, runs.map((run) => `ann ${run}`));
});

Deno.test("Dispenser asks for those who came while it asked for none, when it got none", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 1);
  desk.endTurn();
  dispenser.taken(5n, 5);
  dispenser.take(ann, 3);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0]);
  dispenser.take(ann, 3);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0], "one take is under way");
  dispenser.taken(5n, 0);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0, 2]);
});

Deno.test("Dispenser deals to who asks while it deals before it keeps a stock", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const told: bigint[] = [];
  let left = 3;
  const eager: TicketClient = {
    granted(last) {
      told.push(last);
      if (--left > 0) dispenser.take(eager, 1);
    },
    refused() {},
  };
  dispenser.take(eager, 1);
  desk.endTurn();
  dispenser.taken(10n, 10);
  assert.deepEqual(told, [1n, 2n, 3n]);
  assert.deepEqual(dispenser.recall(), { last: 10n, count: 7 });
});

Deno.test("Dispenser deals to who came after a take was posted before it keeps a stock", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 1);
  desk.endTurn();
  dispenser.take(desk.client("bob"), 2);
  dispenser.taken(10n, 10);
  desk.endTurn();
  assert.deepEqual(desk.told, ["ann 1-1", "bob 2-3"]);
  assert.deepEqual(desk.posted, [1]);
  dispenser.take(desk.client("eve"), 1);
  assert.deepEqual(desk.told.at(-1), "eve 4-4");
  assert.deepEqual(dispenser.recall(), { last: 10n, count: 6 });
});

Deno.test("Dispenser gives its stock back once, and asks from then on", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 1);
  desk.endTurn();
  dispenser.taken(10n, 10);
  assert.deepEqual(dispenser.recall(), { last: 10n, count: 9 });
  assert.equal(dispenser.recall().count, 0);
  dispenser.take(desk.client("ann"), 1);
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 1]);
  assert.deepEqual(desk.told, ["ann 1-1"]);
});

Deno.test("Dispenser that is closed gives nothing of its stock, and all of it back", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  dispenser.take(desk.client("ann"), 1);
  desk.endTurn();
  dispenser.close();
  dispenser.taken(10n, 10);
  dispenser.take(desk.client("bob"), 1);
  assert.match(desk.told.at(-1)!, /^bob 1 x/);
  assert.deepEqual(dispenser.recall(), { last: 10n, count: 9 });
});

Deno.test("Dispenser asks again for what was refused to nobody", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 1);
  desk.endTurn();
  dispenser.taken(11n, 11);
  dispenser.take(ann, 6);
  desk.endTurn();
  dispenser.refused(0, "leadership-lost");
  desk.endTurn();
  assert.deepEqual(desk.posted, [1, 0, 0]);
  dispenser.take(ann, 2);
  assert.equal(desk.told.at(-1), "ann 8-9");
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
        next += BigInt(wanted + surplus);
        dispenser.taken(next - 1n, wanted + surplus);
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
          if (wanted !== undefined) {
            dispenser.refused(wanted, "leadership-lost");
          }
        } else if (one === "recall") {
          const { last, count } = dispenser.recall();
          if (count > 0) assert.equal(last, next - 1n, "the last of all");
          next -= BigInt(count);
          assert(next > highest, "what comes back was given to nobody");
        } else if ("surplus" in one) answer(one.surplus);
        else dispenser.take(clients[one.who]!, one.count);
      }
      while (dispenser.waiting > 0) {
        turn();
        answer(0);
      }
    }),
  );
});
