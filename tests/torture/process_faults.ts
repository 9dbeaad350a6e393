// Processes that die or stand still: kill -9 of one, of a majority, of all, and SIGSTOP for
// longer than an election timeout.
//
// A row (`Fault`) needs its victims, and what the others must do meanwhile: with a majority they
// serve (`clients.more`), without one they refuse and give nothing. It starts or wakes the
// victims itself and ends with `scene.recovered()`. Signals need no proof that they bit.

import type { Server } from "../lib/server.ts";
import type { Fault } from "./fault.ts";
import { electionMillis, idsOf, nodes, pass, type Scene } from "./scene.ts";

/** About the time that a start takes. */
const startMillis = 400;

export const processFaults: readonly Fault[] = [
  {
    name: "kill-leader",
    kind: "kill -9",
    expected: "the others elect a leader; nothing is lost or repeated",
    nodesMin: 1,
    weight: 6,
    elects: true,
    run: async (scene) => await kill(scene, [await scene.leader()]),
  },
  {
    name: "kill-follower",
    kind: "kill -9",
    expected: "the others go on; it catches up",
    nodesMin: 3,
    weight: 4,
    elects: false,
    run: async (scene) =>
      await kill(scene, [(await scene.follower()).follower]),
  },
  {
    name: "kill-any",
    kind: "kill -9",
    expected: "nothing is lost or repeated",
    nodesMin: 3,
    weight: 4,
    elects: false,
    run: async (scene) => await kill(scene, scene.some(1)),
  },
  {
    name: "kill-majority",
    kind: "kill -9",
    expected: "nobody serves until they are back; nothing is lost or repeated",
    nodesMin: 3,
    weight: 3,
    elects: false,
    run: async (scene) => await kill(scene, scene.some(scene.majority)),
  },
  {
    name: "kill-all",
    kind: "kill -9",
    expected: "all come back; nothing is lost or repeated",
    nodesMin: 3,
    weight: 3,
    elects: true,
    run: async (scene) => await kill(scene, scene.servers),
  },
  {
    name: "pause-leader",
    kind: "pause",
    expected: "the others elect a leader; woken, it gives nothing stale",
    nodesMin: 3,
    weight: 2,
    elects: true,
    run: pauseLeader,
  },
  {
    name: "pause-follower",
    kind: "pause",
    expected: "the others go on; woken, it follows",
    nodesMin: 3,
    weight: 1,
    elects: false,
    async run(scene) {
      const { follower } = await scene.follower();
      follower.signal("SIGSTOP");
      await pass(2.5 * electionMillis);
      await scene.clients.more(1000);
      follower.signal("SIGCONT");
      await scene.recovered();
      return `node ${follower.id}`;
    },
  },
  {
    name: "pause-all",
    kind: "pause",
    expected: "woken, they serve on; nothing is lost or repeated",
    nodesMin: 1,
    weight: 1,
    elects: false,
    async run(scene) {
      for (const server of scene.servers) server.signal("SIGSTOP");
      await pass(2.5 * electionMillis);
      // One after the other: the first to wake finds the others silent.
      for (const server of scene.some(scene.size)) {
        server.signal("SIGCONT");
        await pass(scene.options.random(electionMillis));
      }
      await scene.recovered();
      return "all";
    },
  },
];

async function kill(
  scene: Scene,
  victims: readonly Server[],
): Promise<string> {
  const { clients } = scene;
  const rest = scene.but(...victims);
  // Half of the times in the middle of a compaction.
  const compacting = scene.flip();
  const asked = compacting ? victims.map((node) => scene.snapshot(node)) : [];
  await scene.kill(...victims);
  await Promise.all(asked);
  const waiting = scene.flip();
  if (rest.length >= scene.majority) {
    if (waiting) await clients.more(500, idsOf(rest));
  } else if (waiting && rest.length > 0) {
    await Promise.all(rest.map(({ id }) => clients.refusedBy(id)));
    const given = rest.map(({ id }) => clients.givenBy(id));
    await Promise.all(rest.map(({ id }) => clients.refusedBy(id)));
    if (rest.some(({ id }, i) => clients.givenBy(id) !== given[i])) {
      throw new Error("a minority gave tickets");
    }
  }
  // One time in four once more during the start, which reads and rewrites the log.
  const twice = scene.options.random(4) === 0;
  if (twice) {
    for (const victim of victims) scene.spawn(victim);
    await pass(scene.options.random(startMillis));
    await scene.kill(...victims);
  }
  await scene.start(victims);
  await scene.recovered();
  return nodes(victims) + (compacting ? ", asked to compact" : "") +
    (twice ? ", again while starting" : "");
}

async function pauseLeader(scene: Scene): Promise<string> {
  const old = await scene.leader();
  const rest = scene.but(old);
  old.signal("SIGSTOP");
  const next = await scene.leader(rest);
  await scene.clients.more(1000, idsOf(rest));
  old.signal("SIGCONT");
  await scene.recovered();
  return `node ${old.id}, then node ${next.id} led`;
}
