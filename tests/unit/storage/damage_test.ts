// A disk that rots and misplaces, tried exhaustively on a small log: every bit, every sector and
// every record (`damaged_log.ts` says what each damage must lead to). Below `high`, the last
// window of flushes is treated differently.

import assert from "node:assert/strict";
import { recordHeaderBytes } from "../../../storage/record.ts";
import { FakeDisk, sectorBytes } from "../../lib/fake_files.ts";
import {
  commands,
  finished,
  fresh,
  identity,
  save,
} from "../../lib/storage_conformance.ts";
import {
  assertRefused,
  assertTreated,
  diskWith,
  formerIncarnation,
  type Log,
  log,
  makeAgain,
  makeLog,
  name,
  open,
} from "./damaged_log.ts";

const { bytes: original } = log;

Deno.test("The log under test has several sectors, and records that share one", () => {
  assert(original.length > 2 * sectorBytes);
  const sectors = log.starts.map((at) => Math.floor(at / sectorBytes));
  assert.equal(sectors.at(-2), sectors.at(-4));
});

// ---------------------------------------------------------------- bits

Deno.test("Any flipped bit of preamble, snapshot, hard state or record is refused, or cut in the last", () => {
  for (let bit = 0; bit < original.length * 8; bit++) {
    const disk = log.disk.copy();
    disk.flip(name, { at: bit >> 3, bit: bit & 7 });
    assert(assertTreated(disk));
  }
});

Deno.test("Two flipped bits in different records are refused, or cut in the last two", () => {
  for (const [i, start] of log.starts.entries()) {
    for (const other of log.starts.slice(i + 1, -1)) {
      for (let bit = 0; bit < 8; bit++) {
        const disk = log.disk.copy();
        disk.flip(name, { at: start + 5, bit });
        disk.flip(name, { at: other + recordHeaderBytes + 1, bit });
        assert(assertTreated(disk));
      }
    }
  }
});

// ---------------------------------------------------------------- misplaced

Deno.test("Each sector in the place of each other is refused, or cut at the end", () => {
  const sectors = Math.ceil(original.length / sectorBytes);
  let noticed = 0;
  for (let from = 0; from < sectors; from++) {
    for (let to = 0; to < sectors; to++) {
      const disk = log.disk.copy();
      disk.copySector({ name, sector: from }, { name, sector: to });
      if (assertTreated(disk)) noticed++;
    }
  }
  assert.equal(noticed, sectors * (sectors - 1));
});

const records = log.states.length;

Deno.test("Each record in the place of each other is refused, or cut at the end", () => {
  for (let from = 0; from < records; from++) {
    for (let to = 0; to < records; to++) {
      if (from === to) continue;
      const bytes = original.slice();
      const record = original.subarray(log.starts[from], log.starts[from + 1]);
      const space = bytes.length - log.starts[to]!;
      bytes.set(record.subarray(0, space), log.starts[to]);
      assertTreated(diskWith(bytes));
    }
  }
});

Deno.test("A record from an older segment at its own offset is refused, the last one too", async () => {
  assertForeignRefused(await makeAgain(log));
});

Deno.test("A record from another incarnation of this node, at its own offset, is refused, the last one too", async () => {
  assertForeignRefused(await makeLog({ id: formerIncarnation }));
});

Deno.test("A record from another cluster, at its own offset, is refused, the last one too", async () => {
  const id = { ...identity, cluster: "e".repeat(32) };
  assertForeignRefused(await makeLog({ id }));
});

/** Each record of `other`, and each sequence of them, is refused in our log. */
function assertForeignRefused(other: Log): void {
  assert.deepEqual(other.starts, log.starts);
  for (let i = 1; i < records; i++) {
    for (let count = 1; i + count <= records; count++) {
      const bytes = original.slice();
      const range = [log.starts[i], log.starts[i + count]];
      bytes.set(other.bytes.subarray(...range), log.starts[i]);
      const place = `is damaged at byte ${log.starts[i]} `;
      assertRefused(diskWith(bytes), new RegExp(place));
    }
  }
}

// ---------------------------------------------------------------- below high

for (const durability of ["medium", "low"] as const) {
  const window = async (more: boolean) => {
    const disk = new FakeDisk();
    const wal = open(disk, { durability });
    wal.load();
    await finished((done) => wal.create(fresh, done));
    const first = wal.bytes;
    for (const i of [1, 2, 3]) {
      await finished((done) => wal.write(save(commands(i, 1, 1)), done));
    }
    await finished((done) => wal.flush(done));
    if (more) {
      await finished((done) => wal.write(save(commands(4, 1, 1)), done));
      await finished((done) => wal.flush(done));
    }
    wal.close();
    return { disk, first };
  };

  Deno.test(`At ${durability} rot before the last flush is refused`, async () => {
    const { disk, first } = await window(true);
    disk.flip(name, { at: first + recordHeaderBytes, bit: 1 });
    assertRefused(disk, new RegExp(`is damaged at byte ${first} `));
  });

  Deno.test(`At ${durability} rot behind the last flush but one cuts the log there: records do not yet know that they are synced`, async () => {
    const { disk, first } = await window(false);
    disk.flip(name, { at: first + recordHeaderBytes, bit: 1 });
    const warnings: string[] = [];
    const found = open(disk, { durability, warnings }).load();
    assert.deepEqual(found, fresh);
    assert.equal(warnings.length, 1);
  });
}
