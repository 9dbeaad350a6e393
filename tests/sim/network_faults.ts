// Faults of the network: cuts between computers, one way or both, and messages that come
// again. Not here: delay, loss and reordering, which each run has all the time
// (`network.ts`).

import type { Computer } from "./computer.ts";
import type { World } from "./world.ts";

/** Cuts `some` off from all others, both ways; nothing happens if there are no others. */
export function cutOff(
  world: World,
  some: readonly (Computer | undefined)[],
): void {
  const all = [...world.computers.values()];
  if (some.length === 0 || some.length === all.length) return;
  world.counts.partitions++;
  world.say(`cut off ${some.map((one) => one?.id)}`);
  for (const a of all) {
    for (const b of all) {
      if (some.includes(a) !== some.includes(b)) world.network.cut(a.id, b.id);
    }
  }
}

/** Cuts the network in two halves of random size. */
export function splitNetwork(world: World): void {
  cutOff(world, [...world.computers.values()].filter(() => world.random(2)));
}

/** Cuts between `one` and another: from `one` to that, or both ways. */
export function cutPair(
  world: World,
  { one, kind }: {
    readonly one: Computer | undefined;
    readonly kind: "oneWay" | "partial";
  },
): void {
  const other = world.pick([...world.computers.values()])!;
  if (one === undefined || one === other) return;
  world.counts.partitions++;
  world.say(`cut ${one.id} ${other.id} ${kind}`);
  world.network.cut(one.id, other.id);
  if (kind === "partial") world.network.cut(other.id, one.id);
}

export function healCuts(world: World): void {
  world.say("cuts are healed");
  world.network.heal();
}

/** Some messages that were carried before come again. */
export function replaySome({ random, network }: World): void {
  for (let i = random(20); i >= 0; i--) network.replay();
}
