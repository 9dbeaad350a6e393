// Bytes in pieces are the same bytes, and large ones are not copied.

import assert from "node:assert/strict";
import { Writer } from "../../../base/bytes.ts";
import { PieceWriter } from "../../../storage/piece_writer.ts";
import { encodeSegment, segmentPieces } from "../../../storage/segment.ts";
import { wholeChange } from "../../../storage/apply_save.ts";
import { commands, fresh, snapshotAt } from "../../lib/storage_conformance.ts";

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (const piece of pieces) writer.raw(piece);
  return writer.written;
}

for (const length of [0, 100, 65535, 65536, 3_000_017]) {
  Deno.test(`segmentPieces() are a segment with a snapshot of ${length} bytes`, () => {
    const data = new Uint8Array(length).map((_, i) => i % 253);
    const snapshot = { ...snapshotAt(7), data };
    const change = wholeChange({
      ...fresh,
      snapshot,
      entries: commands(8, 5, 1),
    });
    const pieces = segmentPieces(3, fresh.identity, change);
    const bytes = encodeSegment(3, fresh.identity, change);
    assert(joined(pieces).every((byte, i) => byte === bytes[i]));
    assert.equal(joined(pieces).length, bytes.length);
    assert.equal(pieces.includes(data), length >= 65536);
  });
}

Deno.test("PieceWriter counts what it did not copy, and gives its bytes from any offset before that", () => {
  const writer = new PieceWriter(16);
  writer.u32(1);
  const at = writer.skip(4);
  const large = new Uint8Array(100_000).fill(9);
  writer.raw(large);
  writer.u8(2);
  writer.raw(large);
  writer.setU32(at, writer.length);
  assert.equal(writer.length, 4 + 4 + 2 * large.length + 1);
  const pieces = writer.pieces(4);
  assert.deepEqual(pieces.map(({ length }) => length), [
    4,
    100_000,
    1,
    100_000,
    0,
  ]);
  const whole = joined(writer.pieces());
  assert.deepEqual(whole.subarray(4), joined(pieces));
});
