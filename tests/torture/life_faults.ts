// Lives that begin and end: a node whose disk is gone, with and without --join, and
// restarts of all nodes one after the other.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import type { Fault } from "./fault.ts";
import { addressOf, idsOf, type Scene } from "./scene.ts";

export const lifeFaults: readonly Fault[] = [
  {
    name: "wipe",
    kind: "life",
    expected:
      "refused until its old life is removed; a learner first, then a voter",
    nodesMin: 3,
    weight: 1,
    elects: false,
    async run(scene) {
      const victim = scene.pick(scene.servers);
      await wiped(scene, victim, async () => {});
      return `node ${victim.id}`;
    },
  },
  {
    name: "wipe-found",
    kind: "life",
    expected:
      "begun again without --join, it says so loudly when its old cluster dials it",
    nodesMin: 3,
    weight: 1,
    elects: false,
    async run(scene) {
      const victim = scene.pick(scene.servers);
      await wiped(scene, victim, async () => {
        scene.spawn(victim);
        // Anybody could say what they do, so that it is not ended by it.
        await victim.logged(
          new RegExp(` error .*holds node ${victim.id} for a member`),
        );
        await scene.kill(victim);
        wipe(victim);
      });
      return `node ${victim.id}`;
    },
  },
  {
    name: "rolling",
    kind: "life",
    expected: "each ends with code 0 and comes back; all go on",
    nodesMin: 1,
    weight: 1,
    elects: true,
    async run(scene) {
      for (const server of scene.some(scene.size)) {
        await server.stop();
        const rest = scene.but(server);
        if (rest.length > 0) await scene.clients.more(500, idsOf(rest));
        await scene.start([server]);
        await scene.recovered();
      }
      return "all";
    },
  },
];

/** `victim` loses its data, does what `first` says, and joins as a new life. */
async function wiped(
  scene: Scene,
  victim: Server,
  first: () => Promise<void>,
): Promise<void> {
  const rest = scene.but(victim);
  const serves = () => scene.clients.more(500, idsOf(rest));
  // What a node that begins again at 1 gives is not this cluster's.
  await scene.clients.avoid(victim.id);
  await scene.kill(victim);
  wipe(victim);
  await serves();
  await first();
  await serves();

  const member = scene.pick(rest);
  const join = ["--join", addressOf(member)];
  scene.spawn(victim, ...join);
  await scene.fails(
    victim,
    new RegExp(
      `cannot join: id ${victim.id} belongs to .* RAFT\\.REMOVESERVER ${victim.id} first`,
    ),
  );
  await serves();
  await until(
    "its old life is removed",
    async () => await member.ask("RAFT.REMOVESERVER", victim.id) === "OK",
  );
  await scene.start([victim], ...join);
  await scene.cluster.settled();
  assertLearnt(victim);
  scene.clients.comeBack(victim.id);
  await scene.recovered();
}

/** What it was before its old life was removed is in the log that it was sent, too. */
function assertLearnt({ id, raftAddress, log }: Server): void {
  const name = `${id} at ${raftAddress}`;
  const learns = log.indexOf(`${name} (learner)`);
  const votes = log.indexOf(`${name} (voter)`, learns);
  assert.ok(0 <= learns && learns < votes, `learner, then voter:\n${log}`);
  assert.doesNotMatch(log.slice(0, votes), /stands for election/);
}

function wipe({ data }: Server): void {
  Deno.removeSync(data, { recursive: true });
}
