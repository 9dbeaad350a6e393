// How the log reaches the others, the leader's half: appends, snapshots, heartbeats, and
// the commit index that follows from the answers. `follower.ts` holds the other half.
//
// A heartbeat is an AppendEntries without entries. It names the entry before those still
// to be sent, so that the follower refuses it if an append was lost; no other timer
// retries anything.

import { assert, unreachable } from "../../base/assert.ts";
import { bestVoter, finishTransfer, sendTimeoutNow } from "./leadership.ts";
import { messageEntriesMax } from "./message_codec.ts";
import { headOf, OutgoingSnapshot } from "./outgoing_snapshot.ts";
import type { Progress } from "./progress.ts";
import { committedIndex } from "./quorum.ts";
import type { RaftState } from "./raft_state.ts";
import type {
  AppendEntriesResponse,
  ConfirmResponse,
  Entry,
  InstallSnapshotResponse,
  NodeId,
} from "./types.ts";

/** Entries that one AppendEntries carries at most. */
export const entriesPerAppendMax = messageEntriesMax;
/**
 * Bytes of entries that one AppendEntries carries at most, unless its first entry is
 * larger: with its other fields it fits into the frame that a known node may send.
 */
export const bytesPerAppendMax = 32 * 1024;

/** Sends each follower the entries, or the snapshot, that it has room for. */
export function sendAppends(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  for (const [id, progress] of leader.progress) {
    while (progress.hasRoom) {
      if (progress.nextIndex <= raft.log.compactedIndex) {
        if (!sendChunk(raft, id, progress)) break;
      } else if (progress.nextIndex <= raft.log.lastIndex) {
        sendEntries(raft, id, progress);
      } else break;
    }
  }
}

function sendEntries(raft: RaftState, to: NodeId, progress: Progress): void {
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
  progress.sent(progress.nextIndex + entries.length - 1, sequence);
}

/** Sends the next part of a snapshot; false if all of it is under way. */
function sendChunk(raft: RaftState, to: NodeId, progress: Progress): boolean {
  if (progress.outgoing === undefined) progress.install(outgoingOf(raft));
  const { outgoing } = progress;
  const chunk = outgoing?.next(raft.options.chunkBytes);
  if (outgoing === undefined || chunk === undefined) return false;
  const sequence = nextSequence(raft, progress);
  const { id: from, currentTerm: term } = raft;
  const { head: snapshot } = outgoing;
  raft.send({
    ...{ type: "InstallSnapshot", from, to, term, sequence },
    ...{ snapshot, offset: chunk.offset, chunk: chunk.bytes },
  });
  outgoing.sent(chunk, sequence);
  return true;
}

/** The present snapshot; followers that are sent the same one share its checksum. */
function outgoingOf(
  { log: { snapshot }, leader }: RaftState,
): OutgoingSnapshot {
  const others = leader?.progress.values() ?? [];
  const same = others.find(({ outgoing }) => outgoing?.snapshot === snapshot);
  return new OutgoingSnapshot(
    snapshot,
    same?.outgoing?.head ?? headOf(snapshot),
  );
}

/** At a tick: sends heartbeats when they are due. */
export function tickHeartbeat(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  if (++leader.heartbeatElapsed < raft.options.heartbeatTicks) return;
  leader.heartbeatElapsed = 0;
  sendHeartbeats(raft);
}

function sendHeartbeats(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  for (const [to, progress] of leader.progress) {
    sendAppend(raft, { to, progress, entries: [] });
    if (progress.heartbeatsLeft === undefined) continue;
    if (--progress.heartbeatsLeft <= 0) leader.progress.delete(to);
  }
}

function sendAppend(
  raft: RaftState,
  { to, progress, entries }: {
    to: NodeId;
    progress: Progress;
    entries: readonly Entry[];
  },
): number {
  // The entries up to compactedIndex are gone; a follower that lacks the last of them refuses
  // it, and is sent the snapshot.
  const prevLogIndex = Math.max(
    progress.nextIndex - 1,
    raft.log.compactedIndex,
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

/** Numbers rise over all followers: a follower that leaves and comes back reuses none. */
function nextSequence(raft: RaftState, progress: Progress): number {
  return progress.lastSequence = ++raft.lastSequence;
}

/**
 * The follower that answers this leader in its present term, or `undefined`. An answer of
 * a later term ends this one.
 */
export function answering(
  raft: RaftState,
  { from, term }:
    | AppendEntriesResponse
    | InstallSnapshotResponse
    | ConfirmResponse,
): Progress | undefined {
  if (term > raft.currentTerm) raft.becomeFollower(term, undefined);
  if (term < raft.currentTerm) return undefined;
  return raft.leader?.progress.get(from);
}

/** The leader hears how far a follower's log equals its own. */
export function onAppendEntriesResponse(
  raft: RaftState,
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

/** The leader hears how much of a snapshot has arrived. */
export function onInstallSnapshotResponse(
  raft: RaftState,
  message: InstallSnapshotResponse,
): void {
  const progress = answering(raft, message);
  if (progress === undefined) return;
  progress.heard();
  progress.outgoing?.answered(message.sequence, message.offset);
}

/**
 * A leader commits what a majority has durably, of its own term only (paper 5.4.2): an
 * older entry on a majority of disks can still be overwritten (figure 8).
 */
export function advanceCommit(raft: RaftState): void {
  const { leader } = raft;
  if (leader === undefined) return;
  const matchIndexes = raft.membership.voters.map((id) =>
    // A leader that is being removed is no voter, and does not count itself.
    id === raft.id
      ? raft.saves.durableIndex
      : leader.progress.get(id)?.matchIndex ?? 0
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
function leave(raft: RaftState): void {
  sendHeartbeats(raft);
  const isMember = raft.membership.find(raft.id) !== undefined;
  raft.reasons.loss = { type: "left", isMember };
  raft.reasons.handOver = undefined;
  const successor = bestVoter(raft);
  if (successor !== undefined) sendTimeoutNow(raft, successor);
  raft.becomeFollower(raft.currentTerm, undefined);
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

/**
 * An estimate of the encoded size, in bytes, without what every entry has: encoding each
 * entry twice would cost more than an exact number is worth.
 */
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

/** Of one server, about: an address may have 255 bytes, and seldom has 40. */
const serverBytes = 128;
