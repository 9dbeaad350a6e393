// A disk that rots, misplaces and forgets, tried exhaustively on a small log at `high`,
// and what each damage must lead to:
//
// - in the preamble or the base: refused;
// - in a record that an undamaged one follows: refused, naming the file and the offset
//   of the record, with nothing changed on the disk;
// - in the last record, or from some record on all to the end: the log is cut there, with
//   a warning that names file and offset (a write that never happened looks the same);
// - where a record of another segment or life shows, at its place: refused.
//
// What goes beyond that, and what no single log can notice, is said by name below.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { Saved } from "../../../raft/core/types.ts";
import { recordHeaderBytes } from "../../../storage/record.ts";
import { encodeSegment, readSegment } from "../../../storage/segment.ts";
import { type Durability, StorageError } from "../../../storage/storage.ts";
import { Wal } from "../../../storage/wal.ts";
import {
  command,
  commands,
  finished,
  fresh,
  identity,
  save,
  snapshotAt,
} from "../../lib/storage_conformance.ts";
import { everyChoice } from "../../crashes/main.ts";
import { FakeDisk, sectorBytes } from "../../lib/fake_files.ts";
import { stateOf } from "../../crashes/recording.ts";

const name = "0000000000000001.log";
const baseStart = 16;

const hardState = { currentTerm: 2, votedFor: "2" };

/** The first has sectors of its own, the last three share one. */
const saves = [
  save(commands(1, 1, 1)),
  save([command(2, 1, "x".repeat(700))]),
  save([], { hardState, firstIndex: 3 }),
  save(commands(3, 1, 2), { hardState, mustSync: false }),
  save(commands(4, 1, 2), { hardState, mustSync: false }),
  save(commands(5, 1, 2), { hardState, mustSync: false }),
];

type Log = {
  readonly disk: FakeDisk;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where each record begins, and the end. */
  readonly starts: readonly number[];
  /** What it held after so many saves. */
  readonly states: readonly Saved[];
};

function open(disk: FakeDisk, {
  durability = "high",
  warnings = [],
}: { durability?: Durability; warnings?: string[] } = {}): Wal {
  disk.restart();
  return new Wal({
    files: disk.open(),
    node: identity.node,
    durability,
    log: (level, text) => level === "warning" && warnings.push(text),
  });
}

const beginning: Saved = { ...fresh, snapshot: snapshotAt(0, "a base") };
const anotherLife = { ...identity, incarnation: "f".repeat(16) };

async function makeLog(
  { id = identity, text = "a base", disk = new FakeDisk() } = {},
): Promise<Log> {
  const wal = open(disk);
  assert.equal(wal.load(), undefined);
  const first = { ...beginning, identity: id, snapshot: snapshotAt(0, text) };
  await finished((done) => wal.create(first, done));
  return write({ disk, wal, first });
}

/** A log in the place of another life's, which was wiped. */
function makeAfter(old: Log, text?: string): Promise<Log> {
  const disk = old.disk.copy();
  disk.setContent(old.name, undefined);
  return makeLog({ disk, text });
}

/** The same log once more, two segments later. */
async function makeAgain({ disk: before }: Log): Promise<Log> {
  const disk = before.copy();
  const wal = open(disk);
  wal.load();
  const { hardState, snapshot } = beginning;
  const again = save([], { hardState, snapshot });
  await finished((done) => wal.write(again, done));
  return write({ disk, wal, first: beginning });
}

/** Writes the saves behind a base that holds `first`. */
async function write(
  { disk, wal, first }: { disk: FakeDisk; wal: Wal; first: Saved },
): Promise<Log> {
  const starts = [baseStart, wal.bytes];
  const states = [first];
  for (const save of saves) {
    await finished((done) => wal.write(save, done));
    starts.push(wal.bytes);
    const before = states.at(-1)!;
    const entries = [...before.entries, ...save.entries];
    states.push({ ...before, hardState: save.hardState, entries });
  }
  const name = disk.names()[0]!;
  return { disk, name, bytes: disk.content(name)!, starts, states };
}

const log = await makeLog();
const { bytes: original } = log;

Deno.test("The log under test has several sectors, and records that share one", () => {
  assert(original.length > 2 * sectorBytes);
  const sectors = log.starts.map((at) => Math.floor(at / sectorBytes));
  assert.equal(sectors.at(-2), sectors.at(-4));
});

/**
 * Damage to the log, which may show records of `others`, leads to what the header says;
 * true if it was noticed.
 */
function assertTreated(
  disk: FakeDisk,
  { of = log, others = [] }: { of?: Log; others?: readonly Log[] } = {},
): boolean {
  const { name, bytes, starts, states } = of;
  const now = disk.content(name)!;
  const first = now.findIndex((byte, i) => byte !== bytes[i]);
  const damaged = starts.findLastIndex((start) => start <= first);
  const isLast = !showsAfter(damaged, now, of) &&
    !others.some((other) => showsAfter(0, now, other));
  if (first < 0 || damaged > 0 && isLast) {
    const warnings: string[] = [];
    const kept = first < 0 ? states.length : damaged;
    assert.equal(keyAfter(disk, warnings), stateOf(states[kept - 1]).key);
    const cut = `data/1/${name}: dropped .* from byte ${starts[damaged]} on`;
    if (first < 0) assert.deepEqual(warnings, []);
    else assert.match(warnings.join("\n"), new RegExp(`^${cut}.*$`));
  } else if (damaged > 0) {
    const at = starts[damaged];
    assertRefused(
      disk,
      new RegExp(`^data/1/${name} is damaged at byte ${at} `),
    );
  } else {
    assertRefused(
      disk,
      /^data\/1\/\d+\.log is (damaged at byte (0|8|16)|segment \d under) /,
    );
  }
  return first >= 0;
}

/** Whether a record of `log` after that of this number is whole in `now`. */
function showsAfter(number: number, now: Uint8Array, log: Log): boolean {
  return log.states.some((_, i) => i > number && isWhole(i, now, log));
}

function isWhole(
  number: number,
  now: Uint8Array,
  { bytes, starts }: Log,
): boolean {
  const range = [starts[number], starts[number + 1]];
  return String(now.subarray(...range)) === String(bytes.subarray(...range));
}

function assertRefused(disk: FakeDisk, reason: RegExp): void {
  const names = disk.names();
  const contents = names.map((name) => disk.content(name));
  assert.throws(() => open(disk).load(), (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(error.message, reason);
    return true;
  });
  disk.crash(() => 0);
  assert.deepEqual(disk.names(), names);
  assert.deepEqual(names.map((name) => disk.content(name)), contents);
}

function keyAfter(disk: FakeDisk, warnings: string[] = []): string {
  return stateOf(open(disk, { warnings }).load()).key;
}

// ---------------------------------------------------------------- bits

Deno.test("Any flipped bit of preamble, snapshot, hard state or record is refused, or cut in the last", () => {
  for (let bit = 0; bit < original.length * 8; bit++) {
    const disk = log.disk.copy();
    disk.flip(name, { at: bit >> 3, bit: bit & 7 });
    assert(assertTreated(disk));
  }
});

Deno.test("Two flipped bits in different records are refused, or cut in the last two", () => {
  for (const [i, start] of log.starts.entries()) {
    for (const other of log.starts.slice(i + 1, -1)) {
      for (let bit = 0; bit < 8; bit++) {
        const disk = log.disk.copy();
        disk.flip(name, { at: start + 5, bit });
        disk.flip(name, { at: other + recordHeaderBytes + 1, bit });
        assert(assertTreated(disk));
      }
    }
  }
});

// ---------------------------------------------------------------- misplaced

Deno.test("Each sector in the place of each other is refused, or cut at the end", () => {
  const sectors = Math.ceil(original.length / sectorBytes);
  let noticed = 0;
  for (let from = 0; from < sectors; from++) {
    for (let to = 0; to < sectors; to++) {
      const disk = log.disk.copy();
      disk.copySector({ name, sector: from }, { name, sector: to });
      if (assertTreated(disk)) noticed++;
    }
  }
  assert.equal(noticed, sectors * (sectors - 1));
});

const records = log.states.length;

Deno.test("Each record in the place of each other is refused, or cut at the end", () => {
  for (let from = 0; from < records; from++) {
    for (let to = 0; to < records; to++) {
      if (from === to) continue;
      const bytes = original.slice();
      const record = original.subarray(log.starts[from], log.starts[from + 1]);
      const space = bytes.length - log.starts[to]!;
      bytes.set(record.subarray(0, space), log.starts[to]);
      assertTreated(diskWith(bytes));
    }
  }
});

Deno.test("A record from an older segment at its own offset is refused, the last one too", async () => {
  assertStrangersRefused(await makeAgain(log));
});

Deno.test("A record from another life of this node, at its own offset, is refused, the last one too", async () => {
  assertStrangersRefused(await makeLog({ id: anotherLife }));
});

Deno.test("A record from another cluster, at its own offset, is refused, the last one too", async () => {
  const id = { ...identity, cluster: "e".repeat(32) };
  assertStrangersRefused(await makeLog({ id }));
});

/** Each record of `other`, and each row of them, in our log. */
function assertStrangersRefused(other: Log): void {
  assert.deepEqual(other.starts, log.starts);
  for (let i = 1; i < records; i++) {
    for (let count = 1; i + count <= records; count++) {
      const bytes = original.slice();
      const range = [log.starts[i], log.starts[i + count]];
      bytes.set(other.bytes.subarray(...range), log.starts[i]);
      const place = `is damaged at byte ${log.starts[i]} `;
      assertRefused(diskWith(bytes), new RegExp(place));
    }
  }
}

function diskWith(bytes: Uint8Array): FakeDisk {
  const disk = new FakeDisk();
  disk.setContent(name, bytes);
  return disk;
}

// ---------------------------------------------------------------- stale

/** Every sector of the log becomes each thing that it may have held before. */
function assertStaleTreated(log: Log, others: readonly Log[] = []): number {
  let stale = 0;
  for (let sector = 0; sector * sectorBytes < log.bytes.length; sector++) {
    everyChoice((pick) => {
      const disk = log.disk.copy();
      assert(disk.staleSector({ name: log.name, sector }, pick));
      assert(assertTreated(disk, { of: log, others }));
      stale++;
      return true;
    });
  }
  return stale;
}

Deno.test("A sector that forgets its last writes is refused, or cut at the end", () => {
  assert(assertStaleTreated(log) > 6);
});

Deno.test("A sector of a removed older segment is refused, or cut at the end", async () => {
  const again = await makeAgain(log);
  assert(assertStaleTreated(again, [log]) > assertStaleTreated(log));
});

Deno.test("A sector of a wiped older life of this node is refused, or cut at the end", async () => {
  const old = await makeLog({ id: anotherLife });
  const ours = await makeAfter(old);
  assert(assertStaleTreated(ours, [old]) > assertStaleTreated(log));
});

for (const sectors of [2, 4]) {
  Deno.test(`A log whose base ends in sector ${sectors} is refused, or cut at the end, where any sectors but not all are a wiped older life's`, async () => {
    const text = "x".repeat((sectors - 1) * sectorBytes - 100);
    const old = await makeLog({ id: anotherLife, text });
    const ours = await makeAfter(old, text);
    assert.deepEqual(old.starts, ours.starts);
    assert.equal(Math.ceil(ours.starts[1]! / sectorBytes), sectors);
    const count = Math.ceil(ours.bytes.length / sectorBytes);
    for (let stale = 1; stale < 2 ** count - 1; stale++) {
      const bytes = ours.bytes.map((byte, i) =>
        stale >> (i / sectorBytes) & 1 ? old.bytes[i]! : byte
      );
      assertMixtureTreated(bytes, { ours, old });
    }
  });
}

/** A file of bytes of two lives: one log or the other with foreign records, or none. */
function assertMixtureTreated(
  bytes: Uint8Array,
  { ours, old }: { ours: Log; old: Log },
): void {
  const disk = diskWith(bytes);
  if (isWhole(0, bytes, ours)) {
    assertTreated(disk, { of: ours, others: [old] });
  } else if (isWhole(0, bytes, old)) {
    assertTreated(disk, { of: old, others: [ours] });
  } else {
    assertRefused(disk, /^data\/1\/\d+\.log is damaged at byte 16 /);
  }
}

Deno.test("A log with a wiped life's shorter or longer beginning is refused while a record of its own shows", async () => {
  const ours = await makeLog({ text: "x".repeat(700) });
  for (const length of [0, 400, 650, 701, 750, 1300]) {
    const old = await makeLog({ id: anotherLife, text: "x".repeat(length) });
    const space = Math.min(ours.bytes.length, old.bytes.length);
    for (let end = sectorBytes; end < space; end += sectorBytes) {
      const bytes = ours.bytes.slice();
      bytes.set(old.bytes.subarray(0, end));
      if (!showsAfter(0, bytes, ours)) break;
      assertRefused(diskWith(bytes), /^data\/1\/\d+\.log is damaged at byte /);
    }
  }
});

Deno.test("A base of any length is told from one whose first sector is a wiped life's", () => {
  const options = { path: name, number: 1, node: identity.node };
  for (let length = 0; length < 2 * sectorBytes; length++) {
    const snapshot = snapshotAt(0, "x".repeat(length));
    const change = { ...beginning, snapshot, firstIndex: 1 };
    const ours = encodeSegment(1, identity, change);
    const old = encodeSegment(1, anotherLife, change);
    const { state, end } = readSegment(ours, options);
    assert.deepEqual(state, { ...beginning, snapshot });
    assert.equal(end, ours.length);
    assert(ours.length >= sectorBytes + 4);
    const stale = old.slice();
    stale.set(ours.subarray(sectorBytes), sectorBytes);
    assert.throws(() => readSegment(stale, options), StorageError);
  }
});

Deno.test("A base of right checksum with a wrong seed, or something among its zeros, is refused", () => {
  const change = { ...beginning, firstIndex: 1 };
  for (const at of [sectorBytes, sectorBytes - 1]) {
    const bytes = encodeSegment(1, identity, change);
    bytes[at]! ^= 1;
    const crc = crc32(bytes.subarray(baseStart + 4), baseStart);
    new DataView(bytes.buffer).setUint32(baseStart, crc, true);
    assertRefused(
      diskWith(bytes),
      /is damaged at byte 37 \((another seed|no zero), /,
    );
  }
});

Deno.test("A file that is a wiped life's from end to end goes unnoticed: no single log can tell", async () => {
  const old = await makeLog({ id: anotherLife });
  const bytes = old.bytes.slice(0, original.length);
  assert(!assertTreated(diskWith(bytes), { of: old, others: [log] }));
});

Deno.test("An older segment under the newest one's name is refused", () => {
  const disk = log.disk.copy();
  open(disk).load();
  assert.deepEqual(disk.names(), ["0000000000000002.log"]);
  disk.setContent("0000000000000002.log", original);
  assertRefused(disk, /2\.log is segment 1 under another name/);
});

Deno.test("Two files of one directory that changed places are refused", () => {
  const disk = log.disk.copy();
  open(disk).load();
  const second = disk.content("0000000000000002.log");
  disk.setContent(name, second);
  disk.setContent("0000000000000002.log", original);
  assertRefused(disk, /2\.log is segment 1 under another name/);
});

Deno.test("An older copy of the very same segment goes unnoticed: no single log can tell", () => {
  for (let count = 0; count < records; count++) {
    const disk = diskWith(original.slice(0, log.starts[count + 1]));
    const warnings: string[] = [];
    assert.equal(keyAfter(disk, warnings), stateOf(log.states[count]).key);
    assert.deepEqual(warnings, []);
  }
});

// ---------------------------------------------------------------- below high

for (const durability of ["medium", "low"] as const) {
  const window = async (more: boolean) => {
    const disk = new FakeDisk();
    const wal = open(disk, { durability });
    wal.load();
    await finished((done) => wal.create(fresh, done));
    const first = wal.bytes;
    for (const i of [1, 2, 3]) {
      await finished((done) => wal.write(save(commands(i, 1, 1)), done));
    }
    await finished((done) => wal.flush(done));
    if (more) {
      await finished((done) => wal.write(save(commands(4, 1, 1)), done));
      await finished((done) => wal.flush(done));
    }
    wal.close();
    return { disk, first };
  };

  Deno.test(`At ${durability} rot before the last flush is refused`, async () => {
    const { disk, first } = await window(true);
    disk.flip(name, { at: first + recordHeaderBytes, bit: 1 });
    assertRefused(disk, new RegExp(`is damaged at byte ${first} `));
  });

  Deno.test(`At ${durability} rot behind the last flush but one cuts the log there: records do not yet know that they are synced`, async () => {
    const { disk, first } = await window(false);
    disk.flip(name, { at: first + recordHeaderBytes, bit: 1 });
    const warnings: string[] = [];
    const found = open(disk, { durability, warnings }).load();
    assert.deepEqual(found, fresh);
    assert.equal(warnings.length, 1);
  });
}
