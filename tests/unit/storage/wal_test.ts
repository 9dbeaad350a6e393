// The log on a fake disk: damaged at every byte and bit, crashed between every two
// operations. Its files on Deno are tried in files_test.ts.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { Writer } from "../../../base/bytes.ts";
import type { Save, Saved } from "../../../raft/core/types.ts";
import { denoFiles } from "../../../storage/files.ts";
import { replay } from "../../../storage/replay.ts";
import { type Durability, StorageError } from "../../../storage/storage.ts";
import { Wal } from "../../../storage/wal.ts";
import {
  command,
  commands,
  fresh,
  identity,
  save,
  snapshotAt,
  testStorage,
} from "../../lib/storage_conformance.ts";
import { FakeDisk, type Operation, type Pick } from "../../lib/fake_files.ts";

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

const full = new Error("no space left on the device");

/** A disk and the log on it, with callbacks that run when told: no promises here. */
class Bench {
  readonly disk: FakeDisk;
  readonly warnings: string[] = [];
  wal: Wal;
  readonly #durability: Durability;
  readonly #callbacks: (() => void)[] = [];

  constructor(durability: Durability = "high") {
    this.#durability = durability;
    this.disk = new FakeDisk({ later: (run) => this.#callbacks.push(run) });
    this.wal = this.open();
  }

  open(node = "1"): Wal {
    this.wal = new Wal({
      files: this.disk.open(),
      node,
      durability: this.#durability,
      log: (level, text) => level === "warning" && this.warnings.push(text),
      defer: (run) => this.#callbacks.push(run),
    });
    return this.wal;
  }

  /** Runs what is due; returns what `start` was answered: an error, or "done". */
  finish(
    start: (done: (error?: Error) => void) => void,
  ): Error | "done" | undefined {
    let answer: Error | "done" | undefined;
    start((error) => answer = error ?? "done");
    for (let run; (run = this.#callbacks.shift()) !== undefined;) run();
    return answer;
  }

  create(saved: Saved = fresh): Error | "done" | undefined {
    return this.finish((done) => this.wal.create(saved, done));
  }

  write(change: Save): Error | "done" | undefined {
    return this.finish((done) => this.wal.write(change, done));
  }

  flush(): Error | "done" | undefined {
    return this.finish((done) => this.wal.flush(done));
  }

  /** What the next process finds. */
  reload(): Saved | undefined {
    this.disk.restart();
    return this.open().load();
  }
}

// ---------------------------------------------------------------- damage

const name = "0000000000000001.log";

/** Three saves in one segment: its bytes, and where each of its records ends. */
function smallLog(): { bytes: Uint8Array; ends: number[] } {
  const bench = new Bench();
  bench.create();
  const ends = [bench.wal.bytes];
  for (const i of [1, 2, 3]) {
    assert.equal(bench.write(save(commands(i, 1, 1))), "done");
    ends.push(bench.wal.bytes);
  }
  return { bytes: bench.disk.content(name) ?? new Uint8Array(), ends };
}

const log = smallLog();
const baseEnd = log.ends[0] ?? 0;
const lastStart = log.ends[2] ?? 0;

/** A disk that holds `bytes` as its only segment. */
function benchWith(bytes: Uint8Array): Bench {
  const bench = new Bench();
  bench.disk.setContent(name, bytes);
  return bench;
}

function assertRefused(bytes: Uint8Array, reason: RegExp): void {
  const bench = benchWith(bytes);
  assert.throws(() => bench.open().load(), (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(error.message, reason);
    return true;
  });
  assert.deepEqual(bench.disk.content(name), bytes);
  assert.deepEqual(bench.disk.names(), [name]);
}

/** `bytes` hold the first `count` saves, and `warned` says whether more was dropped. */
function assertHolds(bytes: Uint8Array, count: number, warned: boolean): void {
  const bench = benchWith(bytes);
  const saved = bench.open().load();
  assert.deepEqual(saved, { ...fresh, entries: commands(1, count, 1) });
  assert.equal(bench.warnings.length, warned ? 1 : 0);
  // And it goes on from there, as if nothing had ever followed.
  assert.equal(bench.write(save(commands(count + 1, 1, 2))), "done");
  const entries = [...commands(1, count, 1), command(count + 1, 2)];
  assert.deepEqual(bench.reload()?.entries, entries);
}

Deno.test("Wal.load() recovers whole saves from a log cut at any byte (TRANSCRIPTS 9)", () => {
  for (let cut = 0; cut <= log.bytes.length; cut++) {
    const bytes = log.bytes.slice(0, cut);
    if (cut < baseEnd) assertRefused(bytes, /is damaged at byte \d+/);
    else {
      const count = log.ends.filter((end) => end <= cut).length - 1;
      assertHolds(bytes, count, !log.ends.includes(cut));
    }
  }
});

Deno.test("Wal.load() refuses any flipped bit, but drops a last record that has one", () => {
  for (let bit = 0; bit < log.bytes.length * 8; bit++) {
    const bytes = log.bytes.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (bit >> 3 >= lastStart) assertHolds(bytes, 2, true);
    else assertRefused(bytes, /is damaged at byte \d+ .*nothing was changed/);
  }
});

Deno.test("Wal.load() names the file, the damage and what to do", () => {
  const bytes = log.bytes.slice();
  bytes[baseEnd + 20] = 0xff;
  const place = `data/1/${name} is damaged at byte ${baseEnd}`;
  const proof = `the valid record at byte ${log.ends[1]} is younger`;
  assertRefused(
    bytes,
    new RegExp(`^${place} \\(${proof}\\).*Restore the directory`),
  );
});

/** Another life of the node, and one save longer. */
function strangeLog(): Uint8Array {
  const stranger = new Bench();
  stranger.create({
    ...fresh,
    identity: { ...identity, incarnation: "f".repeat(16) },
  });
  for (const i of [1, 2, 3, 4]) stranger.write(save(commands(i, 1, 9)));
  return stranger.disk.content(name) ?? new Uint8Array();
}

Deno.test("Wal.load() drops zeros, garbage, copies and displaced strangers behind the last record", () => {
  const last = log.bytes.subarray(lastStart);
  const tails = [
    new Uint8Array(1),
    new Uint8Array(64),
    new Uint8Array(5000),
    new Uint8Array(64).fill(0xa5),
    crypto.getRandomValues(new Uint8Array(2000)),
    last,
    log.bytes.subarray(baseEnd),
    log.bytes,
    strangeLog(),
    strangeLog().subarray(lastStart),
  ];
  for (const tail of tails) {
    assertHolds(new Uint8Array([...log.bytes, ...tail]), 3, true);
  }
});

Deno.test("Wal.load() refuses a stranger at the very offset where the next record belongs", () => {
  const strange = strangeLog();
  const at = log.bytes.length;
  assertRefused(
    new Uint8Array([...log.bytes, ...strange.subarray(at)]),
    new RegExp(`the record at byte ${at} is of another segment or life`),
  );
});

Deno.test("Wal.load() refuses an empty file and one that is no log (TRANSCRIPTS 9)", () => {
  assertRefused(new Uint8Array(), /is damaged at byte 0/);
  assertRefused(new Uint8Array(64), /is damaged at byte 0/);
  assertRefused(
    new TextEncoder().encode("hello, this is a text\n"),
    /is damaged at byte 0/,
  );
});

Deno.test("Wal.load() refuses a newer format, and says that it is one", () => {
  const writer = new Writer();
  writer.raw(log.bytes.subarray(0, 8));
  writer.u32(2);
  writer.u32(crc32(writer.written));
  writer.raw(new Uint8Array(100).fill(9));
  assertRefused(writer.written.slice(), /has format 2, this ticketd knows 1/);
});

Deno.test("Wal.load() refuses another node's directory, and says whose it is", () => {
  const bench = benchWith(log.bytes);
  assert.throws(
    () => bench.open("2").load(),
    /data\/1\/.* belongs to node 1, not to node 2; start with --id 1/,
  );
  assert.deepEqual(bench.disk.content(name), log.bytes);
});

Deno.test("Wal.load() refuses a segment under another's name", () => {
  const bench = new Bench();
  bench.disk.setContent("0000000000000007.log", log.bytes);
  assert.throws(() => bench.open().load(), /is segment 1 under another name/);
});

Deno.test("Wal.load() refuses a directory that is in use (TRANSCRIPTS 10)", () => {
  const bench = new Bench();
  bench.create();
  assert.throws(() => bench.open().load(), /in use by another ticketd process/);
});

Deno.test("Wal.load() takes what a create() left unfinished for nothing", () => {
  const bench = new Bench();
  bench.disk.setContent("segment.tmp", log.bytes.subarray(0, 40));
  assert.equal(bench.open().load(), undefined);
  assert.equal(bench.create(), "done");
  assert.deepEqual(bench.disk.names(), [name]);
  assert.deepEqual(bench.reload(), fresh);
});

Deno.test("Wal.load() takes the newest of two segments, and never falls back to the older", () => {
  const bench = benchWith(log.bytes);
  bench.open().load();
  const second = "0000000000000002.log";
  assert.deepEqual(bench.disk.names(), [second]);
  bench.write(save(commands(4, 1, 1)));
  bench.disk.setContent(name, log.bytes);
  assert.equal(bench.reload()?.entries.length, 4);
  assert.deepEqual(bench.disk.names(), ["0000000000000003.log"]);

  bench.disk.setContent("0000000000000004.log", new Uint8Array(10));
  assert.throws(() => bench.reload(), /0000000000000004\.log is damaged/);
});

// ---------------------------------------------------------------- durability

function operationsOf(bench: Bench, run: () => void): string[] {
  const before = bench.disk.operations.length;
  run();
  return bench.disk.operations.slice(before).map((line) =>
    line.split(" ")[0] ?? ""
  );
}

Deno.test("Wal at high syncs before done, and not on flush()", () => {
  const bench = new Bench("high");
  bench.create();
  const write = () => bench.write(save(commands(1, 1, 1)));
  assert.deepEqual(operationsOf(bench, write), ["append", "sync"]);
  assert.deepEqual(operationsOf(bench, () => bench.flush()), []);
});

Deno.test("Wal at medium writes before done and syncs on flush()", () => {
  const bench = new Bench("medium");
  bench.create();
  const write = () => bench.write(save(commands(1, 1, 1)));
  assert.deepEqual(operationsOf(bench, write), ["append"]);
  assert.deepEqual(operationsOf(bench, () => bench.flush()), ["sync"]);
});

Deno.test("Wal at low gathers, and writes and syncs on flush()", () => {
  const bench = new Bench("low");
  bench.create();
  const write = () => {
    for (let i = 1; i <= 5; i++) bench.write(save(commands(i, 1, 1)));
  };
  assert.deepEqual(operationsOf(bench, write), []);
  assert.deepEqual(operationsOf(bench, () => bench.flush()), [
    "append",
    "sync",
  ]);
});

Deno.test("Wal at low writes when a megabyte waits: memory has a limit", () => {
  const bench = new Bench("low");
  bench.create();
  const data = new Uint8Array(64 * 1024);
  const operations = operationsOf(bench, () => {
    for (let i = 1; i <= 20; i++) {
      bench.write(save([{ type: "command", index: i, term: 1, data }]));
    }
  });
  assert.deepEqual(operations, ["append"]);
});

for (const durability of ["high", "medium", "low"] as const) {
  Deno.test(`Wal at ${durability} syncs a changed term or vote before done, with all before it`, () => {
    const bench = new Bench(durability);
    bench.create();
    bench.write(save(commands(1, 1, 1)));
    const hardState = { currentTerm: 2, votedFor: "3" };
    const write = () =>
      assert.equal(bench.write(save([], { hardState, firstIndex: 2 })), "done");
    assert.deepEqual(operationsOf(bench, write), ["append", "sync"]);
    bench.disk.crash(() => 0);
    assert.deepEqual(bench.open().load(), {
      ...fresh,
      hardState,
      entries: commands(1, 1, 1),
    });
  });
}

Deno.test("Wal at medium does not take for synced what was written during a sync", () => {
  const bench = new Bench("medium");
  bench.create();
  bench.write(save(commands(1, 1, 1)));
  // The sync of flush() ends only after the write has been answered.
  bench.finish((done) => {
    bench.wal.flush(() => {});
    bench.wal.write(save(commands(2, 1, 1)), done);
  });
  assert.deepEqual(operationsOf(bench, () => bench.flush()), ["sync"]);
  bench.disk.crash(() => 0);
  assert.deepEqual(bench.open().load()?.entries, commands(1, 2, 1));
});

Deno.test("Wal rolls without a gap in safety: sync, rename, sync directory, then remove", () => {
  const bench = new Bench();
  bench.create();
  const roll = () => bench.write(save([], { snapshot: snapshotAt(5) }));
  assert.deepEqual(operationsOf(bench, roll), [
    "create",
    "append",
    "sync",
    "rename",
    "syncDirectory",
    "remove",
    "syncDirectory",
  ]);
});

// ---------------------------------------------------------------- crashes

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

/** Everything that happens to a log in its life, in few operations. */
const life: readonly Step[] = [
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

/** What may be found after a crash within or after step `i` of `life`. */
const states: (Saved | undefined)[] = [undefined];
for (const step of life) {
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

type Outcome = {
  readonly bench: Bench;
  /** Steps acknowledged, steps acknowledged as synced, steps begun. */
  acked: number;
  synced: number;
  begun: number;
};

/** Lives until `fault` says no, and notes what was promised by then. */
function live(
  durability: Durability,
  fault: (count: number, operation: Operation) => Error | undefined,
): Outcome & { operations: number } {
  const bench = new Bench(durability);
  let operations = 0;
  bench.disk.fault = (operation) => fault(operations++, operation);
  const outcome = { bench, acked: 0, synced: 0, begun: 0 };
  for (const step of life) {
    outcome.begun++;
    if (step === "restart") {
      // Clean at high and medium; at low the flush is part of it, as at SIGTERM.
      if (bench.flush() !== "done") break;
      bench.disk.restart();
      try {
        bench.open().load();
      } catch {
        break;
      }
    } else {
      const answer = step === "create"
        ? bench.create()
        : step === "flush"
        ? bench.flush()
        : bench.write(step);
      if (answer !== "done") break;
    }
    outcome.acked = outcome.begun;
    const synced = typeof step === "string" || step.mustSync ||
      step.snapshot !== undefined || durability === "high";
    if (synced) outcome.synced = outcome.begun;
  }
  return { ...outcome, operations };
}

/** The log opens, and holds the state after some step from `atLeast` to `outcome.begun`. */
function assertKept(
  { bench, begun }: Outcome,
  atLeast: number,
): Saved | undefined {
  const found = bench.open().load();
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
  const { operations, acked } = live(durability, () => undefined);
  assert.equal(acked, life.length);

  Deno.test(`Wal at ${durability} keeps what was synced through a power loss at any operation`, () => {
    let crashes = 0;
    for (let stop = 0; stop <= operations; stop++) {
      everyChoice((pick) => {
        const outcome = live(
          durability,
          (count) => count >= stop ? new PowerLoss() : undefined,
        );
        outcome.bench.disk.fault = () => undefined;
        outcome.bench.disk.crash(pick);
        const found = assertKept(outcome, outcome.synced);
        // What was found once is not lost by the next power loss.
        outcome.bench.disk.crash(() => 0);
        assert.deepEqual(outcome.bench.open().load(), found);
        crashes++;
      });
    }
    assert.ok(crashes > operations);
  });

  Deno.test(`Wal at ${durability} keeps what it promised through a kill at any operation`, () => {
    for (let stop = 0; stop <= operations; stop++) {
      const outcome = live(
        durability,
        (count) => count >= stop ? new PowerLoss() : undefined,
      );
      outcome.bench.disk.fault = () => undefined;
      outcome.bench.disk.restart();
      assertKept(
        outcome,
        durability === "low" ? outcome.synced : outcome.acked,
      );
    }
  });
}

Deno.test("Wal.load() makes durable what it returns: a second crash loses nothing of it", () => {
  const { operations } = live("medium", () => undefined);
  for (let stop = 0; stop <= operations; stop++) {
    const { bench } = live(
      "medium",
      (count) => count >= stop ? new PowerLoss() : undefined,
    );
    bench.disk.fault = () => undefined;
    const found = bench.reload();
    bench.disk.crash(() => 0);
    assert.deepEqual(bench.open().load(), found);
  }
});

// ---------------------------------------------------------------- faults

const acts = ["append", "sync", "create", "rename", "remove", "syncDirectory"];

for (const durability of ["high", "medium", "low"] as const) {
  const { operations } = live(durability, () => undefined);

  Deno.test(`Wal at ${durability} survives a disk that is full from any operation on (PITFALLS 16)`, () => {
    for (let from = 0; from < operations; from++) {
      const outcome = live(
        durability,
        (count, { type }) =>
          count >= from && (type === "append" || type === "create")
            ? full
            : undefined,
      );
      if (outcome.acked === life.length) continue;
      const { bench } = outcome;
      // Still full: it says so and touches nothing that matters.
      bench.disk.restart();
      const segments = bench.disk.names().filter((name) =>
        name.endsWith(".log")
      );
      if (segments.length > 0) {
        assert.throws(() => bench.open().load(), /no space left/);
      }
      bench.disk.fault = () => undefined;
      bench.disk.restart();
      assertKept(
        outcome,
        durability === "low" ? outcome.synced : outcome.acked,
      );
    }
  });

  Deno.test(`Wal at ${durability} never retries after an error, whatever failed (PITFALLS 11)`, () => {
    for (let failing = 0; failing < operations; failing++) {
      const { bench, begun } = live(
        durability,
        (count) =>
          count === failing ? new Error("input/output error") : undefined,
      );
      if (life[begun - 1] === "restart") continue;
      const after = operationsOf(bench, () => {
        for (let i = 0; i < 3; i++) {
          assert.match(
            String(bench.write(save(commands(1, 1, 9)))),
            /input\/output error/,
          );
          assert.match(String(bench.flush()), /input\/output error/);
        }
      });
      assert.deepEqual(after.filter((type) => acts.includes(type)), []);
    }
  });
}

Deno.test("Wal.load() does not trust pages whose sync failed (PITFALLS 11)", () => {
  // The process that met the failure died; its successor reads the page cache, acts on
  // what it reads, and only then the power fails.
  const { operations } = live("high", () => undefined);
  for (let failing = 0; failing < operations; failing++) {
    const outcome = live(
      "high",
      (count, { type }) =>
        count === failing && type === "sync"
          ? new Error("input/output error")
          : undefined,
    );
    const { bench } = outcome;
    bench.disk.fault = () => undefined;
    const found = bench.reload();
    bench.disk.crash(() => 0);
    assert.deepEqual(bench.open().load(), found);
    bench.disk.restart();
    assertKept(outcome, outcome.acked);
  }
});

Deno.test("Wal answers all that wait when a sync fails, each once, and not inside the call", () => {
  const bench = new Bench("medium");
  bench.create();
  bench.disk.fault = ({ type }) =>
    type === "sync" ? new Error("input/output error") : undefined;
  const answers: string[] = [];
  const answer = (name: string) => (error?: Error) =>
    answers.push(`${name}: ${error?.message}`);
  bench.finish(() => {
    bench.wal.write(save(commands(1, 1, 1)), answer("write"));
    bench.wal.flush(answer("flush"));
    bench.wal.flush(answer("flush again"));
    bench.wal.write(save([], { snapshot: snapshotAt(1) }), answer("roll"));
    assert.deepEqual(answers, []);
  });
  assert.deepEqual(answers, [
    "write: undefined",
    "flush: input/output error",
    "flush again: input/output error",
    "roll: input/output error",
  ]);
});
