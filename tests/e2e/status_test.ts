// `ticketd status` against real nodes.

import assert from "node:assert/strict";
import { e2e, type Lab } from "../lib/harness.ts";
import type { Output } from "../lib/program.ts";
import { freePort } from "../lib/ports.ts";
import { until } from "../lib/until.ts";

async function status(lab: Lab, port: number): Promise<Output> {
  const address = `127.0.0.1:${port}`;
  return await lab.deno("run", "--allow-net", "main.ts", "status", address);
}

/** The table's lines without its head and the line below it, cut into columns. */
function rows({ stdout }: Output): string[][] {
  const lines = stdout.trimEnd().split("\n");
  assert.match(lines.at(-1) ?? "", /^last ticket \d+$/);
  return lines.slice(1, -1).map((line) => line.split(/ {2,}/));
}

e2e(
  "ticketd status shows the whole cluster, and ends with 1 if a node does not answer",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [follower, other] = await cluster.followers();
    // A node that has just started may not have met all other nodes yet.
    const well = await until("status shows that all nodes answer", async () => {
      const output = await status(lab, follower!.port);
      return output.code === 0 ? output : undefined;
    });
    assert.equal(well.stderr, "");
    const expected = cluster.servers.map((server) => [
      ...[server.id, server.raftAddress, `127.0.0.1:${server.port}`],
      server === leader ? "leader" : "follower",
    ]);
    assert.deepEqual(rows(well).map((row) => row.slice(0, 4)), expected);

    await other!.kill();
    const ill = await status(lab, follower!.port);
    assert.equal(ill.code, 1);
    assert.equal(
      ill.stderr,
      `node ${other!.id} is unreachable at 127.0.0.1:${other!.port} ` +
        "(connection refused)\n",
    );
    const roles = rows(ill).map(([id, , , role]) => `${id} ${role}`);
    assert.ok(roles.includes(`${other!.id} unreachable`), ill.stdout);

    await leader.kill();
    // The last node still follows the dead leader for a while.
    const alone = await status(lab, follower!.port);
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, /^no node says that it leads; node . is unr/);
    assert.equal(alone.stderr.split("\n").length, 2, alone.stderr);
  },
);

e2e(
  "ticketd status says in one line when nobody, or no ticketd, answers",
  async (lab) => {
    const port = freePort();
    assert.deepEqual(await status(lab, port), {
      code: 1,
      stdout: "",
      stderr:
        `cannot ask 127.0.0.1:${port}: connection refused; name where a node serves ` +
        "clients (--saddr)\n",
    });
    const node = await lab.server().start();
    const wrong = await status(lab, node.raftPort);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^cannot ask 127\.0\.0\.1:\d+: [^\n]+\n$/);
  },
);
