// What `check` and `inspect` have in common: they find a stopped node's data, hold the
// directory while they read, and say in one line why they could not. Neither changes anything
// on disk; not even a LOCK is made where none is.

import { lockForReading } from "../storage/reading_lock.ts";
import { StorageError } from "../storage/storage.ts";
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
      if (data.state === undefined && data.refusal === undefined) {
        throw new StorageError(`${data.path} holds no log of a node yet`);
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
