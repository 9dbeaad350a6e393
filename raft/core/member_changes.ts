// How a leader changes the members of its cluster: one voter at a time (thesis 4.1), a new
// voter as a learner first, which is promoted once it has caught up (thesis 4.2.1). Every
// entry of the leader's own is appended here, because a configuration is in force from then
// on. Which members people want is decided outside the core; `membership.ts` keeps those
// that the log names; `replication.ts` sends the entries.

import { assert } from "../../base/assert.ts";
import {
  configurationFault,
  findServer,
  votersChanged,
  withServer,
} from "./membership.ts";
import type { ChangeRefusal } from "./options.ts";
import { Progress } from "./progress.ts";
import type { RaftState } from "./raft_state.ts";
import type { Configuration, Entry, Index } from "./types.ts";

/** Appends an entry of the leader's own; a configuration is in force at once. */
export function appendToOwnLog(raft: RaftState, entry: Entry): void {
  assert(raft.role === "leader", "only the leader appends of its own accord");
  raft.log.append(entry);
  if (entry.type !== "configuration") return;
  const before = raft.membership.current;
  raft.membership.append(entry.index, entry.configuration);
  syncProgress(raft, before);
}

/**
 * Appends a sound configuration that differs from the present one by at most one voter;
 * returns its index, or why it was not appended.
 */
export function changeMembership(
  raft: RaftState,
  configuration: Configuration,
): Index | ChangeRefusal {
  const { leader, membership, log, currentTerm: term } = raft;
  if (leader === undefined || leader.transferTarget !== undefined) {
    return "not-leader";
  }
  if (membership.currentIndex > log.commitIndex) return "pending";
  // Until then a change of a former leader may still surface and make two
  // configurations that share no majority (ongaro, raft-dev 2015).
  if (log.termAt(log.commitIndex) !== term) return "not-ready";
  assert(
    configurationFault(configuration) === undefined,
    "the configuration is sound",
  );
  assert(
    votersChanged(membership.current, configuration) <= 1,
    "one voter changes at a time",
  );
  const index = log.lastIndex + 1;
  appendToOwnLog(raft, { type: "configuration", index, term, configuration });
  return index;
}

/**
 * Follows the configuration, which was `before`: every other server has a Progress, and a
 * removed one loses it after a while.
 */
export function syncProgress(raft: RaftState, before: Configuration): void {
  const { leader, log, lastSequence } = raft;
  if (leader === undefined) return;
  for (const { id, incarnation, suffrage } of raft.membership.current.servers) {
    if (id === raft.id) continue;
    // A server that comes back under its old id may have another disk: what it
    // acknowledged in its former incarnation counts for nothing.
    const known = findServer(before, id);
    const progress = leader.progress.get(id);
    if (known?.incarnation !== incarnation || progress === undefined) {
      leader.progress.set(id, new Progress(log.lastIndex, lastSequence));
    } else if (suffrage === "learner" && known.suffrage !== "learner") {
      // As a nonvoter it was free to lag behind: it has not shown that it keeps up.
      progress.beginCatchUp(log.lastIndex);
    }
  }
  for (const [id, progress] of leader.progress) {
    // Thesis 4.2.3: a server that never hears of its removal disturbs the others. It
    // is sent the log for a while longer, and counts for nothing.
    if (raft.membership.find(id) === undefined) {
      progress.heartbeatsLeft ??= departingHeartbeats;
    }
  }
}

/** Heartbeats that a removed server still gets. */
const departingHeartbeats = 40;

/** At a tick: promotes a learner that keeps up, one at a time (thesis 4.2.1). */
export function catchUpLearners(raft: RaftState): void {
  const { leader, log, options: { electionTicks } } = raft;
  if (leader === undefined) return;
  for (const server of raft.membership.current.servers) {
    // A voter of unknown incarnation could be wiped, and vote again in the same term.
    if (server.suffrage !== "learner" || server.incarnation === "") continue;
    const progress = leader.progress.get(server.id);
    if (progress === undefined) continue;
    progress.tickCatchUp(log.lastIndex, electionTicks);
    if (!progress.caughtUp || progress.silentTicks >= electionTicks) continue;
    const promoted = withServer(raft.membership.current, {
      ...server,
      suffrage: "voter",
    });
    if (typeof changeMembership(raft, promoted) === "number") return;
  }
}
