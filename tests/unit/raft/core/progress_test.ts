// A leader's knowledge of one follower, and which answers may change it.

import assert from "node:assert/strict";
import {
  headOf,
  OutgoingSnapshot,
} from "../../../../raft/core/outgoing_snapshot.ts";
import {
  appendsInFlightMax,
  Progress,
} from "../../../../raft/core/progress.ts";
import { snapshotAt } from "./scene.ts";

const electionTicks = 10;

/** In replicate, the logs equal up to `match`, nothing under way. */
function replicating(match: number): Progress {
  const progress = new Progress(match, 0);
  progress.succeeded(match, ++progress.lastSequence);
  assert.equal(progress.state, "replicate");
  return progress;
}

/** An append up to `last` leaves; its sequence. */
function send(progress: Progress, last: number): number {
  progress.sent(last, ++progress.lastSequence);
  return progress.lastSequence;
}

Deno.test("A Progress begins by probing at the end of the leader's log, believing nothing", () => {
  const progress = new Progress(7, 3);
  assert.equal(progress.state, "probe");
  assert.deepEqual([progress.matchIndex, progress.nextIndex], [0, 8]);
  assert.equal(progress.hasRoom, true);
  assert.equal(progress.isCurrent(3), false, "what was answered before it");
});

Deno.test("Progress.sent() in probe leaves room for nothing until an answer comes", () => {
  const progress = new Progress(7, 0);
  const sequence = send(progress, 8);
  assert.equal(progress.hasRoom, false);
  assert.equal(progress.nextIndex, 8);
  progress.succeeded(8, sequence);
  assert.equal(progress.hasRoom, true);
  assert.deepEqual([progress.matchIndex, progress.nextIndex], [8, 9]);
});

Deno.test("Progress.sent() in replicate runs ahead of the answers, up to a limit", () => {
  const progress = replicating(3);
  for (let i = 0; i < appendsInFlightMax; i++) {
    assert.equal(progress.hasRoom, true);
    send(progress, progress.nextIndex);
  }
  assert.equal(progress.hasRoom, false);
  progress.succeeded(4, 2);
  assert.equal(progress.hasRoom, true);
});

Deno.test("Progress.sent() in replicate refuses to send an entry again", () => {
  const progress = replicating(3);
  assert.throws(() => send(progress, 3), /not sent before/);
});

Deno.test("Progress.succeeded() never lowers matchIndex or nextIndex", () => {
  const progress = replicating(5);
  send(progress, 9);
  progress.succeeded(2, progress.lastSequence);
  assert.deepEqual([progress.matchIndex, progress.nextIndex], [5, 10]);
});

Deno.test("Progress.succeeded() frees every append that was sent before the one answered", () => {
  const progress = replicating(0);
  for (let i = 1; i <= appendsInFlightMax; i++) send(progress, i);
  progress.succeeded(appendsInFlightMax, progress.lastSequence);
  for (let i = 1; i <= appendsInFlightMax; i++) {
    assert.equal(progress.hasRoom, true);
    send(progress, appendsInFlightMax + i);
  }
});

Deno.test("Progress.rejected() probes at what the follower offers", () => {
  const progress = new Progress(9, 0);
  progress.rejected(4, send(progress, 9));
  assert.deepEqual([progress.state, progress.nextIndex], ["probe", 5]);
  assert.equal(progress.hasRoom, true);
});

Deno.test("Progress.rejected() believes a current refusal of entries that were acknowledged", () => {
  const progress = replicating(8);
  progress.rejected(3, send(progress, 9));
  assert.deepEqual([progress.matchIndex, progress.nextIndex], [0, 4]);
});

Deno.test("Progress.isCurrent() is false for answers older than the newest, or than a probe", () => {
  const progress = replicating(3);
  const first = send(progress, 4);
  const second = send(progress, 5);
  progress.succeeded(5, second);
  assert.equal(progress.isCurrent(first), false);
  assert.equal(progress.isCurrent(second), true, "twice does no harm");
  const third = send(progress, 6);
  progress.probe(4);
  assert.equal(progress.isCurrent(third), false);
  assert.equal(progress.isCurrent(progress.lastSequence + 1), false);
});

Deno.test("Progress.probe() never goes below matchIndex", () => {
  const progress = replicating(8);
  progress.probe(3);
  assert.equal(progress.nextIndex, 9);
});

Deno.test("Progress.caughtUp: a catch-up round fitted into an election timeout (thesis 4.2.1)", () => {
  const progress = new Progress(100, 0);
  progress.succeeded(40, ++progress.lastSequence);
  assert.equal(progress.caughtUp, false);
  for (let i = 0; i < electionTicks; i++) {
    progress.tickCatchUp(150, electionTicks);
  }
  progress.succeeded(100, ++progress.lastSequence);
  assert.equal(progress.caughtUp, false, "too late: the target has moved");
  progress.succeeded(150, ++progress.lastSequence);
  assert.equal(progress.caughtUp, true, "although the log is longer by now");
});

Deno.test("Progress.caughtUp ends with the catch-up round, and when the follower has lost its log (PITFALLS 28)", () => {
  const progress = replicating(10);
  assert.equal(progress.caughtUp, true);
  for (let i = 0; i < electionTicks; i++) {
    progress.tickCatchUp(50, electionTicks);
  }
  assert.equal(progress.caughtUp, false);

  const wiped = replicating(10);
  wiped.rejected(0, send(wiped, 11));
  wiped.succeeded(1, send(wiped, 1));
  assert.equal(wiped.state, "replicate");
  assert.equal(wiped.caughtUp, false);
});

Deno.test("Progress.install() sends a snapshot, which no refusal of an append ends, until the follower has it", () => {
  const progress = replicating(3);
  send(progress, 4);
  const snapshot = { ...snapshotAt(9, 1), data: new Uint8Array(100) };
  progress.install(new OutgoingSnapshot(snapshot, headOf(snapshot)));
  assert.equal(progress.state, "snapshot");
  assert.equal(progress.hasRoom, true);
  const chunk = progress.outgoing!.next(10)!;
  progress.outgoing!.sent(chunk, ++progress.lastSequence);
  assert.equal(progress.hasRoom, false);
  progress.rejected(3, ++progress.lastSequence);
  assert.equal(progress.state, "snapshot");
  assert.equal(progress.hasRoom, true, "the chunk before is lost");
  assert.equal(progress.caughtUp, false);
  progress.succeeded(9, ++progress.lastSequence);
  assert.deepEqual([progress.state, progress.outgoing], [
    "replicate",
    undefined,
  ]);
  assert.deepEqual([progress.matchIndex, progress.nextIndex], [9, 10]);
});
