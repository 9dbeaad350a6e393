// A record is valid only where it was written, and readTail() tells a torn tail from damage at
// every bit.

import assert from "node:assert/strict";
import { Writer } from "../../../base/bytes.ts";
import {
  kinds,
  readRecord,
  readTail,
  recordHeaderBytes,
  writeRecord,
} from "../../../storage/record.ts";

const seed = 0x1234_5678;

type Made = { readonly text: string; readonly synced?: number };

/** A file of records, each written when all before it was synced, unless it says otherwise. */
function file(
  records: readonly (string | Made)[],
  fileSeed = seed,
): Uint8Array {
  const writer = new Writer();
  for (const record of records) {
    const { text, synced = writer.length } = typeof record === "string"
      ? { text: record }
      : record;
    writeRecord(writer, kinds.save, {
      place: { seed: fileSeed, offset: writer.length, synced },
      writePayload: (writer) => writer.raw(new TextEncoder().encode(text)),
    });
  }
  return writer.written.slice();
}

function texts(bytes: Uint8Array): { texts: string[]; end: number } {
  const texts: string[] = [];
  let end = 0;
  for (;;) {
    const record = readRecord(bytes, end, { seed });
    if (record === undefined) return { texts, end };
    texts.push(new TextDecoder().decode(record.payload));
    end = record.end;
  }
}

function tailOf(bytes: Uint8Array) {
  return readTail(bytes, texts(bytes).end, { seed });
}

const size = recordHeaderBytes + 1;

Deno.test("readRecord() reads back what writeRecord() wrote, the empty payload too", () => {
  assert.deepEqual(texts(file(["one", "", "three"])).texts, [
    "one",
    "",
    "three",
  ]);
});

Deno.test("readTail() takes the file's end and zeros for the end of the log", () => {
  const bytes = file(["a", "b"]);
  assert.deepEqual(tailOf(bytes), { type: "end" });
  for (const count of [1, 16, 17, 18, 4096]) {
    const padded = new Uint8Array([...bytes, ...new Uint8Array(count)]);
    assert.deepEqual(tailOf(padded), { type: "zeros" });
  }
});

Deno.test("readTail() takes a cut last record for torn, wherever it is cut", () => {
  const bytes = file(["a", "b"]);
  for (let cut = size + 1; cut < bytes.length; cut++) {
    const { texts: kept } = texts(bytes.subarray(0, cut));
    assert.deepEqual(kept, ["a"]);
    assert.deepEqual(tailOf(bytes.subarray(0, cut)), { type: "torn" });
  }
});

Deno.test("readTail() finds the valid record behind any flipped bit (PITFALLS 8)", () => {
  const bytes = file(["a", "b", "c"]);
  for (let bit = 0; bit < 2 * size * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const first = bit >> 3 < size;
    const witness = first ? size : 2 * size;
    assert.deepEqual(
      tailOf(flipped),
      { type: "damaged", witness },
      `bit ${bit}`,
    );
  }
});

Deno.test("readTail() finds a valid record behind bytes that were cut out or put in", () => {
  // A record is valid only at its own place.
  const bytes = file(["a", "b", "c"]);
  const overwritten = bytes.slice();
  overwritten.fill(0, 3, size + 9);
  assert.deepEqual(tailOf(overwritten), { type: "damaged", witness: 2 * size });
  const shifted = new Uint8Array([
    ...bytes.subarray(0, size),
    7,
    ...bytes.subarray(size),
  ]);
  assert.deepEqual(tailOf(shifted), { type: "damaged", witness: size + 1 });
  const shortened = new Uint8Array([
    ...bytes.subarray(0, size),
    ...bytes.subarray(size + 5),
  ]);
  assert.deepEqual(tailOf(shortened), {
    type: "damaged",
    witness: 2 * size - 5,
  });
  const without = new Uint8Array([
    ...bytes.subarray(0, size),
    ...bytes.subarray(2 * size),
  ]);
  assert.deepEqual(tailOf(without), { type: "damaged", witness: size });
});

Deno.test("readTail() lets a record be lost that was not durable when later ones were written (PITFALLS 9)", () => {
  // One batch at medium or low: none of it was synced when its last record was written.
  const batch = file(["a", { text: "b", synced: size }, {
    text: "c",
    synced: size,
  }]);
  batch.fill(0, size, 2 * size);
  assert.deepEqual(texts(batch).texts, ["a"]);
  assert.deepEqual(tailOf(batch), { type: "torn" });

  const later = file([
    "a",
    { text: "b", synced: size },
    { text: "c", synced: size },
    { text: "d", synced: 3 * size },
  ]);
  later.fill(0, size, 2 * size);
  assert.deepEqual(tailOf(later), { type: "damaged", witness: 3 * size });
});

Deno.test("readRecord() refuses a record of another segment or another place", () => {
  const bytes = file(["a", "b"]);
  const other = file(["a", "x"], seed + 1);
  const foreign = new Uint8Array([...bytes, ...other.subarray(size)]);
  assert.deepEqual(texts(foreign).texts, ["a", "b"]);
  assert.deepEqual(tailOf(foreign), { type: "torn" });

  const duplicated = new Uint8Array([...bytes, ...bytes.subarray(size)]);
  assert.deepEqual(texts(duplicated).texts, ["a", "b"]);
  assert.deepEqual(tailOf(duplicated), { type: "torn" });
});

Deno.test("readTail() finds a record of another segment or incarnation at its place, and only there", () => {
  const own = file(["a", "b"]);
  const other = file(["a", "x", "y"], seed + 1);
  const behind = new Uint8Array([...own, ...other.subarray(2 * size)]);
  assert.deepEqual(tailOf(behind), { type: "foreign", witness: 2 * size });

  // The write of the record before it was lost.
  const afterStale = new Uint8Array([
    ...other.subarray(0, size),
    ...file(["a", "b", "c"]).subarray(size),
  ]);
  const tail = readTail(afterStale, size, { seed: seed + 1 });
  assert.deepEqual(tail, { type: "foreign", witness: size });

  for (const at of [2 * size - 1, 2 * size + 1]) {
    const displaced = new Uint8Array(4 * size);
    displaced.set(own);
    displaced.set(other.subarray(2 * size), at);
    const tail = readTail(displaced, 2 * size - 1, { seed });
    assert.equal(tail.type, "torn");
  }
});

Deno.test("readTail() takes a record of another segment for torn if it is cut or has a flipped bit", () => {
  const own = file(["a"]);
  const other = file(["a", "x"], seed + 1);
  for (let bit = 0; bit < size * 8; bit++) {
    const bytes = new Uint8Array([...own, ...other.subarray(size)]);
    bytes[size + (bit >> 3)]! ^= 1 << (bit & 7);
    assert.deepEqual(tailOf(bytes), { type: "torn" }, `bit ${bit}`);
    assert.notEqual(tailOf(bytes.subarray(0, -1)).type, "foreign");
  }
});

Deno.test("readTail() gets through half a megabyte made of plausible headers", () => {
  const bytes = new Uint8Array(512 * 1024);
  const view = new DataView(bytes.buffer);
  for (let at = 1; at + size < bytes.length; at += recordHeaderBytes) {
    view.setUint32(at + 4, (bytes.length - at) / 2, true);
    bytes[at + 16] = kinds.save;
  }
  assert.deepEqual(readTail(bytes, 0, { seed }), { type: "torn" });
});
