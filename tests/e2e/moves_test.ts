// Members that come back at other addresses, on the same disks: one, two, all, and those that
// have swapped their addresses. No command is sent; --join says where hints may be found.

import assert from "node:assert/strict";
import { Cluster, e2e, type Lab } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";
import { calm, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** `old` at new addresses, or at `raftPort`; it is started with --join `join`. */
function moved(
  lab: Lab,
  old: Server,
  { port = freePort(), raftPort = freePort(), join = [] }: {
    readonly port?: number;
    readonly raftPort?: number;
    readonly join?: readonly number[];
  } = {},
): Server {
  return lab.server({ id: old.id, port, raftPort, join });
}

/** Waits until every node knows every other one at its present address. */
async function known(servers: readonly Server[]): Promise<void> {
  for (const node of servers) {
    for (const { id, raftAddress } of servers) {
      await until(
        `node ${node.id} knows node ${id} at its address`,
        async () =>
          JSON.stringify(await node.ask("RAFT.CONFIGURATION"))
            .includes(`"${id}","address","${raftAddress}"`),
      );
    }
  }
}

/** Starts all of `servers`, and waits for a ticket of each: how long that took, in ms. */
async function back(servers: readonly Server[]): Promise<number> {
  const begun = performance.now();
  await Promise.all(servers.map((server) => server.start()));
  await Promise.all(servers.map((server) => server.ticket()));
  return Math.round(performance.now() - begun);
}

async function founded(lab: Lab): Promise<Server[]> {
  const { servers } = await lab.cluster(3);
  await servers[0]!.tickets(10);
  return [...servers];
}

for (const count of [2, 3]) {
  e2e(
    `${count} of three nodes that move at once are back without a command`,
    async (lab) => {
      const old = await founded(lab);
      const leaving = old.slice(0, count);
      await Promise.all(leaving.map((server) => server.stop()));
      const ports = leaving.map(() => freePort());
      const fresh = leaving.map((server, i) =>
        moved(lab, server, {
          port: ports[i]!,
          join: ports.filter((_, other) => other !== i),
        })
      );
      const millis = await back(fresh);
      console.log(
        `${count} moved: ${millis} ms from the start of the processes`,
      );
      const all = [...fresh, ...old.slice(count)];
      await known(all);
      await new Cluster(all).settled();
      assert.equal((await all[0]!.ticket()) > 10n, true);
    },
  );
}
