// One suite for every implementation of `Storage` (storage/storage.ts states the contract),
// and the saves that storage tests are made of. Damage, crashes and locks, which only some
// implementations have, are in their own tests.

import assert from "node:assert/strict";
import type { Entry, Save, Saved, Snapshot } from "../../raft/core/types.ts";
import type { Durability, Storage } from "../../storage/storage.ts";
import { testCompaction } from "./storage_compaction.ts";
import { within } from "./until.ts";

/** Where one storage lies, to be opened again and again. */
export type Placement = {
  open(durability: Durability): Storage | Promise<Storage>;
  /** Makes the next write that reaches the disk fail with "no space". */
  breakDisk?(): void;
  remove(): void | Promise<void>;
};

/** The identity of all storages of the suite. */
export const identity = {
  cluster: "0123456789abcdef0123456789abcdef",
  node: "1",
  incarnation: "0123456789abcdef",
};

/** A command entry with `data` as its bytes. */
export function command(index: number, term: number, data = `${index}`): Entry {
  return { type: "command", index, term, data: new TextEncoder().encode(data) };
}

/** `count` command entries from index `first` on. */
export function commands(first: number, count: number, term: number): Entry[] {
  return Array.from({ length: count }, (_, i) => command(first + i, term));
}

/** A snapshot of the log up to `index`, with `text` as its state. */
export function snapshotAt(index: number, text = `state ${index}`): Snapshot {
  const data = new TextEncoder().encode(text);
  return {
    index,
    term: 1,
    configuration: {
      servers: [{
        id: "1",
        address: ":12001",
        suffrage: "voter",
        incarnation: "",
      }],
    },
    configurationIndex: index > 0 ? 1 : 0,
    data,
  };
}

/** The first content of a storage: an empty log. */
export const fresh: Saved = {
  identity,
  hardState: { currentTerm: 1, votedFor: undefined },
  snapshot: snapshotAt(0, ""),
  entries: [],
};

let number = 0;

/** The save of `entries`, in term 1 and without a snapshot unless `change` says otherwise. */
export function save(
  entries: readonly Entry[],
  change: Partial<Save> = {},
): Save {
  return {
    number: ++number,
    hardState: { currentTerm: 1, votedFor: undefined },
    mustSync: change.hardState !== undefined ||
      entries.some(({ type }) => type !== "command"),
    snapshot: undefined,
    firstIndex: entries[0]?.index ?? (change.snapshot?.index ?? 0) + 1,
    entries,
    ...change,
  };
}

/** Settles as `done` does; fails if `done` runs inside the call, or never. */
export async function finished(
  start: (done: (error?: Error) => void) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let returned = false;
  start((error) => {
    if (!returned) reject(new Error("done() ran before the call returned"));
    else if (error === undefined) resolve();
    else reject(error);
  });
  returned = true;
  await within("the storage is done", promise);
}

/** `create` of a storage in which nothing was created yet, as a promise. */
export function create(storage: Storage, saved: Saved = fresh): Promise<void> {
  assert.equal(storage.load(), undefined);
  return finished((done) => storage.create(saved, done));
}

/** `write` as a promise. */
export function write(storage: Storage, change: Save): Promise<void> {
  return finished((done) => storage.write(change, done));
}

/** `writeDraft` as a promise. */
export function writeDraft(storage: Storage, draft: string): Promise<void> {
  return finished((done) => storage.writeDraft(draft, done));
}

/** `flush` as a promise. */
export function flush(storage: Storage): Promise<void> {
  return finished((done) => storage.flush(done));
}

export const durabilities = ["high", "medium", "low"] as const;

/** The body of one test: it opens the storage as often as it likes. */
export type StorageTest = (
  open: (durability?: Durability) => Promise<Storage>,
  place: Placement,
) => Promise<void>;

/**
 * Registers the suite for one implementation, which its tests call `name`. `breakable` adds
 * the test of a disk that fails.
 */
export function testStorage(
  name: string,
  { makePlace, breakable = false }: {
    makePlace: () => Placement;
    breakable?: boolean;
  },
): void {
  function test(claim: string, body: StorageTest): void {
    Deno.test(`${name} ${claim}`, async () => {
      const place = makePlace();
      const opened: Storage[] = [];
      try {
        await body(async (durability = "high") => {
          opened.pop()?.close();
          const storage = await place.open(durability);
          opened.push(storage);
          return storage;
        }, place);
      } finally {
        opened.pop()?.close();
        await place.remove();
      }
    });
  }

  test("holds nothing before create(), however often it is opened", async (open) => {
    assert.equal((await open()).load(), undefined);
    assert.equal((await open()).load(), undefined);
  });

  test("gives back what it was created with", async (open) => {
    const saved: Saved = {
      identity,
      hardState: { currentTerm: 7, votedFor: "2" },
      snapshot: snapshotAt(3),
      entries: [
        { type: "noop", index: 4, term: 6 },
        {
          type: "configuration",
          index: 5,
          term: 7,
          configuration: snapshotAt(3).configuration,
        },
        command(6, 7),
      ],
    };
    await create(await open(), saved);
    assert.deepEqual((await open()).load(), saved);
  });

  for (const durability of durabilities) {
    test(`gives back appended entries in order (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      for (let i = 1; i <= 9; i += 3) {
        await write(storage, save(commands(i, 3, 1)));
      }
      await flush(storage);
      assert.deepEqual((await open()).load(), {
        ...fresh,
        entries: commands(1, 9, 1),
      });
    });

    test(`replaces the log from firstIndex on (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 5, 1)));
      await write(storage, save(commands(3, 1, 2)));
      await flush(storage);
      const entries = [...commands(1, 2, 1), ...commands(3, 1, 2)];
      assert.deepEqual((await open()).load()?.entries, entries);
    });

    test(`replaces everything by a save with a snapshot (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 5, 1)));
      const hardState = { currentTerm: 4, votedFor: "3" };
      const rest = commands(5, 2, 3);
      await write(storage, save(rest, { snapshot: snapshotAt(4), hardState }));
      await write(
        storage,
        save(commands(7, 1, 4), { hardState, mustSync: false }),
      );
      await flush(storage);
      assert.deepEqual((await open()).load(), {
        identity,
        hardState,
        snapshot: snapshotAt(4),
        entries: [...rest, command(7, 4)],
      });
    });

    test(`keeps a changed hard state, and all before it, without a flush (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 2, 1)));
      const hardState = { currentTerm: 9, votedFor: "x.y_z-1" };
      await write(storage, save([], { hardState, firstIndex: 3 }));
      const saved = (await open()).load();
      assert.deepEqual(saved, {
        ...fresh,
        hardState,
        entries: commands(1, 2, 1),
      });
    });

    test(`keeps a configuration, and all before it, without a flush (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 2, 1)));
      const { configuration } = snapshotAt(0);
      const entries: Entry[] = [
        { type: "configuration", index: 3, term: 1, configuration },
      ];
      await write(storage, save(entries));
      assert.deepEqual((await open()).load()?.entries, [
        ...commands(1, 2, 1),
        ...entries,
      ]);
    });

    test(`keeps a snapshot, and what came with it, without a flush (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await write(storage, save(commands(1, 5, 1)));
      await write(
        storage,
        save(commands(5, 1, 1), { snapshot: snapshotAt(4) }),
      );
      const saved = (await open()).load();
      assert.deepEqual(saved?.snapshot, snapshotAt(4));
      assert.deepEqual(saved?.entries, commands(5, 1, 1));
    });

    test(`lets a flush overlap a write (${durability})`, async (open) => {
      const storage = await open(durability);
      await create(storage);
      await Promise.all([
        write(storage, save(commands(1, 1, 1))),
        flush(storage),
        flush(storage),
      ]);
      await Promise.all([
        flush(storage),
        write(storage, save(commands(2, 1, 1), { snapshot: snapshotAt(1) })),
        flush(storage),
      ]);
      const saved = (await open()).load();
      assert.deepEqual(saved?.entries, commands(2, 1, 1));
    });
  }

  testCompaction(test);

  test("goes on where it stopped, process after process", async (open) => {
    await create(await open());
    for (let i = 1; i <= 12; i++) {
      const storage = await open();
      assert.equal(storage.load()?.entries.length, i - 1);
      await write(storage, save(commands(i, 1, 1)));
    }
  });

  test("keeps its identity and snapshot through later saves and snapshots", async (open) => {
    await create(await open());
    for (const index of [2, 4, 6]) {
      const storage = await open();
      storage.load();
      await write(storage, save([], { snapshot: snapshotAt(index) }));
      await write(storage, save(commands(index + 1, 2, 1)));
    }
    const saved = (await open()).load();
    assert.deepEqual(saved?.identity, identity);
    assert.deepEqual(saved?.snapshot, snapshotAt(6));
  });

  test("truncates without appending", async (open) => {
    const storage = await open();
    await create(storage);
    await write(storage, save(commands(1, 5, 1)));
    await write(storage, save([], { firstIndex: 4 }));
    assert.deepEqual((await open()).load()?.entries, commands(1, 3, 1));
  });

  test("keeps large entries and large snapshots", async (open) => {
    const storage = await open();
    await create(storage);
    const big = (index: number): Entry => ({
      type: "command",
      index,
      term: 1,
      data: new Uint8Array(64 * 1024).fill(index),
    });
    const entries = Array.from({ length: 20 }, (_, i) => big(i + 1));
    await write(storage, save(entries));
    assert.deepEqual((await open()).load()?.entries, entries);

    const again = await open();
    again.load();
    const snapshot = {
      ...snapshotAt(20),
      data: new Uint8Array(1024 * 1024).fill(7),
    };
    await write(again, save([big(21)], { snapshot }));
    const saved = (await open()).load();
    assert.deepEqual(saved?.snapshot, snapshot);
    assert.deepEqual(saved?.entries, [big(21)]);
  });

  test("takes many saves, and its size falls with a snapshot", async (open) => {
    const storage = await open("low");
    await create(storage);
    const before = storage.bytes;
    for (let i = 1; i <= 500; i++) {
      await write(storage, save(commands(i, 1, 1)));
    }
    await flush(storage);
    const full = storage.bytes;
    assert.ok(full > before + 500);
    await write(storage, save([], { snapshot: snapshotAt(500) }));
    assert.ok(storage.bytes < full / 2);
    assert.equal((await open()).load()?.snapshot.index, 500);
  });

  test("keeps its last draft, before there is a log and beside it", async (open) => {
    assert.equal((await open()).readDraft(), undefined);
    for (const draft of ["node 1 é", "", "node 1\naccepted"]) {
      const storage = await open();
      assert.equal(storage.load(), undefined);
      await writeDraft(storage, draft);
      assert.equal(storage.readDraft(), draft);
      const next = await open();
      assert.equal(next.load(), undefined);
      assert.equal(next.readDraft(), draft);
    }
    const storage = await open();
    await create(storage);
    await write(storage, save(commands(1, 2, 1)));
    await write(storage, save([], { snapshot: snapshotAt(2) }));
    const last = await open();
    assert.deepEqual(last.load()?.snapshot, snapshotAt(2));
    assert.equal(last.readDraft(), "node 1\naccepted");
  });

  for (const durability of durabilities) {
    test(`takes a draft and a log from one process (${durability})`, async (open) => {
      const storage = await open(durability);
      assert.equal(storage.load(), undefined);
      await writeDraft(storage, "first");
      await writeDraft(storage, "second");
      await finished((done) => storage.create(fresh, done));
      const next = await open(durability);
      assert.deepEqual(next.load(), fresh);
      assert.equal(next.readDraft(), "second");
    });
  }

  if (!breakable) return;

  test("acknowledges nothing after its first error", async (open, place) => {
    const storage = await open();
    await create(storage);
    await write(storage, save(commands(1, 1, 1)));
    place.breakDisk?.();
    await assert.rejects(write(storage, save(commands(2, 1, 1))), /no space/);
    await assert.rejects(write(storage, save(commands(2, 1, 1))), /no space/);
    await assert.rejects(flush(storage), /no space/);
    assert.deepEqual((await open()).load()?.entries[0], command(1, 1));
  });
}
