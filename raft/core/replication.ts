// How the log reaches the others: first the leader's half, then the follower's, then
// what a leader does about members, quorum and handing over.
//
// A heartbeat is an AppendEntries without entries. It names the entry before those
// still to be sent, so that a lost append shows at the next heartbeat, as a refusal;
// nothing is retried by a timer of its own.

import { assert } from "./assert.ts";
import { messageEntriesMax } from "./codec.ts";
import { Progress } from "./progress.ts";
import { committedIndex, majority } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { findServer, withServer } from "./membership.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Configuration,
  Entry,
  Index,
  InstallSnapshot,
  NodeId,
  Term,
} from "./types.ts";

/** What one AppendEntries carries at most; a frame has room for it many times over. */
export const entriesPerAppendMax = messageEntriesMax;
export const bytesPerAppendMax = 512 * 1024;

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

export function onAppendEntriesResponse(
  raft: Raft,
  message: AppendEntriesResponse,
): void {
  if (message.term > raft.currentTerm) {
    return raft.becomeFollower(message.term, undefined);
  }
  if (raft.role !== "leader" || message.term < raft.currentTerm) return;
  const progress = raft.progress.get(message.from);
  if (progress === undefined) return;
  progress.silentTicks = 0;
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
  const { prevLogIndex, prevLogTerm, leaderCommit, sequence } = message;
  const { log } = raft;
  const respond = (success: boolean, matchIndex: Index) =>
    raft.sendWhenDurable({
      type: "AppendEntriesResponse",
      from: raft.id,
      to: message.from,
      term: raft.currentTerm,
      sequence,
      success,
      matchIndex,
      matchTerm: success ? 0 : log.termAt(matchIndex)!,
    });
  assertSameCommitted(raft, { index: prevLogIndex, term: prevLogTerm });
  if (
    prevLogIndex > log.commitIndex && !log.matches(prevLogIndex, prevLogTerm)
  ) {
    return respond(
      false,
      log.lastIndexWithTermAtMost(prevLogIndex, prevLogTerm),
    );
  }
  acceptEntries(raft, message.entries);
  const lastNew = prevLogIndex + message.entries.length;
  log.commit(Math.min(leaderCommit, Math.max(lastNew, log.commitIndex)));
  respond(true, lastNew);
}

/**
 * What is committed here is the same at every leader (paper 5.4.3). It can differ when a
 * majority at durability low or medium lost what it had acknowledged; to go on would
 * give the lost numbers again at every change of leader, so this node must not.
 */
function assertSameCommitted(
  { log }: Raft,
  { index, term }: { readonly index: Index; readonly term: Term },
): void {
  const known = log.termAt(Math.min(index, log.commitIndex)) ?? term;
  assert(
    index > log.commitIndex ? term >= known : term === known,
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
      membership.truncate(entry.index);
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
  const { snapshot, sequence } = message;
  const { log } = raft;
  assertSameCommitted(raft, snapshot);
  // Already part of our log: only the news that it is committed is new.
  if (
    snapshot.index <= log.commitIndex ||
    log.matches(snapshot.index, snapshot.term)
  ) {
    log.commit(snapshot.index);
  } else raft.restore(snapshot);
  raft.sendWhenDurable({
    type: "AppendEntriesResponse",
    from: raft.id,
    to: message.from,
    term: raft.currentTerm,
    sequence,
    success: true,
    matchIndex: snapshot.index,
    matchTerm: 0,
  });
}

/** False when the sender leads no more; it is told the newer term, so that it stops. */
function followLeader(
  raft: Raft,
  message: AppendEntries | InstallSnapshot,
): boolean {
  if (message.term < raft.currentTerm) {
    raft.sendWhenDurable({
      type: "AppendEntriesResponse",
      from: raft.id,
      to: message.from,
      term: raft.currentTerm,
      // It may lead again by now: no message of its new term is answered.
      sequence: 0,
      success: false,
      matchIndex: raft.log.snapshot.index,
      matchTerm: raft.log.snapshot.term,
    });
    return false;
  }
  assert(
    raft.role !== "leader" || message.term > raft.currentTerm,
    `two leaders in term ${message.term}: ${raft.id} and ${message.from}`,
  );
  if (
    raft.role !== "follower" || raft.leaderId !== message.from ||
    message.term > raft.currentTerm
  ) raft.becomeFollower(message.term, message.from);
  raft.electionElapsed = 0;
  raft.removed = false;
  return true;
}

// Members, quorum, handing over.

/** Follows the configuration: a Progress for every other server, none for the gone. */
export function syncProgress(raft: Raft, before: Configuration): void {
  for (const { id, incarnation } of raft.membership.current.servers) {
    if (id === raft.id) continue;
    // Who comes back under its old id may have another disk: what it acknowledged in
    // its former life counts for nothing.
    const stays = findServer(before, id)?.incarnation === incarnation;
    if (stays && raft.progress.has(id)) continue;
    const { log, lastSequence } = raft;
    raft.progress.set(id, new Progress(log.lastIndex, lastSequence));
  }
  for (const [id, progress] of raft.progress) {
    // Thesis 4.2.3: a server that never hears of its removal disturbs the others. It
    // is sent the log for a while longer, and counts for nothing.
    if (raft.membership.find(id) === undefined) {
      progress.heartbeatsLeft ??= departingHeartbeats;
    }
  }
}

/** Heartbeats that a removed server still gets. */
const departingHeartbeats = 40;

/** Promotes a learner that keeps up, one at a time (thesis 4.2.1). */
export function catchUpLearners(raft: Raft): void {
  for (const server of raft.membership.current.servers) {
    // A voter of unknown life could be wiped and vote again for what it has forgotten.
    if (server.suffrage === "voter" || server.incarnation === "") continue;
    const progress = raft.progress.get(server.id);
    if (progress === undefined) continue;
    progress.tickRound(raft.log.lastIndex, raft.options.electionTicks);
    const { electionTicks } = raft.options;
    if (!progress.caughtUp || progress.silentTicks >= electionTicks) continue;
    const promoted = withServer(raft.membership.current, {
      ...server,
      suffrage: "voter",
    });
    if (typeof raft.changeMembership(promoted) === "number") return;
  }
}

/** A leader that hears from no majority for an election timeout leads nobody. */
export function checkQuorum(raft: Raft): void {
  if (raft.role !== "leader") return;
  for (const progress of raft.progress.values()) progress.silentTicks++;
  const { voters } = raft.membership;
  const heard = voters.filter((id) =>
    id === raft.id ||
    silentTicks(raft, id) < raft.options.electionTicks
  );
  if (heard.length < majority(voters.length)) {
    raft.becomeFollower(raft.currentTerm, undefined);
  }
}

function silentTicks(raft: Raft, id: NodeId): number {
  return raft.progress.get(id)?.silentTicks ?? Infinity;
}

/** Begins to hand leadership to `target`; false if there is nobody to take it. */
export function handOver(raft: Raft, target: NodeId | undefined): boolean {
  const successor = target ?? bestVoter(raft);
  if (successor === undefined || successor === raft.id) return false;
  if (!raft.membership.isVoter(successor)) return false;
  raft.transferTarget = successor;
  raft.transferElapsed = 0;
  finishTransfer(raft);
  return true;
}

/** Sends TimeoutNow as soon as the successor has the whole log (thesis 3.10). */
function finishTransfer(raft: Raft): void {
  const { transferTarget } = raft;
  if (transferTarget === undefined) return;
  if (raft.progress.get(transferTarget)?.matchIndex !== raft.log.lastIndex) {
    return;
  }
  sendTimeoutNow(raft, transferTarget);
}

/** Gives a transfer up after an election timeout, and a stalled disk's leader its leave. */
export function tickTransfer(raft: Raft): void {
  if (raft.transferTarget !== undefined) {
    if (++raft.transferElapsed >= raft.options.electionTicks) {
      raft.transferTarget = undefined;
    }
  } else if (raft.isStalled && raft.membership.voters.length > 1) {
    // Our heartbeats would keep a leader in office who can save nothing (etcd #13527).
    if (
      raft.saveElapsed >= 2 * raft.options.electionTicks ||
      !handOver(raft, undefined)
    ) {
      raft.becomeFollower(raft.currentTerm, undefined);
    }
  }
}

function sendTimeoutNow(raft: Raft, to: NodeId): void {
  raft.send({ type: "TimeoutNow", from: raft.id, to, term: raft.currentTerm });
}

/** The voter, other than ourselves, that is furthest along and has answered lately. */
function bestVoter(raft: Raft): NodeId | undefined {
  // A live one answers every heartbeat: it is not silent for as long as two of them.
  const lives = (id: NodeId) =>
    silentTicks(raft, id) < 2 * raft.options.heartbeatTicks;
  const rank = (id: NodeId) =>
    (raft.progress.get(id)?.matchIndex ?? 0) +
    (lives(id) ? raft.log.lastIndex + 1 : 0);
  return raft.membership.voters
    .filter((id) => id !== raft.id)
    .toSorted((a, b) => rank(b) - rank(a))[0];
}

/** The longest prefix of `entries` within `bytesMax` of data; never less than one. */
function takeUpTo(entries: Entry[], bytesMax: number): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, i) => {
    bytes += entry.type === "command" ? entry.data.length : 0;
    return bytes > bytesMax && i > 0;
  });
  return end < 0 ? entries : entries.slice(0, end);
}
