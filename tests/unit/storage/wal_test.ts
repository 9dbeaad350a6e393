// The log in files: the contract of every storage, on a real disk and on a fake one, and the order
// in which it writes, syncs and answers. `wal_load_test.ts` tests how it reads directories,
// `wal_crash_test.ts` crashes and faults.

import assert from "node:assert/strict";
import { denoFiles } from "../../../storage/files.ts";
import { Wal } from "../../../storage/wal.ts";
import { FakeDisk } from "../../lib/fake_files.ts";
import {
  commands,
  fresh,
  save,
  snapshotAt,
  testStorage,
} from "../../lib/storage_conformance.ts";
import { full, WalHarness } from "./wal_harness.ts";

testStorage("Wal on Deno's files", {
  makePlace: () => {
    const directory = Deno.makeTempDirSync();
    return {
      open: (durability) =>
        new Wal({
          files: denoFiles(`${directory}/data/1`),
          node: "1",
          durability,
          log() {},
        }),
      remove: () => Deno.removeSync(directory, { recursive: true }),
    };
  },
});

testStorage("Wal on fake files", {
  breakable: true,
  makePlace: () => {
    const disk = new FakeDisk();
    return {
      open: (durability) => {
        disk.fault = () => undefined;
        return new Wal({ files: disk.open(), node: "1", durability, log() {} });
      },
      breakDisk() {
        disk.fault = ({ type }) => type === "append" ? full : undefined;
      },
      remove() {},
    };
  },
});

Deno.test("Wal at high syncs before done, and not on flush()", () => {
  const harness = new WalHarness("high");
  harness.create();
  const write = () => harness.write(save(commands(1, 1, 1)));
  assert.deepEqual(harness.operationsOf(write), ["append", "sync"]);
  assert.deepEqual(harness.operationsOf(() => harness.flush()), []);
});

Deno.test("Wal at medium writes before done and syncs on flush()", () => {
  const harness = new WalHarness("medium");
  harness.create();
  const write = () => harness.write(save(commands(1, 1, 1)));
  assert.deepEqual(harness.operationsOf(write), ["append"]);
  assert.deepEqual(harness.operationsOf(() => harness.flush()), ["sync"]);
});

Deno.test("Wal at low gathers, and writes and syncs on flush()", () => {
  const harness = new WalHarness("low");
  harness.create();
  const write = () => {
    for (let i = 1; i <= 5; i++) harness.write(save(commands(i, 1, 1)));
  };
  assert.deepEqual(harness.operationsOf(write), []);
  assert.deepEqual(harness.operationsOf(() => harness.flush()), [
    "append",
    "sync",
  ]);
});

Deno.test("Wal at low writes when a megabyte waits: memory has a limit", () => {
  const harness = new WalHarness("low");
  harness.create();
  const data = new Uint8Array(64 * 1024);
  const operations = harness.operationsOf(() => {
    for (let i = 1; i <= 20; i++) {
      harness.write(save([{ type: "command", index: i, term: 1, data }]));
    }
  });
  assert.deepEqual(operations, ["append"]);
});

for (const durability of ["high", "medium", "low"] as const) {
  Deno.test(`Wal at ${durability} syncs a changed term or vote before done, with all before it`, () => {
    const harness = new WalHarness(durability);
    harness.create();
    harness.write(save(commands(1, 1, 1)));
    const hardState = { currentTerm: 2, votedFor: "3" };
    const write = () =>
      assert.equal(
        harness.write(save([], { hardState, firstIndex: 2 })),
        "done",
      );
    assert.deepEqual(harness.operationsOf(write), ["append", "sync"]);
    harness.disk.crash(() => 0);
    assert.deepEqual(harness.open().load(), {
      ...fresh,
      hardState,
      entries: commands(1, 1, 1),
    });
  });
}

Deno.test("Wal at medium does not take for synced what was written during a sync", () => {
  const harness = new WalHarness("medium");
  harness.create();
  harness.write(save(commands(1, 1, 1)));
  // The sync of flush() ends only after the write has been answered.
  harness.finish((done) => {
    harness.wal.flush(() => {});
    harness.wal.write(save(commands(2, 1, 1)), done);
  });
  assert.deepEqual(harness.operationsOf(() => harness.flush()), ["sync"]);
  harness.disk.crash(() => 0);
  assert.deepEqual(harness.open().load()?.entries, commands(1, 2, 1));
});

Deno.test("Wal replaces a segment safely: sync, rename, sync the directory, and only then remove", () => {
  const harness = new WalHarness();
  harness.create();
  const roll = () => harness.write(save([], { snapshot: snapshotAt(5) }));
  assert.deepEqual(harness.operationsOf(roll), [
    "create",
    "append",
    "sync",
    "rename",
    "syncDirectory",
    "remove",
    "syncDirectory",
  ]);
});

Deno.test("Wal answers all that wait when a sync fails, each once, and not inside the call", () => {
  const harness = new WalHarness("medium");
  harness.create();
  harness.disk.fault = ({ type }) =>
    type === "sync" ? new Error("input/output error") : undefined;
  const answers: string[] = [];
  const answer = (name: string) => (error?: Error) =>
    answers.push(`${name}: ${error?.message}`);
  harness.finish(() => {
    harness.wal.write(save(commands(1, 1, 1)), answer("write"));
    harness.wal.flush(answer("flush"));
    harness.wal.flush(answer("flush again"));
    harness.wal.write(save([], { snapshot: snapshotAt(1) }), answer("roll"));
    assert.deepEqual(answers, []);
  });
  assert.deepEqual(answers, [
    "write: undefined",
    "flush: input/output error",
    "flush again: input/output error",
    "roll: input/output error",
  ]);
});
