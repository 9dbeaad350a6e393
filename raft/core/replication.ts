// How the log reaches the others: first the leader's half, then the follower's. What else
// a leader has to do stands in `leadership.ts`.
//
// A heartbeat is an AppendEntries without entries. It names the entry before those
// still to be sent, so that a lost append shows at the next heartbeat, as a refusal;
// nothing is retried by a timer of its own.

import { assert, unreachable } from "../../base/assert.ts";
import { differsFromCommitted } from "./faults.ts";
import {
  bestVoter,
  finishTransfer,
  sendTimeoutNow,
  syncProgress,
} from "./leadership.ts";
import { messageEntriesMax } from "./message_codec.ts";
import type { Progress } from "./progress.ts";
import { committedIndex } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Confirm,
  ConfirmResponse,
  Entry,
  Index,
  InstallSnapshot,
  NodeId,
  Term,
} from "./types.ts";

/**
 * What one AppendEntries carries at most, unless its first entry is larger: with all that
 * is written beside them it fits into the frame that anybody known may send.
 */
export const entriesPerAppendMax = messageEntriesMax;
export const bytesPerAppendMax = 32 * 1024;

// The leader.

/** Every entry of the leader's own goes through here. */
export function appendToOwnLog(raft: Raft, entry: Entry): void {
  assert(raft.role === "leader", "only the leader appends of its own accord");
  raft.log.append(entry);
  if (entry.type !== "configuration") return;
  const before = raft.membership.current;
  raft.membership.append(entry.index, entry.configuration);
  syncProgress(raft, before);
}

/** Sends each follower what it has room for. */
export function sendAppends(raft: Raft): void {
  for (const [id, progress] of raft.progress) {
    while (progress.hasRoom) {
      if (progress.nextIndex <= raft.log.snapshot.index) {
        sendSnapshot(raft, id, progress);
      } else if (progress.nextIndex <= raft.log.lastIndex) {
        sendEntries(raft, id, progress);
      } else break;
    }
  }
}

function sendEntries(raft: Raft, to: NodeId, progress: Progress): void {
  const entries = takeUpTo(
    raft.log.slice(
      progress.nextIndex,
      Math.min(
        raft.log.lastIndex,
        progress.nextIndex + entriesPerAppendMax - 1,
      ),
    ),
    bytesPerAppendMax,
  );
  const sequence = sendAppend(raft, { to, progress, entries });
  progress.sent(entries.at(-1)!.index, sequence);
}

function sendSnapshot(raft: Raft, to: NodeId, progress: Progress): void {
  const { snapshot } = raft.log;
  if (progress.state === "replicate") progress.probe(progress.nextIndex);
  const sequence = nextSequence(raft, progress);
  const { id: from, currentTerm: term } = raft;
  raft.send({ type: "InstallSnapshot", from, to, term, snapshot, sequence });
  progress.sent(snapshot.index, sequence);
}

export function broadcastHeartbeats(raft: Raft): void {
  for (const [to, progress] of raft.progress) {
    sendAppend(raft, { to, progress, entries: [] });
    if (progress.heartbeatsLeft === undefined) continue;
    if (--progress.heartbeatsLeft <= 0) raft.progress.delete(to);
  }
}

function sendAppend(
  raft: Raft,
  { to, progress, entries }: {
    to: NodeId;
    progress: Progress;
    entries: readonly Entry[];
  },
): number {
  // What lies before the snapshot cannot be named any more; a follower that lacks the
  // snapshot refuses its last entry and is sent it.
  const prevLogIndex = Math.max(
    progress.nextIndex - 1,
    raft.log.snapshot.index,
  );
  const prevLogTerm = raft.log.termAt(prevLogIndex);
  assert(
    prevLogTerm !== undefined,
    `entry ${prevLogIndex} before an append is known`,
  );
  const sequence = nextSequence(raft, progress);
  raft.send({
    type: "AppendEntries",
    from: raft.id,
    to,
    term: raft.currentTerm,
    prevLogIndex,
    prevLogTerm,
    leaderCommit: raft.log.commitIndex,
    entries,
    sequence,
  });
  return sequence;
}

/** Numbers rise over all followers: one that leaves and comes back reuses none. */
function nextSequence(raft: Raft, progress: Progress): number {
  return progress.lastSequence = ++raft.lastSequence;
}

/** The follower that answers its leader in this term; a later term ends ours. */
export function answering(
  raft: Raft,
  { from, term }: AppendEntriesResponse | ConfirmResponse,
): Progress | undefined {
  if (term > raft.currentTerm) raft.becomeFollower(term, undefined);
  if (raft.role !== "leader" || term < raft.currentTerm) return undefined;
  return raft.progress.get(from);
}

export function onAppendEntriesResponse(
  raft: Raft,
  message: AppendEntriesResponse,
): void {
  const progress = answering(raft, message);
  if (progress === undefined) return;
  progress.heard();
  if (!progress.isCurrent(message.sequence)) return;
  if (message.success) {
    assert(
      message.matchIndex <= raft.log.lastIndex,
      "a follower acknowledges what was sent",
    );
    progress.succeeded(message.matchIndex, message.sequence);
    advanceCommit(raft);
    finishTransfer(raft);
  } else {
    progress.rejected(
      raft.log.lastIndexWithTermAtMost(message.matchIndex, message.matchTerm),
      message.sequence,
    );
  }
}

/**
 * Commits what a majority has durably, of the own term only (paper 5.4.2): an older
 * entry on a majority of disks can still be overwritten (figure 8).
 */
export function advanceCommit(raft: Raft): void {
  const matchIndexes = raft.membership.voters.map((id) =>
    // A leader that is being removed is no voter, and does not count itself.
    id === raft.id
      ? raft.saves.durableIndex
      : raft.progress.get(id)?.matchIndex ?? 0
  );
  const index = committedIndex(matchIndexes);
  if (
    index <= raft.log.commitIndex || raft.log.termAt(index) !== raft.currentTerm
  ) return;
  raft.log.commit(index);
  raft.isUpToDate = true;
  const configurationCommitted = raft.membership.currentIndex <= index;
  if (configurationCommitted && !raft.membership.isVoter(raft.id)) leave(raft);
}

/** Thesis 4.2.2: a leader that is not a voter any more leads until that is committed. */
function leave(raft: Raft): void {
  broadcastHeartbeats(raft);
  const successor = bestVoter(raft);
  if (successor !== undefined) sendTimeoutNow(raft, successor);
  raft.becomeFollower(raft.currentTerm, undefined);
}

// The follower.

export function onAppendEntries(raft: Raft, message: AppendEntries): void {
  if (!followLeader(raft, message)) return;
  const { prevLogIndex, prevLogTerm, leaderCommit } = message;
  const { log } = raft;
  assertSameCommitted(raft, { index: prevLogIndex, term: prevLogTerm });
  if (
    prevLogIndex > log.commitIndex && !log.matches(prevLogIndex, prevLogTerm)
  ) {
    const hint = log.lastIndexWithTermAtMost(prevLogIndex, prevLogTerm);
    return reject(raft, message, { hint, sequence: message.sequence });
  }
  acceptEntries(raft, message.entries);
  const lastNew = prevLogIndex + message.entries.length;
  log.commit(Math.min(leaderCommit, Math.max(lastNew, log.commitIndex)));
  if (message.sequence > raft.newestSequence) {
    raft.newestSequence = message.sequence;
    raft.isUpToDate = leaderCommit <= log.commitIndex;
  }
  acknowledge(raft, message, lastNew);
}

/** Says, once it is durable, that the log equals the leader's up to `matchIndex`. */
function acknowledge(
  raft: Raft,
  message: AppendEntries | InstallSnapshot,
  matchIndex: Index,
): void {
  const { sequence } = message;
  const answer = { sequence, success: true, matchIndex, matchTerm: 0 };
  respond(raft, message.from, answer);
}

/** Denies what came before the entries; the logs may agree up to `hint`. */
function reject(
  raft: Raft,
  { from }: AppendEntries | InstallSnapshot | Confirm,
  { hint, sequence }: { hint: Index; sequence: number },
): void {
  const matchTerm = raft.log.termAt(hint)!;
  respond(raft, from, {
    sequence,
    success: false,
    matchIndex: hint,
    matchTerm,
  });
}

function respond(
  raft: Raft,
  to: NodeId,
  answer: Pick<
    AppendEntriesResponse,
    "sequence" | "success" | "matchIndex" | "matchTerm"
  >,
): void {
  const { id: from, currentTerm: term } = raft;
  raft.sendWhenDurable({
    type: "AppendEntriesResponse",
    from,
    to,
    term,
    ...answer,
  });
}

/**
 * What is committed here is the same at every leader, unless a
 * majority at durability low or medium lost what it had acknowledged; to go on would
 * give the lost numbers again at every change of leader, so this node must not.
 */
function assertSameCommitted(
  raft: Raft,
  place: { readonly index: Index; readonly term: Term },
): void {
  assert(
    !differsFromCommitted(raft, place),
    "this node's committed log is not its cluster's: a majority has lost what it had " +
      "acknowledged; remove this node and its data, and let it join anew",
  );
}

/** Paper, figure 2, AppendEntries 3 and 4: an old message must not cut what follows it. */
function acceptEntries(raft: Raft, entries: readonly Entry[]): void {
  const { log, membership, saves } = raft;
  for (const entry of entries) {
    assertSameCommitted(raft, entry);
    if (
      entry.index <= log.commitIndex || log.matches(entry.index, entry.term)
    ) continue;
    if (entry.index <= log.lastIndex) {
      log.truncate(entry.index);
      if (membership.truncate(entry.index)) saves.membersChanged();
      saves.truncated(entry.index);
    }
    log.append(entry);
    if (entry.type === "configuration") {
      membership.append(entry.index, entry.configuration);
    }
  }
}

export function onInstallSnapshot(raft: Raft, message: InstallSnapshot): void {
  if (!followLeader(raft, message)) return;
  const { snapshot } = message;
  const { log } = raft;
  assertSameCommitted(raft, snapshot);
  raft.isUpToDate = false; // it may be an old one
  raft.newestSequence = Math.max(raft.newestSequence, message.sequence);
  // Already part of our log: only the news that it is committed is new.
  if (
    snapshot.index <= log.commitIndex ||
    log.matches(snapshot.index, snapshot.term)
  ) {
    log.commit(snapshot.index);
  } else raft.restore(snapshot);
  acknowledge(raft, message, snapshot.index);
}

/** False when the sender leads no more; it is told the newer term, so that it stops. */
export function followLeader(
  raft: Raft,
  message: AppendEntries | InstallSnapshot | Confirm,
): boolean {
  if (message.term < raft.currentTerm) {
    // It may lead again by now: sequence 0 answers no message of its new term.
    reject(raft, message, { hint: raft.log.snapshot.index, sequence: 0 });
    return false;
  }
  assert(
    raft.role !== "leader" || message.term > raft.currentTerm,
    "a second leader of one term was refused before",
  );
  if (
    raft.role !== "follower" || raft.leaderId !== message.from ||
    message.term > raft.currentTerm
  ) raft.becomeFollower(message.term, message.from);
  raft.electionElapsed = 0;
  raft.removed = false;
  return true;
}

/** The longest prefix of `entries` within about `bytesMax`; never less than one. */
function takeUpTo(entries: Entry[], bytesMax: number): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, i) => {
    bytes += bytesOf(entry);
    return bytes > bytesMax && i > 0;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** Beside the few that each entry has: about, where it is not worth encoding it twice. */
function bytesOf(entry: Entry): number {
  switch (entry.type) {
    case "noop":
      return 0;
    case "command":
      return entry.data.length;
    case "configuration":
      return entry.configuration.servers.length * serverBytes;
    default:
      return unreachable(entry);
  }
}

/** An address may have 255, and seldom has 40. */
const serverBytes = 128;
