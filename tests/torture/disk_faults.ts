// Disks that fail: a sync or a write that returns an error, a sync that stalls, writes that
// take less than they were given, a file system that is full.
//
// A row (`Fault`) needs a victim, the system calls and files that the fault hits
// (`log_paths.ts`), and the proof that it bit: `Injection` shows the call that met it. A fault
// that ends the process needs the reason that its last line of the log must give; then
// nothing may be written after the first error. `scene.recovered()` comes last.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { command } from "./command.ts";
import type { Fault } from "./fault.ts";
import { Injection } from "./injection.ts";
import { logPaths } from "./log_paths.ts";
import { electionMillis, idsOf, type Scene } from "./scene.ts";
import { shortWrites } from "./short_writes.ts";

const stallMillis = 3000;
/** A failed write or sync ends the process within a second; busy machines get more. */
const exitMillisMax = 5000;

const ioError = /cannot sync .*: Input\/output error/;
const noSpace =
  /cannot write .*: no space left on the device; make room and start again: nothing that was acknowledged is lost/;

export const diskFaults: readonly Fault[] = [
  {
    name: "eio-leader",
    kind: "disk",
    expected: "ends with code 1 and says why; the others elect a leader",
    nodesMin: 1,
    weight: 2,
    elects: true,
    run: async (scene) => await failSync(scene, await scene.leader()),
  },
  {
    name: "eio-follower",
    kind: "disk",
    expected: "ends with code 1 and says why; the others go on",
    nodesMin: 3,
    weight: 2,
    elects: false,
    run: async (scene) =>
      await failSync(scene, (await scene.follower()).follower),
  },
  {
    name: "enospc",
    kind: "disk",
    expected: "ends with code 1 and says why; with space it goes on",
    nodesMin: 1,
    weight: 2,
    elects: false,
    async run(scene) {
      const victim = scene.pick(scene.servers);
      const { segments } = logPaths(victim);
      const calls = ["write", "fdatasync"];
      await fail(scene, victim, {
        ...{ calls, fault: "error=ENOSPC", paths: segments },
        reason: noSpace,
      });
      return `node ${victim.id}`;
    },
  },
  {
    name: "full",
    kind: "disk",
    expected:
      "ends with code 1, and again while it is full; with space it goes on",
    nodesMin: 1,
    weight: 1,
    elects: false,
    run: fillUp,
  },
  {
    name: "stall-leader",
    kind: "disk",
    expected: "hands over within two election timeouts; gives nothing stale",
    nodesMin: 3,
    weight: 1,
    elects: true,
    run: stallLeader,
  },
  {
    name: "stall-follower",
    kind: "disk",
    expected: "the others go on; it catches up",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: stallFollower,
  },
  {
    name: "stall-alone",
    kind: "disk",
    expected: "waits, and goes on",
    nodesMin: 1,
    nodesMax: 1,
    weight: 1,
    elects: false,
    async run(scene) {
      const victim = await scene.leader();
      await stalled(scene, victim, async () => {});
      return `node ${victim.id}`;
    },
  },
  {
    name: "short-writes",
    kind: "disk",
    expected: "the node writes the rest; no client notices",
    nodesMin: 1,
    weight: 2,
    elects: false,
    async run(scene) {
      const victim = scene.pick(scene.servers);
      const count = await shortWrites(scene, victim);
      await scene.recovered();
      return `node ${victim.id}, ${count} of them`;
    },
  },
];

/** Fails the sync of an append, of a new segment, or of the directory after its rename. */
async function failSync(scene: Scene, victim: Server): Promise<string> {
  const paths = logPaths(victim);
  const [what, calls, path] = scene.pick<[string, string[], string[]]>([
    ["append", ["fdatasync", "write"], paths.segments],
    ["new segment", ["fdatasync", "write"], [paths.temporary]],
    ["directory", ["fsync"], [paths.directory]],
  ]);
  await fail(scene, victim, {
    ...{ calls, fault: "error=EIO", paths: path, reason: ioError },
    // It may be long until the log is compacted by itself.
    trigger: what === "append" ? undefined : () => scene.snapshot(victim),
  });
  return `node ${victim.id}, at the sync of its ${what}`;
}

/** `victim` meets a fault that must end it; then it is started without the fault. */
async function fail(
  scene: Scene,
  victim: Server,
  { calls, fault, paths, reason, trigger }: {
    calls: readonly string[];
    fault: string;
    paths: readonly string[];
    reason: RegExp;
    trigger?: (() => Promise<void>) | undefined;
  },
): Promise<void> {
  const injection = await Injection.into(victim, { calls, fault, paths });
  const [exited] = await Promise.all([
    scene.fails(victim, reason).then(() => injection.exited()),
    // Again and again: a node that has nothing new since its last snapshot makes none.
    until(`the fault bites node ${victim.id}`, async () => {
      await trigger?.();
      return injection.bitten.length > 0 || !victim.running;
    }),
  ]);
  const [bitten, ...others] = injection.bitten;
  assert.ok(bitten !== undefined, "did not bite: no call was made to fail");
  assert.deepEqual(others, [], "nothing is retried");
  const later = injection.calls.filter(({ at }) => at > bitten.at);
  assert.deepEqual(later, [], "nothing is written after it");
  const millis = exited - bitten.at;
  scene.figures.add("failed write or sync to the end of the process", millis);
  assert.ok(millis < exitMillisMax, `it took ${millis} ms to end`);
  const rest = scene.but(victim);
  if (rest.length > 0) await scene.clients.more(500, idsOf(rest));
  await scene.start([victim]);
  await scene.recovered();
}

/** Stalls every sync of the victim's log while `during` runs. */
async function stalled(
  scene: Scene,
  victim: Server,
  during: (injection: Injection) => Promise<void>,
): Promise<void> {
  const injection = await Injection.into(victim, {
    calls: ["fdatasync"],
    fault: `delay_enter=${stallMillis * 1000}`,
    paths: logPaths(victim).segments,
  });
  try {
    await during(injection);
    await injection.bites();
  } finally {
    await injection.detach();
  }
  await scene.recovered();
}

async function stallLeader(scene: Scene): Promise<string> {
  const old = await scene.leader();
  const rest = scene.but(old);
  let told = "";
  await stalled(scene, old, async (injection) => {
    const next = await scene.leader(rest);
    await scene.clients.more(1000, idsOf(rest));
    assert.deepEqual(injection.bitten, [], "they serve while the disk stalls");
    const { at: stalledAt } = await injection.bites();
    const became = /^(\S+) info +node \S+: became leader in term \d+ /gm;
    const [, at] = [...next.log.matchAll(became)].at(-1)!;
    const millis = Date.parse(at!) - stalledAt;
    told = `node ${old.id}, then node ${next.id} led after ${
      millis.toFixed(0)
    } ms (an election timeout is ${electionMillis} ms)`;
    // On a busy machine it may have lost leadership while strace attached.
    if (millis < 0) return;
    await old.logged(
      /lost leadership of term \d+: .*a write to \S+ has not finished for \d+ ms/,
    );
    scene.figures.add("stalled disk of the leader to the next leader", millis);
  });
  return told;
}

async function stallFollower(scene: Scene): Promise<string> {
  const { follower } = await scene.follower();
  const others = idsOf(scene.but(follower));
  await stalled(scene, follower, async (injection) => {
    let rounds = 0;
    for (; injection.bitten.length === 0; rounds++) {
      await scene.clients.more(500, others);
    }
    assert.ok(rounds > 1, "the others go on while the disk stalls");
  });
  return `node ${follower.id}`;
}

/** Moves a node's data to a small file system, and fills that. */
async function fillUp(scene: Scene): Promise<string> {
  const victim = scene.pick(scene.servers);
  const directory = victim.options.directory!;
  const aside = `${directory}.aside`;
  const ballast = `${directory}/ballast`;
  await scene.snapshot(victim);
  await scene.kill(victim);
  await command("cp", "-a", directory, aside);
  await command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", directory);
  await command("cp", "-a", `${aside}/.`, directory);
  await scene.start([victim]);
  await scene.recovered();

  await fill(ballast);
  await scene.fails(victim, noSpace);
  const rest = scene.but(victim);
  if (rest.length > 0) await scene.clients.more(500, idsOf(rest));
  scene.spawn(victim);
  await scene.fails(victim, noSpace);
  await Deno.remove(ballast);
  await scene.start([victim]);
  await scene.recovered();

  await scene.kill(victim);
  await Deno.remove(aside, { recursive: true });
  await command("cp", "-a", directory, aside);
  await command("umount", directory);
  await Deno.remove(directory, { recursive: true });
  await Deno.rename(aside, directory);
  await scene.start([victim]);
  await scene.recovered();
  return `node ${victim.id}`;
}

/** Fills the file system of `path` but for a little room, so that the log itself fills it. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(8 * 1024);
  await until("the file system is full", () => {
    try {
      for (;;) file.writeSync(block);
    } catch (error) {
      return /os error 28/.test(String(error));
    }
  });
  file.truncateSync(Math.max(0, file.statSync().size - 2 * block.length));
}
