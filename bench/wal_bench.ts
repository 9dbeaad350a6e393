// What one save costs, from write() to done(), on this machine's disk and in memory.
// deno bench -A bench/wal_bench.ts   (TICKETD_BENCH_DIR chooses the disk)

import type { Save } from "../raft/core/types.ts";
import { denoFiles } from "../storage/files.ts";
import { openKv } from "../storage/kv.ts";
import { Memory } from "../storage/memory.ts";
import type { Done, Durability, Storage } from "../storage/storage.ts";
import { Wal } from "../storage/wal.ts";
import { makeDirectory, removeDirectory } from "./processes.ts";

const directory = makeDirectory();
globalThis.addEventListener("unload", () => removeDirectory(directory));

const snapshot = {
  index: 0,
  term: 0,
  configuration: { servers: [] },
  configurationIndex: 0,
  data: new Uint8Array(),
};

function finished(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => error ? reject(error) : resolve())
  );
}

async function create(storage: Storage): Promise<Storage> {
  storage.load();
  await finished((done) =>
    storage.create({
      identity: { cluster: "c", node: "1", incarnation: "i" },
      hardState: { currentTerm: 1, votedFor: undefined },
      snapshot,
      entries: [],
    }, done)
  );
  return storage;
}

/** A save of one entry, as the leader takes it under load; a new log at times. */
async function writer(storage: Storage): Promise<() => Promise<void>> {
  await create(storage);
  const hardState = { currentTerm: 1, votedFor: undefined };
  const data = new Uint8Array(32).fill(7);
  let index = 0;
  return () => {
    const fresh = index % 10_000 === 9_999;
    const save: Save = {
      number: ++index,
      hardState,
      mustSync: false,
      snapshot: fresh ? { ...snapshot, index: index - 1 } : undefined,
      firstIndex: index,
      entries: [{ type: "command", index, term: 1, data }],
    };
    return finished((done) => storage.write(save, done));
  };
}

function wal(durability: Durability): Storage {
  const files = denoFiles(`${directory}/${durability}`);
  return new Wal({ files, node: "1", durability, log() {} });
}

const kv = (durability: Durability) =>
  openKv({
    directory: `${directory}/kv-${durability}`,
    node: "1",
    durability,
    log() {},
  });

const storages: Record<string, Storage> = {
  "memory": new Memory(),
  "file, low": wal("low"),
  "file, medium": wal("medium"),
  "file, high": wal("high"),
  "kv, low": await kv("low"),
  "kv, high": await kv("high"),
};

for (const [name, storage] of Object.entries(storages)) {
  const write = await writer(storage);
  Deno.bench(name, { group: "one save of 32 B" }, async () => await write());
}
