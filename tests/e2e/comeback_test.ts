// Nodes that come back after their cluster has changed its members without them, or has begun
// to. Their disks and the other nodes decide together what they are.

import { emptySnapshot } from "../../raft/core/log.ts";
import assert from "node:assert/strict";
import type { Server } from "../../raft/core/types.ts";
import { Cluster, e2e } from "../lib/harness.ts";
import { until, within } from "../lib/until.ts";
import { denoFiles } from "../../storage/files.ts";
import { Wal } from "../../storage/wal.ts";

e2e(
  "A node that its disk leaves out, by a change that may not be committed, comes back",
  async (lab) => {
    const server = lab.server({ id: "1" });
    const both = { servers: [member("1"), member("2")] };
    const other = { servers: [member("2")] };
    const wal = new Wal({
      files: denoFiles(server.data),
      node: "1",
      durability: "high",
      log() {},
    });
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    wal.create({
      identity: { cluster: "c".repeat(32), node: "1", incarnation: "1" },
      hardState: { currentTerm: 1, votedFor: undefined },
      snapshot: emptySnapshot,
      entries: [
        { type: "configuration", index: 1, term: 1, configuration: both },
        { type: "configuration", index: 2, term: 1, configuration: other },
      ],
    }, resolve);
    assert.equal(await within("the log is created", promise), undefined);
    wal.close();
    // The other can win with no vote but this one's, so this one must stay (Raft.isElectable).
    await server.start();
    await until(
      "node 1 stands for election",
      async () => (await server.stats()).state === "Candidate",
    );
  },
);

e2e(
  "A node that was removed while it was away ends, or joins again when it is started with --join",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [away] = await cluster.followers();
    await away!.stop();
    assert.equal(await leader.ask("RAFT.REMOVESERVER", away!.id), "OK");
    const { id, port, raftPort } = away!;
    const unaware = lab.server({ id, port, raftPort });
    unaware.spawn();
    assert.deepEqual(await unaware.exit(), { code: 3, signal: null });
    assert.match(unaware.log, /was removed from the cluster; stops; to come/);
    assert.equal((await leader.members()).length, 2);
    await away!.start("--join", `127.0.0.1:${leader.port}`);
    await until(
      `node ${away!.id} is a member again`,
      async () => (await leader.members()).length === 3,
    );
    await cluster.settled();
    assert.equal(await (await cluster.leader()).ticket(), 1n);
  },
);

e2e(
  "A node whose raft address has changed is dialled there, and votes",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [leader, others] = [
      await cluster.leader(),
      await cluster.followers(),
    ];
    const [mover, other] = others;
    await leader.tickets(10);
    await mover!.stop();
    const { id, port } = mover!;
    const moved = lab.server({ id, port });
    await moved.start();
    await leader.logged(new RegExp(`node ${id} has moved to .*`));
    const now = new Cluster([leader, moved, other!]);
    for (const node of now.servers) {
      await until(
        `node ${node.id} knows the address of node ${id}`,
        async () => {
          const servers = await node.ask("RAFT.CONFIGURATION");
          return JSON.stringify(servers).includes(moved.raftAddress);
        },
      );
    }
    await now.settled();
    // Two nodes are left, and one of them must vote for the other.
    await leader.kill();
    assert.equal(await (await now.leader()).ticket(), 11n);
  },
);

e2e(
  "A leader whose raft address has changed is told by the others",
  async (lab) => {
    const cluster = await lab.cluster(2);
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    await leader.kill();
    const moved = lab.server({ id: leader.id, port: leader.port });
    await moved.start();
    const known = `node ${follower!.id} knows the address of ${moved.id}`;
    await until(known, async () => {
      const servers = await follower!.ask("RAFT.CONFIGURATION");
      return JSON.stringify(servers).includes(moved.raftAddress);
    });
    await new Cluster([moved, follower!]).settled();
  },
);

function member(id: string): Server {
  const address = `127.0.0.1:${Number(id)}`;
  return { id, address, suffrage: "voter", incarnation: id };
}
