// Where a node's log lies now, for faults that are to hit nothing else.

import { segmentName, segmentNumbers } from "../../storage/segment.ts";
import type { Server } from "../lib/server.ts";

export type LogPaths = {
  readonly directory: string;
  /** The segment that is written to, and those that may replace it soon. */
  readonly segments: string[];
  readonly newest: string;
  /** What a new segment is called until it is whole. */
  readonly temporary: string;
};

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
