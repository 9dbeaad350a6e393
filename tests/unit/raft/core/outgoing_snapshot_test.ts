// A snapshot on its way to a follower: what is sent next after each kind of answer.

import assert from "node:assert/strict";
import {
  chunksInFlightMax,
  headOf,
  OutgoingSnapshot,
} from "../../../../raft/core/outgoing_snapshot.ts";
import { snapshotAt } from "./scene.ts";

const snapshot = {
  ...snapshotAt(9, 2),
  data: Uint8Array.from({ length: 100 }, (_, i) => i),
};

function outgoing(bytes = 100): OutgoingSnapshot {
  const data = snapshot.data.subarray(0, bytes);
  const one = { ...snapshot, data };
  return new OutgoingSnapshot(one, headOf(one));
}

/** Sends chunks of 4 bytes while there is room; their offsets. The first has number `from`. */
function send(to: OutgoingSnapshot, from: number): number[] {
  const offsets: number[] = [];
  while (to.hasRoom) {
    const chunk = to.next(4);
    if (chunk === undefined) break;
    to.sent(chunk, from + offsets.length);
    offsets.push(chunk.offset);
  }
  return offsets;
}

Deno.test("OutgoingSnapshot sends one chunk, and after its answer some at a time", () => {
  const to = outgoing();
  assert.deepEqual(send(to, 1), [0]);
  to.answered(1, 4);
  const offsets = Array.from(
    { length: chunksInFlightMax },
    (_, i) => 4 + 4 * i,
  );
  assert.deepEqual(send(to, 2), offsets);
  assert.deepEqual(send(to, 20), []);
  to.answered(3, 12);
  assert.deepEqual(send(to, 20), [36, 40]);
});

Deno.test("OutgoingSnapshot goes on behind what the follower holds already", () => {
  const to = outgoing();
  send(to, 1);
  to.answered(1, 60);
  assert.equal(send(to, 2)[0], 60);
});

Deno.test("OutgoingSnapshot turns back where a chunk is missing, or all are", () => {
  for (const held of [0, 4]) {
    const to = outgoing();
    send(to, 1);
    to.answered(1, 4);
    send(to, 2);
    to.answered(3, held);
    assert.equal(send(to, 20)[0], held);
  }
});

Deno.test("OutgoingSnapshot.overtaken() sends again, one chunk first, what a later answer shows to be lost", () => {
  const to = outgoing();
  send(to, 1);
  to.answered(1, 4);
  send(to, 5);
  to.overtaken(4); // a heartbeat of before
  assert.deepEqual(send(to, 15), []);
  to.overtaken(7);
  assert.deepEqual(send(to, 20), [4]);
  to.overtaken(20 + 5);
  assert.deepEqual(send(to, 30), [4], "a lost answer does not begin it again");
});

Deno.test("OutgoingSnapshot.overtaken() disturbs nothing when all is answered", () => {
  const to = outgoing();
  send(to, 1);
  to.answered(1, 4);
  to.overtaken(2);
  assert.equal(send(to, 3).length, chunksInFlightMax);
});

Deno.test("OutgoingSnapshot believes a late answer that more is there, not that less is, nor one of before", () => {
  const to = outgoing();
  send(to, 5);
  to.overtaken(6);
  assert.deepEqual(send(to, 7), [0]);
  to.answered(5, 20);
  assert.deepEqual(send(to, 8), [20]);
  to.answered(8, 24);
  send(to, 9);
  to.answered(5, 4);
  to.answered(4, 90);
  assert.deepEqual(send(to, 20), []);
  to.answered(9, 28);
  assert.equal(send(to, 21)[0], 56);
});

Deno.test("A follower that says it holds all, and has not taken it, is sent it from the beginning", () => {
  const to = outgoing();
  send(to, 1);
  to.answered(1, 100);
  assert.deepEqual(send(to, 2)[0], 0);
});

Deno.test("A snapshot without data is sent in one chunk", () => {
  const to = outgoing(0);
  assert.deepEqual(send(to, 1), [0]);
  assert.deepEqual(send(to, 2), []);
  to.overtaken(3);
  assert.deepEqual(send(to, 4), [0]);
});
