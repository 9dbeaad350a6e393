import assert from "node:assert/strict";
import fc from "fast-check";
import type { Refusal } from "../../raft/channel.ts";
import { InvariantError } from "../../raft/core/assert.ts";
import {
  Dispenser,
  type TicketClient,
  ticketsWaitingMax,
} from "../../server/dispenser.ts";

/** A dispenser whose turns end, and whose takes are answered, by hand. */
class Desk {
  readonly posted: number[] = [];
  readonly told: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly dispenser = new Dispenser({
    post: (count) => this.posted.push(count),
    defer: (task) => this.#tasks.push(task),
  });

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  client(name: string): TicketClient {
    return {
      granted: (last: bigint, count: number) =>
        this.told.push(`${name} ${last - BigInt(count - 1)}-${last}`),
      refused: (count: number, reason: Refusal) =>
        this.told.push(`${name} ${reason} ${count}`),
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
    "bob exhausted 2",
  ]);
});

Deno.test("Dispenser refuses only what was posted; the rest is asked for again", () => {
  const desk = new Desk();
  const { dispenser } = desk;
  const ann = desk.client("ann");
  dispenser.take(ann, 2);
  desk.endTurn();
  dispenser.take(ann, 5);
  dispenser.refused(2, "leadership-lost");
  assert.deepEqual(desk.told, ["ann leadership-lost 2"]);
  desk.endTurn();
  assert.deepEqual(desk.posted, [2, 5]);
  dispenser.taken(5n, 5);
  assert.deepEqual(desk.told.slice(1), ["ann 1-5"]);
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
  assert.throws(() => dispenser.taken(3n, 3), InvariantError);
  assert.throws(() => dispenser.taken(1n, 2), InvariantError);
  assert.throws(() => dispenser.refused(0, "not-leader"), InvariantError);
  assert.throws(
    () => dispenser.take(desk.client("eve"), ticketsWaitingMax),
    InvariantError,
  );
});

Deno.test("Dispenser gives every number once, in the order of asking, whatever happens", () => {
  const step = fc.oneof(
    fc.record({ who: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }),
    fc.constantFrom("turn" as const, "answer" as const, "part" as const),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const desk = new Desk();
    const { dispenser } = desk;
    const asked: number[] = []; // who asked, ticket by ticket
    const given: [who: number, ticket: bigint][] = [];
    const clients = [0, 1, 2, 3, 4].map((who): TicketClient => ({
      granted(last, count) {
        for (let i = count - 1; i >= 0; i--) {
          given.push([who, last - BigInt(i)]);
        }
      },
      refused: () => {},
    }));
    let last = 0n;
    let answered = 0;
    let inFlight = 0;
    const answer = (most: number) => {
      const count = Math.min(most, inFlight);
      if (count === 0) return;
      inFlight -= count;
      answered += count;
      dispenser.taken(last += BigInt(count), count);
    };
    const turn = () => {
      desk.endTurn();
      inFlight += desk.posted.splice(0).reduce((sum, n) => sum + n, 0);
    };
    for (const one of steps) {
      if (one === "turn") turn();
      else if (one === "answer") answer(Infinity);
      else if (one === "part") answer(2);
      else {
        dispenser.take(clients[one.who]!, one.count);
        for (let i = 0; i < one.count; i++) asked.push(one.who);
      }
      assert.equal(dispenser.waiting, asked.length - answered);
    }
    while (dispenser.waiting > 0) {
      turn();
      answer(Infinity);
    }
    const expected = asked.map((who, i) => [who, BigInt(i + 1)]);
    assert.deepEqual(given, expected);
  }));
});
