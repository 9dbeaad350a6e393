// What can be made of a run's remains: each disk in turn is the one survivor of a lost majority,
// and is recovered; and a backup of an earlier moment is restored. The skip is as small as it
// may be for all sequences, because the simulator knows what survivor and backup lack; then a cluster begins from
// the state that production computes, and may give no number that was given before. Comes after
// the run and draws from a chance of its own, so that no seed's trace changes.

import assert from "node:assert/strict";
import { newIdentity, recovered, restored } from "../../admin/new_cluster.ts";
import { stateOf } from "../../admin/log_state.ts";
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
  const { checker, model: { state }, options: { seed } } = world;
  const random = randomOf(seed + 0xbac0);
  const index = random(checker.commitIndex + 1);
  const known = new Map<string, bigint>();
  for (const name of state.names) {
    const last = state.at(index, name);
    if (last !== undefined) known.set(name, last);
  }
  const skip = lackedBy(world, known);
  const backup = {
    cluster: "c".repeat(32),
    taken: "2026-11-27T20:00:00.000Z",
    from: "a:2",
    index,
    term: 1,
    members: [],
    policy: "any" as const,
    sequences: Array.from(known, ([name, last]) => ({ name, last })),
  };
  const highest = [...known.values()].reduce((a, b) => a > b ? a : b, 0n);
  const [bound, text] = random(2) === 0
    ? [{ type: "skip", count: skip } as const, `a skip of ${skip}`]
    : [
      { type: "above", count: highest + skip } as const,
      `above ${highest + skip}`,
    ];
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
 * The highest number of each sequence that the survivor knows of: in its snapshot, or taken by a
 * committed entry behind that. What a return took back before the snapshot was given to nobody.
 */
function highestIn(world: World, saved: Saved): Map<string, bigint> {
  const { state } = world.model;
  // Of a name that only an entry began that was never committed, it may know no number.
  const highest = new Map<string, bigint>();
  for (const name of stateOf(saved).highest.keys()) highest.set(name, 0n);
  const last = agreedUpTo(world, saved);
  for (const name of state.names) {
    for (let i = saved.snapshot.index; i <= last; i++) {
      const taken = state.at(i, name);
      if (taken === undefined) continue;
      const before = highest.get(name);
      if (before === undefined || taken > before) highest.set(name, taken);
    }
  }
  return highest;
}

/** How many numbers above those `known` were given: the least skip that an operator may choose. */
function lackedBy(
  { tickets }: World,
  known: ReadonlyMap<string, bigint>,
): bigint {
  // TICKET is known to any cluster, if only at 0.
  let most = BigInt(tickets.of(defaultSequence).largest) -
    (known.get(defaultSequence) ?? 0n);
  for (const [name, last] of known) {
    const lacked = BigInt(tickets.of(name).largest) - last;
    if (lacked > most) most = lacked;
  }
  return most > 0n ? most : 0n;
}

/**
 * A cluster that begins with `saved` gives larger numbers only, before and after a crash, and
 * refuses names that it does not know: numbers of them may have been given.
 */
function checkNumbers(world: World, saved: Saved, what: string): void {
  const { node } = saved.identity;
  const nodes = new Nodes([saved]);
  nodes.elect(node);
  const known = new Set(nodes.node(node).sequences.map(([name]) => name));
  const before = new Map<string, bigint>();
  for (let life = 0; life < 2; life++) {
    for (const name of world.tickets.names) {
      const asked = nodes.take(node, 3, { name });
      nodes.settle();
      if (!known.has(name)) {
        const [refusal] = asked.refusals;
        assert.equal(refusal?.reason, "unknown-sequence", `${what}: ${name}`);
        continue;
      }
      assert.equal(asked.given.length, 3, `${what}: gives no tickets`);
      for (const number of asked.given) {
        const floor = before.get(name) ??
          BigInt(world.tickets.of(name).largest);
        assert(
          number > floor,
          `${what}: gives ${number} of ${name} after ${floor}`,
        );
        before.set(name, number);
      }
    }
    nodes.crash(node, { saved: true });
    nodes.start(node);
    nodes.elect(node);
  }
  assert.deepEqual(nodes.failures, []);
}
