// The queue of one node: what leaves in one write, what gathers, and how much may wait.

import assert from "node:assert/strict";
import { queueBytesMax } from "../../../../raft/net/link.ts";
import { FakeNode, numbered, Station, withNodes } from "./station.ts";

Deno.test("All messages of one send leave in one write, begun before send() returns", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    const { writes, sent } = a.peers.counters;
    const done = a.reaches(b, 500);
    assert.equal(a.peers.counters.writes, writes + 1);
    assert.equal(a.peers.counters.sent, sent + 500);
    await done;
    assert.equal(a.peers.counters.writes, writes + 1);
  });
});

Deno.test("Messages that are sent while a write is under way gather into the next one", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    const { writes } = a.peers.counters;
    for (const message of numbered("1", "2", 200)) a.peers.send([message]);
    assert.equal(a.peers.counters.writes, writes + 1);
    await b.receives(201);
    assert.equal(a.peers.counters.writes, writes + 2);
    assert.deepEqual(b.received.slice(1), numbered("1", "2", 200));
  });
});

Deno.test("What waits for a peer that never reads is bounded, and close() does not wait for it (PITFALLS 6)", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.peers.connect([fake.address]);
    await fake.accept();
    await a.says("connected to node 2");
    const data = new Uint8Array(64 * 1024);
    const big = { type: "Forward", from: "1", to: "2", id: 1, data } as const;
    const count = Math.ceil(2 * queueBytesMax / data.length);
    for (let i = 0; i < count; i++) a.peers.send([big]);
    const { dropped } = a.peers.counters;
    assert.ok(
      dropped >= count / 2 && dropped < count,
      `${dropped} of ${count}`,
    );
    await a.close();
  });
});
