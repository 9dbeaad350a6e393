// How long the log may grow before a snapshot takes its place, and how much of the disk that
// leads to. `saver.ts` begins the compactions, `storage/` carries them out. A compaction costs a
// write of the whole snapshot, so a large one waits until the log is worth it.

import { assert } from "../base/assert.ts";
import { segmentLimits } from "../storage/next_segment.ts";

/** Entries beyond which a log with a small snapshot is compacted. */
export const logEntriesMax = 8_192;
/** Entries beyond which every log is compacted: they are all in memory. */
const logEntriesCap = 8 * logEntriesMax;
/** Bytes of a snapshot for which the log may hold one entry more. */
const snapshotBytesPerEntry = 256;
/** Bytes behind the snapshot beyond which a log is compacted, unless the snapshot has more. */
export const logBytesMax = 16 * 1024 * 1024;

/** Bytes on disk, promised to operators, beside those of three snapshots. */
export const diskBytesMax = 64_000_000;
/** Bytes of the saves that may come between the limit and the beginning of the compaction. */
export const overshootBytes = 24 * 1024 * 1024;

// At most, while the new segment is written, the old one holds a snapshot, the log to its
// limit, and what has come since; and the new one a snapshot, and what has come since.
assert(
  logBytesMax + overshootBytes + 2 * segmentLimits.meanwhile <= diskBytesMax,
  "two segments of a log with a snapshot below the limit fit on the disk that is promised",
);

/** Whether a log of `entries` entries on `storageBytes` bytes of disk should be compacted. */
export function isLogLong(
  { entries, storageBytes, snapshotBytes }: {
    readonly entries: number;
    readonly storageBytes: number;
    /** Of the snapshot that the log begins with. */
    readonly snapshotBytes: number;
  },
): boolean {
  const entriesMax = Math.min(
    logEntriesCap,
    logEntriesMax + Math.floor(snapshotBytes / snapshotBytesPerEntry),
  );
  const logBytes = storageBytes - snapshotBytes;
  return entries > entriesMax ||
    logBytes > Math.max(logBytesMax, snapshotBytes);
}
