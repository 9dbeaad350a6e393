// Keeps the nodes that a `deno task` starts: passes signals on to them, ends when they have
// ended, and stops them when the processes that started the task are gone. Nothing else would
// stop them: `deno task` passes signals on, but not its own death, and `npx` does not pass on
// even SIGTERM: it ends with the shell between it and the task, and the task runs on.
//
// A service needs none of this: its supervisor starts `deno run` itself.

/** Milliseconds between two looks whether the processes that started the task are there. */
const watchMillis = 1000;

/** The parent process of some nodes. */
export class Supervisor {
  readonly #nodes: readonly Deno.ChildProcess[];
  #stopping = false;

  /** Starts a node for each list of flags of `main.ts`; `options` are flags of `deno run`. */
  constructor(flags: readonly (readonly string[])[], options: string[] = []) {
    this.#nodes = flags.map((args) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-P", ...options, "main.ts", ...args],
        cwd: new URL("../", import.meta.url),
        // They end by themselves if this process is killed.
        env: { TICKETD_WITH_PARENT: "yes" },
        stdout: "inherit",
        stderr: "inherit",
        // A process group of its own: Ctrl-C reaches only this process, which stops them.
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

  /** Whether the nodes have been told to stop. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Sends `signal` to all nodes that still run. */
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

  /** Waits until all nodes have ended; `each` hears how one ended as soon as it has. */
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
 * The pids of the processes whose death must end this one: the task, and the processes above
 * it up to `npx`, if `npx` started it. Other starters, such as `nohup`, may leave a task
 * behind on purpose.
 */
function startersOf(): string {
  const starters = [Deno.ppid];
  try {
    let oldest = Deno.ppid;
    while (isOfNpx(oldest)) starters.push(oldest = parentOf(oldest));
  } catch {
    // This is not Linux, or one of them has just ended.
  }
  return starters.join();
}

function isOfNpx(pid: number): boolean {
  return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0")
    .includes("npm_lifecycle_event=npx");
}

function parentOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // PID (NAME) STATE PARENT …, and NAME may contain anything.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
