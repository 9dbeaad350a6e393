// The bytes on disk: saves and identities come back as they were, from bytes that must not
// change without a new version of the format.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Reader, Writer } from "../../../../base/bytes.ts";
import {
  type Change,
  formatVersion,
  readChange,
  readIdentity,
  writeChange,
  writeIdentity,
} from "../../../../raft/core/save_codec.ts";
import type { Identity } from "../../../../raft/core/types.ts";
import { change } from "../../../fuzz/messages.ts";
import {
  entries,
  entriesHex,
  snapshot,
  snapshotHex,
  u64,
} from "./codec_samples.ts";

Deno.test("readChange() inverts writeChange() for every save", () => {
  fc.assert(fc.property(change, (change) => {
    const writer = new Writer();
    writeChange(writer, change);
    const reader = new Reader(writer.written);
    assert.deepEqual(readChange(reader), change);
    reader.end();
  }));
});

Deno.test("readIdentity() inverts writeIdentity()", () => {
  const identity: Identity = {
    cluster: "ab".repeat(16),
    node: "1",
    incarnation: "cd".repeat(8),
  };
  const writer = new Writer();
  writeIdentity(writer, identity);
  assert.deepEqual(readIdentity(new Reader(writer.written)), identity);
});

Deno.test("Saves and identities have the bytes that version 1 always had", () => {
  assert.equal(formatVersion, 1);
  const hardState = { currentTerm: 3, votedFor: "1" };
  const cases: [Change, string][] = [
    [
      { hardState, snapshot, firstIndex: 5, entries },
      u64(3) + "0131" + "01" + snapshotHex + entriesHex,
    ],
    [
      {
        hardState: { ...hardState, votedFor: undefined },
        ...{ snapshot: undefined, firstIndex: 5, entries: [] },
      },
      u64(3) + "00" + "00" + u64(5) + "00000000",
    ],
  ];
  const writer = new Writer();
  for (const [change, hex] of cases) {
    writer.reset();
    writeChange(writer, change);
    assert.equal(writer.written.toHex(), hex);
  }
  writer.reset();
  writeIdentity(writer, { cluster: "c", node: "1", incarnation: "i" });
  assert.equal(writer.written.toHex(), "0163" + "0131" + "0169");
});
