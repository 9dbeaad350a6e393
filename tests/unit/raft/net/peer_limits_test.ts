// The limits of peers, which must agree with each other.

import assert from "node:assert/strict";
import { frameBytesMax } from "../../../../raft/net/frame.ts";
import { queueBytesMax } from "../../../../raft/net/link.ts";
import { inboundShares, peerTimes } from "../../../../raft/net/peer_limits.ts";

Deno.test("Shares of few places leave most of them to members", () => {
  for (const max of [16, 32, 64, 128, 256, 1000]) {
    const { unauthenticated, guests } = inboundShares(max);
    assert.ok(unauthenticated.max + guests.max <= max / 2, `${max}`);
    assert.ok(unauthenticated.perSourceMax < unauthenticated.max);
  }
});

Deno.test("The limits of peers agree with each other", () => {
  assert.ok(queueBytesMax > frameBytesMax, "a whole frame can wait");
  const { keepaliveMillis, silenceMillis, frameMillis, retryMaxMillis } =
    peerTimes;
  assert.ok(
    3 * keepaliveMillis < silenceMillis && silenceMillis < frameMillis,
  );
  assert.ok(retryMaxMillis <= 1000);
  const { retryDeadMaxMillis, strayMillis, movedMillis, moveToldMillis } =
    peerTimes;
  assert.ok(retryMaxMillis <= retryDeadMaxMillis);
  assert.ok(strayMillis < movedMillis, "found before it is reported");
  // Reports of several members, each after a dial in vain, must meet at the leader, which
  // keeps each for half of the time of a change: 5 s.
  assert.ok(moveToldMillis + peerTimes.dialMillis < 5000);
});
