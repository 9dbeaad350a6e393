// Nodes whose disks were lost come back under their ids, one after the other, while others
// still know only their former lives.

import assert from "node:assert/strict";
import { e2e } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

e2e("A node that joins learns of a leader in its second life", async (lab) => {
  const cluster = await lab.cluster(3);
  const [first, second, third] = cluster.servers as [Server, Server, Server];
  await (await cluster.leader()).tickets(10);
  await (await cluster.leader()).ask("RAFT.SNAPSHOT");
  const relive = async (victim: Server, via: Server) => {
    await victim.kill();
    Deno.removeSync(victim.data, { recursive: true });
    await until(
      "removed",
      async () => await via.ask("RAFT.REMOVESERVER", victim.id) === "OK",
    );
    await victim.start("--join", `127.0.0.1:${via.port}`);
    await cluster.settled();
  };
  await relive(third, first); // its snapshot is the one from before its removal
  const leader = await cluster.leader();
  if (leader !== third) {
    // Only the third has all of the log when it and the other one have to choose.
    const [other] = [first, second].filter((server) => server !== leader);
    await other!.stop();
    await leader.tickets(10);
    await leader.stop();
    await other!.start();
    assert.equal(await cluster.leader(), third);
    await leader.start();
  }
  await relive(first, third); // gets that snapshot from the very node that it misnames
});
