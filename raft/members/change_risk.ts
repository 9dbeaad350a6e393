// The risk of taking a vote away. A change that leaves one voter, or no majority that answers,
// is refused unless it is asked for with FORCE; the text says what would be lost. The leader
// judges, by the servers that it has heard from. A node without a leader judges nothing:
// `whyLeaderless()` says which voters it misses.

import { answers } from "../core/leadership.ts";
import { majority } from "../core/quorum.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId } from "../core/types.ts";
import type { CommandOf } from "./change.ts";

/** Servers that one text names; it only counts the others. */
const namedMax = 9;

/** Why a vote is not taken away now. */
export type Risk =
  | { readonly type: "refuse"; readonly text: string }
  /** The leader is too new to know which servers answer. */
  | { readonly type: "wait" };

/** The risk of `command`, as the leader sees it; `undefined`: the vote may be taken away. */
export function riskOf(
  raft: Raft,
  { type, id }: CommandOf<"remove-server">,
): Risk | undefined {
  const left = raft.membership.voters.filter((voter) => voter !== id);
  const word = type === "demote" ? "RAFT.DEMOTE" : "RAFT.REMOVESERVER";
  const howTo = `to do it all the same, send ${word} ${id} FORCE`;
  if (left.length === 1) {
    return {
      type: "refuse",
      text: `only server ${names(raft, left)} would be left to vote, ` +
        `and no failure of it would be survived; ${howTo}`,
    };
  }
  const needed = majority(left.length);
  const silent = left.filter((voter) => !answers(raft, voter));
  if (left.length - silent.length < needed) {
    const isOne = silent.length === 1;
    return {
      type: "refuse",
      text: `${isOne ? "server" : "servers"} ${names(raft, silent)} would be ` +
        `needed and ${isOne ? "does" : "do"} not answer: no ticket would be ` +
        `given until ${needed} of the ${left.length} voters left are up; ` +
        howTo,
    };
  }
  // A new leader believes at first that every voter is alive, also one that died with the last
  // leader. So it judges a change only once a majority has answered it.
  const heard = left.filter((voter) =>
    voter === raft.id || raft.progress.get(voter)?.hasAnswered
  );
  return heard.length < needed ? { type: "wait" } : undefined;
}

/** Why there is no leader, as the end of a sentence: which voters must be up. */
export function whyLeaderless(raft: Raft): string {
  const { voters } = raft.membership;
  if (voters.length === 0) return "it knows of no cluster yet";
  const needed = voters.length === 1
    ? `voter ${names(raft, voters)}`
    : `${majority(voters.length)} of the voters ${names(raft, voters)}`;
  return `there is none: ${needed} must be up`;
}

function names(raft: Raft, ids: readonly NodeId[]): string {
  const named = ids.slice(0, namedMax).map((id) =>
    `${id} (${raft.membership.find(id)?.address})`
  );
  const more = ids.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
