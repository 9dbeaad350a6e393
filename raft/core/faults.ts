// What is wrong with a message, before anything is done about it: values for the lies and
// mistakes of others, so that the assertions further in stand for bugs of our own alone.
// Whether its sender may send such a message at all is `senders.ts`'s, outside the core;
// here it is weighed against what this node knows of the protocol. Pure.
//
// A fault completes the sentence "node 2 sent …". Nothing of what was sent is used then.

import { termJumpMax } from "./limits.ts";
import type { Raft } from "./raft.ts";
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
 * Whether to refuse `message`, and why. `isClaim`: its sender says that it is a member of
 * a configuration that we do not know yet.
 */
export function faultOf(
  raft: Raft,
  message: Message,
  isClaim: boolean,
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
 * A term is written down as soon as it is known. One that no election can have led to would
 * take the room away that later ones need.
 */
function isFarAhead({ currentTerm, log }: Raft, term: Term): boolean {
  // A node that knows nothing yet has to be told where its cluster stands.
  return log.lastIndex > 0 && term > currentTerm + termJumpMax;
}

/** Paper 5.2: one leader a term. Whoever else says so, of a term that has one, is wrong. */
function secondLeader(
  { currentTerm, leaderId }: Raft,
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

/** A place in the log, and the term that stands there. */
type Placement = { readonly index: Index; readonly term: Term };

function placesOf(
  { prevLogIndex: index, prevLogTerm: term, entries }: AppendEntries,
): readonly Placement[] {
  return [{ index, term }, ...entries];
}

/** Of a claim: to believe it would end this node, or take from it what is committed. */
function undoing(raft: Raft, places: readonly Placement[]): Fault | undefined {
  const other = places.find((place) => differsFromCommitted(raft, place));
  return other === undefined
    ? undefined
    : `a log that differs from what is committed, at index ${other.index}`;
}

/** What is committed here is the same at every leader (paper 5.4.3). */
export function differsFromCommitted(
  { log }: Raft,
  { index, term }: Placement,
): boolean {
  const known = log.termAt(Math.min(index, log.commitIndex)) ?? term;
  return index > log.commitIndex ? term < known : term !== known;
}

/** It acknowledges more than we have: counted, that would commit what nobody holds. */
function unsent(
  { role, currentTerm, log }: Raft,
  { term, success, matchIndex }: AppendEntriesResponse,
): Fault | undefined {
  const counts = role === "leader" && term === currentTerm && success;
  return counts && matchIndex > log.lastIndex
    ? `an acknowledgement of entry ${matchIndex} of ${log.lastIndex}`
    : undefined;
}

/** It confirms a round that has not begun: what is asked for then would be answered unasked. */
function unasked(
  { role, currentTerm, lastRound }: Raft,
  { term, round }: ConfirmResponse,
): Fault | undefined {
  const counts = role === "leader" && term === currentTerm;
  return counts && round > lastRound
    ? `a confirmation of round ${round} of ${lastRound}`
    : undefined;
}
