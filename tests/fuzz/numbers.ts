// Fuzz targets for what is kept of the numbers: the answer to RAFT.BACKUP, and the file of a
// backup.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Backup,
  decodeBackup,
  encodeBackup,
} from "../../admin/backup_file.ts";
import { backupOf } from "../../admin/backup_reply.ts";
import { hostile } from "./hostile.ts";
import { type Target, target } from "./target.ts";

const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const text = fc.string({ unit: "grapheme", maxLength: 20 });

const hex = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
  .map((id) => id.toString(16).padStart(32, "0"));
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** Objects as literals make them. */
const plain = { noNullPrototype: true };
const member = fc.record({
  id: text,
  address: text.map((address) => address.replaceAll("\n", "")),
  suffrage: fc.constantFrom("voter", "learner", "nonvoter"),
}, plain);
const content = fc.record({
  cluster: hex,
  taken: fc.constant("2026-11-27T22:58:01.007Z"),
  from: text,
  index: counter,
  term: counter,
  members: fc.array(member, { maxLength: 3 }),
  sequences: fc.uniqueArray(fc.record({ name: text, last: uint64 }, plain), {
    maxLength: 3,
    selector: ({ name }) => name,
  }),
}, plain);

/** The words of the answer that `backup` is made from. */
function wordsOf(backup: Backup): string[] {
  const { cluster, index, term, members, sequences } = backup;
  return [
    ...["format", "1", "cluster", cluster],
    ...["index", `${index}`, "term", `${term}`],
    ...["members", `${members.length}`],
    ...members.flatMap(({ id, suffrage, address }) => [
      id,
      `${suffrage} ${address}`,
    ]),
    ...["sequences", `${sequences.length}`],
    ...sequences.flatMap(({ name, last }) => [name, `${last}`]),
  ];
}

export const numberTargets: readonly Target[] = [
  target({
    name: "numbers/backup-file",
    claim:
      "decodeBackup() inverts encodeBackup(), and refuses all other bytes in one sentence",
    weight: 50,
    inputs: fc.record({ content, bytes: hostile(content.map(encodeBackup)) }),
  }, ({ content, bytes }) => {
    assert.deepEqual(decodeBackup(encodeBackup(content), "f"), content);
    try {
      const found = decodeBackup(bytes, "f");
      // Whatever is read is what somebody wrote: the checksum covers every byte.
      assert.deepEqual(encodeBackup(found), bytes);
    } catch (error) {
      assert(error instanceof Error && error.constructor === Error, `${error}`);
      assert.match(error.message, /^f .*[a-z]$/);
    }
  }),
  target({
    name: "numbers/backup-reply",
    claim:
      "backupOf() takes the words of a backup, and refuses any others in one sentence",
    weight: 50,
    inputs: fc.record({
      content,
      at: fc.nat(40),
      word: fc.oneof(text, uint64.map(String), fc.constant(undefined)),
    }),
  }, ({ content, at, word }) => {
    const { taken, from } = content;
    const words: (string | undefined)[] = wordsOf(content);
    assert.deepEqual(backupOf(words, { taken, from }), content);
    words[at % words.length] = word;
    try {
      const found = backupOf(words, { taken, from });
      assert.deepEqual(backupOf(wordsOf(found), { taken, from }), found);
    } catch (error) {
      assert(error instanceof Error && error.constructor === Error, `${error}`);
    }
  }),
];
