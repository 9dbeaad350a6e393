// Real nodes that belong to no cluster: they refuse their clients at once, which then go
// elsewhere instead of waiting behind a balancer that sends them here.

import assert from "node:assert/strict";
import { e2e } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";

const refusal = /CLUSTERDOWN This node belongs to no cluster: /;

e2e(
  "A node that finds no cluster to join answers its clients, and turns TICKETs away",
  async (lab) => {
    const node = lab.server({ id: "2", join: [freePort()] });
    node.spawn();
    await node.logged(/no cluster has let this node in yet/);
    await node.logged(/: serves clients on /);
    assert.equal(await node.ask("PING"), "PONG");
    await assert.rejects(node.ticket(), refusal);
    assert.match(
      String(await node.ask("RAFT.CONFIGURATION")),
      /this node has found no cluster to join yet/,
    );
    await node.stop();
  },
);

e2e(
  "A node that was let in, but that no member can reach, turns TICKETs away",
  async (lab) => {
    const [first] = (await lab.cluster(1)).servers;
    const node = await lab.server({
      id: "2",
      join: [first!.port],
      flags: ["--nonvoter", "--advertise", `127.0.0.1:${freePort()}`],
    }).start();
    await assert.rejects(node.ticket(), refusal);
    assert.equal(await first!.ticket(), 1n);
    await node.stop();
  },
);
