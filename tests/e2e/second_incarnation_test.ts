// Nodes that lost their disks come back under their ids, one after the other, while other nodes
// still know only their former incarnations.

import assert from "node:assert/strict";
import { e2e } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

e2e(
  "A node that joins learns of a leader in its second incarnation",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [first, second, third] = cluster.servers as [Server, Server, Server];
    await (await cluster.leader()).tickets(10);
    await (await cluster.leader()).ask("RAFT.SNAPSHOT");
    const wipeAndJoin = async (victim: Server, via: Server) => {
      await victim.kill();
      await Deno.remove(victim.data, { recursive: true });
      await until(
        `node ${victim.id} is removed`,
        async () => await via.ask("RAFT.REMOVESERVER", victim.id) === "OK",
      );
      await victim.start("--join", `127.0.0.1:${via.port}`);
      await cluster.settled();
    };
    await wipeAndJoin(third, first); // its snapshot is the one from before its removal
    const leader = await cluster.leader();
    if (leader !== third) {
      // Of the third and the other one, only the third has the whole log.
      const [other] = [first, second].filter((server) => server !== leader);
      await other!.stop();
      await leader.tickets(10);
      await leader.stop();
      await other!.start();
      assert.equal(await cluster.leader(), third);
      await leader.start();
    }
    // It gets a snapshot that names the third's former incarnation, from the third itself.
    await wipeAndJoin(first, third);
  },
);
