// The bytes of a backup file: what is written is read again, and nothing else is.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  type Backup,
  decodeBackup,
  encodeBackup,
} from "../../../admin/backup_file.ts";

const backup: Backup = {
  cluster: "0123456789abcdef0123456789abcdef",
  taken: "2026-11-27T22:58:01.000Z",
  from: "10.0.0.1:11001",
  index: 1234,
  term: 7,
  members: [
    { id: "1", address: "10.0.0.1:12001", suffrage: "voter" },
    { id: "ü", address: ":12002", suffrage: "nonvoter" },
  ],
  policy: "created",
  sequences: [
    { name: "ticket", last: 2n ** 64n - 1n },
    { name: '{"quoted\\"]', last: 0n },
  ],
};

const bytes = encodeBackup(backup);
const text = new TextDecoder().decode(bytes);

/** A file whose checksum is right, with another document. */
function sealed(document: string): Uint8Array {
  const digest = createHash("sha256").update(document).digest("hex");
  return new TextEncoder().encode(`${document}sha256 ${digest}\n`);
}

/** The document of `backup` after `change`, with the right checksum. */
function changed(change: (fields: Record<string, unknown>) => void) {
  const fields = JSON.parse(text.slice(0, text.indexOf("sha256 ")));
  change(fields);
  return sealed(`${JSON.stringify(fields)}\n`);
}

function refused(file: Uint8Array, message: RegExp, label?: string): void {
  assert.throws(() => decodeBackup(file, "b.backup"), (error) => {
    assert(error instanceof Error);
    assert.match(error.message, message, label);
    assert.match(error.message, /^b\.backup /, label);
    return true;
  }, label);
}

Deno.test("A backup is read as it was written", () => {
  assert.deepEqual(decodeBackup(bytes, "b.backup"), backup);
});

Deno.test("A backup is a JSON document and a line with its checksum", () => {
  const lines = text.trimEnd().split("\n");
  assert.match(lines.at(-1)!, /^sha256 [0-9a-f]{64}$/);
  const document = JSON.parse(lines.slice(0, -1).join("\n"));
  assert.equal(document.format, "ticketd backup");
  assert.equal(document.version, 2);
  assert.equal(document.policy, "created");
  assert.deepEqual(document.sequences, [
    { name: "ticket", last: "18446744073709551615" },
    { name: '{"quoted\\"]', last: "0" },
  ]);
  // For people, and for diff: a sequence a line.
  assert(
    lines.includes('    {"name":"ticket","last":"18446744073709551615"},'),
  );
});

Deno.test("A backup of no sequence is read, too", () => {
  const none = { ...backup, sequences: [] };
  assert.deepEqual(decodeBackup(encodeBackup(none), "b.backup"), none);
});

Deno.test("A backup of a hundred thousand sequences is read as it was written", () => {
  const sequences = Array.from({ length: 100_000 }, (_, i) => ({
    name: `tenant-${i}`.padEnd(128, "-"),
    last: BigInt(i),
  }));
  const many = encodeBackup({ ...backup, sequences });
  const found = decodeBackup(many, "b.backup");
  assert.equal(found.sequences.length, 100_000);
  assert.deepEqual(found.sequences.at(-1), sequences.at(-1));
  const again = encodeBackup(found);
  assert.equal(Buffer.compare(many, again), 0);
});

Deno.test("A backup of version 1, which knew no policy, is read", () => {
  const document = `{
  "format": "ticketd backup",
  "version": 1,
  "cluster": "0123456789abcdef0123456789abcdef",
  "taken": "2026-11-27T22:58:01.000Z",
  "from": "10.0.0.1:11001",
  "index": 1234,
  "term": 7,
  "members": [
    {
      "id": "1",
      "address": "10.0.0.1:12001",
      "suffrage": "voter"
    }
  ],
  "sequences": [
    {
      "name": "ticket",
      "last": "18446744073709551615"
    }
  ]
}
`;
  assert.deepEqual(decodeBackup(sealed(document), "b.backup"), {
    ...backup,
    members: backup.members.slice(0, 1),
    policy: "any",
    sequences: backup.sequences.slice(0, 1),
  });
});

Deno.test("A backup that is cut anywhere is refused", () => {
  for (let length = 0; length < bytes.length; length++) {
    refused(bytes.subarray(0, length), /cut off|no backup/, `${length} bytes`);
  }
});

Deno.test("A backup with any flipped bit is refused", () => {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    refused(copy, /damaged|no backup/, `bit ${bit}`);
  }
});

Deno.test("A backup with anything before, behind or doubled is refused", () => {
  const wrap = (text: string) => new TextEncoder().encode(text);
  for (const file of [`${text}\n`, `${text} `, ` ${text}`, text + text]) {
    refused(wrap(file), /damaged|cut off/);
  }
  refused(wrap(`\ufeff${text}`), /damaged/);
});

Deno.test("A backup without its last line is refused", () => {
  const lines = text.trimEnd().split("\n").slice(0, -1);
  const file = new TextEncoder().encode(`${lines.join("\n")}\n`);
  refused(file, /cut off or damaged: its last line/);
});

Deno.test("Any other file is no backup", () => {
  for (const file of ["", "hello\n", "{}\n", "null\n"]) {
    refused(new TextEncoder().encode(file), /is no backup of ticketd/);
    refused(sealed(file.trimEnd() + "\n"), /is no backup of ticketd/);
  }
});

Deno.test("A backup of another version is refused by its version", () => {
  for (const version of [0, 3, "1", undefined]) {
    const file = changed((fields) => fields.version = version);
    refused(
      file,
      new RegExp(`of version ${version}, .*reads versions 1 and 2`),
    );
  }
});

Deno.test("A document that no ticketd wrote is refused by the field", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["cluster", "abc"],
    ["cluster", 1],
    ["taken", "yesterday"],
    ["from", 1],
    ["index", -1],
    ["index", "1"],
    ["index", 2 ** 60],
    ["term", 0.5],
    ["term", undefined],
    ["members", {}],
    ["members", [{ id: "1", address: "a" }]],
    ["members", [undefined]],
    ["policy", undefined],
    ["policy", "some"],
    ["sequences", undefined],
    ["sequences", [{ name: "two words", last: "1" }]],
    ["sequences", [{ name: "ticket", last: 1 }]],
    ["sequences", [{ name: "ticket", last: "-1" }]],
    ["sequences", [{ name: "ticket", last: "01" }]],
    ["sequences", [{ name: "ticket", last: `${2n ** 64n}` }]],
    ["sequences", [{ name: "t", last: "1" }, { name: "t", last: "2" }]],
  ];
  for (const [field, value] of cases) {
    const file = changed((fields) => fields[field] = value);
    refused(file, new RegExp(`no sound "${field}"`), `${field} ${value}`);
  }
});
