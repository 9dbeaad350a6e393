// Which connection makes way when there are too many.

import assert from "node:assert/strict";
import { ConnectionQuota } from "../../../../raft/net/connection_quota.ts";

Deno.test("A burst of 300 from one host leaves its youngest, and never more than fit", () => {
  const quota = new ConnectionQuota<number>({ max: 64, perSourceMax: 32 });
  const evicted: number[] = [];
  for (let i = 0; i < 300; i++) {
    const gone = quota.add(i, "10.0.0.1");
    if (gone !== undefined) evicted.push(gone);
    assert.ok(quota.size <= 32);
  }
  assert.deepEqual(evicted, Array.from({ length: 268 }, (_, i) => i));
  assert.deepEqual([...quota], Array.from({ length: 32 }, (_, i) => 268 + i));
});

Deno.test("When it is full, the oldest of the source that has most makes way, and no other", () => {
  const quota = new ConnectionQuota<string>({ max: 6, perSourceMax: 4 });
  quota.add("quiet", "10.0.0.9");
  for (let i = 0; i < 4; i++) quota.add(`a${i}`, "10.0.0.1");
  quota.add("b0", "10.0.0.2");
  assert.equal(quota.add("b1", "10.0.0.2"), "a0");
  assert.equal(quota.add("a4", "::ffff:10.0.0.1"), "a1", "it is the same host");
  assert.equal(quota.add("c0", "10.0.0.3"), "a2");
  assert.ok([...quota].includes("quiet"));
});

Deno.test("A connection that has ended makes room", () => {
  const quota = new ConnectionQuota<number>({ max: 2, perSourceMax: 2 });
  quota.add(1, "h");
  quota.add(2, "h");
  quota.delete(1);
  quota.delete(1);
  assert.equal(quota.size, 1);
  assert.equal(quota.add(3, "h"), undefined);
  assert.equal(quota.add(4, "g"), 2);
});
