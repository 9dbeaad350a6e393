// A snapshot that arrives in chunks: which bytes are taken, when it is whole, and how much
// memory it holds meanwhile.

import assert from "node:assert/strict";
import fc from "fast-check";
import { checksumOf } from "../../../../base/checksum.ts";
import { IncomingSnapshot } from "../../../../raft/core/incoming_snapshot.ts";
import type { InstallSnapshot } from "../../../../raft/core/types.ts";
import { installSnapshot, snapshotAt } from "./scene.ts";

const data = Uint8Array.from({ length: 10 }, (_, i) => i + 1);
const whole = installSnapshot({ ...snapshotAt(9, 2), data });

function chunk(
  offset: number,
  end: number,
  fields: Partial<InstallSnapshot> = {},
): InstallSnapshot {
  return { ...whole, offset, chunk: data.subarray(offset, end), ...fields };
}

Deno.test("IncomingSnapshot.take() adds what goes on where the last chunk ended, and nothing else", () => {
  const incoming = new IncomingSnapshot(whole);
  const rows: [number, number, number][] = [
    [3, 6, 0], // one before it is missing
    [0, 3, 3],
    [0, 3, 3], // twice
    [1, 2, 3], // a part of it
    [4, 6, 3],
    [2, 5, 5], // begins before, and goes on
    [5, 10, 10],
  ];
  for (const [from, end, arrived] of rows) {
    incoming.take(chunk(from, end));
    assert.equal(incoming.arrivedBytes, arrived, `${from} to ${end}`);
    assert.equal(incoming.isComplete, arrived === 10);
  }
  assert.equal(incoming.verify(), true);
  assert.deepEqual(incoming.data, data);
});

Deno.test("IncomingSnapshot.verify() begins again when a bit is another, and counts how often", () => {
  const incoming = new IncomingSnapshot(whole);
  for (const times of [1, 2]) {
    incoming.take(chunk(0, 9));
    incoming.take(chunk(9, 10, { chunk: Uint8Array.of(11) }));
    assert.equal(incoming.verify(), false);
    assert.equal(incoming.wrongChecksums, times);
    assert.deepEqual([incoming.arrivedBytes, incoming.reservedBytes], [0, 0]);
  }
  incoming.take(chunk(0, 10));
  assert.equal(incoming.verify(), true);
});

Deno.test("IncomingSnapshot.isOf() compares all that tells two snapshots apart", () => {
  const incoming = new IncomingSnapshot(whole);
  assert.equal(incoming.isOf(chunk(3, 4)), true);
  const { snapshot } = whole;
  for (
    const other of [
      { index: 10 },
      { term: 3 },
      { bytes: 11 },
      { checksum: checksumOf(data) ^ 1 },
      { configurationIndex: 1 },
    ]
  ) {
    const message = { ...whole, snapshot: { ...snapshot, ...other } };
    assert.equal(incoming.isOf(message), false, JSON.stringify(other));
  }
});

Deno.test("IncomingSnapshot.isNewerThan() knows by number what was sent before its own chunks, within a term", () => {
  const incoming = new IncomingSnapshot({ ...whole, sequence: 5 });
  incoming.take(chunk(0, 1, { sequence: 8 }));
  incoming.take(chunk(0, 1, { sequence: 6 }));
  assert.equal(incoming.isNewerThan(chunk(0, 1, { sequence: 7 })), true);
  assert.equal(incoming.isNewerThan(chunk(0, 1, { sequence: 9 })), false);
  const later = { sequence: 1, term: 3 };
  assert.equal(incoming.isNewerThan(chunk(0, 1, later)), false);
  incoming.take(chunk(1, 2, later));
  assert.equal(
    incoming.isNewerThan(chunk(0, 1, { sequence: 2, term: 3 })),
    false,
  );
});

Deno.test("IncomingSnapshot reserves at most 32 times what has arrived (PITFALLS 33), and copies little", () => {
  const bytes = 14 * 1024 * 1024 + 7;
  const large = { ...whole, snapshot: { ...whole.snapshot, bytes } };
  const incoming = new IncomingSnapshot(large);
  assert.equal(incoming.reservedBytes, 0);
  const part = new Uint8Array(32 * 1024);
  let before = 0;
  for (let at = 0; at < bytes; at += part.length) {
    const chunk = part.subarray(0, Math.min(part.length, bytes - at));
    incoming.take({ ...large, offset: at, chunk });
    const { arrivedBytes, reservedBytes } = incoming;
    assert(reservedBytes <= 32 * arrivedBytes, `${reservedBytes} at ${at}`);
    // What had arrived is copied to the larger buffer.
    if (reservedBytes > before) assert(at <= bytes / 32, `copied ${at}`);
    before = reservedBytes;
  }
  assert.equal(incoming.data.length, bytes);
});

Deno.test("A snapshot without data is whole with its only chunk", () => {
  const empty = installSnapshot({ ...snapshotAt(9, 2), data: data.slice(10) });
  const incoming = new IncomingSnapshot(empty);
  incoming.take(empty);
  assert.deepEqual([incoming.isComplete, incoming.verify()], [true, true]);
});

Deno.test("Whatever chunks come, in any order, what has arrived is the beginning of the data", () => {
  const place = fc.tuple(fc.nat(10), fc.nat(10)).map(([a, b]) =>
    [Math.min(a, b), Math.max(a, b)] as const
  );
  fc.assert(
    fc.property(fc.array(place, { maxLength: 30 }), (places) => {
      const incoming = new IncomingSnapshot(whole);
      let arrived = 0;
      for (const [from, end] of places) {
        incoming.take(chunk(from, end));
        if (from <= arrived) arrived = Math.max(arrived, end);
        assert.equal(incoming.arrivedBytes, arrived);
        assert.deepEqual(
          incoming.data.subarray(0, arrived),
          data.subarray(0, arrived),
        );
      }
      if (incoming.isComplete) assert.equal(incoming.verify(), true);
    }),
    { numRuns: 500 },
  );
});
