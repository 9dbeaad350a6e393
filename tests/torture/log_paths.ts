// The paths of a node's log, for faults that must hit nothing else.

import { segmentName, segmentNumbers } from "../../storage/segment.ts";
import type { Server } from "../lib/server.ts";

export type LogPaths = {
  readonly directory: string;
  /** The segment that is written now, and those that may replace it soon. */
  readonly segments: string[];
  /** The segment that is written now. */
  readonly newest: string;
  /** A new segment until it is whole. */
  readonly temporary: string;
};

/** The paths as they are now: a snapshot changes them. */
export function logPaths({ data: directory }: Server): LogPaths {
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  const number = segmentNumbers(names).at(-1)!;
  const temporary = `${directory}/segment.tmp`;
  const segments = [number, number + 1, number + 2].map((number) =>
    `${directory}/${segmentName(number)}`
  );
  return {
    directory,
    segments: [...segments, temporary],
    newest: segments[0]!,
    temporary,
  };
}
