// Nodes that are stopped and started on purpose: one whose disk is gone, with and without
// --join, and all of them one after the other.
//
// A row (`Fault`) needs its victims and how they are started again, and checks what their logs
// must say about it. Tickets that a node gives as the founder of a cluster of its own are not
// this cluster's: keep clients away from it (`scene.avoid`). `scene.recovered()` comes last.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import type { Fault } from "./fault.ts";
import { addressOf, idsOf, type Scene } from "./scene.ts";

export const restartFaults: readonly Fault[] = [
  {
    name: "wipe",
    kind: "restart",
    expected:
      "refused until its old incarnation is removed; a learner first, then a voter",
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
    kind: "restart",
    expected:
      "begun again without --join, it says so loudly when its old cluster dials it",
    nodesMin: 3,
    weight: 1,
    elects: false,
    async run(scene) {
      const victim = scene.pick(scene.servers);
      await wiped(scene, victim, async () => {
        scene.spawn(victim);
        // It does not end, because anybody could say what the members say.
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
    kind: "restart",
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

/** `victim` loses its data, does what `first` says, and joins with a new incarnation. */
async function wiped(
  scene: Scene,
  victim: Server,
  first: () => Promise<void>,
): Promise<void> {
  const rest = scene.but(victim);
  const serves = () => scene.clients.more(500, idsOf(rest));
  // A node that founds a cluster again begins at 1: its numbers are not this cluster's.
  await scene.avoid(victim.id);
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
    `the old incarnation of node ${victim.id} is removed`,
    async () => await member.ask("RAFT.REMOVESERVER", victim.id) === "OK",
  );
  await scene.start([victim], ...join);
  await scene.cluster.settled();
  assertLearnt(victim);
  scene.comeBack(victim.id);
  await scene.recovered();
}

/** The log that it was sent also tells of its old incarnation: look behind that. */
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
