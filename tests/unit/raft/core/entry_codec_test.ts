// The bytes that disk and wire share: entries and snapshots.

import assert from "node:assert/strict";
import { DecodeError, Reader, Writer } from "../../../../base/bytes.ts";
import {
  readEntries,
  readSnapshot,
  serversMax,
  writeEntries,
  writeSnapshot,
} from "../../../../raft/core/entry_codec.ts";
import { entries, entriesHex, snapshot, snapshotHex } from "./codec_samples.ts";
import { command, members, server, snapshotAt } from "./scene.ts";

Deno.test("Entries and snapshots have the bytes that they always had", () => {
  const writer = new Writer();
  writeEntries(writer, 5, entries);
  assert.equal(writer.written.toHex(), entriesHex);
  const read = readEntries(new Reader(writer.copy()), 3);
  assert.deepEqual(read, { first: 5, entries });
  writer.reset();
  writeSnapshot(writer, snapshot);
  assert.equal(writer.written.toHex(), snapshotHex);
  assert.deepEqual(readSnapshot(new Reader(writer.copy())), snapshot);
});

Deno.test("readEntries() takes no more entries than its caller allows", () => {
  const bytes = Uint8Array.fromHex(entriesHex);
  assert.throws(() => readEntries(new Reader(bytes), 2), /3 entries/);
});

Deno.test("writeEntries() asserts that entries follow each other from the first on", () => {
  const bad = [[command(6, 1)], [command(5, 1), command(7, 1)]];
  for (const entries of bad) {
    assert.throws(() => writeEntries(new Writer(), 5, entries), {
      name: "InvariantError",
    });
  }
});

Deno.test("A configuration has 64 servers at most", () => {
  const servers = Array(serversMax + 1).fill(server("a"));
  const many = snapshotAt(1, 1, { servers });
  assert.throws(() => writeSnapshot(new Writer(), many), /65 servers/);
  const writer = new Writer();
  writeSnapshot(writer, snapshotAt(1, 1, members("")));
  const bytes = writer.copy();
  bytes[24] = serversMax + 1;
  assert.throws(() => readSnapshot(new Reader(bytes)), (error) => {
    assert.ok(error instanceof DecodeError);
    assert.match(error.message, /65 servers, above 64/);
    return true;
  });
});
