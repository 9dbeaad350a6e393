// What taking a vote away would cost the cluster, in words for whoever asked: a change that
// leaves one voter, or no majority that answers, is done only when it is asked for with
// FORCE. Judged by the leader, from whom it has heard; and what a node without a leader
// can say about why there is none.

import type { CommandOf, Plan } from "./change_plan.ts";
import { answers } from "../core/leadership.ts";
import { majority } from "../core/quorum.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId } from "../core/types.ts";

/** Servers named in one text; of more it tells how many. */
const namedMax = 9;

/** What is done instead of taking away the vote of server `id`; `undefined`: it may go. */
export function riskOf(
  raft: Raft,
  { type, id }: CommandOf<"remove-server">,
): Plan | undefined {
  const left = raft.membership.voters.filter((voter) => voter !== id);
  const word = type === "demote" ? "RAFT.DEMOTE" : "RAFT.REMOVESERVER";
  const howTo = `to do it all the same, send ${word} ${id} FORCE`;
  if (left.length === 1) {
    return refusal(
      `only server ${
        names(raft, left)
      } would be left to vote, and no failure of it ` +
        `would be survived; ${howTo}`,
    );
  }
  const needed = majority(left.length);
  const silent = left.filter((voter) => !answers(raft, voter));
  if (left.length - silent.length < needed) {
    return refusal(
      `${silent.length === 1 ? "server" : "servers"} ${
        names(raft, silent)
      } would be needed and ` +
        `${
          silent.length === 1 ? "does" : "do"
        } not answer: no ticket would be given ` +
        `until ${needed} of the ${left.length} voters left are up; ${howTo}`,
    );
  }
  // A change that waited for a leader meets one that cannot know yet who died with the last.
  const heard = left.filter((voter) =>
    voter === raft.id || raft.progress.get(voter)?.hasAnswered
  );
  return heard.length < needed ? { type: "wait" } : undefined;
}

function refusal(text: string): Plan {
  return { type: "answer", answer: { type: "error", text } };
}

/** What must be so before there can be a leader. */
export function leaderless(raft: Raft): string {
  const { voters } = raft.membership;
  const [first] = voters;
  if (first === undefined) return "it knows of no cluster yet";
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
