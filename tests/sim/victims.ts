// The computers that a fault may strike. The simulator keeps to what ticketd promises to
// survive: at durability medium a process may die but no power be lost, at low not even
// that, unless all that was acknowledged is on disk by then; and disks are lost for good
// only in a minority of the voters.

import type { Computer } from "./computer.ts";
import type { World } from "./world.ts";

/** A running computer for which `may` is true; the leader more often than by chance. */
export function pickRunning(
  world: World,
  may: (computer: Computer) => boolean = () => true,
): Computer | undefined {
  const able = world.up.filter(may);
  const leader = able.find(({ raft }) => raft?.role === "leader");
  // A leader's trouble concerns more nodes than that of any other.
  return leader !== undefined && world.random(4) === 0
    ? leader
    : world.pick(able);
}

/** Whether its process may die now. */
export function mayDie(computer: Computer): boolean {
  return mayDieAnyTime(computer) || computer.drive.isSettled;
}

/** Whether its process may die at any time, whatever it has acknowledged by then. */
export function mayDieAnyTime({ durability }: Computer): boolean {
  return durability !== "low";
}

export function mayLosePower({ durability, drive }: Computer): boolean {
  return durability === "high" || drive.isSettled;
}

/**
 * The computers of which one may be lost for good now: by the configuration in each
 * computer's log a majority of the voters is sound without it.
 */
export function expendable({ computers }: World): Computer[] {
  const all = [...computers.values()];
  const configurations = all.map((one) => one.members).filter((servers) =>
    servers.length > 0
  );
  return all.filter((victim) =>
    victim.durability === "high" && configurations.length > 0 &&
    configurations.every((servers) => {
      const voters = servers.filter((s) => s.suffrage === "voter");
      const sound = voters.filter(({ id }) => {
        const computer = computers.get(id)!;
        return computer !== victim && computer.drive.isVoterIn(servers);
      });
      return 2 * sound.length > voters.length;
    })
  );
}
