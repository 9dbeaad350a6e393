// What `KvStorage` does when a commit fails, on a store that fails when it is told to.

import assert from "node:assert/strict";
import { KvStorage } from "../../../storage/kv_storage.ts";
import { savedOf } from "../raft/core/scene.ts";

Deno.test("KvStorage commits nothing after a commit has failed, although it could (PITFALLS 13)", async () => {
  let commits = 0;
  const operation = {
    check: () => operation,
    set: () => operation,
    delete: () => operation,
    commit: () => {
      if (++commits === 2) return Promise.reject(new Error("disk full"));
      return Promise.resolve({ ok: true, versionstamp: String(commits) });
    },
  };
  const kv = { atomic: () => operation, close: () => {} };
  const storage = new KvStorage({
    kv: kv as unknown as Deno.Kv,
    files: undefined,
    ...{ versionstamp: null, head: undefined, state: undefined, bytes: 0 },
    draft: { value: null, versionstamp: null },
  }, { node: "a", durability: "high" });
  const saved = savedOf({});
  const done = (run: (done: (error?: Error) => void) => void) =>
    new Promise<string>((resolve) => run((e) => resolve(e?.message ?? "done")));
  assert.equal(await done((d) => storage.create(saved, d)), "done");
  const { hardState } = saved;
  const save = {
    ...{ number: 1, hardState, mustSync: true, snapshot: undefined },
    ...{ firstIndex: 1, entries: [] },
  };
  assert.equal(await done((d) => storage.write(save, d)), "disk full");
  assert.equal(await done((d) => storage.write(save, d)), "disk full");
  assert.equal(await done((d) => storage.flush(d)), "disk full");
  assert.equal(commits, 2);
  storage.close();
});
