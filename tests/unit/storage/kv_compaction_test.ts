// A compaction in Deno KV that ends early, and what one leaves in the store. The saves that go on
// beside it are in tests/lib/storage_compaction.ts, which tests every storage.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { KvStorage } from "../../../storage/kv_storage.ts";
import { openKv } from "../../../storage/kv.ts";
import {
  commands,
  create,
  finished,
  fresh,
  save,
  snapshotAt,
  write,
} from "../../lib/storage_conformance.ts";
import { compact } from "../../lib/storage_compaction.ts";

const data = new Uint8Array(6 * 1024 * 1024).map((_, i) => i % 241);
const { hardState } = fresh;
const large = { hardState, snapshot: { ...snapshotAt(2), data }, entries: [] };
const small = { hardState, snapshot: snapshotAt(2), entries: [] };

function open(directory: string): Promise<KvStorage> {
  return openKv({ directory, node: "1", durability: "high", log() {} });
}

/** The numbers of the saves in the store, once each. */
async function numbersIn(directory: string): Promise<number[]> {
  using kv = await Deno.openKv(join(directory, "kv.sqlite3"));
  const prefix = ["ticketd", "1", "save"];
  const keys = await Array.fromAsync(kv.list({ prefix }), ({ key }) => key);
  return [...new Set(keys.map((key) => Number(key[3])))];
}

async function inDirectory(
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("KvStorage whose process ends in a compaction starts without it, and with every save", async () => {
  // Saves that pass before the process ends: from none of the base to all of it.
  for (const saves of [0, 1, 3, 6, 12]) {
    await inDirectory(async (directory) => {
      const storage = await open(directory);
      await create(storage);
      await write(storage, save(commands(1, 2, 1)));
      let isDone = false;
      storage.compact(large, () => isDone = true);
      for (let i = 0; i < saves; i++) {
        await write(storage, save(commands(3 + i, 1, 1)));
      }
      storage.close();
      const again = await open(directory);
      const saved = again.load();
      const last = 2 + saves;
      const first = (saved?.snapshot.index ?? 0) + 1;
      if (isDone) assert.equal(first, 3);
      assert.deepEqual(saved?.entries, commands(first, last - first + 1, 1));
      again.close();
      const numbers = await numbersIn(directory);
      assert.equal(numbers.length, Math.max(...numbers) - numbers[0]! + 1);
    });
  }
});

Deno.test("KvStorage deletes what a compaction has made superfluous, or what was written of one in vain", async () => {
  await inDirectory(async (directory) => {
    const storage = await open(directory);
    await create(storage);
    await write(storage, save(commands(1, 2, 1)));
    await compact(storage, small);
    for (let i = 3; i <= 6; i++) await write(storage, save(commands(i, 1, 1)));
    const given = compact(storage, {
      ...large,
      snapshot: { ...snapshotAt(6), data },
    });
    await write(storage, save(commands(7, 1, 1)));
    await write(storage, save([], { snapshot: snapshotAt(20) }));
    await given;
    for (let i = 21; i <= 40; i++) {
      await write(storage, save(commands(i, 1, 1)));
    }
    await finished((done) => storage.flush(done));
    storage.close();
    const numbers = await numbersIn(directory);
    assert.equal(numbers.length, 21, "a snapshot, and what followed");
    const again = await open(directory);
    assert.deepEqual(again.load()?.entries, commands(21, 20, 1));
    again.close();
  });
});
