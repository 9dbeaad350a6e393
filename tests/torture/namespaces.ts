// Starts a program of this repository in network, mount and process namespaces of its own: it
// ends when this process ends, however that ends, and so does everything that it has started,
// networks and mounts included. As root only; `needs.ts` says whether it is possible.

/** Starts `program` there with `args`; its temporary files go into `directory`. */
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
    // A process group of its own: Ctrl-C reaches only this process.
    detached: true,
  }).spawn();
}
