// Saves in Deno KV are deleted by the process alone that has the head: another one, which has
// lost it without knowing, must not delete what it does not count and the new one does.

import assert from "node:assert/strict";
import { deleteSaves, deleteSome } from "../../../storage/kv_deletion.ts";
import { headKey, saveKey } from "../../../storage/kv_format.ts";
import { StorageError } from "../../../storage/storage.ts";

const deletions = [
  ["deleteSaves()", deleteSaves],
  ["deleteSome()", deleteSome],
] as const;

for (const [name, deletion] of deletions) {
  Deno.test(`${name} of a process that has lost the head deletes nothing`, async () => {
    using kv = await Deno.openKv(":memory:");
    const mine = await kv.set(headKey("1"), "mine");
    for (const at of [1, 2, 3]) await kv.set(saveKey("1", at), "save");
    const count = async () => {
      const range = { start: saveKey("1", 1), end: saveKey("1", 4) };
      return (await Array.fromAsync(kv.list(range))).length;
    };
    const theirs = await kv.set(headKey("1"), "another's");
    const range = { node: "1", from: 1, to: 3 };

    const { versionstamp } = mine;
    await assert.rejects(
      deletion(kv, { ...range, versionstamp }),
      StorageError,
    );
    assert.equal(await count(), 3);

    await deletion(kv, { ...range, versionstamp: theirs.versionstamp });
    assert.equal(await count(), 1);
  });
}
