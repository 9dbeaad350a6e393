// What can be made of a run's remains: each disk in turn is the one survivor of a lost majority,
// and is recovered; and a backup of an earlier moment is restored. The skip is as small as it
// may be, because the simulator knows what survivor and backup lack; then a cluster begins from
// the state that production computes, and may give no number that was given before. Comes after
// the run and draws from a chance of its own, so that no seed's trace changes.

import assert from "node:assert/strict";
import { newIdentity, recovered, restored } from "../../admin/new_cluster.ts";
import type { Index, NodeId, Saved } from "../../raft/core/types.ts";
import { defaultSequence } from "../../base/sequence_name.ts";
import { Nodes } from "../lib/nodes.ts";
import { randomOf } from "../lib/random.ts";
import type { World } from "./world.ts";

/** Recovers every disk that is left, and restores one backup. To be called when all has ended. */
export function checkAftermath(world: World): void {
  for (const { id, drive, lost } of world.computers.values()) {
    // As after a power loss: below durability high a survivor may lack more than the others.
    if (!drive.damaged) checkSurvivor(world, drive.log.read(), id);
    // A disk that was lost earlier, had it come back as the last one.
    for (const saved of lost) checkSurvivor(world, saved, id);
  }
  checkBackup(world);
}

function checkSurvivor(
  world: World,
  saved: Saved | undefined,
  id: NodeId,
): void {
  if (saved === undefined || !hasMembers(saved)) return;
  const { counts } = world;
  const skip = lackedBy(world, highestIn(world, saved));
  const next = recovered(saved, {
    skip,
    identity: newIdentity(id),
    address: `${id}:1`,
  });
  counts.recovered++;
  if (skip > 0n) counts.recoveredLacking++;
  checkNumbers(world, next, `${id}, recovered with a skip of ${skip}`);
}

function checkBackup(world: World): void {
  const { checker, model, options: { seed } } = world;
  const random = randomOf(seed + 0xbac0);
  const index = random(checker.commitIndex + 1);
  const last = model.at(index);
  if (last === undefined) return;
  const skip = lackedBy(world, last);
  const backup = {
    cluster: "c".repeat(32),
    taken: "2026-11-27T20:00:00.000Z",
    from: "a:2",
    index,
    term: 1,
    members: [],
    policy: "any" as const,
    sequences: last === 0n ? [] : [{ name: defaultSequence, last }],
  };
  const [bound, text] = random(2) === 0
    ? [{ type: "skip", count: skip } as const, `a skip of ${skip}`]
    : [{ type: "above", count: last + skip } as const, `above ${last + skip}`];
  const next = restored(backup, {
    bound,
    identity: newIdentity("a"),
    address: "a:1",
  });
  world.counts.restored++;
  checkNumbers(world, next, `the backup of ${index}, restored with ${text}`);
}

function hasMembers({ snapshot, entries }: Saved): boolean {
  return snapshot.configuration.servers.length > 0 ||
    entries.some(({ type }) => type === "configuration");
}

/** The highest index at which the log holds what was committed there: so it does below. */
function agreedUpTo({ checker }: World, { snapshot, entries }: Saved): Index {
  const last = entries.findLast(({ index, term }) =>
    checker.committedTerm(index) === term
  );
  return last?.index ?? snapshot.index;
}

/**
 * The highest number that the survivor knows of: in its snapshot, or taken by a committed entry
 * behind that. What a return took back before the snapshot was given to nobody.
 */
function highestIn(world: World, saved: Saved): bigint {
  let highest = 0n;
  const last = agreedUpTo(world, saved);
  for (let i = saved.snapshot.index; i <= last; i++) {
    const taken = world.model.at(i) ?? 0n;
    if (taken > highest) highest = taken;
  }
  return highest;
}

/** How many numbers above `known` were given: the least skip that an operator may choose. */
function lackedBy({ tickets }: World, known: bigint): bigint {
  const lacked = BigInt(tickets.largest) - known;
  return lacked > 0n ? lacked : 0n;
}

/** A cluster that begins with `saved` gives larger numbers only, before and after a crash. */
function checkNumbers(world: World, saved: Saved, what: string): void {
  const { node } = saved.identity;
  const nodes = new Nodes([saved]);
  let before = BigInt(world.tickets.largest);
  for (let life = 0; life < 2; life++) {
    nodes.elect(node);
    const { given } = nodes.take(node, 3);
    nodes.settle();
    assert.equal(given.length, 3, `${what}: gives no tickets`);
    for (const number of given) {
      assert(number > before, `${what}: gives ${number} after ${before}`);
      before = number;
    }
    nodes.crash(node, { saved: true });
    nodes.start(node);
  }
  assert.deepEqual(nodes.failures, []);
}
