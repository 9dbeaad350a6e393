// Counts of the events of a run. A fault is counted where it has an effect, not where it is
// made, so that a fault that never strikes, or strikes nothing, shows as a zero.

import type { Raft } from "../../raft/core/raft.ts";

export const countNames = [
  "starts",
  "kills",
  "powerLosses", // of a computer that had something on its disk
  "pauses",
  "longPauses", // for longer than an election timeout
  "pausedLeaders", // … of a leader, whether it was replaced meanwhile or not
  "partitions",
  "messagesCut",
  "messagesReplayed", // and heard
  "lies", // of strangers and former members, and heard
  "diskFaults",
  "failedSyncs", // that ended a process
  "failedWrites", // that ended a process
  "stalls", // a save that took longer than an election timeout
  "handOvers", // by a leader whose save stalls
  "rottenBits",
  "rottenSectors", // misplaced
  "rottenStales", // sectors whose last write was lost
  "refusals", // of a process to start
  "wipes",
  "foundings", // of a cluster by several nodes that asked each other
  "foundingAnswers", // of nodes that do
  "foundersWiped", // before there was a cluster
  "impostors", // that asked to join with the id of a disk that was lost
  "comebacks", // of a wiped node, as a voter
  "changes", // asked for
  "diedChanged", // computers that died right after they had acknowledged one
  "promotions",
  "removals",
  "demotions",
  "ousted", // processes that heard of their removal, and stopped
  "rejoins", // of a node that was removed while it was away
  "moves", // of computers, to a new address
  "swaps", // … to the address of another one
  "movesSeen", // by a node that reached a member elsewhere
  "movesRecorded", // in a committed configuration
  "movesTogether", // … two or more in one
  "transfers", // begun by TimeoutNow
  "takesForwarded", // each time that one is sent
  "takesAskedAgain", // when a leader was lost
  "confirmations", // asked of voters
  "takenAlong", // takes that began with the answer to the last
  "lent", // answers that brought more than was asked for
  "refills", // asked for
  "recallsAtRest", // of lent numbers, because little is asked for
  "recallsAtChange", // … because the members are to change
  "recallsAtStop",
  "recallsCrossed", // by a take that was under way
  "recallsCut", // cut short by the end of the process
  "recalled", // of all these, those that brought something back
  "givenBack", // by an entry in the log
  "timeouts", // of requests that met no leader in time
  "turnedAway", // of requests to a node that belongs to no cluster
  "redirects", // of clients that went where the leader serves
  "transfersAsked", // by people
  "transfersDone", // of these, answered with OK
  "raises", // answered with OK
  "passedOver", // entries that passed over numbers
  "lasts", // answers to TICKET.LAST
  "backups", // taken
  "lists", // of sequences, given
  "policies", // set
  "blocks", // given
  "groups", // of operations, carried out
  "groupsRefused", // by the state
  "groupsForwarded", // to a leader
  "commandsDone", // groups of the log that were carried out
  "commandsRefused", // groups of the log that were refused
  "unknownNames", // requests refused because of the policy
  "namesRefused", // requests refused because there were too many sequences
  "snapshots", // taken
  "compactions", // that have become durable
  "savesBeside", // acknowledged while one was under way
  "compactionsCut", // cut short by the end of the process
  "installs", // of a leader's snapshot
  "chunks", // of snapshots, that arrived and were not the last
  "truncations", // of a log
  "recovered", // survivors, after the run
  "recoveredLacking", // of these, those that lacked numbers that were given
  "restored", // backups, after the run
] as const;

export type Counts = Record<typeof countNames[number], number>;

export function noCounts(): Counts {
  return Object.fromEntries(countNames.map((name) => [name, 0])) as Counts;
}

/** Counts the events that show in the core of one process. */
export class CoreCounter {
  readonly #counts: Counts;
  #seen: Seen;

  constructor(counts: Counts, raft: Raft) {
    this.#counts = counts;
    this.#seen = seenOf(raft);
  }

  changed(raft: Raft): void {
    const before = this.#seen;
    const after = this.#seen = seenOf(raft);
    const { snapshotIndex, lastIndex, lastTerm } = before;
    if (after.isStalled && !before.isStalled) this.#counts.stalls++;
    if (after.arrivedBytes > before.arrivedBytes) this.#counts.chunks++;
    if (after.snapshotIndex > snapshotIndex) {
      this
        .#counts[after.snapshotIndex > lastIndex ? "installs" : "snapshots"]++;
    } else if (raft.log.termAt(lastIndex) !== lastTerm) {
      this.#counts.truncations++;
    }
  }
}

type Seen = ReturnType<typeof seenOf>;

function seenOf({ log, isStalled, incoming }: Raft) {
  const { snapshot, lastIndex, lastTerm } = log;
  const arrivedBytes = incoming?.arrivedBytes ?? 0;
  return {
    ...{ snapshotIndex: snapshot.index, lastIndex, lastTerm, isStalled },
    arrivedBytes,
  };
}
