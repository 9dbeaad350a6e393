// What lies on the disk of a node, read from a copy of it, for the node may be running:
// which cluster it is of and which disk that is, as a former member would know. Reads
// it as the node itself would.

import assert from "node:assert/strict";
import type { Saved } from "../../raft/core/types.ts";
import { denoFiles } from "../../storage/files.ts";
import { Wal } from "../../storage/wal.ts";
import type { Server } from "./server.ts";

/** Throws when the log was compacted meanwhile; `directory` has the copy, for a moment. */
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
