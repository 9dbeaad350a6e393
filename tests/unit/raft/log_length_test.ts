// When a log is long enough for a compaction, and how much disk that takes at most.

import assert from "node:assert/strict";
import {
  diskBytesMax,
  isLogLong,
  logBytesMax,
  logEntriesMax,
  overshootBytes,
} from "../../../raft/log_length.ts";
import { segmentLimits } from "../../../storage/next_segment.ts";

const million = 1_000_000;
const snapshots = [0, 100, million, 14 * million, logBytesMax, 64 * 2 ** 20];

/** The largest number for which `isTrue` does not hold. */
function last(isTrue: (n: number) => boolean): number {
  let low = 0;
  let high = 2 ** 40;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle;
  }
  return low;
}

Deno.test("Two segments, with all that may come meanwhile, stay below 64 MB and three snapshots", () => {
  for (const snapshotBytes of snapshots) {
    const old = last((storageBytes) =>
      isLogLong({ entries: 0, storageBytes, snapshotBytes })
    );
    const { meanwhile } = segmentLimits;
    const most = old + overshootBytes + meanwhile + snapshotBytes + meanwhile;
    const promised = diskBytesMax + 3 * snapshotBytes;
    assert(most <= promised, `${most} bytes, above ${promised}`);
  }
});

Deno.test("A log with a larger snapshot is compacted less often, and its entries stay bounded", () => {
  const entries = snapshots.map((snapshotBytes) =>
    last((entries) =>
      isLogLong({ entries, storageBytes: snapshotBytes, snapshotBytes })
    )
  );
  assert.equal(entries[0], logEntriesMax);
  assert.deepEqual(entries, entries.toSorted((a, b) => a - b));
  assert(entries[3]! > 5 * logEntriesMax, `${entries[3]} entries at 14 MB`);
  assert(entries.at(-1)! <= 8 * logEntriesMax);
});

Deno.test("The snapshot itself does not make a log long", () => {
  for (const snapshotBytes of snapshots) {
    const storageBytes = snapshotBytes + million;
    assert(!isLogLong({ entries: 1, storageBytes, snapshotBytes }));
  }
});
