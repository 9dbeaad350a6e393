// The founding draft on disk: it survives a power loss once it is acknowledged, is the old or
// the new one after a crash at any moment, and is never believed when it is damaged.

import assert from "node:assert/strict";
import { decodeDraft, draftName, encodeDraft } from "../../../storage/draft.ts";
import { StorageError } from "../../../storage/storage.ts";
import { firstSegment, full, WalHarness } from "./wal_harness.ts";
import { withDirectory } from "./directory.ts";
import { openKv } from "../../../storage/kv.ts";
import { create, fresh, writeDraft } from "../../lib/storage_conformance.ts";

const text = "node 1 0123456789abcdef\n";

Deno.test("A draft is read back from its bytes, and from none with another bit", () => {
  const bytes = encodeDraft(text);
  assert.equal(decodeDraft(bytes, "founding"), text);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const other = bytes.slice();
      other[at]! ^= 1 << bit;
      assert.throws(() => decodeDraft(other, "founding"), StorageError);
    }
  }
  for (const cut of [0, 10, bytes.length - 1]) {
    const other = bytes.subarray(0, cut);
    assert.throws(() => decodeDraft(other, "founding"), /founding is damaged/);
  }
  const newer = new TextEncoder().encode("ticketd founding 2 00000000\nx");
  assert.throws(() => decodeDraft(newer, "f"), /f has format 2, .* knows 1/);
});

Deno.test("An acknowledged draft survives a power loss, at every durability (PITFALLS 12)", () => {
  for (const durability of ["high", "low"] as const) {
    const harness = new WalHarness(durability);
    assert.equal(harness.wal.load(), undefined);
    for (const draft of ["first", "second"]) {
      const answer = harness.finish((done) =>
        harness.wal.writeDraft(draft, done)
      );
      assert.equal(answer, "done");
      harness.disk.crash(() => 0);
      assert.equal(harness.open().load(), undefined);
      assert.equal(harness.wal.readDraft(), draft);
    }
    assert.equal(harness.create(), "done");
    harness.disk.crash(() => 0);
    assert.deepEqual(harness.open().load(), fresh);
    assert.equal(harness.wal.readDraft(), "second");
  }
});

Deno.test("A crash while a draft is written leaves the old one or the new one", () => {
  const found = new Set<string | undefined>();
  for (let crashAt = 1; crashAt < 8; crashAt++) {
    for (let picks = 0; picks < 64; picks++) {
      const harness = new WalHarness();
      assert.equal(harness.wal.load(), undefined);
      harness.finish((done) => harness.wal.writeDraft("old", done));
      const end = harness.disk.operationCount + crashAt;
      harness.disk.fault = () =>
        harness.disk.operationCount >= end ? full : undefined;
      harness.finish((done) => harness.wal.writeDraft("new", done));
      harness.disk.fault = () => undefined;
      let n = 0;
      harness.disk.crash((of) => (picks >> n++) % of);
      assert.equal(harness.open().load(), undefined);
      found.add(harness.wal.readDraft());
    }
  }
  assert.deepEqual([...found].sort(), ["new", "old"]);
});

Deno.test("A draft that cannot be written is not acknowledged, and nothing after it", () => {
  const harness = new WalHarness();
  harness.disk.fault = ({ type }) => type === "append" ? full : undefined;
  const write = () =>
    harness.finish((done) => harness.wal.writeDraft("x", done));
  assert.equal(write(), full);
  harness.disk.fault = () => undefined;
  assert.equal(write(), full);
});

Deno.test("A damaged draft is refused, and a log beside it stays as it is", () => {
  const harness = new WalHarness();
  harness.finish((done) => harness.wal.writeDraft(text, done));
  harness.create();
  harness.disk.flip(draftName, { at: 40, bit: 1 });
  const before = harness.disk.content(firstSegment);
  assert.deepEqual(harness.reload(), fresh);
  assert.throws(() => harness.wal.readDraft(), /founding is damaged; nothing/);
  assert(before !== undefined);
});

Deno.test("A directory with a draft in files takes no Deno KV store", () =>
  withDirectory(async (directory) => {
    await Deno.writeFile(`${directory}/${draftName}`, encodeDraft(text));
    const options = { directory, node: "1", log() {} };
    await assert.rejects(
      openKv({ ...options, durability: "high" }),
      /holds a log in files/,
    );
  }));

Deno.test("Of two processes on one Deno KV store the first writes no draft any more", () =>
  withDirectory(async (directory) => {
    const options = { directory, node: "1", log() {} } as const;
    const open = () => openKv({ ...options, durability: "high" });
    const first = await open();
    // The lock is of the directory; without it (the default store) the commit must tell.
    await Deno.remove(`${directory}/LOCK`);
    const second = await open();
    await writeDraft(second, "second");
    await assert.rejects(writeDraft(first, "first"), /another ticketd process/);
    assert.equal(second.readDraft(), "second");
    await create(second);
    first.close();
    second.close();
  }));
