// How a follower takes what its leader sends: entries, snapshots, and the leadership
// itself. `replication.ts` holds the leader's half.
//
// An acknowledgement says that the log is durable and equals the leader's up to an index;
// it waits for the save that covers it. A refusal names where the two logs may agree.

import { assert } from "../../base/assert.ts";
import { differsFromCommitted } from "./faults.ts";
import { IncomingSnapshot, wrongChecksumsMax } from "./incoming_snapshot.ts";
import type { RaftState } from "./raft_state.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Confirm,
  Entry,
  Fault,
  Index,
  InstallSnapshot,
  NodeId,
  Term,
} from "./types.ts";

/** Paper, figure 2, AppendEntries; also the heartbeat. */
export function onAppendEntries(raft: RaftState, message: AppendEntries): void {
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
  raft.forgetIncoming();
  if (message.sequence > raft.newestSequence) {
    raft.newestSequence = message.sequence;
    raft.isUpToDate = leaderCommit <= log.commitIndex;
  }
  acknowledge(raft, message, lastNew);
}

/**
 * Paper, figure 13: one chunk. Nothing of the snapshot is used before all of it is here.
 * Returns why a whole snapshot is refused, which changes nothing of log and machine.
 */
export function onInstallSnapshot(
  raft: RaftState,
  message: InstallSnapshot,
): Fault | undefined {
  if (!followLeader(raft, message)) return undefined;
  const { snapshot } = message;
  const { log } = raft;
  assertSameCommitted(raft, snapshot);
  raft.isUpToDate = false; // the snapshot may be an old one
  raft.newestSequence = Math.max(raft.newestSequence, message.sequence);
  // Already part of our log: only the news that it is committed is new.
  if (
    snapshot.index <= log.commitIndex ||
    log.matches(snapshot.index, snapshot.term)
  ) {
    log.commit(snapshot.index);
    raft.forgetIncoming();
    acknowledge(raft, message, snapshot.index);
    return undefined;
  }
  if (raft.incoming?.isOf(message) !== true) {
    // The leader has gone on to another snapshot since it sent this chunk.
    if (raft.incoming?.isNewerThan(message)) return undefined;
    raft.incoming = new IncomingSnapshot(message);
  }
  return collect(raft, raft.incoming, message);
}

/** Takes a chunk of `incoming`, and the whole snapshot with the last one. */
function collect(
  raft: RaftState,
  incoming: IncomingSnapshot,
  message: InstallSnapshot,
): Fault | undefined {
  const unfit = "a snapshot that this version cannot restore";
  if (incoming.isUnfit) return unfit;
  incoming.take(message);
  if (!incoming.isComplete) return void wantMore(raft, incoming, message);
  if (!incoming.verify()) {
    const { wrongChecksums } = incoming;
    if (wrongChecksums % wrongChecksumsMax === 0) {
      return `a snapshot with a wrong checksum, ${wrongChecksums} times`;
    }
    return void wantMore(raft, incoming, message);
  }
  const { data } = incoming;
  // As the present leader says: an earlier sender may have named other members.
  const { bytes: _, checksum: __, ...place } = message.snapshot;
  if (!raft.options.canRestore(data)) {
    incoming.refuse();
    return unfit;
  }
  raft.restore({ ...place, data });
  acknowledge(raft, message, place.index);
  return undefined;
}

/** Tells the leader how much has arrived, which may be less than before. */
function wantMore(
  raft: RaftState,
  { arrivedBytes: offset }: IncomingSnapshot,
  { from: to, sequence }: InstallSnapshot,
): void {
  const { id: from, currentTerm: term } = raft;
  raft.sendWhenDurable({
    ...{ type: "InstallSnapshotResponse", from, to, term },
    ...{ sequence, offset },
  });
}

/**
 * Follows the sender of `message`. False when the sender leads no more; it is told the
 * newer term, so that it stops.
 */
export function followLeader(
  raft: RaftState,
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
  raft.electionElapsed = raft.reasons.silentTicks = 0;
  raft.removed = false;
  return true;
}

/** Paper, figure 2, AppendEntries 3 and 4: an old message must not cut what follows it. */
function acceptEntries(raft: RaftState, entries: readonly Entry[]): void {
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

/**
 * Entries that are committed here are the same at every leader, unless a majority at
 * durability low or medium lost entries that it had acknowledged. Going on would then give
 * the lost numbers again at every change of leader, so this node stops.
 */
function assertSameCommitted(
  raft: RaftState,
  place: { readonly index: Index; readonly term: Term },
): void {
  assert(
    !differsFromCommitted(raft, place),
    "this node's committed log is not its cluster's: a majority has lost what it had " +
      "acknowledged; remove this node and its data, and let it join anew",
  );
}

/** Says, once it is durable, that the log equals the leader's up to `matchIndex`. */
function acknowledge(
  raft: RaftState,
  message: AppendEntries | InstallSnapshot,
  matchIndex: Index,
): void {
  const { sequence } = message;
  const answer = { sequence, success: true, matchIndex, matchTerm: 0 };
  respond(raft, message.from, answer);
}

/** Refuses the entry before those sent; the logs may agree up to `hint`. */
function reject(
  raft: RaftState,
  { from }: AppendEntries | InstallSnapshot | Confirm,
  { hint, sequence }: { hint: Index; sequence: number },
): void {
  const matchTerm = raft.log.termOf(hint);
  respond(raft, from, {
    sequence,
    success: false,
    matchIndex: hint,
    matchTerm,
  });
}

function respond(
  raft: RaftState,
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
