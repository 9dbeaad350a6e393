// Requests that no other node answers end with an error that says so. They wait for up to
// 60 s, so all of them wait at once, in a file of their own.

import assert from "node:assert/strict";
import { checkTickets } from "../lib/checker.ts";
import { type Reply, ReplyError } from "../lib/client.ts";
import { e2e, type Lab, refused } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";

e2e(
  "A request that no other node answers ends with an error that says so, and delays nobody",
  async (lab) => {
    await Promise.all([
      joiningNobody(lab),
      addingNobodyToOne(lab),
      addingNobodyToThree(lab),
      addingAStranger(lab),
    ]);
  },
);

async function joiningNobody(lab: Lab): Promise<void> {
  const directory = `${lab.directory}/nobody`;
  const ports = [freePort(), freePort()];
  const fault = await refused(lab.server({ directory, join: ports }));
  const tried = ports.map((port) => `127.0.0.1:${port}: connection refused`);
  assert.match(
    fault,
    new RegExp(
      `cannot join a cluster within 60 s; ${tried.join("; ")}`,
    ),
  );
}

/** The original said OK, and the one-node cluster had lost its quorum for good. */
async function addingNobodyToOne(lab: Lab): Promise<void> {
  const directory = `${lab.directory}/one`;
  const node = await lab.server({ directory }).start();
  const load = lab.load([node], { connections: 2 });
  const nobody = `127.0.0.1:${freePort()}`;
  let answered = false;
  const reply = node.ask("RAFT.ADDVOTER", "2", nobody)
    .finally(() => answered = true);
  await load.more(1000);
  assert.ok(!answered, "tickets are given meanwhile");
  assertGivenUp(await reply, nobody);
  await load.more(100);
  checkTickets(await load.stop(), { dense: true });
  assert.deepEqual(await node.members(), ["1 Voter"]);
  assert.equal(await node.ask("RAFT.REMOVESERVER", "2"), "OK");
  await node.stop();
}

async function addingNobodyToThree(lab: Lab): Promise<void> {
  const cluster = await lab.cluster(3, { directory: `${lab.directory}/three` });
  const load = lab.load(cluster.servers, { connections: 2 });
  const [follower] = await cluster.followers();
  const nobody = `127.0.0.1:${freePort()}`;
  assertGivenUp(await follower!.ask("RAFT.ADDVOTER", "9", nobody), nobody);
  await load.more(100);
  checkTickets(await load.stop(), { dense: true });
  await cluster.settled();
}

/** A node does answer there, but it belongs to another cluster. */
async function addingAStranger(lab: Lab): Promise<void> {
  const [ours, other] = await Promise.all(
    ["ours", "other"].map((id) =>
      lab.server({ id, directory: `${lab.directory}/two` }).start()
    ),
  );
  const { raftAddress } = other!;
  const reply = await ours!.ask("RAFT.ADDVOTER", "8", raftAddress);
  assertGivenUp(reply, raftAddress);
  for (const node of [ours!, other!]) {
    assert.equal(await node.ticket(), 1n);
    assert.deepEqual(await node.members(), [`${node.id} Voter`]);
  }
}

function assertGivenUp(reply: Reply, address: string): void {
  assert.ok(reply instanceof ReplyError, `${reply}`);
  assert.match(
    reply.message,
    /^ERR server \d at 127.0.0.1:\d+ did not catch up/,
  );
  assert.ok(reply.message.includes(address));
}
