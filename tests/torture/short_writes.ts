// Real short writes of a real log (PITFALLS 3). strace stops the node after each write to the
// log. While it stands still, its limit of file sizes is set a few bytes above the log's size, so
// that the kernel takes only the beginning of the next record. The limit is lifted before the
// rest comes, because that would end the process. strace alone can only pretend: its `retval`
// writes nothing.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { command } from "./command.ts";
import { Injection } from "./injection.ts";
import { logPaths } from "./log_paths.ts";
import type { Scene } from "./scene.ts";

const rounds = 5;
/** How many bytes of a record are let through: fewer than any record has. */
const bytesMax = 16;

/** Returns how many writes were short. */
export async function shortWrites(
  scene: Scene,
  victim: Server,
): Promise<number> {
  // A fresh log is not replaced meanwhile, and small.
  await scene.snapshot(victim);
  const { newest } = logPaths(victim);
  const size = () => Deno.statSync(newest).size;
  const injection = await Injection.into(victim, {
    calls: ["write"],
    fault: "signal=SIGSTOP",
    paths: [newest],
  });
  let stops = 0;
  const stopped = async () => {
    stops++;
    await until(
      `node ${victim.id} stands still after a write`,
      () => injection.stops >= stops,
    );
  };
  try {
    for (let i = 0; i < rounds; i++) {
      // After a whole record, or after the rest of the last one.
      await stopped();
      const limit = size() + 1 + scene.options.random(bytesMax);
      await limitFiles(victim, limit);
      victim.signal("SIGCONT");
      await stopped();
      assert.equal(size(), limit, "the log ends at the limit");
      await limitFiles(victim, "unlimited");
      victim.signal("SIGCONT");
    }
  } finally {
    if (victim.running) await limitFiles(victim, "unlimited");
    await injection.detach();
    victim.signal("SIGCONT");
  }
  const short = injection.calls.filter(({ text }) => {
    const [, wanted, taken] = /, (\d+)\) = (\d+)$/.exec(text) ?? [];
    return taken !== undefined && Number(taken) < Number(wanted);
  });
  assert.ok(
    short.length >= rounds,
    `did not bite: ${short.length} short writes`,
  );
  return short.length;
}

async function limitFiles(
  { pid }: Server,
  limit: number | "unlimited",
): Promise<void> {
  await command(
    "prlimit",
    "--pid",
    `${pid}`,
    `--fsize=${limit}:unlimited`,
  );
}
