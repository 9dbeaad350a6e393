// A compaction of the log in files while saves go on: what waits for what, in which order the disk
// is told, and where it ends early. Crashes in the midst of one are tried in tests/crashes.

import assert from "node:assert/strict";
import type { Saved } from "../../../raft/core/types.ts";
import { readSegment, segmentName } from "../../../storage/segment.ts";
import { type Durability, StorageError } from "../../../storage/storage.ts";
import type { FakeDisk } from "../../lib/fake_files.ts";
import {
  commands,
  fresh,
  save,
  snapshotAt,
} from "../../lib/storage_conformance.ts";
import { compactedTo } from "../../lib/storage_compaction.ts";
import { firstSegment, full, WalHarness } from "./wal_harness.ts";

const limits = { slice: 400, rest: 60, meanwhile: 500 };
const second = segmentName(2);

/** A log of four entries, whose compaction to index 3 has begun. */
function compacting(
  durability: Durability = "high",
  { fault }: { fault?: FakeDisk["fault"] } = {},
): { harness: WalHarness; compaction: () => Error | "done" | undefined } {
  const harness = new WalHarness(durability, limits);
  harness.create();
  harness.write(save(commands(1, 4, 1)));
  if (fault !== undefined) harness.disk.fault = fault;
  const state = compactedTo({ ...fresh, entries: commands(1, 4, 1) }, 3);
  const compaction = harness.begin((done) => harness.wal.compact(state, done));
  return { harness, compaction };
}

function afterwards(count: number, first = 4): Saved {
  const entries = commands(first, count, 1);
  return { ...fresh, snapshot: snapshotAt(3), entries };
}

Deno.test("Wal compacts in slices, each synced, and names the new segment before it removes the old one", () => {
  const harness = new WalHarness("high", limits);
  harness.create();
  harness.write(save(commands(1, 4, 1)));
  const state = compactedTo({ ...fresh, entries: commands(1, 4, 1) }, 3);
  const operations = harness.operationsOf(() =>
    assert.equal(
      harness.finish((done) => harness.wal.compact(state, done)),
      "done",
    )
  );
  assert.deepEqual(operations, [
    "create",
    "sync",
    "append",
    "sync",
    "append",
    "sync",
    "rename",
    "syncDirectory",
    "remove",
    "syncDirectory",
  ]);
  assert.deepEqual(harness.disk.names(), [second]);
});

for (const durability of ["high", "medium", "low"] as const) {
  Deno.test(`Wal at ${durability} acknowledges saves while a compaction waits for its disk`, () => {
    const { harness, compaction } = compacting(durability);
    const hardState = { currentTerm: 2, votedFor: "3" };
    for (let index = 5; index <= 8; index++) {
      // A vote is synced at every durability.
      const change = save(commands(index, 1, 1), { hardState });
      const answer = harness.begin((done) => harness.wal.write(change, done));
      harness.runNewest();
      assert.equal(answer(), "done");
    }
    assert.equal(compaction(), undefined);
    harness.disk.crash(() => 0);
    const found = harness.open().load();
    assert.deepEqual(found, {
      ...fresh,
      hardState,
      entries: commands(1, 8, 1),
    });
  });

  Deno.test(`Wal at ${durability} makes all durable that was saved before and during a compaction`, () => {
    const { harness, compaction } = compacting(durability);
    for (let index = 5; index <= 9; index++) {
      const change = save(commands(index, 1, 1));
      harness.begin((done) => harness.wal.write(change, done));
      harness.runNewest();
    }
    harness.settle();
    assert.equal(compaction(), "done");
    harness.disk.crash(() => 0);
    assert.deepEqual(harness.open().load(), afterwards(6));
  });
}

Deno.test("Wal holds a save that comes while the new segment is named, and writes it there", () => {
  const { harness, compaction } = compacting();
  const isNaming = () =>
    harness.disk.operations.at(-1)?.startsWith("syncDirectory");
  while (!isNaming()) assert(harness.runOldest());
  const before = harness.disk.content(firstSegment)?.length;
  const change = save(commands(5, 1, 1));
  const answer = harness.begin((done) => harness.wal.write(change, done));
  assert.equal(harness.disk.content(firstSegment)?.length, before);
  assert.equal(answer(), undefined);
  harness.settle();
  assert.deepEqual([compaction(), answer()], ["done", "done"]);
  harness.disk.crash(() => 0);
  assert.deepEqual(harness.disk.names(), [second]);
  assert.deepEqual(harness.open().load(), afterwards(2));
});

Deno.test("Wal lets saves wait for a compaction once too many have come: two segments have a limit", () => {
  const { harness, compaction } = compacting();
  const answers: (() => Error | "done" | undefined)[] = [];
  let written = 0;
  for (let index = 5; index < 30; index++) {
    const change = save(commands(index, 1, 1));
    const answer = harness.begin((done) => harness.wal.write(change, done));
    answers.push(answer);
    harness.runNewest();
    if (answer() === undefined) break;
    written++;
  }
  assert(written > 3 && written < 20, `${written} were written`);
  const count = answers.length;
  harness.settle();
  assert.equal(compaction(), "done");
  assert.equal(answers.at(-1)?.(), "done");
  assert.deepEqual(harness.reload(), afterwards(count + 1));
});

Deno.test("Wal gives a compaction up for a save with a snapshot, which does for both", () => {
  const { harness, compaction } = compacting();
  harness.runOldest();
  const order: string[] = [];
  const change = save(commands(10, 1, 1), { snapshot: snapshotAt(9) });
  harness.wal.write(change, () => order.push(`write, ${compaction()}`));
  harness.settle();
  assert.deepEqual(order, ["write, undefined"]);
  assert.equal(compaction(), "done");
  const expected = {
    ...fresh,
    snapshot: snapshotAt(9),
    entries: commands(10, 1, 1),
  };
  harness.disk.crash(() => 0);
  assert.deepEqual(harness.open().load(), expected);
  // Its number is not given again.
  assert.equal(harness.disk.names().at(-1), segmentName(4));
});

for (const fails of [false, true]) {
  Deno.test(`Wal answers a compaction that it gave up when its last sync has ${fails ? "failed" : "ended"}`, () => {
    const { harness, compaction } = compacting("high", {
      fault: ({ type }) => fails && type === "sync" ? full : undefined,
    });
    harness.disk.fault = () => undefined;
    const change = save([], { snapshot: snapshotAt(9) });
    const answer = harness.begin((done) => harness.wal.write(change, done));
    for (let i = 0; answer() === undefined; i++) {
      assert(i < 20, "never");
      harness.runNewest();
    }
    assert.deepEqual([answer(), compaction()], ["done", undefined]);
    harness.settle();
    if (fails) assert.match(String(compaction()), /no space/);
    else assert.equal(compaction(), "done");
  });
}

Deno.test("Wal refuses a second compaction while one is under way", () => {
  const { harness } = compacting();
  assert.throws(
    () => harness.wal.compact(compactedTo(afterwards(1), 4), () => {}),
    /one compaction at a time/,
  );
});

Deno.test("Wal ends with the first error of a compaction, and says so to all that wait", () => {
  for (
    const failing of ["create", "append", "sync", "rename", "syncDirectory"]
  ) {
    for (let after = 0; after < 3; after++) {
      const { harness, compaction } = failing === "create"
        ? compacting()
        : compacting("medium");
      let left = after;
      harness.disk.fault = ({ type, name }) =>
        type === failing && name !== firstSegment && left-- === 0
          ? full
          : undefined;
      const change = save(commands(5, 1, 1), { mustSync: true });
      const answer = harness.begin((done) => harness.wal.write(change, done));
      harness.settle();
      assert.notEqual(answer(), undefined);
      assert.notEqual(compaction(), undefined);
      if (compaction() === "done") continue;
      const operations = harness.operationsOf(() => {
        assert.match(
          String(harness.write(save(commands(6, 1, 1)))),
          /no space/,
        );
        assert.match(String(harness.flush()), /no space/);
      });
      assert.deepEqual(operations, []);
      harness.disk.fault = () => undefined;
      const entries = harness.reload()?.entries;
      if (answer() === "done") assert.equal(entries?.at(-1)?.index, 5);
    }
  }
});

Deno.test("Wal that stops in the midst of a compaction starts again without it", () => {
  const { harness, compaction } = compacting();
  for (let i = 0; i < 2; i++) harness.runOldest();
  harness.wal.close();
  harness.settle();
  assert.equal(compaction(), undefined);
  harness.disk.restart();
  const expected = { ...fresh, entries: commands(1, 4, 1) };
  assert.deepEqual(harness.open().load(), expected);
});

Deno.test("No segment has the number of one that a crash left without a name (PITFALLS 8)", () => {
  const { harness } = compacting();
  for (let i = 0; i < 2; i++) harness.runOldest();
  assert(harness.disk.names().includes("segment.tmp"));
  harness.reload();
  assert.deepEqual(harness.disk.names(), [segmentName(4)]);
  harness.reload();
  assert.deepEqual(harness.disk.names(), [segmentName(5)]);
});

Deno.test("Any flipped bit of a save that a compaction has copied is noticed, or cut in the last one", () => {
  const { harness } = compacting();
  const base = { length: 0 };
  for (let index = 5; index <= 7; index++) {
    const change = save(commands(index, 1, 1));
    harness.begin((done) => harness.wal.write(change, done));
    harness.runNewest();
  }
  harness.settle();
  const bytes = harness.disk.content(second);
  assert(bytes !== undefined);
  const options = { path: second, number: 2, node: "1" };
  const whole = readSegment(bytes, options);
  assert.deepEqual(whole.state.entries, commands(4, 4, 1));
  const { length } = recordOf(bytes);
  base.length = bytes.length - 3 * length;
  for (let at = base.length; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << bit;
      const isLast = at >= bytes.length - length;
      if (isLast) {
        const { state } = readSegment(damaged, options);
        assert.deepEqual(state.entries, commands(4, 3, 1));
      } else assert.throws(() => readSegment(damaged, options), StorageError);
    }
  }
});

/** The last record of a file whose last records have equal lengths. */
function recordOf(bytes: Uint8Array): { length: number } {
  const payload = 8 + 1 + 1 + 8 + 4 + (1 + 8 + 4 + 1);
  const length = 21 + payload;
  assert(bytes.length > 3 * length);
  return { length };
}
