// Three nodes on this machine, for trying out: `deno task cluster`. Clients find them
// on ports 11001 to 11003, their data lies in ./data/1 to ./data/3 and is there again
// the next time. Ctrl-C stops all three, the way SIGTERM stops each.

import { Keeper } from "./keeper.ts";

const ids = [1, 2, 3];

/** Whom to join through: either of the other two; the first of all founds the cluster. */
function others(id: number): string {
  return ids.filter((other) => other !== id)
    .map((other) => `127.0.0.1:${11000 + other}`).join(",");
}

const keeper = new Keeper(ids.map((id) => [
  ...["--id", `${id}`],
  ...["--saddr", `127.0.0.1:${11000 + id}`],
  ...["--raddr", `127.0.0.1:${12000 + id}`],
  ...(id > 1 ? ["--join", others(id)] : []),
]));

// Two of three would go on, but not as what was asked for; unless that one was
// removed, stopped, or killed by somebody who wants to see what becomes of the others.
const ends = await keeper.ends(({ code, signal }) => {
  if (!keeper.stopping && code !== 0 && signal === null) keeper.stop("SIGTERM");
});
Deno.exit(
  Math.max(...ends.map(({ code, signal }) => signal === null ? code : 0)),
);
