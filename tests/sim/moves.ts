// Computers that come back at other addresses, and how they find each other. A node is reached
// at the address that the other one's configuration has for it or, if its disk is known, where
// a hint says that it is. As in service, a node that is reached elsewhere is reported to the
// one that reached it, again and again (`raft/net/dialler.ts`). Time is simpler here: a hint
// is there at once. Not here: when computers move (`faults.ts`).

import type { Computer } from "./computer.ts";
import { kill } from "./process_faults.ts";
import { mayDie } from "./victims.ts";
import type { World } from "./world.ts";

/** Ticks between two reports of one computer. */
const reportTicks = 4;

/** Some computers, or all, go down and have other addresses: new ones, or each other's. */
export function moveSome(world: World): void {
  const { random, counts, computers } = world;
  const all = [...computers.values()].filter((one) =>
    one.isRunning && !one.isPaused && mayDie(one)
  );
  const isAll = random(2) === 0;
  const movers = isAll ? all : all.filter(() => random(2) === 0);
  const swaps = movers.length > 1 && random(3) === 0;
  const addresses = movers.map(({ address }) => address);
  for (const [i, one] of movers.entries()) {
    kill(world, one);
    one.address = swaps
      ? addresses[(i + 1) % addresses.length]!
      : `${one.id}:${++counts.moves}`;
    if (swaps) counts.swaps++;
    one.say(`is at ${one.address} now`);
    // Together, or when somebody comes by (`keepStarting`).
    if (random(4) > 0) one.start();
  }
}

/** Whether `from` can dial `to`: at its known address, or by a hint. */
export function finds(
  { options, computers }: World,
  { from, to }: { readonly from: Computer; readonly to: Computer },
): boolean {
  const address = from.connected.get(to.id);
  if (address === undefined) return false;
  if (address === to.address) return true;
  const ids = [...computers.keys()];
  const next = ids[(ids.indexOf(from.id) + 1) % ids.length];
  const isHinted = options.hints === "all" || to.id === next;
  return isHinted && isKnownDisk(from, to);
}

/** Whether `from` reaches `id` at the address that its configuration has. */
export function findsDirectly(
  { computers, network }: World,
  { from, id }: { readonly from: Computer; readonly id: string },
): boolean {
  const to = computers.get(id);
  return to !== undefined && to.isRunning &&
    from.connected.get(id) === to.address && network.isOpen(from, to);
}

/** To be called at each tick of `computer`: its node hears of each member that has moved. */
export function reportMoves(world: World, computer: Computer): void {
  const { computers, options, network, random, counts } = world;
  if (options.faults.move === 0 || random(reportTicks) > 0) return;
  for (const [id, address] of computer.connected) {
    const other = computers.get(id);
    if (other === undefined || !other.isRunning) continue;
    if (other.address === address || !isKnownDisk(computer, other)) continue;
    // Without a hint it says itself where it is, on a connection that it made.
    const isFound = finds(world, { from: computer, to: other }) ||
      finds(world, { from: other, to: computer });
    if (!isFound || !network.isOpen(computer, other)) continue;
    counts.movesSeen++;
    computer.node?.moved(id, other.address);
  }
}

function isKnownDisk(from: Computer, { id, incarnation }: Computer): boolean {
  return from.known.incarnationOf(id) === incarnation;
}
