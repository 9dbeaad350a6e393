// A log that is crashed between any two operations of a workload, or whose disk fails at one of
// them: it opens again with everything that it had promised. `deno task crashes` tries many more
// images of more workloads.

import assert from "node:assert/strict";
import type { Save, Saved } from "../../../raft/core/types.ts";
import { replay } from "../../../storage/apply_save.ts";
import type { Durability } from "../../../storage/storage.ts";
import type { Operation, Pick } from "../../lib/fake_files.ts";
import {
  command,
  commands,
  fresh,
  save,
  snapshotAt,
} from "../../lib/storage_conformance.ts";
import { full, WalHarness } from "./wal_harness.ts";

/** Runs `body` for every sequence of choices; of many it takes both ends and the middle. */
function everyChoice(body: (pick: Pick) => void): void {
  const taken: number[] = [];
  for (;;) {
    const counts: number[] = [];
    body((count) => {
      const few = count > 4 ? [0, count >> 1, count - 1] : undefined;
      const choice = taken[counts.length] ??= 0;
      counts.push(few?.length ?? count);
      return few?.[choice] ?? choice;
    });
    taken.length = counts.length;
    while (
      taken.length > 0 &&
      (taken.at(-1) ?? 0) + 1 >= (counts[taken.length - 1] ?? 0)
    ) {
      taken.pop();
    }
    if (taken.length === 0) return;
    taken.push((taken.pop() ?? 0) + 1);
  }
}

type Step = "create" | "flush" | "restart" | Save;

const vote = { currentTerm: 5, votedFor: "2" };

/** Everything that can happen to a log, in few operations. */
const workload: readonly Step[] = [
  "create",
  save(commands(1, 2, 1)),
  save(commands(3, 1, 1)),
  save(commands(2, 1, 4), {
    hardState: { currentTerm: 4, votedFor: undefined },
  }),
  "restart",
  save([command(3, 4)]),
  "flush",
  save([command(3, 5)], { snapshot: snapshotAt(2), hardState: vote }),
  save([command(4, 5)], { hardState: vote, mustSync: false }),
  save([command(5, 5)], { hardState: vote, mustSync: false }),
  "restart",
  save([command(6, 5)], { hardState: vote, mustSync: false }),
  "flush",
];

/** The states that may be found: after `i` steps of the workload, `states[i]`. */
const states: (Saved | undefined)[] = [undefined];
for (const step of workload) {
  const state = states.at(-1);
  if (step === "create") states.push(fresh);
  else if (typeof step === "string" || state === undefined) states.push(state);
  else {
    const next = { ...state, entries: [...state.entries] };
    replay(next, step);
    states.push(next);
  }
}

class PowerLoss extends Error {}

/** How far the workload came. */
type Progress = {
  readonly harness: WalHarness;
  /** Steps acknowledged, steps acknowledged as synced, steps begun. */
  acked: number;
  synced: number;
  begun: number;
};

/** Runs the workload until `fault` stops it, and notes what was promised by then. */
function run(
  durability: Durability,
  fault: (count: number, operation: Operation) => Error | undefined,
): Progress & { operations: number } {
  const harness = new WalHarness(durability);
  let operations = 0;
  harness.disk.fault = (operation) => fault(operations++, operation);
  const progress = { harness, acked: 0, synced: 0, begun: 0 };
  for (const step of workload) {
    progress.begun++;
    if (step === "restart") {
      // As at SIGTERM: a flush, then the end of the process.
      if (harness.flush() !== "done") break;
      harness.disk.restart();
      try {
        harness.open().load();
      } catch {
        break;
      }
    } else {
      const answer = step === "create"
        ? harness.create()
        : step === "flush"
        ? harness.flush()
        : harness.write(step);
      if (answer !== "done") break;
    }
    progress.acked = progress.begun;
    const synced = typeof step === "string" || step.mustSync ||
      step.snapshot !== undefined || durability === "high";
    if (synced) progress.synced = progress.begun;
  }
  return { ...progress, operations };
}

/** The log opens, and holds the state after some step from `atLeast` to `progress.begun`. */
function assertKept(
  { harness, begun }: Progress,
  atLeast: number,
): Saved | undefined {
  const found = harness.open().load();
  const allowed = states.slice(atLeast, begun + 1);
  const matches = allowed.some((state) => {
    try {
      assert.deepEqual(found, state);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(
    matches,
    `found ${JSON.stringify(found)}, after steps ${atLeast} to ${begun}`,
  );
  return found;
}

for (const durability of ["high", "medium", "low"] as const) {
  const { operations, acked } = run(durability, () => undefined);
  assert.equal(acked, workload.length);

  Deno.test(`Wal at ${durability} keeps what was synced through a power loss at any operation`, () => {
    let crashes = 0;
    for (let stop = 0; stop <= operations; stop++) {
      everyChoice((pick) => {
        const progress = run(
          durability,
          (count) => count >= stop ? new PowerLoss() : undefined,
        );
        progress.harness.disk.fault = () => undefined;
        progress.harness.disk.crash(pick);
        const found = assertKept(progress, progress.synced);
        // The next power loss does not lose the state that was found.
        progress.harness.disk.crash(() => 0);
        assert.deepEqual(progress.harness.open().load(), found);
        crashes++;
      });
    }
    assert.ok(crashes > operations);
  });

  Deno.test(`Wal at ${durability} keeps what it promised through a kill at any operation`, () => {
    for (let stop = 0; stop <= operations; stop++) {
      const progress = run(
        durability,
        (count) => count >= stop ? new PowerLoss() : undefined,
      );
      progress.harness.disk.fault = () => undefined;
      progress.harness.disk.restart();
      assertKept(
        progress,
        durability === "low" ? progress.synced : progress.acked,
      );
    }
  });
}

Deno.test("Wal.load() makes durable what it returns: a second crash loses nothing of it", () => {
  const { operations } = run("medium", () => undefined);
  for (let stop = 0; stop <= operations; stop++) {
    const { harness } = run(
      "medium",
      (count) => count >= stop ? new PowerLoss() : undefined,
    );
    harness.disk.fault = () => undefined;
    const found = harness.reload();
    harness.disk.crash(() => 0);
    assert.deepEqual(harness.open().load(), found);
  }
});

// ---------------------------------------------------------------- faults

const acts = ["append", "sync", "create", "rename", "remove", "syncDirectory"];

for (const durability of ["high", "medium", "low"] as const) {
  const { operations } = run(durability, () => undefined);

  Deno.test(`Wal at ${durability} survives a disk that is full from any operation on (PITFALLS 16)`, () => {
    for (let from = 0; from < operations; from++) {
      const progress = run(
        durability,
        (count, { type }) =>
          count >= from && (type === "append" || type === "create")
            ? full
            : undefined,
      );
      if (progress.acked === workload.length) continue;
      const { harness } = progress;
      // The disk is still full: the log says so and loses nothing.
      harness.disk.restart();
      const segments = harness.disk.names().filter((name) =>
        name.endsWith(".log")
      );
      if (segments.length > 0) {
        assert.throws(() => harness.open().load(), /no space left/);
      }
      harness.disk.fault = () => undefined;
      harness.disk.restart();
      assertKept(
        progress,
        durability === "low" ? progress.synced : progress.acked,
      );
    }
  });

  Deno.test(`Wal at ${durability} never retries after an error, whatever failed (PITFALLS 11)`, () => {
    for (let failing = 0; failing < operations; failing++) {
      const { harness, begun } = run(
        durability,
        (count) =>
          count === failing ? new Error("input/output error") : undefined,
      );
      if (workload[begun - 1] === "restart") continue;
      const after = harness.operationsOf(() => {
        for (let i = 0; i < 3; i++) {
          assert.match(
            String(harness.write(save(commands(1, 1, 9)))),
            /input\/output error/,
          );
          assert.match(String(harness.flush()), /input\/output error/);
        }
      });
      assert.deepEqual(after.filter((type) => acts.includes(type)), []);
    }
  });
}

Deno.test("Wal.load() does not trust pages whose sync failed (PITFALLS 11)", () => {
  // The process that met the failure died; its successor reads the page cache, acts on
  // what it reads, and only then the power fails.
  const { operations } = run("high", () => undefined);
  for (let failing = 0; failing < operations; failing++) {
    const progress = run(
      "high",
      (count, { type }) =>
        count === failing && type === "sync"
          ? new Error("input/output error")
          : undefined,
    );
    const { harness } = progress;
    harness.disk.fault = () => undefined;
    const found = harness.reload();
    harness.disk.crash(() => 0);
    assert.deepEqual(harness.open().load(), found);
    harness.disk.restart();
    assertKept(progress, progress.acked);
  }
});
