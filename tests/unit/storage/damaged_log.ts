// A small log at `high`, ways to damage it, and what each damage must lead to:
//
// - in the preamble or the base: refused;
// - in a record that an undamaged one follows: refused, naming the file and the offset of the
//   record, with nothing changed on the disk;
// - in the last record, or in every record from some one to the end: the log is cut there, with
//   a warning that names file and offset (a write that never happened looks the same);
// - where a record of another segment or incarnation shows at its place: refused.

import assert from "node:assert/strict";
import type { Saved } from "../../../raft/core/types.ts";
import { type Durability, StorageError } from "../../../storage/storage.ts";
import { Wal } from "../../../storage/wal.ts";
import { stateOf } from "../../crashes/recording.ts";
import { FakeDisk } from "../../lib/fake_files.ts";
import {
  command,
  commands,
  finished,
  fresh,
  identity,
  save,
  snapshotAt,
} from "../../lib/storage_conformance.ts";

/** The file of the first segment. */
export const name = "0000000000000001.log";
/** Where its base begins, behind the preamble. */
export const baseStart = 16;

const hardState = { currentTerm: 2, votedFor: "2" };

/** The second is longer than a sector; the last three share one. */
const saves = [
  save(commands(1, 1, 1)),
  save([command(2, 1, "x".repeat(700))]),
  save([], { hardState, firstIndex: 3 }),
  save(commands(3, 1, 2), { hardState, mustSync: false }),
  save(commands(4, 1, 2), { hardState, mustSync: false }),
  save(commands(5, 1, 2), { hardState, mustSync: false }),
];

export type Log = {
  readonly disk: FakeDisk;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where each record begins, and the end. */
  readonly starts: readonly number[];
  /** `states[i]`: its state after `i` saves. */
  readonly states: readonly Saved[];
};

/** A Wal of the next process on `disk`. */
export function open(disk: FakeDisk, {
  durability = "high",
  warnings = [],
}: { durability?: Durability; warnings?: string[] } = {}): Wal {
  disk.restart();
  return new Wal({
    files: disk.open(),
    node: identity.node,
    durability,
    log: (level, text) => level === "warning" && warnings.push(text),
  });
}

/** The first content of every log here. */
export const beginning: Saved = { ...fresh, snapshot: snapshotAt(0, "a base") };
/** The identity of the same node before its disk was wiped. */
export const formerIncarnation = { ...identity, incarnation: "f".repeat(16) };

/** A log with a base that holds `text`, and the saves. */
export async function makeLog(
  { id = identity, text = "a base", disk = new FakeDisk() } = {},
): Promise<Log> {
  const wal = open(disk);
  assert.equal(wal.load(), undefined);
  const first = { ...beginning, identity: id, snapshot: snapshotAt(0, text) };
  await finished((done) => wal.create(first, done));
  return write({ disk, wal, first });
}

/** A log in the place of `old`, which was wiped. */
export function makeAfter(old: Log, text?: string): Promise<Log> {
  const disk = old.disk.copy();
  disk.setContent(old.name, undefined);
  return makeLog({ disk, text });
}

/** The same log once more, two segments later on the same disk. */
export async function makeAgain({ disk: before }: Log): Promise<Log> {
  const disk = before.copy();
  const wal = open(disk);
  wal.load();
  const { hardState, snapshot } = beginning;
  const again = save([], { hardState, snapshot });
  await finished((done) => wal.write(again, done));
  return write({ disk, wal, first: beginning });
}

/** Writes the saves behind a base that holds `first`. */
async function write(
  { disk, wal, first }: { disk: FakeDisk; wal: Wal; first: Saved },
): Promise<Log> {
  const starts = [baseStart, wal.bytes];
  const states = [first];
  for (const save of saves) {
    await finished((done) => wal.write(save, done));
    starts.push(wal.bytes);
    const before = states.at(-1)!;
    const entries = [...before.entries, ...save.entries];
    states.push({ ...before, hardState: save.hardState, entries });
  }
  const name = disk.names()[0]!;
  return { disk, name, bytes: disk.content(name)!, starts, states };
}

/** The log under test. */
export const log = await makeLog();

/**
 * The damage of `disk`, which should hold the log `of` and may show records of `others`, leads to
 * what the header says. Returns whether there is any.
 */
export function assertTreated(
  disk: FakeDisk,
  { of = log, others = [] }: { of?: Log; others?: readonly Log[] } = {},
): boolean {
  const { name, bytes, starts, states } = of;
  const now = disk.content(name)!;
  const first = now.findIndex((byte, i) => byte !== bytes[i]);
  const damaged = starts.findLastIndex((start) => start <= first);
  const isLast = !showsAfter(damaged, now, of) &&
    !others.some((other) => showsAfter(0, now, other));
  if (first < 0 || damaged > 0 && isLast) {
    const warnings: string[] = [];
    const kept = first < 0 ? states.length : damaged;
    assert.equal(keyAfter(disk, warnings), stateOf(states[kept - 1]).key);
    const cut = `data/1/${name}: dropped .* from byte ${starts[damaged]} on`;
    if (first < 0) assert.deepEqual(warnings, []);
    else assert.match(warnings.join("\n"), new RegExp(`^${cut}.*$`));
  } else if (damaged > 0) {
    const at = starts[damaged];
    assertRefused(
      disk,
      new RegExp(`^data/1/${name} is damaged at byte ${at} `),
    );
  } else {
    assertRefused(
      disk,
      /^data\/1\/\d+\.log is (damaged at byte (0|8|16)|segment \d under) /,
    );
  }
  return first >= 0;
}

/** Whether a record of `log` after that of this number is whole in `now`. */
export function showsAfter(number: number, now: Uint8Array, log: Log): boolean {
  return log.states.some((_, i) => i > number && isWhole(i, now, log));
}

/** Whether the record of this number is whole in `now`. */
export function isWhole(
  number: number,
  now: Uint8Array,
  { bytes, starts }: Log,
): boolean {
  const range = [starts[number], starts[number + 1]];
  return String(now.subarray(...range)) === String(bytes.subarray(...range));
}

/** The disk is refused, and nothing on it is changed. */
export function assertRefused(disk: FakeDisk, reason: RegExp): void {
  const names = disk.names();
  const contents = names.map((name) => disk.content(name));
  assert.throws(() => open(disk).load(), (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(error.message, reason);
    return true;
  });
  disk.crash(() => 0);
  assert.deepEqual(disk.names(), names);
  assert.deepEqual(names.map((name) => disk.content(name)), contents);
}

/** The state that the next process loads, as `stateOf` names it. */
export function keyAfter(disk: FakeDisk, warnings: string[] = []): string {
  return stateOf(open(disk, { warnings }).load()).key;
}

/** A disk that holds `bytes` as its only segment. */
export function diskWith(bytes: Uint8Array): FakeDisk {
  const disk = new FakeDisk();
  disk.setContent(name, bytes);
  return disk;
}
