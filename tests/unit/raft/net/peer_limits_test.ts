// The limits of peers, which must agree with each other.

import assert from "node:assert/strict";
import {
  chunkBytesMax,
  counterMax,
  forwardBytesMax,
  takeBytesMax,
} from "../../../../raft/core/limits.ts";
import { encodePeerMessage } from "../../../../raft/core/message_codec.ts";
import {
  chunksInFlightMax,
  headOf,
} from "../../../../raft/core/outgoing_snapshot.ts";
import { bytesPerAppendMax } from "../../../../raft/core/replication.ts";
import type { Configuration } from "../../../../raft/core/types.ts";
import {
  frameBytesMax,
  guestFrameBytesMax,
} from "../../../../raft/net/frame.ts";
import { queueBytesMax } from "../../../../raft/net/link.ts";
import { inboundShares, peerTimes } from "../../../../raft/net/peer_limits.ts";

Deno.test("Shares of few places leave most of them to members", () => {
  for (const max of [16, 32, 64, 128, 256, 1000]) {
    const { unauthenticated, guests } = inboundShares(max);
    assert.ok(unauthenticated.max + guests.max <= max / 2, `${max}`);
    assert.ok(unauthenticated.perSourceMax < unauthenticated.max);
  }
});

/** As long as a configuration can be. */
const largest: Configuration = {
  servers: Array.from({ length: 64 }, (_, i) => ({
    id: `${i}`.padStart(64, "n"),
    address: "a".repeat(255),
    suffrage: "voter",
    incarnation: "i".repeat(255),
  })),
};

Deno.test("The largest messages of a leader fit into a frame", () => {
  const id = "n".repeat(64);
  const envelope = { from: id, to: id, term: counterMax, sequence: counterMax };
  const snapshot = {
    ...{ index: counterMax, term: counterMax, configurationIndex: 1 },
    ...{ configuration: largest, data: new Uint8Array(chunkBytesMax) },
  };
  const chunk = encodePeerMessage({
    ...{ ...envelope, type: "InstallSnapshot", offset: 0 },
    ...{ snapshot: headOf(snapshot), chunk: snapshot.data },
  });
  assert.ok(chunk.length < frameBytesMax, `${chunk.length}`);
  // 8 KiB each by the estimate of replication.ts, and 36 KiB in fact.
  const estimate = 64 * 128;
  const entries = Array.from(
    { length: bytesPerAppendMax / estimate },
    (_, i) => ({
      ...{ type: "configuration", index: i + 1, term: 1 } as const,
      configuration: largest,
    }),
  );
  const append = encodePeerMessage({
    ...{ ...envelope, type: "AppendEntries", prevLogIndex: 0, prevLogTerm: 0 },
    ...{ leaderCommit: 0, entries },
  });
  assert.ok(append.length < frameBytesMax, `${append.length}`);
});

Deno.test("The largest Forward and its answer fit into a member's frame, and a Take into a guest's", () => {
  const id = "n".repeat(64);
  const envelope = { from: id, to: id, term: counterMax };
  const data = new Uint8Array(forwardBytesMax);
  for (const type of ["Forward", "ForwardResponse"] as const) {
    const bytes = encodePeerMessage({ ...envelope, type, id: 1, data });
    assert.ok(bytes.length <= frameBytesMax, `${type}: ${bytes.length}`);
  }
  const take = encodePeerMessage({
    ...{ ...envelope, type: "Take", process: 1, id: 2, answered: 1 },
    parts: [{ name: "t", count: 1, isCapped: false }],
  });
  const takeBytes = take.length + takeBytesMax;
  assert.ok(takeBytes <= guestFrameBytesMax, `${takeBytes}`);
});

Deno.test("The limits of peers agree with each other", () => {
  assert.ok(queueBytesMax > frameBytesMax, "a whole frame can wait");
  assert.ok(queueBytesMax > 4 * chunksInFlightMax * chunkBytesMax);
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
