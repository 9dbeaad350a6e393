// Who may lead: pre-vote, vote, and the rules that keep a working leader in place.
//
// - Pre-vote (thesis 9.6): a node that cannot win raises nobody's term, its own neither.
// - Stickiness (thesis 4.2.3): who heard a leader within the minimal election timeout
//   helps nobody else, unless that leader itself asked for it (transfer).
// - A vote is sent once it is durable, the candidate's own included.
// - Anybody asked votes, member or not: a candidate counts only the voters of its own
//   configuration, and a voter may not have learnt yet that it is one.

import type { Raft } from "./raft.ts";
import { voteResult } from "./quorum.ts";
import type {
  NodeId,
  NotMember,
  PreVote,
  PreVoteResponse,
  RequestVote,
  RequestVoteResponse,
  TimeoutNow,
} from "./types.ts";

/** First round: asks whether an election could be won. */
export function preCampaign(raft: Raft): void {
  raft.role = "preCandidate";
  raft.leaderId = undefined;
  raft.votes = new Map([[raft.id, true]]);
  raft.resetElection();
  askForPreVotes(raft);
  countVotes(raft);
}

function askForPreVotes(raft: Raft): void {
  for (const id of otherVoters(raft)) {
    raft.send({
      type: "PreVote",
      from: raft.id,
      to: id,
      term: raft.currentTerm + 1,
      lastLogIndex: raft.log.lastIndex,
      lastLogTerm: raft.log.lastTerm,
    });
  }
}

/**
 * A node that cannot stand, and hears no leader, asks as if it would: it may have been
 * removed while it was away, and then no leader calls on it. Whoever leads tells it; what
 * others answer changes nothing.
 */
export function inquire(raft: Raft): void {
  raft.resetElection();
  askForPreVotes(raft);
}

/** Second round: a new term, and a vote for oneself. */
export function campaign(
  raft: Raft,
  { transfer }: { transfer: boolean },
): void {
  raft.setHardState(raft.currentTerm + 1, raft.id);
  raft.role = "candidate";
  raft.leaderId = undefined;
  raft.votes = new Map();
  raft.resetElection();
  const { id: from, currentTerm: term } = raft;
  raft.sendWhenDurable({
    type: "RequestVoteResponse",
    from,
    to: from,
    term,
    granted: true,
  });
  for (const to of otherVoters(raft)) {
    raft.sendWhenDurable({
      type: "RequestVote",
      from,
      to,
      term,
      lastLogIndex: raft.log.lastIndex,
      lastLogTerm: raft.log.lastTerm,
      transfer,
    });
  }
}

export function onPreVote(raft: Raft, message: PreVote): void {
  if (tellNonMember(raft, message.from)) return;
  const granted = message.term > raft.currentTerm && !raft.hearsLeader &&
    raft.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
  raft.sendWhenDurable({
    type: "PreVoteResponse",
    from: raft.id,
    to: message.from,
    term: granted ? message.term : raft.currentTerm,
    granted,
  });
}

export function onPreVoteResponse(raft: Raft, message: PreVoteResponse): void {
  if (!message.granted && message.term > raft.currentTerm) {
    return raft.becomeFollower(message.term, undefined);
  }
  if (raft.role !== "preCandidate") return;
  // A grant of an older round asked about an older term; a refusal carries the
  // refuser's own term, which may be lower than ours.
  if (message.granted && message.term !== raft.currentTerm + 1) return;
  raft.votes.set(message.from, message.granted);
  countVotes(raft);
}

export function onRequestVote(raft: Raft, message: RequestVote): void {
  if (tellNonMember(raft, message.from)) return;
  if (
    raft.hearsLeader && !message.transfer && message.term > raft.currentTerm
  ) return;
  if (message.term > raft.currentTerm) {
    raft.becomeFollower(message.term, undefined);
  }
  const granted = message.term === raft.currentTerm &&
    raft.leaderId === undefined &&
    (raft.votedFor === undefined || raft.votedFor === message.from) &&
    raft.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
  if (granted) {
    if (raft.votedFor === undefined) {
      raft.setHardState(message.term, message.from);
    }
    raft.resetElection();
  }
  raft.sendWhenDurable({
    type: "RequestVoteResponse",
    from: raft.id,
    to: message.from,
    term: raft.currentTerm,
    granted,
  });
}

export function onRequestVoteResponse(
  raft: Raft,
  message: RequestVoteResponse,
): void {
  if (message.term > raft.currentTerm) {
    return raft.becomeFollower(message.term, undefined);
  }
  if (raft.role !== "candidate" || message.term !== raft.currentTerm) return;
  raft.votes.set(message.from, message.granted);
  countVotes(raft);
}

/** The leader chose us: no pre-vote, its followers would refuse it. */
export function onTimeoutNow(raft: Raft, message: TimeoutNow): void {
  if (message.term !== raft.currentTerm || raft.role !== "follower") return;
  if (raft.leaderId !== message.from) return;
  if (raft.isElectable) campaign(raft, { transfer: true });
}

export function onNotMember(raft: Raft, message: NotMember): void {
  // An old leader may not have heard of us yet: an older configuration does not count,
  // unless ours was never committed, and a later leader has been chosen without it.
  // The one that we know may be the one that leaves us out, committed by now.
  if (message.term < raft.currentTerm || raft.role === "leader") return;
  const { membership: { currentIndex }, log } = raft;
  const isLost = currentIndex > log.commitIndex &&
    message.term > log.termAt(currentIndex)!;
  if (message.configurationIndex < currentIndex && !isLost) return;
  raft.becomeFollower(raft.currentTerm, undefined);
  raft.removed = true;
}

function countVotes(raft: Raft): void {
  const result = voteResult(raft.membership.voters, raft.votes);
  if (result === "lost") {
    return raft.becomeFollower(raft.currentTerm, undefined);
  }
  if (result === "pending") return;
  if (raft.role === "preCandidate") campaign(raft, { transfer: false });
  else raft.becomeLeader();
}

/** Ticks, at least 1, until one does more than count, if nothing comes before. */
export function restTicks(raft: Raft): number {
  if (raft.role === "leader" && raft.progress.size === 0) return Infinity;
  const rest = raft.role === "leader"
    ? raft.options.heartbeatTicks - raft.heartbeatElapsed
    : raft.electionTimeout - raft.electionElapsed;
  return raft.saves.underWay ? 1 : Math.max(1, rest);
}

function otherVoters(raft: Raft): NodeId[] {
  return raft.membership.voters.filter((id) => id !== raft.id);
}

/**
 * A removed server cannot know why nobody answers it; the leader tells. So does a follower:
 * the server may know nobody else who is left. By what its leader has committed in its own
 * term, before which nothing can be on its way that the follower has not read. True if
 * that is all there is to be said.
 */
function tellNonMember(raft: Raft, id: NodeId): boolean {
  const { role, membership, log, currentTerm: term } = raft;
  if (membership.find(id) !== undefined) return false;
  const isLeader = role === "leader";
  const isInformed = raft.hearsLeader && raft.isUpToDate &&
    log.termAt(log.commitIndex) === term;
  if (!isLeader && !isInformed) return false;
  if (membership.currentIndex > log.commitIndex) return isLeader;
  raft.sendWhenDurable({
    type: "NotMember",
    from: raft.id,
    to: id,
    term,
    configurationIndex: membership.currentIndex,
  });
  return isLeader;
}
