// Mistakes where the service meets the process, the clock and Deno KV, put back.

import type { Mutant } from "./mutant.ts";

const kv = "storage/kv_storage.ts";

export const rimMutants: readonly Mutant[] = [
  {
    name: "exits-with-0",
    mistake: "a process that ends because of a fault says that all is well",
    source: "PITFALLS 1",
    file: "main.ts",
    find: 'log("error", reason);\n    Deno.exit(1);',
    replace: 'log("error", reason);\n    Deno.exit(0);',
    tests: ["e2e/cli_test.ts"],
  },
  {
    name: "dead-node-live-process",
    mistake: "the node has ended with an error, and its process lives on",
    source: "PITFALLS 1",
    file: "main.ts",
    find:
      'if (error !== undefined || !stopping) fail(error ?? "the node ended");',
    replace: 'if (error !== undefined || !stopping) log("error", error ?? "");',
    tests: ["e2e/cli_test.ts"],
  },
  {
    name: "late-ticks-made-up-for",
    mistake: "a process that stood still lets time run out before it listens",
    source: "PITFALLS 2, 23",
    file: "raft/ticker.ts",
    find: "if (late <= this.#millis) return this.#count(this.#ticks);",
    replace: "return this.#count(1 + Math.floor(late / this.#millis));",
    tests: ["raft/ticker_test.ts"],
  },
  {
    name: "sleep-counted-as-silence",
    mistake: "what a node slept through counts as silence after a message",
    source: "PITFALLS 2",
    file: "raft/ticker.ts",
    find: "    if (this.#ticks === 1) return;\n",
    replace: "    if (this.#ticks > 0) return;\n",
    tests: ["raft/ticker_test.ts"],
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
    tests: ["storage/kv_test.ts"],
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
    tests: ["storage/kv_test.ts"],
  },
  {
    name: "kv-write-after-failure",
    mistake: "Deno KV is written to after a commit has failed",
    source: "PITFALLS 13",
    file: kv,
    find: "if (this.#error !== undefined) throw this.#error;\n",
    replace: "",
    tests: ["mutants/holes_test.ts"],
  },
  {
    name: "kv-keeps-everything",
    mistake: "saves that a snapshot replaced stay in Deno KV for ever",
    source: "PITFALLS 33",
    file: kv,
    find: "if (first === old.first) return;",
    replace: "if (first >= old.first) return;",
    tests: ["storage/kv_test.ts"],
  },
];
