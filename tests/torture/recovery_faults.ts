// Clusters that are lost for good under load, and begun again from what is left: one survivor of
// a lost majority, or a backup. The same checker goes on: no number may come twice.
//
// A row (`Fault`) kills all nodes, reads how far the numbers had come, and states the smallest
// skip that an operator who knew that could choose. The nodes that were lost come back with empty
// directories, and join. Numbers that the tools skip are told to the checker as burnt.
// `scene.recovered()` comes last.

import assert from "node:assert/strict";
import { decodeBackup } from "../../admin/backup_file.ts";
import { run } from "../lib/program.ts";
import { permissions, repository, type Server } from "../lib/server.ts";
import { waitingMax } from "./clients.ts";
import { namedWaitingMax } from "./sequence_clients.ts";
import type { Fault } from "./fault.ts";
import { addressOf, idsOf, type Scene } from "./scene.ts";

export const recoveryFaults: readonly Fault[] = [
  {
    name: "recover",
    kind: "restart",
    expected:
      "the survivor is the only voter of a new cluster, gives larger numbers only, and takes the others in",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: loseMajority,
  },
  {
    name: "restore",
    kind: "restart",
    expected:
      "a backup taken under load, and the skip, give larger numbers only",
    nodesMin: 1,
    weight: 1,
    elects: false,
    run: loseAll,
  },
];

async function loseMajority(scene: Scene): Promise<string> {
  const survivor = scene.pick(scene.servers);
  const others = scene.but(survivor);
  // Mostly the others go on without it, and give numbers that it does not know.
  const lags = scene.options.random(4) > 0;
  if (lags) {
    await scene.kill(survivor);
    const known = lastOf(await lastsIn(survivor), "ticket");
    // It knows of numbers that were taken ahead: those must be used up first.
    do await scene.clients.more(5000, idsOf(others)); while (
      scene.checker.largest <= known
    );
  }
  await scene.endCluster();
  await scene.kill(...scene.servers);
  await scene.sequenceClients.gone();
  const lasts = await lastsIn(survivor);
  const isKnown = scene.checker.largest <= lastOf(lasts, "ticket");
  assert.ok(!lags || !isKnown, "it lacks something");
  const skip = skipOver(scene, lasts);
  const flags = ["--skip", `${skip}`, "--yes", ...placeOf(survivor)];
  assert.match(await tool(["recover", ...flags]), /is the only voter of the/);
  burn(scene, lasts, skip);
  removeCopies(survivor);
  await goOn(scene, survivor);
  return `node ${survivor.id}${lags ? ", which lagged" : ""}, skip ${skip}`;
}

async function loseAll(scene: Scene): Promise<string> {
  const first = scene.pick(scene.servers);
  await scene.clients.more(1000);
  const path = `${scene.options.directory}/backup`;
  const before = BigInt(scene.checker.largest);
  await tool(["backup", addressOf(first), path]);
  const backup = decodeBackup(await Deno.readFile(path), path);
  const lasts = new Map(backup.sequences.map(({ name, last }) => [name, last]));
  const last = lastOf(lasts, "ticket");
  assert.ok(last >= before, "every ticket answered before is inside");
  do await scene.clients.more(5000); while (scene.checker.largest <= last);
  await scene.endCluster();
  await scene.kill(...scene.servers);
  await scene.sequenceClients.gone();
  const skip = skipOver(scene, lasts);
  wipe(first);
  await tool(
    ["restore", path, "--skip", `${skip}`, "--raddr", first.raftAddress].concat(
      placeOf(first),
    ),
  );
  await Deno.remove(path);
  burn(scene, lasts, skip);
  await goOn(scene, first);
  return `node ${first.id}, skip ${skip}`;
}

/** `first` is alone in a new cluster; the others come with empty directories. */
async function goOn(scene: Scene, first: Server): Promise<void> {
  const others = scene.but(first);
  for (const other of others) wipe(other);
  await scene.start([first]);
  await scene.beginCluster(first);
  await scene.clients.more(500, [first.id]);
  await scene.start(others, "--join", addressOf(first));
  await scene.cluster.settled();
  await scene.recovered();
}

type Lasts = ReadonlyMap<string, bigint>;

/** By name; every sequence was begun when the scene was. */
function lastOf(lasts: Lasts, name: string): bigint {
  const last = lasts.get(name);
  assert.ok(last !== undefined, `${name} is not known`);
  return last;
}

/** The smallest skip behind `lasts` that repeats no number of any sequence. */
function skipOver({ sequences }: Scene, lasts: Lasts): bigint {
  return sequences.reduce((skip, { name, checker }) => {
    const lacking = BigInt(checker.largest) - lastOf(lasts, name);
    return lacking > skip ? lacking : skip;
  }, 0n);
}

/**
 * Numbers up to `skip` behind `lasts` are not given any more, nor those that the lost leaders
 * had in hand.
 */
function burn(
  { checker, clients, sequences, sequenceClients, size }: Scene,
  lasts: Lasts,
  skip: bigint,
): void {
  for (const { name, checker } of sequences) {
    const skipped = Number(lastOf(lasts, name) + skip) - checker.largest;
    checker.unanswered(Math.max(0, skipped));
  }
  const waiting = waitingMax + namedWaitingMax;
  checker.unanswered(3 * clients.busiestTick + size * waiting);
  sequenceClients.burn({ elections: 1, size });
}

/** The last numbers in the log of a node that has stopped. */
async function lastsIn(server: Server): Promise<Lasts> {
  const text = await tool(["check", "--json", ...placeOf(server)]);
  const { sequences, sound } = JSON.parse(text);
  assert.ok(sound, text);
  return new Map(
    sequences.map((each: { name: string; last: string }) => [
      each.name,
      BigInt(each.last),
    ]),
  );
}

function placeOf({ id, options }: Server): string[] {
  return ["--id", id, "--dir", options.directory!];
}

/** Runs a word of the command line to its end, which must be a good one; its output. */
async function tool(words: readonly string[]): Promise<string> {
  const args = ["run", ...permissions, "main.ts", ...words];
  const output = await run(Deno.execPath(), args, { cwd: repository });
  assert.equal(output.code, 0, output.stderr);
  return output.stdout;
}

function wipe({ data }: Server): void {
  Deno.removeSync(data, { recursive: true });
}

/** Later faults mount small file systems there. */
function removeCopies({ options }: Server): void {
  const directory = options.directory!;
  for (const { name } of Deno.readDirSync(directory)) {
    if (!name.includes(".before-recover-")) continue;
    Deno.removeSync(`${directory}/${name}`, { recursive: true });
  }
}
