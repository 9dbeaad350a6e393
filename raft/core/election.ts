// How a leader is elected: pre-vote, vote, and the rules that keep a working leader in place.
// The term of an elected leader begins in `leadership.ts`.
//
// - Pre-vote (thesis 9.6): a node that cannot win raises no term, not even its own.
// - Stickiness (thesis 4.2.3): a node that heard a leader within the minimal election
//   timeout votes for no other, unless that leader itself asked for the election (transfer).
// - A vote is sent once it is durable; the candidate's own counts once it is durable.
// - A node votes whether it is a member or not: it may not have learnt yet that it is a
//   voter, and a candidate counts only the voters of its own configuration.

import { startLeading } from "./leadership.ts";
import { voteResult } from "./quorum.ts";
import type { RaftState } from "./raft_state.ts";
import type {
  NodeId,
  NotMember,
  PreVote,
  PreVoteResponse,
  RequestVote,
  RequestVoteResponse,
  TimeoutNow,
} from "./types.ts";

/** Asks the voters whether this node could win an election (pre-vote). */
export function preCampaign(raft: RaftState): void {
  raft.reasons.askedBy = undefined;
  const votes = new Map([[raft.id, true]]);
  raft.becomeCandidate({ role: "preCandidate", votes });
  askForPreVotes(raft);
  countVotes(raft);
}

function askForPreVotes(raft: RaftState): void {
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
 * Asks for pre-votes although this node cannot stand for election: it may have been removed
 * while it was away, and then no leader sends to it. A leader that is asked tells it so;
 * other answers change nothing.
 */
export function inquire(raft: RaftState): void {
  raft.resetElection();
  askForPreVotes(raft);
}

/** Begins a new term, votes for itself and asks the others (paper 5.2). */
function campaign(
  raft: RaftState,
  { transfer }: { transfer: boolean },
): void {
  raft.setHardState(raft.currentTerm + 1, raft.id);
  raft.becomeCandidate({ role: "candidate", votes: new Map() });
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

/** Thesis 9.6: says whether it would vote for the sender; it may say so to several. */
export function onPreVote(raft: RaftState, message: PreVote): void {
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

/** A pre-candidate counts the answer. */
export function onPreVoteResponse(
  raft: RaftState,
  message: PreVoteResponse,
): void {
  if (!message.granted && message.term > raft.currentTerm) {
    return raft.becomeFollower(message.term, undefined);
  }
  const { candidate } = raft;
  if (candidate?.role !== "preCandidate") return;
  // A grant for another term answers an older question; a refusal carries the refuser's
  // own term, which may be lower than ours.
  if (message.granted && message.term !== raft.currentTerm + 1) return;
  candidate.votes.set(message.from, message.granted);
  countVotes(raft);
}

/** Paper, figure 2, RequestVote. */
export function onRequestVote(raft: RaftState, message: RequestVote): void {
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

/** A candidate counts the vote. */
export function onRequestVoteResponse(
  raft: RaftState,
  message: RequestVoteResponse,
): void {
  if (message.term > raft.currentTerm) {
    return raft.becomeFollower(message.term, undefined);
  }
  const { candidate } = raft;
  if (candidate?.role !== "candidate") return;
  if (message.term !== raft.currentTerm) return;
  candidate.votes.set(message.from, message.granted);
  countVotes(raft);
}

/**
 * Stands at once, because its leader hands over to it (thesis 3.10). It asks for no
 * pre-votes: nodes that hear a leader would refuse them.
 */
export function onTimeoutNow(raft: RaftState, message: TimeoutNow): void {
  if (message.term !== raft.currentTerm || raft.role !== "follower") return;
  if (raft.leaderId !== message.from) return;
  raft.reasons.askedBy = message.from;
  if (raft.isElectable) campaign(raft, { transfer: true });
}

/** A leader, or a follower with all that its leader has committed, says: you are no member. */
export function onNotMember(raft: RaftState, message: NotMember): void {
  // An older configuration than ours does not count: its leader may not have heard of us
  // yet. It counts if ours was never committed and a later leader was elected without it.
  // The same configuration counts: it may leave us out, and be committed by now.
  if (message.term < raft.currentTerm || raft.role === "leader") return;
  const { membership: { currentIndex }, log } = raft;
  const isLost = currentIndex > log.commitIndex &&
    message.term > log.termOf(currentIndex);
  if (message.configurationIndex < currentIndex && !isLost) return;
  raft.becomeFollower(raft.currentTerm, undefined);
  raft.removed = true;
}

function countVotes(raft: RaftState): void {
  const { candidate } = raft;
  if (candidate === undefined) return;
  const result = voteResult(raft.membership.voters, candidate.votes);
  if (result === "lost") {
    return raft.becomeFollower(raft.currentTerm, undefined);
  }
  if (result === "pending") return;
  if (candidate.role === "preCandidate") campaign(raft, { transfer: false });
  else startLeading(raft);
}

function otherVoters(raft: RaftState): NodeId[] {
  return raft.membership.voters.filter((id) => id !== raft.id);
}

/**
 * Tells a removed server that asks for votes that it is no member (thesis 4.2.3): it cannot
 * know otherwise why nobody answers it. A follower tells it, too, because the server may know
 * no other node that is left. A follower does so only once it has all that its leader
 * committed, the leader's own first entry among that: then no change can be on its way that
 * the follower has not read. True if the request needs no other answer.
 */
function tellNonMember(raft: RaftState, id: NodeId): boolean {
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
