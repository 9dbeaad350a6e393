// Which entries a leader keeps in memory beyond a compaction: those that a live follower still
// needs, within a bound. The disk does not keep them, and another leader does not have them.
//
// Without them a follower that is sent a snapshot would never catch up under load: the leader
// compacts its log again before all chunks have arrived, the entries behind the snapshot are
// gone, and the follower needs the next one. Likewise while it is sent those entries.

import { answers } from "./leadership.ts";
import type { Progress } from "./progress.ts";
import type { RaftState } from "./raft_state.ts";
import type { Entry, Index } from "./types.ts";

/** Entries that a compaction leaves in memory at most … */
export const keptEntriesMax = 65_536;
/** … and bytes of their commands. A follower that needs more begins with a new snapshot. */
export const keptBytesMax = 32 * 1024 * 1024;

/**
 * Before a compaction: the index behind which entries are to stay. Snapshots under way whose
 * entries cannot stay are given up; the follower is sent the new one.
 */
export function keepForFollowers(raft: RaftState): Index {
  const { leader, log } = raft;
  if (leader === undefined) return log.lastApplied;
  const oldest = oldestKept(raft);
  let keptIndex = log.lastApplied;
  for (const [id, progress] of leader.progress) {
    const held = heldBy(progress);
    if (held >= oldest && answers(raft, id)) {
      keptIndex = Math.min(keptIndex, held);
    } else if (progress.outgoing !== undefined) {
      progress.probe(progress.nextIndex);
    }
  }
  return keptIndex;
}

/** At a tick: drops the entries that a compaction has left, once no follower needs them. */
export function dropKept(raft: RaftState): void {
  const { leader, log } = raft;
  const { index } = log.snapshot;
  if (log.compactedIndex === index) return;
  for (const [id, progress] of leader?.progress ?? []) {
    if (heldBy(progress) < index && answers(raft, id)) return;
  }
  for (const progress of leader?.progress.values() ?? []) {
    if (heldBy(progress) < index && progress.outgoing !== undefined) {
      progress.probe(progress.nextIndex);
    }
  }
  log.dropKept();
}

/** The last entry that a follower has, or will have with the snapshot that it is sent. */
function heldBy({ outgoing, matchIndex }: Progress): Index {
  return outgoing?.snapshot.index ?? matchIndex;
}

/** The lowest index behind which all applied entries fit into the bounds. */
function oldestKept({ log }: RaftState): Index {
  const { compactedIndex, lastApplied } = log;
  const first = Math.max(compactedIndex, lastApplied - keptEntriesMax) + 1;
  const entries = log.slice(first, lastApplied);
  let left = keptBytesMax;
  const last = entries.findLastIndex((entry) => (left -= bytesOf(entry)) < 0);
  return first + last;
}

function bytesOf(entry: Entry): number {
  return entry.type === "command" ? entry.data.length : 0;
}
