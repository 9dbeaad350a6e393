// Strangers at the raft ports of all nodes at once: whoever they claim to be, and whatever they
// send, the cluster goes on. No node ends, no member is added or lost, no node takes over a
// term of theirs.
//
// A row (`Fault`) needs strangers (`strangers.ts`) on raft ports, and the bites that prove that
// each kind was refused or hung up on (`party.bitten`); then that members, terms and logs
// are as before. `scene.recovered()` comes before that.

import assert from "node:assert/strict";
import { diskOf } from "../lib/disk_of.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import type { Fault } from "./fault.ts";
import { noiseOf } from "./noise.ts";
import { Party } from "./party.ts";
import type { Scene } from "./scene.ts";
import {
  type Bite,
  inviteBurst,
  inviteStrangers,
  type Target,
} from "./strangers.ts";

/** How many messages a node must hear: some of all that there are, other ones each time. */
const messagesMin = 20;
/** More than elections need meanwhile, and less than the terms of which strangers speak. */
const termsMax = 100;

export const strangerFaults: readonly Fault[] = [
  {
    name: "strangers",
    kind: "strangers",
    expected: "refused or hung up on; nothing changes, the cluster goes on",
    nodesMin: 1,
    weight: 1,
    elects: false,
    run: meet,
  },
];

async function meet(scene: Scene): Promise<string> {
  const { servers, clients } = scene;
  const leader = await scene.leader();
  const members = await leader.members();
  const { term } = await leader.stats();
  const logs = servers.map(({ log }) => log.length);
  const noise = noiseOf(scene.options.random);
  const targets: Target[] = [];
  for (const server of servers) {
    const { raftPort, id } = server;
    const { identity } = await diskWhileRunning(scene, server);
    targets.push({
      party: new Party<Bite>(server, raftPort),
      ...{ id, cluster: identity.cluster, disk: identity.incarnation },
      others: scene.but(server).map(({ id }) => id),
      ...{ term: Number(term), noise, random: scene.options.random },
    });
  }
  const told: string[] = [];
  try {
    await Promise.all(targets.map(async (target) => {
      const { party } = target;
      inviteStrangers(target);
      await party.bitten(["hung up on after a message"], messagesMin);
      await party.bitten(["refused under a name"], 10);
      await party.bitten(["hung up on for a large frame"], 3);
      await party.bitten(["hung up on for what is no frame"], 3);
      inviteBurst(target);
      await party.bitten(["shown out while they hold a place"], 300);
    }));
    await clients.more(1000);
  } finally {
    for (const { party } of targets) told.push(await party.end());
  }
  for (const [i, server] of servers.entries()) {
    assert.ok(server.running, `node ${server.id} ended`);
    const errors = server.log.slice(logs[i]).split("\n")
      // A node that is alone warns its operator of these callers, because it cannot know better.
      .filter((line) => / error /.test(line) && !/whoever calls/.test(line));
    assert.deepEqual(errors, []);
  }
  await scene.recovered();
  const after = await scene.leader();
  assert.deepEqual(await after.members(), members);
  const terms = Number((await after.stats()).term) - Number(term);
  assert.ok(terms < termsMax, `the term has risen by ${terms}`);
  return `all; they were ${told[0]}`;
}

async function diskWhileRunning({ options }: Scene, server: Server) {
  return await until(`the disk of node ${server.id} can be read`, () => {
    try {
      return diskOf(server, options.directory);
    } catch {
      return undefined; // its log was compacted meanwhile
    }
  });
}
