// What happened in a run: counted where it bit, not where it was meant to, so that a kind
// of trouble that never strikes, or strikes nothing, shows as a zero.

import type { Raft } from "../../raft/core/raft.ts";

export const countNames = [
  "starts",
  "kills",
  "powerLosses", // of a computer that had something on its disk
  "pauses",
  "longPauses", // for longer than an election timeout
  "pausedLeaders", // … of a leader, who was replaced meanwhile or not
  "partitions",
  "messagesCut",
  "messagesReplayed", // and heard
  "lies", // of strangers and former members, and heard
  "diskFaults",
  "failedSyncs", // that ended a process
  "failedWrites", // that ended a process
  "stalls", // a save that took longer than an election timeout
  "handOvers", // of a leader, because of that
  "rottenBits",
  "rottenSectors", // misplaced
  "rottenStales", // a write that was lost
  "refusals", // of a process to start
  "wipes",
  "impostors", // that asked to join with the id of a disk that was lost
  "comebacks", // of a wiped node, as a voter
  "changes", // asked for
  "diedChanged", // computers, right after they had acknowledged one
  "promotions",
  "removals",
  "demotions",
  "ousted", // processes that heard of their removal, and stopped
  "rejoins", // of a node that was removed while it was away
  "transfers", // begun by TimeoutNow
  "takesForwarded", // sent, again and again as well
  "takesAskedAgain", // when a leader was lost
  "confirmations", // asked of voters
  "lent", // answers that brought more than was asked for
  "refills", // asked for
  "recallsAtRest", // of what was lent, because little is asked for
  "recallsAtChange", // … because the members are to change
  "recallsAtStop",
  "recallsCrossed", // by a take that was under way
  "recallsCut", // short by the end of the process
  "recalled", // of all these, those that brought something back
  "givenBack", // by an entry in the log
  "timeouts", // of requests that met no leader in time
  "turnedAway", // of requests to a node that belongs to no cluster
  "redirects", // of clients that went where the leader serves
  "transfersAsked", // by people
  "transfersDone", // of these, as they wished
  "snapshots", // taken
  "installs", // of another's
  "truncations", // of a log
] as const;

export type Counts = Record<typeof countNames[number], number>;

export function noCounts(): Counts {
  return Object.fromEntries(countNames.map((name) => [name, 0])) as Counts;
}

/** Counts what one core goes through in one life, seen from outside. */
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
    if (after.snapshotIndex > snapshotIndex) {
      this
        .#counts[after.snapshotIndex > lastIndex ? "installs" : "snapshots"]++;
    } else if (raft.log.termAt(lastIndex) !== lastTerm) {
      this.#counts.truncations++;
    }
  }
}

type Seen = ReturnType<typeof seenOf>;

function seenOf({ log, isStalled }: Raft) {
  const { snapshot, lastIndex, lastTerm } = log;
  return { snapshotIndex: snapshot.index, lastIndex, lastTerm, isStalled };
}
