// Mistakes of the log in Deno KV, put back.

import type { Mutant } from "./mutant.ts";

const kv = "storage/kv_storage.ts";

export const kvMutants: readonly Mutant[] = [
  {
    name: "kv-deletes-anothers-saves",
    mistake:
      "saves are deleted by a process that another has taken the store from, which counts them",
    source: "PITFALLS 30",
    file: "storage/kv_deletion.ts",
    find: "kv.atomic().check({ key: headKey(node), versionstamp })",
    replace: "kv.atomic()",
    tests: ["unit/storage/kv_deletion_test.ts"],
  },
  {
    name: "kv-members-not-committed-at-low",
    mistake:
      "at durability low Deno KV keeps term, vote and members in memory like tickets",
    source: "PITFALLS 40",
    file: kv,
    find: "const mustCommit = save.mustSync ||",
    replace: "const mustCommit =",
    tests: ["unit/storage/kv_test.ts"],
  },
  {
    name: "kv-link-followed",
    mistake: "a symbolic link in the place of a KV store is followed",
    source: "PITFALLS 43",
    file: "storage/kv.ts",
    find: "if (path !== undefined) makeStore(path);",
    replace: "if (path === kvStoreName) makeStore(path);",
    tests: ["unit/storage/kv_test.ts"],
  },
  {
    name: "kv-shared",
    mistake: "two processes commit to one Deno KV store",
    source: "PITFALLS 30",
    file: kv,
    find: `operation.check({
      key,
      versionstamp: this.#versionstamp,
    }).commit();`,
    replace: "(key.length > 0 ? operation : operation).commit();",
    tests: ["unit/storage/kv_test.ts"],
  },
  {
    name: "kv-ack-before-commit",
    mistake: "a save in Deno KV is acknowledged before it is committed",
    source: "PITFALLS 7",
    file: kv,
    find: `      this.#push(save, done);
      this.#commitAll();
    }`,
    replace: `      this.#push(save, undefined);
      this.#commitAll();
      queueMicrotask(done);
    }`,
    tests: ["unit/storage/kv_test.ts"],
  },
  {
    name: "kv-write-after-failure",
    mistake: "Deno KV is written to after a commit has failed",
    source: "PITFALLS 13",
    file: kv,
    find: "if (this.#error !== undefined) throw this.#error;\n        dones",
    replace: "dones",
    tests: ["unit/storage/kv_storage_test.ts"],
  },
  {
    name: "kv-keeps-everything",
    mistake: "saves that a snapshot replaced stay in Deno KV for ever",
    source: "PITFALLS 33",
    file: kv,
    find: "if (first === old.first) return;",
    replace: "if (first >= old.first) return;",
    tests: ["unit/storage/kv_test.ts"],
  },
];
