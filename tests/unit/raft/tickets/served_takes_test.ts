// Takes of other nodes at their leader: what it remembers of them, and for how long.

import assert from "node:assert/strict";
import type { Take, TakeResponse } from "../../../../raft/core/types.ts";
import type { Claim } from "../../../../raft/tickets/claim.ts";
import { ServedTakes } from "../../../../raft/tickets/served_takes.ts";
import { leaderOf } from "../core/scene.ts";

/** A leader whose claims are settled by hand. */
function serving() {
  const raft = leaderOf({ id: "a", voters: "abc" });
  const claims: Claim[] = [];
  const sent: TakeResponse[] = [];
  const ask = ({ kind, parts }: Pick<Claim, "kind" | "parts">) => {
    claims.push({
      ...{ kind, parts, round: 0, command: undefined, judge: undefined },
      ...{ isWanted: undefined, door: undefined },
    });
    return claims.at(-1);
  };
  const served = new ServedTakes(raft, { ask }, (one) => sent.push(one));
  const take = (id: number, names = "x", answered = id - 1): Take => ({
    ...{ type: "Take", from: "b", to: "a", term: raft.currentTerm },
    ...{ process: 7, id, answered },
    parts: [...names].map((name) => ({ name, count: 2, isCapped: false })),
  });
  /** Gives a claim 2 numbers, up to `last`. */
  const settle = (at: number, last: bigint) =>
    served.settled({
      claim: claims[at]!,
      settlement: { type: "given", parts: [{ last, count: 2, exists: true }] },
    });
  return { served, claims, sent, take, settle };
}

const answer = (at: number, last: bigint) => ({
  ...{ at, last, refusal: undefined },
});

Deno.test("ServedTakes makes a claim for each part, and tells those that are settled together", () => {
  const { served, claims, sent, take, settle } = serving();
  served.asked(take(1, "xyz"));
  assert.deepEqual(claims.map(({ parts }) => parts[0]!.name), ["x", "y", "z"]);
  settle(2, 9n);
  settle(0, 4n);
  assert.equal(sent.length, 0);
  served.tell();
  served.tell();
  settle(1, 6n);
  served.tell();
  assert.deepEqual(sent.map(({ id, answers }) => [id, answers]), [
    [1, [answer(2, 9n), answer(0, 4n)]],
    [1, [answer(1, 6n)]],
  ]);
});

Deno.test("ServedTakes answers a take that comes again with what is settled so far", () => {
  const { served, claims, sent, take, settle } = serving();
  served.asked(take(1, "xy"));
  served.asked(take(1, "xy"));
  assert.deepEqual([claims.length, sent.length], [2, 0]);
  settle(1, 9n);
  served.tell();
  served.asked(take(1, "xy"));
  settle(0, 3n);
  served.tell();
  served.asked(take(1, "xy"));
  served.asked(take(1, "xz")); // another one under its id: of no honest process
  assert.deepEqual(sent.map(({ answers }) => answers), [
    [answer(1, 9n)],
    [answer(1, 9n)],
    [answer(0, 3n)],
    [answer(1, 9n), answer(0, 3n)],
  ]);
  assert.equal(claims.length, 2);
});

Deno.test("ServedTakes executes no take up to one that its process has the answer of", () => {
  const { served, claims, take } = serving();
  served.asked(take(5, "x", 3));
  served.asked(take(3, "x", 0));
  served.asked(take(4, "x", 0));
  assert.deepEqual(claims.length, 2);
});

Deno.test("ServedTakes serves a process without end, and forgets what that has heard", () => {
  const { served, claims, take } = serving();
  for (let id = 1; id <= 40_000; id++) served.asked(take(id));
  assert.equal(claims.length, 40_000);
});

Deno.test("ServedTakes remembers a bounded number of takes without an answer", () => {
  const { served, claims, take } = serving();
  for (let id = 1; id <= 20_000; id++) served.asked(take(id, "x", 0));
  assert.equal(claims.length, 2 ** 14);
  served.asked(take(20_001, "x", 20_000));
  assert.equal(claims.length, 2 ** 14 + 1);
});

Deno.test("ServedTakes remembers a bounded number of parts, and goes on when some are heard", () => {
  const { served, claims, take } = serving();
  const names = "x".repeat(4096);
  for (let id = 1; id <= 40; id++) served.asked(take(id, names, 0));
  assert.equal(claims.length, 2 ** 17);
  served.asked(take(41, names, 3));
  served.asked(take(42, names, 3));
  assert.equal(claims.length, 2 ** 17 + 2 * 4096);
});

Deno.test("ServedTakes forgets the process that was silent longest", () => {
  const { served, claims, take } = serving();
  served.asked(take(1));
  for (let process = 100; process < 500; process++) {
    served.asked({ ...take(1), process });
    served.asked(take(1));
  }
  assert.equal(claims.length, 401);
});
