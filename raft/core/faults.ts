// Which messages of other nodes break the protocol, as far as this node can know. Each is
// refused with a value before anything is done about it, so that assertions further in stand
// for bugs of our own alone. Whether a sender may send such a message at all is decided
// outside the core (`identity/sender_rights.ts`).
//
// A fault completes the sentence "node 2 sent …". Nothing of such a message is used.

import { termJumpMax } from "./limits.ts";
import type { RaftState } from "./raft_state.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  ConfirmResponse,
  Fault,
  Index,
  InstallSnapshot,
  Message,
  Term,
} from "./types.ts";

/**
 * Why `message` is to be refused, or `undefined` if it is not. `isClaim`: its sender is a
 * member by its own word alone, of a configuration that this node does not know yet.
 */
export function faultOf(
  raft: RaftState,
  message: Message,
  { isClaim }: { readonly isClaim: boolean },
): Fault | undefined {
  const { type, term } = message;
  if (isFarAhead(raft, term)) {
    return `${type} of term ${term}, far above ${raft.currentTerm}`;
  }
  switch (type) {
    case "AppendEntries":
      return secondLeader(raft, message) ?? disorder(message) ??
        (isClaim ? undoing(raft, placesOf(message)) : undefined);
    case "InstallSnapshot":
      return secondLeader(raft, message) ?? lateSnapshot(message) ??
        (isClaim ? undoing(raft, [message.snapshot]) : undefined);
    case "Confirm":
    case "TimeoutNow":
    case "NotMember":
      return secondLeader(raft, message);
    case "AppendEntriesResponse":
      return unsent(raft, message);
    case "ConfirmResponse":
      return unasked(raft, message);
    default:
      return undefined;
  }
}

/**
 * A term goes to disk as soon as it is known. One that no election can have led to would
 * leave no room for later terms.
 */
function isFarAhead({ currentTerm, log }: RaftState, term: Term): boolean {
  // A node with an empty log cannot judge: its cluster may be in any term.
  return log.lastIndex > 0 && term > currentTerm + termJumpMax;
}

/** Paper 5.2: a term has one leader. A message of a second one is wrong. */
function secondLeader(
  { currentTerm, leaderId }: RaftState,
  { type, from, term }: Message,
): Fault | undefined {
  const isRival = term === currentTerm && leaderId !== undefined &&
    leaderId !== from;
  return isRival
    ? `${type} of term ${term}, in which node ${leaderId} leads`
    : undefined;
}

/** Terms do not fall along a log, nor rise above that of its leader (paper 5.3). */
function disorder(
  { term, prevLogTerm, entries }: AppendEntries,
): Fault | undefined {
  let last = prevLogTerm;
  for (const entry of entries) {
    if (entry.term < last) return `term ${entry.term} behind term ${last}`;
    last = entry.term;
  }
  return last > term ? `entries of term ${last} in term ${term}` : undefined;
}

function lateSnapshot(
  { term, snapshot }: InstallSnapshot,
): Fault | undefined {
  return snapshot.term > term
    ? `a snapshot of term ${snapshot.term} in term ${term}`
    : undefined;
}

/** An index of a log, and the term of the entry there. */
type Placement = { readonly index: Index; readonly term: Term };

function placesOf(
  { prevLogIndex: index, prevLogTerm: term, entries }: AppendEntries,
): readonly Placement[] {
  return [{ index, term }, ...entries];
}

/**
 * A claim about a log that lacks what is committed here: obeying it would end this node, or
 * take committed entries from it.
 */
function undoing(
  raft: RaftState,
  places: readonly Placement[],
): Fault | undefined {
  const other = places.find((place) => differsFromCommitted(raft, place));
  return other === undefined
    ? undefined
    : `a log that differs from what is committed, at index ${other.index}`;
}

/**
 * Whether a log with this entry differs from what is committed here, which is the same at
 * every leader (paper 5.4.3). An entry further on tells by its term: it cannot be lower.
 */
export function differsFromCommitted(
  { log }: RaftState,
  { index, term }: Placement,
): boolean {
  const known = log.termAt(Math.min(index, log.commitIndex)) ?? term;
  return index > log.commitIndex ? term < known : term !== known;
}

/** Entries that the leader does not have: counting them would commit what nobody holds. */
function unsent(
  { role, currentTerm, log }: RaftState,
  { term, success, matchIndex }: AppendEntriesResponse,
): Fault | undefined {
  const counts = role === "leader" && term === currentTerm && success;
  return counts && matchIndex > log.lastIndex
    ? `an acknowledgement of entry ${matchIndex} of ${log.lastIndex}`
    : undefined;
}

/** A round that has not begun: its requests would be answered without a question. */
function unasked(
  { leader, currentTerm }: RaftState,
  { term, round }: ConfirmResponse,
): Fault | undefined {
  if (leader === undefined || term !== currentTerm) return undefined;
  return round > leader.lastRound
    ? `a confirmation of round ${round} of ${leader.lastRound}`
    : undefined;
}
