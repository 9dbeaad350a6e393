// Fuzz targets for what a disk may hold when a node starts: logs that were damaged, cut, patched
// together or forged. A log is loaded as far as it is whole, or refused by name and left as it
// is. Logs in use are killed and crashed as well.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { Writer } from "../../base/bytes.ts";
import { writeChange } from "../../raft/core/save_codec.ts";
import type { Saved } from "../../raft/core/types.ts";
import { wholeChange } from "../../storage/apply_save.ts";
import { kinds, writeRecord } from "../../storage/record.ts";
import {
  encodeSegment,
  seedOf,
  segmentName,
  writeBase,
} from "../../storage/segment.ts";
import { type Durability, StorageError } from "../../storage/storage.ts";
import { fresh, identity } from "../lib/storage_conformance.ts";
import { changes, harmful, hostile } from "./hostile.ts";
import {
  appends,
  type Log,
  LogInUse,
  logName,
  logOf,
  type Step,
  step,
} from "./logs.ts";
import { change } from "./messages.ts";
import { type Target, target } from "./target.ts";

/**
 * The number of the last save that `bytes` still hold, or "refused", as the format promises. It
 * compares them with the log that was written, without any checksum.
 */
function verdict(
  { bytes: whole, ends }: Log,
  bytes: Uint8Array,
): number | "refused" {
  const found = Buffer.from(bytes);
  const recordAt = (number: number) =>
    whole.subarray(ends[number - 1] ?? 0, ends[number]);
  const stands = (number: number) =>
    number < ends.length &&
    found.subarray(ends[number - 1] ?? 0, ends[number])
      .equals(recordAt(number));
  if (!stands(0)) return "refused";
  let last = 0;
  while (stands(last + 1)) last++;
  const end = ends[last]!;
  for (let number = last + 1; number < ends.length; number++) {
    const record = recordAt(number);
    const begin = ends[number - 1]!;
    const synced = Number(Buffer.from(record).readBigUInt64LE(8));
    for (let at = end; (at = found.indexOf(record, at)) >= 0; at++) {
      // It says that everything before it was durable, the bytes at `end` included.
      if (at === begin ? synced > end : synced === begin && synced >= end) {
        return "refused";
      }
    }
  }
  return last;
}

/** Loads a directory with these files; `undefined` if it is refused, with nothing changed. */
function load(files: ReadonlyMap<string, Uint8Array>): Saved | undefined {
  const log = new LogInUse();
  for (const [name, bytes] of files) log.disk.setContent(name, bytes);
  try {
    const saved = log.wal.load();
    // The log that it wrote anew is whole as well.
    log.disk.restart();
    if (saved !== undefined) assert.deepEqual(log.open().load(), saved);
    return saved;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    assert(!error.message.includes("\n"), error.message);
    const named = [...files.keys()].some((name) =>
      error.message.includes(`data/1/${name}`)
    );
    assert(named || /directory data\/1 /.test(error.message), error.message);
    assert.deepEqual(log.disk.names(), [...files.keys()].toSorted());
    for (const [name, bytes] of files) {
      assert.deepEqual(log.disk.content(name), bytes);
    }
    return undefined;
  }
}

function loadLog(bytes: Uint8Array): Saved | undefined {
  return load(new Map([[logName, bytes]]));
}

const durability = fc.constantFrom<Durability>("high", "medium", "low");
const harm = harmful({ tokens: ["ticketd\n", "\0".repeat(64)] });

const damage = target({
  name: "records/damage",
  claim:
    "Wal.load() of a damaged log gives all saves up to the damage if that may be a torn write, and refuses otherwise",
  weight: 100,
  inputs: fc.record({ steps: appends, durability, changes }),
}, ({ steps, durability, changes }) => {
  const log = logOf(steps, durability);
  const bytes = harm(log.bytes, changes);
  const expected = verdict(log, bytes);
  const saved = loadLog(bytes);
  if (expected === "refused") assert.equal(saved, undefined);
  else assert.deepEqual(saved, log.states[expected]);
});

const any = target({
  name: "records/any",
  claim: "Wal.load() refuses any bytes that are no log, and names the file",
  weight: 50,
  inputs: hostile(fc.constant(logOf([], "high").bytes)),
}, (bytes) => {
  const saved = loadLog(bytes);
  if (saved !== undefined) assert.deepEqual(saved, fresh);
});

const whole = wholeChange(fresh);
const preamble = encodeSegment(1, identity, whole).subarray(0, 16);
const encoded = change.map((change) => {
  const writer = new Writer();
  writeChange(writer, change);
  return writer.copy();
});
/** Saves that fit, saves that do not, and bytes that are no save. */
export const payload = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: encoded },
  { weight: 1, arbitrary: hostile(encoded) },
);
type Payload = Uint8Array | undefined;

/** A log in which every checksum is right, whatever it holds. */
export function forge(base: Payload, saves: readonly Payload[]): Uint8Array {
  const writer = new Writer();
  writer.raw(preamble);
  const write = (payload: Payload) => (writer: Writer) => {
    if (payload === undefined) writeChange(writer, whole);
    else writer.raw(payload);
  };
  writeBase(writer, { number: 1, identity, writeState: write(base) });
  for (const payload of saves) {
    const seed = seedOf(identity, 1);
    const place = { seed, offset: writer.length, synced: 0 };
    writeRecord(writer, kinds.save, { place, writePayload: write(payload) });
  }
  return writer.copy();
}

const forged = target({
  name: "records/forged",
  claim:
    "Wal.load() of nonsense under right checksums gives a log without gaps, or refuses by name",
  weight: 50,
  inputs: fc.record({
    base: payload,
    saves: fc.array(payload, { maxLength: 3, size: "max" }),
  }),
}, ({ base, saves }) => {
  const saved = loadLog(forge(base, saves));
  if (saved === undefined) return;
  const { snapshot, entries } = saved;
  entries.forEach(({ index }, i) => {
    assert.equal(index, snapshot.index + 1 + i, "a gap in the log");
  });
});

const names = [
  ...[0, 1, 2, 7].map(segmentName),
  "segment.tmp",
  "LOCK",
  "kv.sqlite3",
  "1.log",
  "0000000000000001.LOG",
  "00000000000000001.log",
  "9007199254740991.log",
  "9999999999999999.log",
];
const segments = [
  logOf([], "high").bytes,
  ...[0, 2, 7, 2 ** 53 - 1].map((number) =>
    encodeSegment(number, identity, whole)
  ),
  encodeSegment(2, { ...identity, node: "2" }, whole),
];
const directory = target({
  name: "records/directory",
  claim:
    "Wal.load() of any files under any names reads the newest log, or refuses and changes nothing",
  weight: 50,
  inputs: fc.uniqueArray(
    fc.tuple(
      fc.constantFrom(...names),
      hostile(fc.constantFrom(...segments)),
    ),
    { maxLength: 4, size: "max", selector: ([name]) => name },
  ),
}, (files) => {
  const saved = load(new Map(files));
  if (saved !== undefined) assert.deepEqual(saved, fresh);
});

/** An event of a log in use. A crash keeps the sectors and names that `picks` choose. */
const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant("save"), step }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("flush") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("crash"),
      during: fc.option(step, { nil: undefined }),
      picks: fc.array(fc.nat(0xffff), { maxLength: 8, size: "max" }),
    }),
  },
) as fc.Arbitrary<Event>;
type Event =
  | { readonly type: "save"; readonly step: Step }
  | { readonly type: "flush" | "restart" }
  | {
    readonly type: "crash";
    readonly during: Step | undefined;
    readonly picks: readonly number[];
  };

const use = target({
  name: "records/use",
  claim:
    "Wal.load() gives back what was saved last, or after a power loss at least what was durable",
  weight: 100,
  inputs: fc.record({
    durability,
    events: fc.array(event, { maxLength: 12, size: "max" }),
  }),
}, ({ durability, events }) => {
  const log = new LogInUse(durability);
  log.create();
  for (const event of [...events, { type: "restart" } as const]) {
    switch (event.type) {
      case "save":
        log.save(event.step);
        continue;
      case "flush":
        log.flush();
        continue;
      case "restart":
        log.disk.restart();
        // At low, the process takes the saves that it has gathered in memory along.
        if (durability !== "low") log.states = log.states.slice(-1);
        break;
      case "crash": {
        if (event.during !== undefined) log.saveHalf(event.during);
        let picked = 0;
        const { picks } = event;
        log.disk.crash((count) => (picks[picked++] ?? 0) % count);
      }
    }
    const saved = log.open().load();
    assert(saved !== undefined, "a log was lost");
    const isKept = (state: Saved) =>
      JSON.stringify(state) === JSON.stringify(saved);
    if (!log.states.some(isKept)) assert.deepEqual(saved, log.states[0]);
    log.states = [saved];
  }
});

export const recordTargets: readonly Target[] = [
  damage,
  any,
  forged,
  directory,
  use,
];
