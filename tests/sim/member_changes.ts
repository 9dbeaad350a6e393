// What people ask of a cluster while it runs: changes of members, and transfers of
// leadership. Some are asked so that the members are few, or die, at the worst moment. Not
// here: when people ask (`faults.ts`), and the checks of an OK (`model.ts`).

import type { Computer } from "./computer.ts";
import { expendable, pickRunning } from "./victims.ts";
import type { World } from "./world.ts";

/** A computer with an empty disk starts, and asks to join. */
export function startJoining(world: World): void {
  const fresh = [...world.computers.values()].filter((one) =>
    !one.isRunning && one.drive.ledger.isEmpty && !one.isLost
  );
  const one = world.pick(fresh);
  if (one === undefined) return;
  world.counts.changes++;
  one.nonvoter = world.random(4) === 0;
  one.start();
}

/** Adds any computer that has run before, member or not. */
export function addServer(world: World): void {
  const asked = pickRunning(world);
  const one = world.pick([...world.computers.values()])!;
  if (asked === undefined || one.drive.ledger.isEmpty) return;
  world.counts.changes++;
  const { id, address } = one;
  const prevIndex = prevIndexOf(world, asked);
  const type = world.random(4) === 0 ? "add-nonvoter" : "add-voter";
  asked.admin({ type, id, address, prevIndex });
}

/** Takes the vote of a computer without which the others still have a majority. */
export function takeVote(
  world: World,
  type: "remove-server" | "demote",
): void {
  const asked = pickRunning(world);
  const victim = world.pick(expendable(world));
  if (asked === undefined || victim === undefined) return;
  world.counts.changes++;
  const prevIndex = prevIndexOf(world, asked);
  asked.admin({ type, id: victim.id, prevIndex, force: true });
}

/** Promotes a member that has no vote, as the node that is asked knows it. */
export function promote(world: World): void {
  const asked = pickRunning(world);
  if (asked === undefined) return;
  const one = world.pick(
    asked.members.filter(({ suffrage }) => suffrage !== "voter"),
  );
  if (one === undefined) return;
  world.counts.changes++;
  const prevIndex = prevIndexOf(world, asked);
  asked.admin({ type: "promote", id: one.id, prevIndex });
}

/** Now and then people name the configuration that they saw; 0n means any. */
function prevIndexOf(world: World, { node }: Computer): bigint {
  const isNamed = world.random(3) === 0;
  return BigInt(isNamed ? node?.members.configurationIndex ?? 0 : 0);
}

/** Transfers leadership to any computer, or to whichever the leader chooses. */
export function transfer(world: World): void {
  const asked = pickRunning(world);
  if (asked === undefined) return;
  const { counts, random } = world;
  counts.transfersAsked++;
  const all = [...world.computers.values()];
  const id = random(3) === 0 ? "" : world.pick(all)!.id;
  asked.admin({ type: "transfer", id }, (answer) => {
    if (answer.type === "ok") counts.transfersDone++;
  });
}

/**
 * Members are removed until the leader is alone, which lends numbers from then on. If it is
 * alone already, it gets another member.
 */
export function shrink(world: World): void {
  const { computers, random } = world;
  const leader = world.pick(
    world.up.filter(({ raft }) => raft?.role === "leader"),
  );
  if (world.faultsAreOver || leader === undefined) return;
  const { members } = leader;
  const isSound = members.every(({ id, suffrage }) =>
    suffrage !== "voter" || computers.get(id)!.drive.isVoterIn(members)
  );
  // A lost voter counts as long as any log names it (`expendable`).
  if (!isSound) return;
  const other = world.pick(members.filter(({ id }) => id !== leader.id));
  if (other === undefined) return grow(world, leader);
  const victim = computers.get(other.id)!;
  if (random(2) === 0) pauseDuringRemoval(world, { victim, leader });
  world.counts.changes++;
  leader.admin(
    { type: "remove-server", id: other.id, prevIndex: 0n, force: true },
    (answer) => {
      if (answer.type === "ok" && leader.members.length > 1) shrink(world);
    },
  );
}

/** The victim stands still, and hears nothing of its removal when it goes on. */
function pauseDuringRemoval(
  world: World,
  { victim, leader }: {
    readonly victim: Computer;
    readonly leader: Computer;
  },
): void {
  const { clock, network, options } = world;
  if (victim.isPaused || !victim.isRunning) return;
  world.counts.pauses++;
  victim.say("is paused");
  victim.pause();
  // The cut comes late enough for answers to what the victim asked before.
  const { latencyMicros, jitterMicros, syncMicros, tickMicros } = options;
  clock.after(2 * (latencyMicros + jitterMicros + syncMicros), () => {
    if (!world.faultsAreOver) network.cut(leader.id, victim.id);
  });
  clock.after(4 * tickMicros + world.wait(4 * tickMicros), () => {
    if (!world.faultsAreOver && victim.isPaused) victim.resume();
  });
}

function grow(world: World, leader: Computer): void {
  const one = world.pick(
    [...world.computers.values()].filter((one) =>
      one !== leader && !one.drive.ledger.isEmpty && !one.isLost
    ),
  );
  if (one === undefined) return startJoining(world);
  world.counts.changes++;
  const { id, address } = one;
  leader.admin({ type: "add-voter", id, address, prevIndex: 0n });
}

/**
 * A change of members after which one computer, or each, dies as soon as it has acknowledged
 * it: a node that forgot the change would count other majorities when it is back.
 */
export function changeAndDie(world: World): void {
  const { up, random } = world;
  const isAll = random(3) === 0;
  const one = pickRunning(world);
  for (const each of isAll ? up : [one]) {
    if (each !== undefined) each.diesChanged = true;
  }
  switch (random(4)) {
    case 0:
      return promote(world);
    case 1:
      return addServer(world);
    case 2:
      return startJoining(world);
    default:
      return takeVote(world, "remove-server");
  }
}
