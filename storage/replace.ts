// Puts another state in the place of a whole log, under another identity, for a stopped node
// whose cluster is lost (`ticketd recover`). The newest segment counts, so a crash at any point
// leaves either the old log or the new one, and never an empty directory, which would found a
// cluster that begins at 1. A running node replaces its segments in `wal.ts`.

import type { Saved } from "../raft/core/types.ts";
import { wholeChange } from "./apply_save.ts";
import { draftName, temporaryDraftName } from "./draft.ts";
import type { Files } from "./files.ts";
import {
  encodeSegment,
  segmentName,
  segmentNumbers,
  temporaryName,
} from "./segment.ts";

/** What the node agreed to before its former cluster began: no laggard may found that again. */
const draftNames = [draftName, temporaryDraftName];

/**
 * Makes `saved` the content of a directory that is locked and holds a log whose newest segment
 * is `number`; removes the older segments. It is durable when this returns.
 *
 * @throws {StorageError} if the disk refuses; the old log or the new one is there then
 */
export function replaceLog(files: Files, number: number, saved: Saved): void {
  const next = number + 1;
  for (const name of files.list() ?? []) {
    if (draftNames.includes(name)) files.remove(name);
  }
  files.syncNow();
  const file = files.create(temporaryName);
  try {
    file.append(encodeSegment(next, saved.identity, wholeChange(saved)));
    file.syncNow();
  } finally {
    file.close();
  }
  files.rename(temporaryName, segmentName(next));
  files.syncNow();
  // Only now is everything older superfluous.
  for (const other of segmentNumbers(files.list() ?? [])) {
    if (other < next) files.remove(segmentName(other));
  }
  files.syncNow();
}
