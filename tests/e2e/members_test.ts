// An operator changes the members of a real cluster through any node: gives votes and takes
// them away, hands leadership over, replaces a dead node.

import assert from "node:assert/strict";
import { Cluster, e2e } from "../lib/harness.ts";
import { calm, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** Waits until all running nodes know node `id` with this suffrage. */
async function known(cluster: Cluster, id: string, suffrage: string) {
  await until(`all nodes know node ${id} as ${suffrage}`, async () => {
    const all = await Promise.all(cluster.running.map((s) => s.members()));
    return all.every((members) => members.includes(`${id} ${suffrage}`));
  });
}

/** The leader, once it is another than `old`: nodes may name the old one for a tick. */
async function nextLeader(cluster: Cluster, old: Server): Promise<Server> {
  return await until(`another node than ${old.id} leads`, async () => {
    const leader = await cluster.leader();
    return leader === old ? undefined : leader;
  });
}

e2e(
  "A node joins without a vote, gets one, leads and loses it again, at the word of any node",
  async (lab) => {
    const three = await lab.cluster(3);
    const [follower, other] = await three.followers();
    const fourth = lab.server({
      id: "4",
      join: [follower!.port],
      flags: [...calm, "--nonvoter"],
    });
    await fourth.start();
    const four = new Cluster([...three.servers, fourth]);
    await known(four, "4", "Nonvoter");
    assert.equal(await (await four.leader()).ticket(), 1n);
    assert.equal(
      await other!.bytes("RAFT.TRANSFER", "4"),
      `-ERR server 4 at ${fourth.raftAddress} has no vote and cannot lead; ` +
        "RAFT.PROMOTE 4 gives it one\r\n",
    );
    // A restart without the flag changes nothing.
    await fourth.stop();
    await fourth.start();
    await known(four, "4", "Nonvoter");

    assert.equal(await fourth.ask("RAFT.PROMOTE", "4"), "OK");
    await four.settled();
    const first = await four.leader();
    assert.equal(await other!.ask("RAFT.TRANSFER", "4"), "OK");
    assert.equal(await nextLeader(four, first), fourth);
    assert.equal(await fourth.ticket(), 2n);

    assert.equal(await follower!.ask("RAFT.DEMOTE", "4"), "OK");
    await known(four, "4", "Nonvoter");
    const leader = await nextLeader(four, fourth);
    assert.equal(await leader.ticket(), 3n);
    assert.equal(await fourth.ask("RAFT.TRANSFER"), "OK");
    const next = await nextLeader(four, leader);
    assert.notEqual(next, fourth);
    assert.equal(await next.ticket(), 4n);
  },
);

e2e(
  "A dead node is replaced: a new one joins, and the dead one is removed",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [dead, living] = await cluster.followers();
    await dead!.kill();
    const refusal = await until(`the leader misses ${dead!.id}`, async () => {
      const asked = await leader.bytes("RAFT.TRANSFER", dead!.id);
      return asked.includes("does not answer") ? asked : undefined;
    });
    assert.equal(
      refusal,
      `-ERR server ${dead!.id} at ${dead!.raftAddress} does not answer: ` +
        "is it running?\r\n",
    );
    assert.match(
      await living!.bytes("RAFT.REMOVESERVER", living!.id),
      new RegExp(
        `^-ERR server ${
          dead!.id
        } .* would be needed and does not answer: no ticket .*` +
          `send RAFT\\.REMOVESERVER ${living!.id} FORCE\r\n$`,
      ),
    );

    const fresh: Server = lab.server({ id: "4", join: [living!.port] });
    await fresh.start();
    const four = new Cluster([...cluster.servers, fresh]);
    await known(four, "4", "Voter");
    assert.equal(await fresh.ask("RAFT.REMOVESERVER", dead!.id), "OK");
    const three = new Cluster([leader, living!, fresh]);
    await three.settled();
    assert.equal(await (await three.leader()).ticket(), 1n);

    // As good as before: any one of the three may die.
    const last = await three.leader();
    await last.kill();
    assert.equal(await (await nextLeader(three, last)).ticket(), 2n);
  },
);
