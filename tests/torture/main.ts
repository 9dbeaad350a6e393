// `deno task torture`: real ticketd processes in network namespaces of their own are killed,
// stopped, cut off and given failing disks, while clients check every ticket. `--help` lists
// the options, the tables in `*_faults.ts` what is done and what must come of it.
//
// This process makes a directory and starts itself again in namespaces of its own, where
// everything else happens. When that process ends, however it ends, the kernel ends all of
// it: processes, network, mounts. Only the directory is left.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { startInNamespaces } from "./namespaces.ts";
import { hindrance } from "./needs.ts";
import { type Options, parseOptions } from "./options.ts";
import { torture } from "./run.ts";

/** Ctrl-C comes from the terminal and from the task: two signals within this time are one. */
const sameSignalMillis = 500;

const options = parseOptions(Deno.args);
Deno.exit(
  options.inside === undefined ? await outside(options) : await inside(),
);

async function inside(): Promise<number> {
  const stop = new AbortController();
  // A line asks to stop after this fault; the end of input means that the parent is gone.
  (async () => {
    for await (const _ of Deno.stdin.readable) stop.abort();
    Deno.exit(1);
  })();
  return await torture(options, stop.signal);
}

async function outside(options: Options): Promise<number> {
  const fault = hindrance();
  if (fault !== undefined) {
    console.error(`deno task torture ${fault}`);
    return 2;
  }
  const directory = await Deno.makeTempDir({ prefix: "ticketd-torture-" });
  const child = startInNamespaces(import.meta.filename!, {
    args: [
      ...Deno.args,
      ...["--seed", `${options.seed}`, "--inside", directory],
    ],
    directory,
    stdin: "piped",
  });
  const asked = child.stdin.getWriter();
  let signals = 0;
  let firstMillis = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      const now = performance.now();
      if (signals > 0 && now - firstMillis < sameSignalMillis) return;
      if (signals++ > 0) return child.kill("SIGKILL");
      firstMillis = now;
      console.error("stops after this fault; once more to stop at once");
      asked.write(new TextEncoder().encode("stop\n")).catch(() => {});
    });
  }
  // As long as the run takes: each of its own waits has a deadline.
  const { code } = await child.status;
  if (code === 0 || signals > 0 || options.canary) {
    await Deno.remove(directory, { recursive: true });
  } else console.error(`logs and data are kept in ${directory}`);
  return signals > 0 ? 130 : code;
}
