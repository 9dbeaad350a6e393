// Nodes that come back at other raft addresses: one, two, all at once, on the same disks. The
// former address answers nothing, not even a refusal, from a node's second move on. Client
// addresses stay, and --join names them as hints.
//
// A row (`Fault`) needs its victims. It is over when every node has every new address in its
// configuration: the next row starts nodes without --join.

import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import type { Fault } from "./fault.ts";
import { addressOf, idsOf, nodes, type Scene } from "./scene.ts";

export const moveFaults: readonly Fault[] = [
  {
    name: "move-one",
    kind: "move",
    expected: "the others find it; the configuration follows it",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: async (scene) => await move(scene, scene.some(1)),
  },
  {
    name: "move-two",
    kind: "move",
    expected: "they find the others and each other; the configuration follows",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: async (scene) => await move(scene, scene.some(2)),
  },
  {
    name: "move-all",
    kind: "move",
    expected: "all find each other by hints; the configuration follows",
    nodesMin: 3,
    weight: 1,
    elects: true,
    run: async (scene) => await move(scene, scene.servers),
  },
];

async function move(scene: Scene, movers: readonly Server[]): Promise<string> {
  const { network } = scene.options;
  const rest = scene.but(...movers);
  await scene.kill(...movers);
  for (const one of movers) one.raftHost = await network.move(one.id);
  if (rest.length >= scene.majority) {
    await scene.clients.more(500, idsOf(rest));
  }
  const begun = performance.now();
  for (const one of movers) {
    scene.spawn(one, "--join", scene.but(one).map(addressOf).join(","));
  }
  await Promise.all(movers.map((one) => one.logged(/: serves clients on /)));
  await scene.clients.more(100, idsOf(movers));
  const millis = Math.round(performance.now() - begun);
  for (const one of scene.servers) {
    await until(`node ${one.id} knows the new addresses`, async () => {
      const text = JSON.stringify(await one.ask("RAFT.CONFIGURATION"));
      return movers.every(({ id, raftAddress }) =>
        text.includes(`"${id}","address","${raftAddress}"`)
      );
    });
  }
  await scene.recovered();
  return `${nodes(movers)}, served again after ${millis} ms`;
}
