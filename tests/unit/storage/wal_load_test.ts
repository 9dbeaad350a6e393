// Wal.load() on all kinds of directories: a log that is cut, flipped or followed by other bytes,
// another node's log, another format, a directory in use. `damage_test.ts` and `stale_test.ts` try
// faults of the disk itself on a larger log.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { Writer } from "../../../base/bytes.ts";
import { StorageError } from "../../../storage/storage.ts";
import {
  command,
  commands,
  fresh,
  identity,
  save,
} from "../../lib/storage_conformance.ts";
import { firstSegment as name, WalHarness } from "./wal_harness.ts";

/** Three saves in one segment: its bytes, and where each of its records ends. */
function smallLog(): { bytes: Uint8Array; ends: number[] } {
  const harness = new WalHarness();
  harness.create();
  const ends = [harness.wal.bytes];
  for (const i of [1, 2, 3]) {
    assert.equal(harness.write(save(commands(i, 1, 1))), "done");
    ends.push(harness.wal.bytes);
  }
  return { bytes: harness.disk.content(name) ?? new Uint8Array(), ends };
}

const log = smallLog();
const baseEnd = log.ends[0] ?? 0;
const lastStart = log.ends[2] ?? 0;

/** A disk that holds `bytes` as its only segment. */
function harnessWith(bytes: Uint8Array): WalHarness {
  const harness = new WalHarness();
  harness.disk.setContent(name, bytes);
  return harness;
}

function assertRefused(bytes: Uint8Array, reason: RegExp): void {
  const harness = harnessWith(bytes);
  assert.throws(() => harness.open().load(), (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(error.message, reason);
    return true;
  });
  assert.deepEqual(harness.disk.content(name), bytes);
  assert.deepEqual(harness.disk.names(), [name]);
}

/** The first `count` saves are in `bytes`; `warned` says whether more was dropped. */
function assertHolds(bytes: Uint8Array, count: number, warned: boolean): void {
  const harness = harnessWith(bytes);
  const saved = harness.open().load();
  assert.deepEqual(saved, { ...fresh, entries: commands(1, count, 1) });
  assert.equal(harness.warnings.length, warned ? 1 : 0);
  // It goes on from there, as if nothing had ever followed.
  assert.equal(harness.write(save(commands(count + 1, 1, 2))), "done");
  const entries = [...commands(1, count, 1), command(count + 1, 2)];
  assert.deepEqual(harness.reload()?.entries, entries);
}

Deno.test("Wal.load() recovers whole saves from a log cut at any byte (the original refused, or repeated a ticket)", () => {
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

/** The log of another incarnation of the node, and one save longer. */
function foreignLog(): Uint8Array {
  const other = new WalHarness();
  other.create({
    ...fresh,
    identity: { ...identity, incarnation: "f".repeat(16) },
  });
  for (const i of [1, 2, 3, 4]) other.write(save(commands(i, 1, 9)));
  return other.disk.content(name) ?? new Uint8Array();
}

Deno.test("Wal.load() drops zeros, garbage, copies and displaced foreign records behind the last record", () => {
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
    foreignLog(),
    foreignLog().subarray(lastStart),
  ];
  for (const tail of tails) {
    assertHolds(new Uint8Array([...log.bytes, ...tail]), 3, true);
  }
});

Deno.test("Wal.load() refuses a foreign record at the very offset where the next record belongs", () => {
  const foreign = foreignLog();
  const at = log.bytes.length;
  assertRefused(
    new Uint8Array([...log.bytes, ...foreign.subarray(at)]),
    new RegExp(
      `the record at byte ${at} is of another segment, or of an earlier use of this file`,
    ),
  );
});

Deno.test("Wal.load() refuses an empty file and one that is no log (the original took an empty file for an empty log)", () => {
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
  const harness = harnessWith(log.bytes);
  assert.throws(
    () => harness.open("2").load(),
    /data\/1\/.* belongs to node 1, not to node 2; start with --id 1/,
  );
  assert.deepEqual(harness.disk.content(name), log.bytes);
});

Deno.test("Wal.load() refuses a segment under another's name", () => {
  const harness = new WalHarness();
  harness.disk.setContent("0000000000000007.log", log.bytes);
  assert.throws(() => harness.open().load(), /is segment 1 under another name/);
});

Deno.test("Wal.load() refuses a directory that is in use", () => {
  const harness = new WalHarness();
  harness.create();
  assert.throws(
    () => harness.open().load(),
    /in use by another ticketd process/,
  );
});

Deno.test("Wal.load() takes an unfinished create() for nothing", () => {
  const harness = new WalHarness();
  harness.disk.setContent("segment.tmp", log.bytes.subarray(0, 40));
  assert.equal(harness.open().load(), undefined);
  assert.equal(harness.create(), "done");
  assert.deepEqual(harness.disk.names(), [name]);
  assert.deepEqual(harness.reload(), fresh);
});

Deno.test("Wal.load() takes the newest of two segments, and never falls back to the older", () => {
  const harness = harnessWith(log.bytes);
  harness.open().load();
  const second = "0000000000000002.log";
  assert.deepEqual(harness.disk.names(), [second]);
  harness.write(save(commands(4, 1, 1)));
  harness.disk.setContent(name, log.bytes);
  assert.equal(harness.reload()?.entries.length, 4);
  assert.deepEqual(harness.disk.names(), ["0000000000000003.log"]);

  harness.disk.setContent("0000000000000004.log", new Uint8Array(10));
  assert.throws(() => harness.reload(), /0000000000000004\.log is damaged/);
});
