// Three real nodes, and clients that know nothing of leaders: they talk to any node and get
// their tickets, whatever happens to the leader meanwhile.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { checkTickets } from "../lib/checker.ts";
import { Client, ReplyError, ticketRequest } from "../lib/client.ts";
import { Cluster, e2e, redisTool } from "../lib/harness.ts";
import { until, within } from "../lib/until.ts";

e2e(
  "Clients of all nodes get numbers once, in real-time order and without a gap",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const options = { connections: 10, pipeline: 20 };
    const loads = cluster.servers.map((node) => lab.load([node], options));
    await Promise.all(loads.map((load) => load.more(3000)));
    const tickets = await Promise.all(loads.map((load) => load.stop()));
    checkTickets(tickets.flat(), { dense: true });
    for (const { refusals } of loads) assert.equal(refusals.size, 0);
  },
);

e2e(
  "kill -9 of the leader refuses nobody on the other nodes: they wait, and are answered",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const others = cluster.servers.filter((node) => node !== leader);
    const loads = others.map((node) => lab.load([node]));
    await Promise.all(loads.map((load) => load.more(500)));
    await leader.kill();
    await Promise.all(loads.map((load) => load.more(500)));
    await leader.start();
    await Promise.all(loads.map((load) => load.more(500)));
    const tickets = await Promise.all(loads.map((load) => load.stop()));
    checkTickets(tickets.flat());
    for (const { refusals } of loads) assert.deepEqual([...refusals], []);
  },
);

e2e(
  "A rolling restart refuses nobody on the nodes that stay, and hangs up on nobody there",
  async (lab) => {
    const cluster = await lab.cluster(3);
    for (const node of cluster.servers) {
      const others = cluster.servers.filter((other) => other !== node);
      using one = await others[0]!.connect();
      using other = await others[1]!.connect();
      let restarting = true;
      const asking = [one, other].map(async (client) => {
        let last = 0n;
        while (restarting) {
          const [number] = await client.tickets(1);
          assert(number! > last);
          last = number!;
        }
      });
      try {
        await node.stop();
        await node.start();
        await cluster.settled();
      } finally {
        restarting = false;
        await Promise.all(asking);
      }
    }
  },
);

e2e(
  "Without a majority a request waits for --timeout, then it is refused with the reason",
  async (lab) => {
    const cluster = await lab.cluster(3, { flags: ["--timeout", "700ms"] });
    const leader = await cluster.leader();
    const [one, other] = await cluster.followers();
    using patient = await one!.connect();
    await patient.tickets(1);
    await Promise.all([leader.kill(), other!.kill()]);
    for (const told of ["TICKET", "TICKET"]) {
      const askedAt = performance.now();
      const answer = await patient.ask(told);
      assert(performance.now() - askedAt > 650, "it waited");
      assert(answer instanceof ReplyError);
      assert.equal(answer.message, "CLUSTERDOWN No leader within 0.7s");
    }
    // A reply that waits behind a waiting ticket comes in its turn.
    const inTurn = await (async () => {
      await patient.send(`${ticketRequest}PING\r\n`);
      return [await patient.reply(), await patient.reply()];
    })();
    assert(inTurn[0] instanceof ReplyError);
    assert.equal(inTurn[1], "PONG");

    await leader.start();
    await until(
      `node ${one!.id} serves again`,
      async () => /^\d+$/.test(String(await patient.ask("TICKET"))),
    );
  },
);

e2e(
  "A node that stops while there is no leader tells its waiting clients, and ends with 0",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [one, other] = await cluster.followers();
    await Promise.all([leader.kill(), other!.kill()]);
    using waiting = await one!.connect();
    await waiting.send(`PING\r\n${ticketRequest}`);
    assert.equal(await waiting.reply(), "PONG"); // so the TICKET behind it has arrived, too
    const stopped = one!.stop();
    const answer = await waiting.reply();
    assert(answer instanceof ReplyError);
    assert.equal(answer.message, "ERR the node is stopping");
    await stopped;
  },
);

e2e(
  "--forward moved names the leader's client address, which cluster clients follow",
  async (lab) => {
    const cluster = await lab.cluster(3, { flags: ["--forward", "moved"] });
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    await until(
      `node ${follower!.id} knows the leader's client address`,
      async () => /MOVED/.test(String(await askTicket(follower!.port))),
    );
    const { message } = await askTicket(follower!.port) as ReplyError;
    assert.equal(message, `MOVED 0 127.0.0.1:${leader.port}`);
    const cli = await redisTool(
      "redis-cli",
      ["-c", "-p", `${follower!.port}`, "TICKET"],
    );
    assert.equal(cli.stdout.trim(), "1");
    assert.equal(await leader.ticket(), 2n);
  },
  { needs: ["redis-cli"] },
);

async function askTicket(port: number) {
  using client = await Client.connect(port);
  return await client.ask("TICKET");
}

e2e(
  "A stock client on a follower never notices that the leader dies",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    const redis = new Redis(follower!.port, "127.0.0.1", {
      maxRetriesPerRequest: 0,
    });
    const errors: unknown[] = [];
    redis.on("error", (error: unknown) => errors.push(error));
    const take = async () =>
      BigInt(String(
        await within("ioredis has a ticket", redis.call("TICKET")),
      ));
    try {
      const before = await take();
      await leader.kill();
      const after = await take();
      assert(after > before);
      await new Cluster(cluster.running).leader();
      assert.deepEqual(errors, []);
    } finally {
      redis.disconnect();
    }
  },
);
