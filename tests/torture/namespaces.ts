// A program of this repository once more, as a process in network, mount and process
// namespaces of its own: whatever becomes of us, it goes with us, and with it all that it
// has started, networks and mounts included. As root only; `needs.ts` tells whether it can be.

/** Runs `program` in there, with `args` and its temporary files in `directory`. */
export function startInNamespaces(
  program: string,
  { args, directory, stdin }: {
    args: readonly string[];
    directory: string;
    stdin: "piped" | "null";
  },
): Deno.ChildProcess {
  return new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL"],
      ...["unshare", "--net", "--mount", "--pid", "--mount-proc"],
      ...["--fork", "--kill-child", "--"],
      ...[Deno.execPath(), "run", "-A", program, ...args],
    ],
    env: { TMPDIR: directory },
    stdin,
    // A group of its own: Ctrl-C reaches only us.
    detached: true,
  }).spawn();
}
