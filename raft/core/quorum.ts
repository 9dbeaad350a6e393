// Majority arithmetic, the one place where servers are counted. Two majorities of one
// configuration share a server. `member_changes.ts` sees to it that majorities of two
// neighbouring configurations do so, too (thesis 4.1).

import type { Index, NodeId } from "./types.ts";

/** The smallest number of `count` servers of which any two sets share a member. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * The highest index that a majority has reached, given each voter's. Zero without
 * voters: nobody can commit anything in an empty configuration.
 */
export function committedIndex(matchIndexes: readonly Index[]): Index {
  const descending = matchIndexes.toSorted((a, b) => b - a);
  return descending[majority(descending.length) - 1] ?? 0;
}

/** `pending`: it is not won yet, and can still be. */
export type VoteResult = "won" | "lost" | "pending";

/** The state of an election; answers of servers that are no voters do not count. */
export function voteResult(
  voters: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const needed = majority(voters.length);
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (granted >= needed) return "won";
  return granted + missing < needed ? "lost" : "pending";
}
