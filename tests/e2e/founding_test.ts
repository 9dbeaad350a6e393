// Several nodes found a cluster together (--bootstrap-expect), with one list of addresses for
// all of them: in any order, with a node killed in the middle, and with disks lost later.

import assert from "node:assert/strict";
import { Cluster, e2e, type Lab, refused } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";
import { calm, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { draftText } from "../../raft/members/proposal.ts";
import { draftName, encodeDraft } from "../../storage/draft.ts";

/** `count` nodes, not started, which are told the same addresses. */
function together(
  lab: Lab,
  count: number,
  { flags = [], host = "127.0.0.1" }: {
    readonly flags?: readonly string[];
    /** By which the list names them. */
    readonly host?: string;
  } = {},
): Server[] {
  const ports = Array.from({ length: count }, () => freePort());
  const list = ports.map((port) => `${host}:${port}`).join(",");
  return ports.map((port, i) =>
    lab.server({
      id: `${i + 1}`,
      port,
      flags: [
        ...calm,
        ...["--bootstrap-expect", `${count}`, "--join", list],
        ...flags,
      ],
    })
  );
}

/** The id of the cluster that each has founded; they must be one. */
async function clusterOf(servers: readonly Server[]): Promise<string> {
  const ids = await Promise.all(servers.map(async (server) => {
    const [, id] = await server.logged(/founded cluster ([0-9a-f]{32})/);
    return id!;
  }));
  assert.equal(new Set(ids).size, 1, `${ids}`);
  return ids[0]!;
}

e2e(
  "Three nodes with one list found one cluster, whichever starts first, and a fourth joins",
  async (lab) => {
    const servers = together(lab, 3);
    const [one, two, three] = servers;
    three!.spawn();
    two!.spawn();
    await two!.logged(/waits for 3 nodes to found a cluster, and sees 2, 3/);
    assert.match(String(await two!.ask("RAFT.STATS")), /this node waits for 3/);
    await one!.start();
    // It waits, and is answered as soon as there is a leader.
    const early = one!.ticket().catch(String);
    const cluster = new Cluster(servers);
    await clusterOf(servers);
    await cluster.settled();
    assert.equal(await early, 1n);
    assert.equal(await one!.ticket(), 2n);
    const fourth = lab.server({ id: "4", join: [two!.port] });
    await fourth.start();
    await new Cluster([...servers, fourth]).settled();
    assert.equal(await fourth.ticket(), 3n);
    await one!.stop();
    await one!.start();
    await one!.logged(/ignoring --bootstrap-expect and --join/);
    await new Cluster([...servers, fourth]).settled();
  },
);

e2e(
  "A node that is killed while the others found the cluster is a founder all the same",
  async (lab) => {
    const servers = together(lab, 3);
    const [one, two, three] = servers;
    for (const server of servers) server.spawn();
    await three!.logged(/agrees to found cluster/);
    await three!.kill();
    three!.spawn();
    await until("all have a cluster", async () => {
      const all = await Promise.all(
        servers.map((s) => s.members().catch(() => [])),
      );
      return all.every((members) => members.length === 3);
    });
    await new Cluster(servers).settled();
    assert.equal(await one!.ticket(), 1n);
    assert.equal(await two!.ticket(), 2n);
    assert.equal(await three!.ticket(), 3n);
  },
);

e2e(
  "A node whose disk is lost joins again, and none of two begins at 1",
  async (lab) => {
    const servers = together(lab, 3);
    const [one, two, three] = servers;
    for (const server of servers) server.spawn();
    const cluster = new Cluster(servers);
    await clusterOf(servers);
    await cluster.settled();
    assert.equal((await one!.tickets(10)).at(-1), 10n);
    await one!.kill();
    await Deno.remove(one!.data, { recursive: true });
    assert.equal(await two!.ask("RAFT.REMOVESERVER", "1"), "OK");
    one!.spawn();
    await one!.logged(/joins cluster/);
    await cluster.settled();
    assert.equal(await one!.ticket(), 11n);
    // Two disks are lost while the third node is down.
    for (const server of servers) await server.kill();
    for (const server of [one, two]) {
      await Deno.remove(server!.data, { recursive: true });
      server!.spawn();
    }
    await one!.logged(
      /sees 1, 2; no answer from 127.0.0.1:\d+ \(connection refused/,
    );
    assert.match(String(await one!.ask("TICKET")), /belongs to no cluster/);
    three!.spawn();
    await two!.logged(/waits to join cluster \w+: node 3 is a member/);
    assert.doesNotMatch(one!.log + two!.log, /founded cluster/);
  },
);

e2e("Two nodes on Deno KV found a cluster together", async (lab) => {
  // A name, which may have several addresses.
  const servers = together(lab, 2, {
    ...{ flags: ["--storage", "kv"], host: "localhost" },
  });
  const [one, two] = servers;
  for (const server of servers) server.spawn();
  await clusterOf(servers);
  await new Cluster(servers).settled();
  assert.equal(await two!.ticket(), 1n);
  await one!.kill();
  await one!.start();
  await new Cluster(servers).settled();
  assert.equal(await one!.ticket(), 2n);
});

e2e(
  "Two nodes that listen everywhere found a cluster on this machine",
  async (lab) => {
    const [one, two] = together(lab, 2, { host: "" });
    for (const server of [one!, two!]) {
      server.spawn(
        "--saddr",
        `:${server.port}`,
        "--raddr",
        `:${server.raftPort}`,
      );
    }
    await clusterOf([one!, two!]);
    assert.equal(await one!.ticket(), 1n);
    assert.equal(await two!.ticket(), 2n);
    // A disk that has voted must not come back without its votes.
    await one!.stop();
    for await (const { name } of Deno.readDir(one!.data)) {
      if (name.endsWith(".log")) await Deno.remove(`${one!.data}/${name}`);
    }
    assert.match(await refused(one!), /the log of node 1 is gone from/);
  },
);

e2e("A node that waits for others ends when it is told to", async (lab) => {
  const [one] = together(lab, 3);
  await one!.start();
  const early = one!.ask("TICKET");
  await until(
    "it waits",
    async () => /waits for 3/.test(String(await one!.ask("RAFT.STATS"))),
  );
  await one!.stop();
  assert.match(String(await early), /belongs to no cluster|is stopping/);
});

e2e(
  "A node that has agreed to found with others does not found alone",
  async (lab) => {
    const alone = lab.server({ id: "2" });
    const incarnation = "2".repeat(16);
    const founders = [
      { id: "1", address: ":1", incarnation: "1".repeat(16) },
      { id: "2", address: ":2", incarnation },
    ];
    const accepted = { cluster: "c".repeat(32), founders };
    const draft = {
      ...{ node: "2", incarnation, accepted, former: [], hasLog: false },
    };
    await Deno.mkdir(alone.data, { mode: 0o700 });
    await Deno.writeTextFile(`${alone.data}/LOCK`, "");
    const bytes = encodeDraft(draftText(draft));
    await Deno.writeFile(`${alone.data}/${draftName}`, bytes);
    assert.match(
      await refused(alone),
      /agreed to found cluster c{32} with nodes 1, 2, which may have done so/,
    );
  },
);

e2e(
  "A node whose log is removed, and not its draft, does not vote again",
  async (lab) => {
    const servers = together(lab, 3);
    const [one, two, three] = servers;
    for (const server of servers) server.spawn();
    await clusterOf(servers);
    await new Cluster(servers).settled();
    await three!.kill();
    assert.equal((await one!.tickets(10)).at(-1), 10n);
    await two!.kill();
    await Deno.remove(`${two!.data}/0000000000000001.log`);
    // With the third, which lacks the tickets, it would be a majority.
    assert.match(await refused(two!), /the log of node 2 is gone from/);
  },
);
