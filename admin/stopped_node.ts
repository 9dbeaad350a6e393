// What `check` and `inspect` have in common: they find a stopped node's data, hold the
// directory while they read, and say in one line why they could not. Neither changes anything
// on disk; not even a LOCK is made where none is.

import { lockForReading } from "../storage/reading_lock.ts";
import { type NodeData, readData } from "./node_data.ts";
import { findNode, type ToolNode } from "./node_place.ts";
import type { Terminal } from "./terminal.ts";

/** The command line of a tool that only reads. */
export type ReadOptions = {
  readonly node: ToolNode;
  /** Whether it answers in JSON. */
  readonly json: boolean;
};

/** Exit codes: sound, damaged, and not looked at for another reason. */
export const codes = { sound: 0, damaged: 1, notRead: 2 } as const;

/** Whether a start would find nothing, rather than refuse what it finds. */
function isEmpty({ state, refusal, draftFault }: NodeData): boolean {
  return [state, refusal, draftFault].every((one) => one === undefined);
}

/** Hands a stopped node's data to `use`, whose exit code it returns. */
export async function withStoppedNode(
  { node }: ReadOptions,
  terminal: Terminal,
  use: (data: NodeData, directory: string) => number,
): Promise<number> {
  try {
    const place = findNode(node, (line) => terminal.error(line));
    const unlock = lockForReading(place.directory);
    try {
      const data = await readData(place);
      if (isEmpty(data)) {
        throw new Error(
          `${data.path} holds no log of a node (a founding that has not begun leaves it so, ` +
            "and a restore that was cut short); name the place of the data with --dir and --id",
        );
      }
      return use(data, place.directory);
    } finally {
      unlock();
    }
  } catch (error) {
    terminal.error(error instanceof Error ? error.message : String(error));
    return codes.notRead;
  }
}
