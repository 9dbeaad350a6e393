// A disk that takes longer to sync, for any server that a benchmark starts: `slow_disk.c`,
// compiled into a directory of its own and loaded before the C library. Nothing but fsync and
// fdatasync becomes slower, as it would under strace.

import { makeDirectory } from "./processes.ts";

const source = new URL("./slow_disk.c", import.meta.url).pathname;

/** The environment that makes the syncs of a process slow by so many milliseconds. */
export type SlowDisk = (millis: number) => Record<string, string>;

/**
 * Compiles the library with the system's `cc`, which must be here. Throws if it fails, or if
 * this Deno binary does not take the library: a static one would not.
 */
export async function slowDisk(): Promise<SlowDisk> {
  const directory = makeDirectory();
  const library = `${directory}/slow_disk.so`;
  const { success, stderr } = await new Deno.Command("cc", {
    args: ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"],
  }).output();
  if (!success) {
    throw new Error(`cc failed on bench/slow_disk.c: ${decoded(stderr)}`);
  }
  const slow: SlowDisk = (millis) =>
    millis === 0 ? {} : {
      LD_PRELOAD: library,
      TICKETD_SLOW_DISK_MICROS: `${millis * 1000}`,
    };
  const millis = await syncMillis(`${directory}/probe`, slow(probeMillis));
  if (!(millis >= probeMillis)) {
    throw new Error(
      `a sync that was to take ${probeMillis} ms took ${millis} ms: ` +
        "this Deno does not load bench/slow_disk.c (LD_PRELOAD)",
    );
  }
  return slow;
}

/** Much longer than a disk takes by itself. */
const probeMillis = 200;

/** How long one fdatasync of a process with that environment takes. */
async function syncMillis(
  path: string,
  env: Record<string, string>,
): Promise<number> {
  const code = `
    using file = Deno.openSync(Deno.args[0], { create: true, write: true });
    const before = performance.now();
    file.syncDataSync();
    console.log(performance.now() - before);`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code, "--", path],
    env,
  }).output();
  return Number(decoded(stdout).split("\n")[0]);
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}
