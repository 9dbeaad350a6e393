// The part of the suite for every `Storage` (`storage_conformance.ts`) that compacts while saves go
// on, and what such tests are made of. The orders in which that can go wrong in files are in
// tests/unit/storage/wal_compact_test.ts.

import assert from "node:assert/strict";
import type { Compacted, Entry, Saved } from "../../raft/core/types.ts";
import { compacted } from "../../storage/apply_save.ts";
import type { Storage } from "../../storage/storage.ts";
import {
  commands,
  create,
  durabilities,
  finished,
  flush,
  fresh,
  identity,
  save,
  snapshotAt,
  type StorageTest,
  write,
} from "./storage_conformance.ts";

/** The content of a storage with `snapshot` in the place of the entries up to it. */
export function compactedTo(saved: Saved, index: number): Compacted {
  const { hardState, snapshot, entries } = compacted(saved, snapshotAt(index));
  return { hardState, snapshot, entries };
}

/** `compact` as a promise. */
export function compact(storage: Storage, state: Compacted): Promise<void> {
  return finished((done) => storage.compact(state, done));
}

/** Registers these tests through `test`. */
export function testCompaction(
  test: (claim: string, body: StorageTest) => void,
): void {
  for (const durability of durabilities) {
    test(`puts a snapshot in the place of entries, without a flush (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      const hardState = { currentTerm: 3, votedFor: "2" };
      await write(storage, save(commands(1, 6, 1), { hardState }));
      const before = { ...fresh, hardState, entries: commands(1, 6, 1) };
      await compact(storage, compactedTo(before, 4));
      const expected = { identity, ...compactedTo(before, 4) };
      assert.deepEqual((await open()).load(), expected);
    });

    test(`acknowledges writes during a compaction, and keeps them all (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 4, 1)));
      const before = { ...fresh, entries: commands(1, 6, 1) };
      const written = write(storage, save(commands(5, 2, 1)));
      const isDone = compact(storage, compactedTo(before, 5));
      await written;
      await write(storage, save(commands(7, 3, 1)));
      const hardState = { currentTerm: 4, votedFor: "3" };
      const flushed = flush(storage);
      await write(storage, save(commands(8, 1, 4), { hardState }));
      await flushed;
      await isDone;
      const later = save(commands(9, 1, 4), { hardState, mustSync: false });
      await write(storage, later);
      await flush(storage);
      assert.deepEqual((await open()).load(), {
        identity,
        hardState,
        snapshot: snapshotAt(5),
        entries: [...commands(6, 2, 1), ...commands(8, 2, 4)],
      });
    });

    test(`lets a write with a snapshot do for the compaction under way (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 4, 1)));
      const before = { ...fresh, entries: commands(1, 4, 1) };
      const isDone = compact(storage, compactedTo(before, 3));
      await write(storage, save([], { snapshot: snapshotAt(9) }));
      await isDone;
      await write(storage, save(commands(10, 1, 1)));
      const after = { ...fresh, snapshot: snapshotAt(9) };
      const grown = { ...after, entries: commands(10, 1, 1) };
      await compact(storage, compactedTo(grown, 10));
      await flush(storage);
      const expected = { ...fresh, snapshot: snapshotAt(10) };
      assert.deepEqual((await open()).load(), expected);
    });
  }

  test("compacts again and again, and its size falls each time", async (open) => {
    const storage = await open();
    await create(storage);
    let saved: Saved = fresh;
    for (let round = 1; round <= 5; round++) {
      const first = saved.snapshot.index + saved.entries.length + 1;
      const entries = commands(first, 100, 1);
      await write(storage, save(entries));
      saved = { ...saved, entries: [...saved.entries, ...entries] };
      const full = storage.bytes;
      const next = compactedTo(saved, first + 90);
      await compact(storage, next);
      saved = { identity, ...next };
      assert.ok(storage.bytes < full, `${storage.bytes} of ${full}`);
      assert.ok(storage.bytes < 1500, `${storage.bytes} bytes`);
    }
    assert.deepEqual((await open()).load(), saved);
  });

  test("compacts to a large snapshot with many saves beside it", async (open) => {
    const storage = await open();
    await create(storage);
    await write(storage, save(commands(1, 3, 1)));
    const data = new Uint8Array(3 * 1024 * 1024 + 17).map((_, i) => i % 251);
    const snapshot = { ...snapshotAt(2), data };
    const { hardState } = fresh;
    let isDone = false;
    const done = compact(storage, {
      hardState,
      snapshot,
      entries: commands(3, 1, 1),
    }).then(() => isDone = true);
    let index = 4;
    while (!isDone) {
      // Large ones as well, which are many parts of a store.
      const entries = Array.from({ length: 1 + index % 20 }, (_, i): Entry => ({
        type: "command",
        index: index + i,
        term: 1,
        data: new Uint8Array(1 + (index * 977) % 65536).fill(index),
      }));
      await write(storage, save(entries));
      index += entries.length;
      if (index > 400) await done;
    }
    await write(storage, save(commands(index, 2, 1)));
    const saved = (await open()).load();
    assert.deepEqual(saved?.snapshot, snapshot);
    const indexes = saved?.entries.map((entry) => entry.index);
    assert.deepEqual(
      indexes,
      Array.from({ length: index - 1 }, (_, i) => 3 + i),
    );
  });
}
