// Saves that are to be taken, under way and done, and the messages that wait for them.

import assert from "node:assert/strict";
import { Log } from "../../../../raft/core/log.ts";
import { Saves } from "../../../../raft/core/saves.ts";
import type { HardState, Message } from "../../../../raft/core/types.ts";
import {
  command,
  commands,
  configured,
  members,
  requestVote,
  snapshotAt,
} from "./scene.ts";

const hardState: HardState = { currentTerm: 3, votedFor: "b" };

/** A log of these terms, all of it durable. */
function stage(terms: number[] = []): { log: Log; saves: Saves } {
  const log = new Log(snapshotAt(0, 0), commands(terms));
  return { log, saves: new Saves(log.lastIndex) };
}

function message(to: string): Message {
  return requestVote({ from: "a", to });
}

Deno.test("Saves.take() gives nothing when nothing changed", () => {
  const { log, saves } = stage([1, 1]);
  assert.equal(saves.take(log, hardState), undefined);
  assert.equal(saves.durableIndex, 2);
});

Deno.test("Saves.take() gives exactly the changes since the last save, numbered from 1", () => {
  const { log, saves } = stage([1]);
  log.append(command(2, 2));
  saves.hardStateChanged();
  assert.deepEqual(saves.take(log, hardState), {
    number: 1,
    hardState,
    mustSync: true,
    snapshot: undefined,
    firstIndex: 2,
    entries: [command(2, 2)],
  });
  log.append(command(3, 2));
  assert.deepEqual(saves.take(log, hardState), {
    number: 2,
    hardState,
    mustSync: false,
    snapshot: undefined,
    firstIndex: 3,
    entries: [command(3, 2)],
  });
  assert.equal(saves.take(log, hardState), undefined);
});

Deno.test("Term, vote, members and a leader's first entry are synced at every durability; a ticket is not (PITFALLS 40)", () => {
  const { log, saves } = stage([1]);
  const mustSync = () => saves.take(log, hardState)?.mustSync;
  log.append(command(2, 1));
  assert.equal(mustSync(), false);
  log.append(configured(3, 1, members("ab")));
  log.append(command(4, 1));
  assert.equal(mustSync(), true, "a configuration");
  log.append({ type: "noop", index: 5, term: 2 });
  assert.equal(mustSync(), true, "a leader's first entry");
  log.append(command(6, 2));
  assert.equal(mustSync(), false, "once is enough");
  saves.hardStateChanged();
  assert.equal(mustSync(), true, "term and vote");
  log.append(command(7, 2));
  assert.equal(mustSync(), false);
});

Deno.test("A save of the hard state alone cuts nothing", () => {
  const { log, saves } = stage([1, 1]);
  saves.hardStateChanged();
  const save = saves.take(log, hardState)!;
  assert.deepEqual([save.firstIndex, save.entries], [3, []]);
});

Deno.test("A save with a leader's snapshot carries everything that follows it", () => {
  const { log, saves } = stage([1, 1, 1]);
  log.restore(snapshotAt(9, 2));
  saves.truncated(1);
  saves.snapshotChanged();
  log.append(command(10, 2));
  assert.equal(saves.isDirty(log), true);
  const save = saves.take(log, hardState)!;
  assert.equal(save.snapshot?.index, 9);
  assert.equal(save.firstIndex, 10);
  assert.deepEqual(save.entries.map((e) => e.index), [10]);
});

Deno.test("A node's own compaction makes no save, and the next save carries no snapshot", () => {
  const { log, saves } = stage([1, 1]);
  log.append(command(3, 2));
  const first = saves.take(log, hardState)!;
  log.commit(3);
  log.takeCommitted();
  log.compact({
    configuration: members("a"),
    configurationIndex: 0,
    data: Uint8Array.of(),
  });
  assert.equal(saves.isDirty(log), false);
  assert.equal(saves.take(log, hardState), undefined);
  assert.equal(saves.durableIndex, 2, "the save is under way");
  saves.saved(first.number);
  assert.equal(saves.durableIndex, 3);
  log.append(command(4, 2));
  const next = saves.take(log, hardState)!;
  assert.deepEqual([next.snapshot, next.firstIndex], [undefined, 4]);
});

Deno.test("durableIndex rises when a save is done, not when it is taken", () => {
  const { log, saves } = stage([1]);
  log.append(command(2, 1));
  const save = saves.take(log, hardState)!;
  assert.equal(saves.durableIndex, 1);
  assert.equal(saves.underWay, true);
  saves.saved(save.number);
  assert.equal(saves.durableIndex, 2);
  assert.equal(saves.underWay, false);
});

Deno.test("A truncation lowers durableIndex, also that which saves under way will reach (PITFALLS 18)", () => {
  const { log, saves } = stage([1, 1]);
  log.append(command(3, 1));
  const old = saves.take(log, hardState)!;
  log.truncate(2);
  saves.truncated(2);
  for (const index of [2, 3]) log.append(command(index, 2));
  assert.equal(saves.durableIndex, 1);
  saves.saved(old.number);
  assert.equal(saves.durableIndex, 1, "the save wrote entries that are gone");
  const save = saves.take(log, hardState)!;
  assert.deepEqual([save.firstIndex, save.entries.length], [2, 2]);
  saves.saved(save.number);
  assert.equal(saves.durableIndex, 3);
});

Deno.test("Saves.hold() lets a message pass when all is durable", () => {
  const { log, saves } = stage([1]);
  assert.equal(saves.hold(message("b"), log), false);
});

Deno.test("A message waits for the save that covers the moment it was made, no longer", () => {
  const { log, saves } = stage();
  log.append(command(1, 1));
  assert.equal(saves.hold(message("b"), log), true);
  const first = saves.take(log, hardState)!;
  assert.equal(saves.hold(message("c"), log), true, "the save is under way");
  log.append(command(2, 1));
  assert.equal(saves.hold(message("d"), log), true);
  const second = saves.take(log, hardState)!;
  assert.deepEqual(saves.saved(first.number).map((m) => m.to), ["b", "c"]);
  assert.deepEqual(saves.saved(second.number).map((m) => m.to), ["d"]);
});

Deno.test("Saves.saved() refuses a save out of turn", () => {
  const { log, saves } = stage();
  assert.throws(() => saves.saved(1), /out of turn/);
  log.append(command(1, 1));
  saves.take(log, hardState);
  log.append(command(2, 1));
  saves.take(log, hardState);
  assert.throws(() => saves.saved(2), /save 2 finished out of turn/);
});
