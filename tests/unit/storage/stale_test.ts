// A disk that loses writes, so that former sectors, segments or directory entries show up again,
// tried exhaustively on a small log (`damaged_log.ts` says what each damage must lead to). Two
// tests show damage that no single log can notice.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { encodeSegment, readSegment } from "../../../storage/segment.ts";
import { StorageError } from "../../../storage/storage.ts";
import { everyChoice } from "../../crashes/main.ts";
import { stateOf } from "../../crashes/recording.ts";
import { sectorBytes } from "../../lib/fake_files.ts";
import { identity, snapshotAt } from "../../lib/storage_conformance.ts";
import {
  assertRefused,
  assertTreated,
  baseStart,
  beginning,
  diskWith,
  formerIncarnation,
  isWhole,
  keyAfter,
  type Log,
  log,
  makeAfter,
  makeAgain,
  makeLog,
  name,
  open,
  showsAfter,
} from "./damaged_log.ts";

const { bytes: original } = log;
const records = log.states.length;

/** Gives every sector of the log all of its former contents; returns how many there were. */
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

Deno.test("A sector of a wiped incarnation of this node is refused, or cut at the end", async () => {
  const old = await makeLog({ id: formerIncarnation });
  const ours = await makeAfter(old);
  assert(assertStaleTreated(ours, [old]) > assertStaleTreated(log));
});

for (const sectors of [2, 4]) {
  Deno.test(`A log whose base ends in sector ${sectors} is refused, or cut at the end, where any sectors but not all are a wiped incarnation's`, async () => {
    const text = "x".repeat((sectors - 1) * sectorBytes - 100);
    const old = await makeLog({ id: formerIncarnation, text });
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

/** A file of sectors of two logs: one of them with records of the other, or neither. */
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

Deno.test("A log with a wiped incarnation's shorter or longer beginning is refused while a record of its own shows", async () => {
  const ours = await makeLog({ text: "x".repeat(700) });
  for (const length of [0, 400, 650, 701, 750, 1300]) {
    const old = await makeLog({
      id: formerIncarnation,
      text: "x".repeat(length),
    });
    const space = Math.min(ours.bytes.length, old.bytes.length);
    for (let end = sectorBytes; end < space; end += sectorBytes) {
      const bytes = ours.bytes.slice();
      bytes.set(old.bytes.subarray(0, end));
      if (!showsAfter(0, bytes, ours)) break;
      assertRefused(diskWith(bytes), /^data\/1\/\d+\.log is damaged at byte /);
    }
  }
});

Deno.test("A base of any length is told from one whose first sector is a wiped incarnation's", () => {
  const options = { path: name, number: 1, node: identity.node };
  for (let length = 0; length < 2 * sectorBytes; length++) {
    const snapshot = snapshotAt(0, "x".repeat(length));
    const change = { ...beginning, snapshot, firstIndex: 1 };
    const ours = encodeSegment(1, identity, change);
    const old = encodeSegment(1, formerIncarnation, change);
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

Deno.test("A file that is a wiped incarnation's from end to end goes unnoticed: no single log can tell", async () => {
  const old = await makeLog({ id: formerIncarnation });
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
