// `deno task cluster`: three nodes on this machine, for trying out. They serve clients on ports
// 11001 to 11003 and keep their data in ./data/1 to ./data/3, for the next time as well.
// Ctrl-C stops all three, as SIGTERM stops each. Not for production: one machine, one disk.

import { exitCodes } from "../base/exit_codes.ts";
import { Supervisor } from "./supervisor.ts";

const ids = [1, 2, 3];

/** The `--join` of node `id`: the client addresses of the other two. */
function others(id: number): string {
  return ids.filter((other) => other !== id)
    .map((other) => `127.0.0.1:${11000 + other}`).join(",");
}

const supervisor = new Supervisor(ids.map((id) => [
  ...["--id", `${id}`],
  ...["--saddr", `127.0.0.1:${11000 + id}`],
  ...["--raddr", `127.0.0.1:${12000 + id}`],
  ...(id > 1 ? ["--join", others(id)] : []),
]));

/** The exit code of a node that failed; 0 for one that was stopped, removed or killed. */
function failure({ code, signal }: Deno.CommandStatus): number {
  return signal === null && code !== exitCodes.removed ? code : 0;
}

// A node that fails stops the others: two of three would serve, but three were asked for. A
// node that was stopped, removed or killed does not: somebody wants to see how the others go
// on.
const ends = await supervisor.ends((end) => {
  if (!supervisor.stopping && failure(end) !== 0) supervisor.stop("SIGTERM");
});
Deno.exit(Math.max(...ends.map(failure)));
