// Reads the data directory of a node as the node itself would, but from a copy, because the node
// may be running: a test then knows the cluster id and the incarnations that a former member
// would know.

import assert from "node:assert/strict";
import type { Saved } from "../../raft/core/types.ts";
import { denoFiles } from "../../storage/files.ts";
import { Wal } from "../../storage/wal.ts";
import type { Server } from "./server.ts";

/**
 * The state in the log of `server`. The copy lies in `directory` for a moment.
 *
 * @throws if the log is compacted meanwhile
 */
export function diskOf(server: Server, directory: string): Saved {
  const copy = `${directory}/copy-of-${server.id}`;
  Deno.mkdirSync(copy);
  try {
    for (const { name, isFile } of Deno.readDirSync(server.data)) {
      if (!isFile) continue;
      Deno.copyFileSync(`${server.data}/${name}`, `${copy}/${name}`);
    }
    const files = denoFiles(copy);
    const log = () => {};
    const wal = new Wal({ files, node: server.id, durability: "high", log });
    const saved = wal.load();
    wal.close();
    assert(saved);
    return saved;
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}
