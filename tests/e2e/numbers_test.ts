// TICKET.LAST, TICKET.RAISE and `ticketd backup` on real nodes.

import assert from "node:assert/strict";
import { decodeBackup } from "../../admin/backup_file.ts";
import { e2e, type Lab } from "../lib/harness.ts";
import type { Output } from "../lib/program.ts";
import { until } from "../lib/until.ts";

async function backup(lab: Lab, ...args: string[]): Promise<Output> {
  return await lab.deno("run", "-A", "main.ts", "backup", ...args);
}

e2e(
  "TICKET.RAISE and TICKET.LAST hold on every node, and through the death of the leader",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [one, other] = await cluster.followers();
    assert.equal(await one!.ask("TICKET.LAST"), "0");
    assert.equal(await one!.ask("TICKET.RAISE", "1000"), "OK");
    assert.equal(await other!.ticket(), 1001n);
    assert.equal(await leader.ask("TICKET.LAST"), "1001");
    assert.equal(await leader.ask("TICKET.RAISE", "5"), "OK");
    assert.equal(await one!.ticket(), 1002n);
    await leader.kill();
    // They wait for the next leader, as a TICKET does.
    const [raised, last] = await Promise.all([
      one!.ask("TICKET.RAISE", "2000"),
      other!.ask("TICKET.LAST"),
    ]);
    assert.equal(raised, "OK");
    assert(BigInt(String(last)) >= 1002n);
    assert((await other!.ticket()) > 2000n);
  },
);

e2e(
  "A pipeline runs in its order: tickets before TICKET.RAISE are below, those behind it above",
  async (lab) => {
    const server = await lab.server();
    await server.start();
    using client = await server.connect();
    // So many that numbers are taken ahead, and lent to the isolate of the clients.
    for (let i = 0; i < 100; i++) await client.tickets(3);
    await client.send(
      "TICKET\r\nTICKET.LAST\r\nTICKET.RAISE 10000\r\nTICKET\r\nTICKET.LAST\r\n",
    );
    const replies = [];
    for (let i = 0; i < 5; i++) replies.push(await client.reply());
    const [ticket] = replies;
    assert.deepEqual(replies, [ticket, ticket, "OK", "10001", "10001"]);
    const info = await until("INFO knows the last ticket", async () => {
      const text = String(await client.ask("INFO"));
      const found = /^last_ticket:(\d+)\r$/m.exec(text)?.[1];
      return Number(found) >= 10_001 ? found : undefined;
    });
    assert(Number(info) >= 10_001);
  },
);

e2e(
  "ticketd backup holds every ticket that was answered before it, through any node",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const path = `${lab.directory}/b.backup`;
    const load = lab.load(cluster.servers, { connections: 4, pipeline: 5 });
    for (const server of cluster.servers) {
      await load.more(500);
      const before = await server.ticket();
      const output = await backup(lab, `127.0.0.1:${server.port}`, path);
      assert.equal(output.code, 0, output.stderr);
      assert.equal(output.stdout, "");
      const found = decodeBackup(await Deno.readFile(path), path);
      assert(found.sequences[0]!.last >= before);
      assert.deepEqual(found.members.map(({ id }) => id).sort(), [
        "1",
        "2",
        "3",
      ]);
    }
    await load.stop();
    const [first, ...others] = cluster.servers;
    for (const other of others) await other.kill();
    const address = `127.0.0.1:${first!.port}`;
    const failed = await backup(lab, address);
    assert.equal(failed.code, 1);
    assert.equal(failed.stdout, "");
    assert.match(failed.stderr, /^no backup of the cluster at .*: ERR /);
  },
);
