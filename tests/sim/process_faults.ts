// Faults of whole processes and of the power: kills, power losses, pauses; and the people
// who start again what is down. Not here: when they strike (`faults.ts`), and which
// computers they may strike (`victims.ts`).

import type { Micros } from "./clock.ts";
import type { Computer } from "./computer.ts";
import { mayDie } from "./victims.ts";
import type { World } from "./world.ts";

export function kill(world: World, computer: Computer | undefined): void {
  if (computer === undefined) return;
  world.counts.kills++;
  computer.kill();
}

/** Kills all of `computers`, or all but one. */
export function killMost(world: World, computers: readonly Computer[]): void {
  const spared = world.random(2) === 0 ? world.pick(computers) : undefined;
  for (const one of computers) if (one !== spared) kill(world, one);
}

/** Nothing happens if its disk is empty. */
export function losePower(world: World, computer: Computer | undefined): void {
  if (computer === undefined || computer.drive.ledger.isEmpty) return;
  world.counts.powerLosses++;
  computer.losePower();
}

/** It stands still for less or more than an election timeout, then goes on. */
export function pause(world: World, computer: Computer | undefined): void {
  if (computer === undefined || computer.isPaused) return;
  world.counts.pauses++;
  computer.say("is paused");
  computer.pause();
  const { electionTicks, tickMicros } = world.options;
  const duration = fewTimeouts(world);
  const isLeader = computer.raft?.role === "leader";
  world.clock.after(duration, () => {
    // In the second phase a computer that is broken for good stays paused.
    if (world.faultsAreOver || !computer.isPaused) return;
    if (duration > electionTicks * tickMicros) {
      world.counts.longPauses++;
      if (isLeader) world.counts.pausedLeaders++;
    }
    computer.say("goes on");
    computer.resume();
  });
}

/** A random time, from a moment to several election timeouts. */
export function fewTimeouts(world: World): Micros {
  const { electionTicks, tickMicros } = world.options;
  return world.wait(2 * electionTicks * tickMicros);
}

/**
 * The process of `computer` has asked for the numbers that it lent: now and then it dies
 * while it waits for them, or right after. In runs about lending only.
 */
export function killDuringRecall(world: World, computer: Computer): void {
  const { clock, random, options: { faults, doorMicros } } = world;
  if (world.faultsAreOver || faults.shrink === 0 || !mayDie(computer)) return;
  if (random(8) > 0) return;
  const { node } = computer;
  clock.after(random(4 * doorMicros), () => {
    if (computer.node !== node || world.faultsAreOver) return;
    // At durability low it may have gathered more since (seed 1292).
    if (mayDie(computer)) kill(world, computer);
  });
}

/** From now on people start, some time later, every computer that is down. */
export function keepStarting(world: World): void {
  const { clock, options, computers } = world;
  clock.after(world.wait(options.phaseMicros / 40), () => {
    if (world.faultsAreOver) return;
    const down = [...computers.values()].filter((one) =>
      !one.isRunning && !one.drive.ledger.isEmpty
    );
    const one = world.pick(down);
    if (one !== undefined && !one.drive.damaged) {
      if (world.random(2) === 0) one.drive.full = false;
      one.start();
    }
    keepStarting(world);
  });
}
