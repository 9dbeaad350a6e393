// Faults of disks: slow, stalled, full or failing ones; bits and sectors that rot; and disks
// that are lost, with what people do then. Not here: what a fault does to a file
// (`drive.ts`, `tests/lib/fake_files.ts`).

import { type FakeDisk, sectorBytes } from "../lib/fake_files.ts";
import type { Computer } from "./computer.ts";
import { fewTimeouts, losePower } from "./process_faults.ts";
import { expendable, pickRunning } from "./victims.ts";
import type { World } from "./world.ts";

/** Syncs that begin within some election timeouts end after them. */
export function stallDisk(world: World, computer: Computer | undefined): void {
  world.counts.diskFaults++;
  computer?.stallUntil(world.clock.now + fewTimeouts(world));
}

/** Its syncs take long from now on, or as long as at first. */
export function slowDisk(world: World, computer: Computer | undefined): void {
  if (computer === undefined) return;
  const { options, random } = world;
  computer.syncMicros = options.syncMicros * (random(2) === 0 ? 1 : 30);
}

/** Its next sync fails, or no write fits on its disk. */
export function breakDisk(
  world: World,
  { computer, kind }: {
    readonly computer: Computer | undefined;
    readonly kind: "failSync" | "fullDisk";
  },
): void {
  if (computer === undefined) return;
  world.counts.diskFaults++;
  computer.say(kind);
  if (kind === "failSync") computer.drive.failSync = true;
  else computer.drive.full = true;
}

/** Something rots, while the power is off, in bytes that are certain to be durable. */
export function rotDisk(world: World): void {
  const victim = world.pick(expendable(world));
  if (victim === undefined || victim.durability !== "high") return;
  losePower(world, victim);
  const { log, disk } = victim.drive;
  const { certain } = log;
  if (certain === undefined || certain.end === 0) return;
  const { name } = certain;
  const before = disk.content(name)!;
  const kind = rot(world, { disk, ...certain });
  if (kind === undefined) return;
  const after = disk.content(name)!;
  if (before.every((byte, i) => byte === after[i])) return;
  victim.say(`rots in ${name}`);
  victim.drive.damaged = true;
  world.counts[kind]++;
  // People start it, read what it says, and give it another disk.
  victim.start();
  replaceDisk(world, victim);
}

/** Changes a bit or a sector before `end`; returns what that is counted as, if it is done. */
function rot(
  { random }: World,
  { disk, name, end }: {
    readonly disk: FakeDisk;
    readonly name: string;
    readonly end: number;
  },
): "rottenBits" | "rottenSectors" | "rottenStales" | undefined {
  // Only whole sectors are misplaced, and the last one holds bytes that are not certain.
  const wholes = Math.floor(end / sectorBytes);
  const kind = wholes === 0 ? 0 : random(3);
  const sector = random(Math.max(1, wholes));
  if (kind === 0) {
    disk.flip(name, { at: random(end), bit: random(8) });
    return "rottenBits";
  }
  if (kind === 1) {
    const other = random(Math.ceil(end / sectorBytes));
    disk.copySector({ name, sector: other }, { name, sector });
    return "rottenSectors";
  }
  const isStale = disk.staleSector({ name, sector }, random);
  return isStale ? "rottenStales" : undefined;
}

/** Its disk is lost for good, unless the others cannot do without it. */
export function loseDisk(world: World, victim: Computer | undefined): void {
  if (
    victim === undefined || victim.drive.ledger.isEmpty ||
    !expendable(world).includes(victim)
  ) return;
  world.counts.wipes++;
  victim.say("loses its disk");
  victim.losePower();
  replaceDisk(world, victim);
}

/**
 * As `docs/OPERATING.md` says: people have the old incarnation removed, then start the node
 * with an empty directory, to join.
 */
function replaceDisk(world: World, victim: Computer): void {
  victim.newDisk();
  victim.isLost = true;
  // Some people start it at once: the members must not let it in.
  if (world.random(2) === 0) victim.start();
  removeLost(world, victim);
}

/** People have the old incarnation of `victim` removed, and then start it to join. */
export function removeLost(world: World, victim: Computer): void {
  victim.isLost = true;
  const { clock, options } = world;
  const ask = () => {
    if (!victim.isLost) return;
    pickRunning(world, (one) => one !== victim)?.admin(
      { type: "remove-server", id: victim.id, prevIndex: 0n, force: true },
      (answer) => {
        if (answer.type !== "ok" || !victim.isLost) return;
        victim.isLost = false;
        if (!victim.isRunning) victim.start();
      },
    );
    clock.after(20 * options.tickMicros, ask);
  };
  ask();
}
