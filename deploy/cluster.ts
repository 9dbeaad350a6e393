// Three nodes on this machine, for trying out: `deno task cluster`. Clients find them
// on ports 11001 to 11003, their data lies in ./data/1 to ./data/3 and is there again
// the next time. Ctrl-C stops all three, the way SIGTERM stops each.

const ids = [1, 2, 3];

/** Whom to join through: either of the other two; the first of all founds the cluster. */
function others(id: number): string {
  return ids.filter((other) => other !== id)
    .map((other) => `127.0.0.1:${11000 + other}`).join(",");
}

const nodes = ids.map((id) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-P",
      "main.ts",
      ...["--id", `${id}`],
      ...["--saddr", `127.0.0.1:${11000 + id}`],
      ...["--raddr", `127.0.0.1:${12000 + id}`],
      ...(id > 1 ? ["--join", others(id)] : []),
    ],
    cwd: new URL("..", import.meta.url),
    stdout: "inherit",
    stderr: "inherit",
    // A group of its own: Ctrl-C reaches only us, and they stop in good order.
    detached: true,
  }).spawn()
);

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => stop(signal));
}

function stop(signal: Deno.Signal): void {
  stopping = true;
  for (const node of nodes) {
    try {
      node.kill(signal);
    } catch {
      // It has ended already.
    }
  }
}

const codes = await Promise.all(nodes.map(async (node) => {
  const { code, signal } = await node.status;
  // Two of three would go on, but not as what was asked for; unless that one was
  // removed, stopped, or killed by somebody who wants to see what becomes of the others.
  if (!stopping && code !== 0 && signal === null) stop("SIGTERM");
  return signal === null ? code : 0;
}));
Deno.exit(Math.max(...codes));
