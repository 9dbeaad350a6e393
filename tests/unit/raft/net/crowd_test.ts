// Who makes way when too many come.

import assert from "node:assert/strict";
import { Crowd } from "../../../../raft/net/crowd.ts";

Deno.test("A burst of 300 from one host leaves its youngest, and never more than fit", () => {
  const crowd = new Crowd<number>({ max: 64, perSourceMax: 32 });
  const evicted: number[] = [];
  for (let i = 0; i < 300; i++) {
    const gone = crowd.add(i, "10.0.0.1");
    if (gone !== undefined) evicted.push(gone);
    assert.ok(crowd.size <= 32);
  }
  assert.deepEqual(evicted, Array.from({ length: 268 }, (_, i) => i));
  assert.deepEqual([...crowd], Array.from({ length: 32 }, (_, i) => 268 + i));
});

Deno.test("In a full crowd the oldest of whoever has most makes way, and nobody else", () => {
  const crowd = new Crowd<string>({ max: 6, perSourceMax: 4 });
  crowd.add("quiet", "10.0.0.9");
  for (let i = 0; i < 4; i++) crowd.add(`a${i}`, "10.0.0.1");
  crowd.add("b0", "10.0.0.2");
  assert.equal(crowd.add("b1", "10.0.0.2"), "a0");
  assert.equal(crowd.add("a4", "::ffff:10.0.0.1"), "a1", "it is the same host");
  assert.equal(crowd.add("c0", "10.0.0.3"), "a2");
  assert.ok([...crowd].includes("quiet"));
});

Deno.test("Who leaves makes room", () => {
  const crowd = new Crowd<number>({ max: 2, perSourceMax: 2 });
  crowd.add(1, "h");
  crowd.add(2, "h");
  crowd.delete(1);
  crowd.delete(1);
  assert.equal(crowd.size, 1);
  assert.equal(crowd.add(3, "h"), undefined);
  assert.equal(crowd.add(4, "g"), 2);
});
