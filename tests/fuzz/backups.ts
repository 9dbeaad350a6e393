// Fuzz targets for backups: the answers to RAFT.BACKUP, page by page, and the file.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Backup,
  decodeBackup,
  encodeBackup,
} from "../../admin/backup_file.ts";
import { BackupReader } from "../../admin/backup_reply.ts";
import { number64, sequenceName } from "../lib/operations.ts";
import { hostile } from "./hostile.ts";
import { type Target, target } from "./target.ts";

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
  policy: fc.constantFrom("any", "created"),
  sequences: fc.uniqueArray(
    fc.record({ name: sequenceName, last: number64 }, plain),
    { maxLength: 5, selector: ({ name }) => name },
  ),
}, plain);

/** The words of the answers that `backup` is made from, with so many sequences a page. */
function answersOf(backup: Backup, pageLength: number): string[][] {
  const { cluster, index, term, members, policy, sequences } = backup;
  const head = [
    ...["format", "2", "cluster", cluster],
    ...["index", `${index}`, "term", `${term}`],
    ...["members", `${members.length}`],
    ...members.flatMap(({ id, suffrage, address }) => [
      id,
      `${suffrage} ${address}`,
    ]),
    ...["policy", policy, "sequences", `${sequences.length}`],
  ];
  const answers: string[][] = [];
  let begin = 0;
  do {
    const end = begin + pageLength;
    const page = sequences.slice(begin, end)
      .flatMap(({ name, last }) => [name, `${last}`]);
    const next = end < sequences.length ? end : 0;
    answers.push([
      ...answers.length === 0 ? head : [],
      ...page,
      ...["next", `${next}`],
    ]);
    begin = end;
  } while (begin < sequences.length);
  return answers;
}

/** The backup that `ticketd backup` makes of these answers. */
function backupOf(
  answers: readonly (readonly (string | undefined)[])[],
  { taken, from }: Pick<Backup, "taken" | "from">,
): Backup {
  const [first, ...further] = answers;
  const reader = new BackupReader(first, { taken, from });
  while (reader.next !== 0) {
    const answer = further.shift();
    // A tool that asks for ever would fail here.
    assert(answer !== undefined);
    reader.add(answer);
  }
  return reader.finish();
}

export const backupTargets: readonly Target[] = [
  target({
    name: "backups/file",
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
    name: "backups/answers",
    claim:
      "The answers to RAFT.BACKUP make the backup, and any others are refused in one sentence",
    weight: 50,
    inputs: fc.record({
      content,
      pageLength: fc.integer({ min: 1, max: 4 }),
      page: fc.nat(4),
      at: fc.nat(40),
      word: fc.oneof(text, number64.map(String), fc.constant(undefined)),
    }),
  }, ({ content, pageLength, page, at, word }) => {
    const answers: (string | undefined)[][] = answersOf(content, pageLength);
    assert.deepEqual(backupOf(answers, content), content);
    const changed = answers[page % answers.length]!;
    changed[at % changed.length] = word;
    // One page more for a cursor that has come to lead on.
    const more = [...answers, ["next", "0"]];
    try {
      const found = backupOf(more, content);
      assert.deepEqual(backupOf(answersOf(found, 9), found), found);
    } catch (error) {
      assert(error instanceof Error && error.constructor === Error, `${error}`);
    }
  }),
];
