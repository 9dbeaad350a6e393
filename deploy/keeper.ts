// Keeps the nodes that a `deno task` starts: passes signals on to them, ends when they have
// ended, and stops them when whoever started the task is gone. Nobody else would: `deno
// task` passes signals on but not its own death, and `npx` not even SIGTERM: it ends, with
// the shell between it and the task, and the task goes on as an orphan.
//
// A service needs none of this: it is started with `deno` itself, by what supervises it.

/** How often is looked whether those who started the task are still there. */
const watchMillis = 1000;

export class Keeper {
  readonly #nodes: readonly Deno.ChildProcess[];
  #stopping = false;

  /** Starts a node for each list of `main.ts`'s flags, `options` being Deno's. */
  constructor(flags: readonly (readonly string[])[], options: string[] = []) {
    this.#nodes = flags.map((args) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-P", ...options, "main.ts", ...args],
        cwd: new URL("../", import.meta.url),
        // Should we be killed, they end by themselves.
        env: { TICKETD_WITH_PARENT: "yes" },
        stdout: "inherit",
        stderr: "inherit",
        // A group of its own: Ctrl-C reaches only us, and they stop in good order.
        detached: true,
      }).spawn()
    );
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
      Deno.addSignalListener(signal, () => this.stop(signal));
    }
    const starters = startersOf();
    setInterval(() => {
      if (startersOf() !== starters) this.stop("SIGTERM");
    }, watchMillis);
  }

  /** Whether the nodes were told to stop. */
  get stopping(): boolean {
    return this.#stopping;
  }

  stop(signal: Deno.Signal): void {
    this.#stopping = true;
    for (const node of this.#nodes) {
      try {
        node.kill(signal);
      } catch {
        // It has ended already.
      }
    }
  }

  /** How each has ended, told to `each` as soon as it has. */
  async ends(
    each: (status: Deno.CommandStatus) => void = () => {},
  ): Promise<Deno.CommandStatus[]> {
    return await Promise.all(this.#nodes.map(async (node) => {
      const status = await node.status;
      each(status);
      return status;
    }));
  }
}

/**
 * The processes whose death is to end us: the task; and what `npx` has put above it, up to
 * `npx` itself. Others may leave a task behind on purpose, as `nohup` does.
 */
function startersOf(): string {
  const starters = [Deno.ppid];
  try {
    let oldest = Deno.ppid;
    while (isOfNpx(oldest)) starters.push(oldest = parentOf(oldest));
  } catch {
    // No Linux, or one has just gone.
  }
  return starters.join();
}

function isOfNpx(pid: number): boolean {
  return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0")
    .includes("npm_lifecycle_event=npx");
}

function parentOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // PID (NAME) STATE PARENT …, and a name may hold anything.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
