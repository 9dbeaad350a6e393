// Three real nodes: whatever dies, comes, goes or falls behind, no number is given twice
// and none out of order.

import assert from "node:assert/strict";
import { pause } from "../../base/pause.ts";
import { checkTickets } from "../lib/checker.ts";
import { Cluster, e2e } from "../lib/harness.ts";
import { until } from "../lib/until.ts";

for (
  const flags of [
    [],
    ["--durability", "medium"],
    ["--storage", "kv"],
  ]
) {
  const name = flags.length === 0 ? "as it comes" : flags.join(" ");

  e2e(
    `kill -9 of the leader, then of all, repeats no number and none out of order (${name})`,
    async (lab) => {
      const cluster = await lab.cluster(3, { flags });
      const load = lab.load(cluster.servers, { connections: 30 });
      for (let round = 0; round < 2; round++) {
        await load.more(1000);
        const leader = await cluster.leader();
        await leader.kill();
        await load.more(1000);
        await leader.start();
      }
      await load.more(1000);
      await Promise.all(cluster.servers.map((server) => server.kill()));
      await Promise.all(cluster.servers.map((server) => server.start()));
      await load.more(1000);
      checkTickets(await load.stop());
    },
  );
}

e2e(
  "A leader that stood still gives nothing away when it wakes up (PITFALLS 23)",
  async (lab) => {
    const cluster = await lab.cluster(3, { flags: [] });
    const before = lab.load(cluster.servers);
    await before.more(500);
    const old = await cluster.leader();
    old.signal("SIGSTOP");
    const others = new Cluster(cluster.servers.filter((node) => node !== old));
    await others.leader();
    const after = lab.load(others.servers);
    await after.more(500);
    old.signal("SIGCONT");
    await cluster.leader();
    await after.more(500);
    checkTickets([...await before.stop(), ...await after.stop()]);
  },
);

e2e(
  "Without a failure the numbers have no gap, whoever comes and goes as a follower",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [follower] = await cluster.followers();
    // No load on the follower: the numbers that its clients wait for would burn with it.
    const others = cluster.servers.filter((node) => node !== follower);
    const load = lab.load(others, { connections: 50, pipeline: 10 });
    await load.more(2000);
    await follower!.kill();
    await load.more(2000);
    await follower!.start();
    await load.more(2000);
    checkTickets(await load.stop(), { dense: true });
  },
);

e2e(
  "A node joins through any member, through the first that answers, and once there is a leader",
  async (lab) => {
    const { servers: [first, second] } = await lab.cluster(2);
    assert.equal(await first!.ticket(), 1n);
    await first!.kill(); // now there is no leader, and nobody at this address
    const join = [first!.port, second!.port];
    const third = lab.server({ id: "3", join });
    third.spawn();
    await third.logged(new RegExp(`waiting to join through .*:${join[0]}: `));
    await first!.start();
    await third.logged(/serves clients/);
    const three = new Cluster([first!, second!, third]);
    await three.settled();

    const [follower] = await three.followers();
    const fourth = lab.server({ id: "4", join: [follower!.port] });
    await fourth.start();
    const four = new Cluster([...three.servers, fourth]);
    await four.settled();
    assert.equal(await (await four.leader()).ticket(), 2n);

    // A restart with --join, as at the first start, adds no member.
    for (const node of [third, fourth]) {
      await node.stop();
      await node.start();
      assert.match(
        node.log,
        /ignoring --join but .* this node already belongs to a cl/,
      );
    }
    await four.settled();
  },
);

e2e(
  "A removed follower says so and ends, and may join again (the original's stood for election for ever)",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [follower, other] = await cluster.followers();
    // A follower passes the request on to the leader.
    assert.equal(await other!.ask("RAFT.REMOVESERVER", follower!.id), "OK");
    const { term } = await leader.stats();
    assert.deepEqual(await follower!.exit(), { code: 3, signal: null });
    assert.match(follower!.log, /was removed from the cluster; stops; to come/);
    const rest = new Cluster([leader, other!]);
    await rest.settled();
    assert.equal((await leader.stats()).term, term);
    assert.equal(await leader.ticket(), 1n);

    await follower!.start("--join", `127.0.0.1:${leader.port}`);
    await cluster.settled();
    assert.equal(await (await cluster.leader()).ticket(), 2n);
  },
);

e2e(
  "A removed leader hands over first, answers, and ends (the original's stayed up)",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const load = lab.load(cluster.servers);
    await load.more(500);
    const leader = await cluster.leader();
    assert.equal(await leader.ask("RAFT.REMOVESERVER", leader.id), "OK");
    assert.deepEqual(await leader.exit(), { code: 3, signal: null });
    assert.match(leader.log, /was removed from the cluster; stops/);
    const rest = new Cluster(cluster.servers.filter((node) => node !== leader));
    await rest.settled();
    await load.more(500);
    checkTickets(await load.stop());
    const next = await (await rest.leader()).ticket();
    assert.ok(next > load.largest);
  },
);

e2e(
  "A node that was away past a compaction catches up and counts again (the original's never did)",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [away, other] = await cluster.followers();
    await leader.tickets(100);
    await away!.kill();
    await leader.tickets(25_000);
    // Until it has been silent for an election timeout the leader keeps what it lacks.
    await pause(1000);
    assert.equal(await leader.ask("RAFT.SNAPSHOT"), "OK");
    assert.equal(await other!.ask("RAFT.SNAPSHOT"), "OK");
    await leader.tickets(100);
    await away!.start();
    await until(`node ${away!.id} has caught up`, async () => {
      const [own, leaders] = await Promise.all([away!.stats(), leader.stats()]);
      return own.applied_index === leaders.applied_index;
    });
    assert.ok(Number((await away!.stats()).last_snapshot_index) > 0);
    await other!.kill(); // now each ticket needs the one that was away
    assert.equal(await leader.ticket(), 25_201n);

    // Its own disk has the whole log, so that it can lead.
    await other!.start();
    await cluster.settled();
    await leader.kill();
    const rest = new Cluster([away!, other!]);
    assert.ok(await (await rest.leader()).ticket() > 25_201n);
  },
);

e2e(
  "A node that joins after 25,000 tickets and a snapshot catches up (the original's never did)",
  async (lab) => {
    const first = await lab.server({ id: "1" }).start();
    for (let i = 0; i < 25; i++) await first.tickets(1000);
    assert.equal(await first.ask("RAFT.SNAPSHOT"), "OK");
    const second = lab.server({ id: "2", join: [first.port] });
    await second.start();
    const cluster = new Cluster([first, second]);
    await cluster.settled();
    assert.equal(await (await cluster.leader()).ticket(), 25_001n);
  },
);
