// Nodes that must not join: wiped, under a used id, of another cluster. Each is told the
// reason, and the cluster goes on.

import assert from "node:assert/strict";
import { Cluster, e2e, fault } from "../lib/harness.ts";

e2e(
  "A wiped node is refused under its id until that is removed (PITFALLS 17)",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [first, second, third] = cluster.servers;
    assert.equal(await (await cluster.leader()).ticket(), 1n);
    await third!.kill();
    await Deno.remove(third!.data, { recursive: true });
    assert.match(
      await fault(third!),
      /cannot join: id 3 belongs to the server at .*RAFT.REMOVESERVER 3 first/,
    );
    assert.equal(await first!.ask("RAFT.REMOVESERVER", "3"), "OK");
    await third!.start();
    await cluster.settled();
    await second!.kill(); // now each ticket needs the one that was wiped
    const rest = new Cluster([first!, third!]);
    assert.ok(await (await rest.leader()).ticket() >= 2n);
  },
);

e2e(
  "A second node under a used id is refused, and the first goes on (PITFALLS 30)",
  async (lab) => {
    const cluster = await lab.cluster(2);
    const [first, second] = cluster.servers;
    const directory = `${lab.directory}/elsewhere`;
    for (const { id } of [first!, second!]) {
      const stranger = lab.server({ id, directory, join: [first!.port] });
      const line = await fault(stranger);
      assert.ok(line.includes(`cannot join: id ${id} belongs to`), line);
    }
    await cluster.settled();
    assert.equal(await (await cluster.leader()).ticket(), 1n);
  },
);

e2e(
  "A member that lost its data and founds a cluster of its own is told so loudly (PITFALLS 17, 30)",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const third = cluster.servers[2]!;
    await third.kill();
    const rest = new Cluster(cluster.servers.slice(0, 2));
    const leader = await rest.leader();
    assert.equal(await leader.ticket(), 1n);
    await Deno.remove(third.data, { recursive: true });
    // Under the same id and address, but without --join.
    const { id, port, raftPort } = third;
    const founder = lab.server({ id, port, raftPort });
    await founder.start();
    // The members that still know it dial it. Anybody could do that, so that it does not end.
    await founder.logged(
      / error .*holds node 3 for a member.*RAFT\.REMOVESERVER 3/,
    );
    assert.equal(await leader.ticket(), 2n);
    assert.equal(await founder.ticket(), 1n, "people have to see to it");
    assert.equal(founder.running, true);
    assert.deepEqual((await rest.leader()).id, leader.id);
  },
);

e2e(
  "A node with another cluster's data is not moved by --join",
  async (lab) => {
    const ours = await lab.cluster(2);
    const other = await lab.server({ id: "other" }).start();
    assert.equal(await other.ticket(), 1n);
    await other.stop();
    await other.start("--join", `127.0.0.1:${ours.servers[0]!.port}`);
    assert.match(other.log, /ignoring --join/);
    assert.equal(await other.ticket(), 2n);
    assert.equal((await ours.servers[0]!.members()).length, 2);
  },
);

e2e(
  "A removed node's data do not take it into another cluster",
  async (lab) => {
    const ours = await lab.cluster(3);
    const [removed] = ours.servers;
    assert.equal(await removed!.ask("RAFT.REMOVESERVER", removed!.id), "OK");
    assert.deepEqual(await removed!.exit(), { code: 3, signal: null });
    const other = await lab.server({ id: "other" }).start();
    const line = await fault(removed!, "--join", `127.0.0.1:${other.port}`);
    assert.match(
      line,
      /cannot join cluster \w+: this node's data in .* of cluster/,
    );
  },
);
