// A client written for the original must not notice the difference: every exchange that was
// recorded from the original, to the byte, on a real node; then real client programs.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { encode, exchange, ReplyError } from "../lib/client.ts";
import { e2e, redisTool } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { within } from "../lib/until.ts";

/** A request, as words or as bytes, and all bytes that come back until the end. */
type Row = readonly [
  request: readonly string[] | string,
  reply: string | ((text: string) => boolean),
];

async function assertRows(server: Server, rows: readonly Row[]): Promise<void> {
  for (const [request, expected] of rows) {
    const bytes = typeof request === "string" ? request : encode(request);
    const reply = await exchange(server.port, bytes);
    const name = JSON.stringify(request);
    if (typeof expected === "string") assert.equal(reply, expected, name);
    else assert.ok(expected(reply), `${name} → ${JSON.stringify(reply)}`);
  }
}

function bulks(...texts: string[]): string {
  return `*${texts.length}\r\n` +
    texts.map((text) => `$${text.length}\r\n${text}\r\n`).join("");
}

const ticket = encode(["TICKET"]);
const ping = encode(["PING"]);
const unbalanced = "-ERR Protocol error: unbalanced quotes in request\r\n";

e2e(
  "TICKET, PING, QUIT and anything else answer as the original did",
  async (lab) => {
    const node = await lab.server().start();
    await assertRows(node, [
      [["TICKET"], "+1\r\n"],
      [["ticket"], "+2\r\n"],
      [["TiCkEt"], "+3\r\n"],
      ["TICKET\r\n", "+4\r\n"],
      ["TICKET\n", "+5\r\n"],
      ["  TICKET \r\n", "+6\r\n"],
      ["'TICKET'\r\n", "+7\r\n"],
      [
        ["TICKET", "x", "y"],
        "-ERR wrong number of arguments for 'ticket' command\r\n",
      ],
      [ticket.repeat(3), "+8\r\n+9\r\n+10\r\n"],
      [ticket + ping + ticket, "+11\r\n+PONG\r\n+12\r\n"],
      // The original dropped both tickets and sent only the error.
      [
        ticket + ticket + "*1\r\n$-5\r\n" + ticket,
        "+13\r\n+14\r\n-ERR Protocol error: invalid bulk length\r\n",
      ],
      // The original took two tickets after QUIT.
      [encode(["QUIT"]) + ticket + ticket, "+OK\r\n"],
      [["TICKET"], "+15\r\n"],
      [["PING"], "+PONG\r\n"],
      [["PING", "hello"], "$5\r\nhello\r\n"],
      [["quit", "x", "y"], "+OK\r\n"],
      [
        ["FOO", "bar"],
        "-ERR unknown command 'FOO', with args beginning with: 'bar' \r\n",
      ],
      ["\r\n   \r\n\n", ""],
      ['"TICKET\r\n', unbalanced],
      ["'TICKET\r\nTICKET\r\n", unbalanced],
      // The original crashed at the first, and kept a core busy for ever at the second.
      [
        "*1\r\n$9223372036854775807\r\n",
        "-ERR Protocol error: invalid bulk length\r\n",
      ],
      [
        "*9223372036854775807\r\n",
        "-ERR Protocol error: invalid multibulk length\r\n",
      ],
      [["TICKET"], "+16\r\n"],
    ]);
  },
);

e2e("RAFT.* on a single node answer as the original did", async (lab) => {
  const node = await lab.server().start();
  const address = node.raftAddress;
  const statsBefore: Row = [["RAFT.STATS"], stats({ address, lastIndex: 2 })];
  await assertRows(node, [
    [["RAFT.SNAPSHOT"], "-ERR nothing new to snapshot\r\n"],
    statsBefore,
    [ticket.repeat(3), "+1\r\n+2\r\n+3\r\n"], // one log entry, as the next line shows
    [["RAFT.STATS"], stats({ address, lastIndex: 3 })],
    // The original made an entry of each, in quadratic time.
    [(ticket + ping).repeat(2), "+4\r\n+PONG\r\n+5\r\n+PONG\r\n"],
    [["RAFT.STATS"], stats({ address, lastIndex: 4 })],
    [["RAFT.LEADER"], `+${address}\r\n`],
    [["raft.leader", "any", "thing"], `+${address}\r\n`],
    [["RAFT.LASTCONTACT"], "$29\r\n0001-01-01 00:00:00 +0000 UTC\r\n"],
    [
      ["RAFT.CONFIGURATION"],
      "*1\r\n" + bulks("id", "1", "address", address, "suffrage", "Voter"),
    ],
    [["RAFT.SNAPSHOT"], "+OK\r\n"],
    [["RAFT.SNAPSHOT"], "+OK\r\n"],
    [["RAFT.ADDVOTER", "1", address], "+OK\r\n"],
    [["RAFT.ADDVOTER", "1", address, "1"], "+OK\r\n"],
    ...[[], ["1"], ["1", "2", "3", "4"]].map((words): Row => [
      ["RAFT.ADDVOTER", ...words],
      "-ERR wrong number of arguments for 'raft.addvoter' command\r\n",
    ]),
    [["RAFT.ADDVOTER", "5", ":1", "abc"], "-ERR syntax error\r\n"],
    [["RAFT.ADDVOTER", "5", ":1", "-1"], "-ERR syntax error\r\n"],
    [
      ["RAFT.ADDVOTER", "5", ":1", "7777"],
      "-ERR Configuration changed since 7777 (latest is 1)\r\n",
    ],
    [
      ["RAFT.ADDVOTER", "", ":1"],
      (text) => text.startsWith("-ERR Empty ID in configuration: {"),
    ],
    [
      ["RAFT.ADDVOTER", "5", ""],
      (text) =>
        /^-ERR Empty address in configuration: {\w+ 5 }\r\n$/.test(text),
    ],
    [
      ["RAFT.ADDVOTER", "5", address],
      `-ERR Found duplicate address in configuration: ${address}\r\n`,
    ],
    [["RAFT.REMOVESERVER", "9"], "+OK\r\n"],
    [["RAFT.REMOVESERVER", "9", "10.0.0.1:1"], "+OK\r\n"],
    [["RAFT.REMOVESERVER", "9", "1"], "+OK\r\n"],
    [["RAFT.REMOVESERVER", "9", "10.0.0.1:1", "1"], "+OK\r\n"],
    [["RAFT.REMOVESERVER", "9", "10.0.0.1:1", "x"], "-ERR syntax error\r\n"],
    [
      ["RAFT.REMOVESERVER", "1"],
      "-ERR Need at least one voter in configuration: {[]}\r\n",
    ],
    [["TICKET"], "+6\r\n"],
  ]);
});

e2e(
  "RAFT.LEADER shows --raddr :PORT as it is given, and the node serves with it",
  async (lab) => {
    const node = lab.server();
    await node.start("--raddr", `:${node.raftPort}`);
    assert.equal(await node.bytes("RAFT.LEADER"), `+:${node.raftPort}\r\n`);
    assert.equal(await node.ticket(), 1n);
  },
);

e2e(
  "Followers answer TICKET and RAFT.* as the original's did, or better",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const leader = await cluster.leader();
    const [follower, other] = await cluster.followers();
    const goTime =
      /^\$\d+\r\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC\r\n$/;
    await assertRows(follower!, [
      // The original said "node is not the leader", as `--forward no` does. Ours asks the leader.
      [["TICKET"], "+1\r\n"],
      [ticket + ping + ticket, "+2\r\n+PONG\r\n+3\r\n"],
      [["RAFT.LEADER"], `+${leader.raftAddress}\r\n`],
      [["RAFT.LASTCONTACT"], (text) => goTime.test(text)],
      // The same for these.
      [["RAFT.ADDVOTER", other!.id, other!.raftAddress], "+OK\r\n"],
      [["RAFT.REMOVESERVER", "unknown"], "+OK\r\n"],
      [
        ["RAFT.ADDVOTER", "5", leader.raftAddress],
        `-ERR Found duplicate address in configuration: ${leader.raftAddress}\r\n`,
      ],
      [["RAFT.SNAPSHOT"], "+OK\r\n"],
    ]);
    assert.equal(await leader.ticket(), 4n);

    const { last_contact, ...stats } = await follower!.stats();
    assert.match(last_contact!, /^(\d+(\.\d+)?(µs|ms)|0s)$/);
    assert.equal(stats.state, "Follower");
    assert.equal(stats.num_peers, "2");
    const members = cluster.servers.map(({ id, raftAddress }) =>
      `{Suffrage:Voter ID:${id} Address:${raftAddress}}`
    );
    const shown = stats.latest_configuration!.slice(1, -1).split(/ (?={)/);
    assert.deepEqual(shown.toSorted(), members);
    assert.equal(shown[0], members[0], "in the order in which they were added");
    assert.equal(
      await leader.bytes("RAFT.LASTCONTACT").then((t) => t.slice(5, 15)),
      "0001-01-01",
    );
  },
);

e2e(
  "With --forward no a node says as the original's that it does not lead, or has stopped leading",
  async (lab) => {
    // Long enough to ask before the leader notices.
    const flags = ["--election", "2s", "--forward", "no"];
    const cluster = await lab.cluster(3, { flags });
    const [follower] = await cluster.followers();
    await assertRows(follower!, [
      [["TICKET"], "-ERR node is not the leader\r\n"],
      [
        ticket + ping + ticket,
        "-ERR node is not the leader\r\n+PONG\r\n-ERR node is not the leader\r\n",
      ],
    ]);
    const leader = await cluster.leader();
    using client = await leader.connect();
    await client.tickets(1);
    await Promise.all((await cluster.followers()).map((node) => node.kill()));
    const first = await client.ask("TICKET");
    assert.ok(first instanceof ReplyError);
    assert.equal(first.message, "ERR leadership lost while committing log");
    const second = await client.ask("TICKET");
    assert.ok(second instanceof ReplyError);
    assert.equal(second.message, "ERR node is not the leader");
    assert.equal(await client.ask("RAFT.LEADER"), "");
  },
);

e2e(
  "redis-cli starts without an error, knows the commands, and gets its tickets",
  async (lab) => {
    const node = await lab.server().start();
    const session = await redisTool(
      "redis-cli",
      ["-p", `${node.port}`],
      "PING\nTICKET\nhelp TICKET\nCLIENT SETNAME me\nSELECT 0\nCONFIG GET save\nTICKET\n",
    );
    assert.equal(session.stderr, "");
    assert.equal(session.code, 0);
    assert.match(
      session.stdout,
      /^PONG\n1\n[^]*The next number, or a block of them[^]*\n2\n$/,
    );
    assert.doesNotMatch(session.stdout, /error|ERR|unknown/i);

    const one = async (...words: string[]) => {
      const args = ["-p", `${node.port}`, ...words];
      const { code, stdout, stderr } = await redisTool("redis-cli", args);
      assert.equal(stderr + code, "0");
      return stdout;
    };
    assert.equal(await one("TICKET"), "3\n");
    assert.equal(await one("-3", "TICKET"), "4\n");
    assert.equal(await one("-3", "ECHO", "ü"), "ü\n");
    assert.match(
      await one("RAFT.STATS"),
      /^applied_index\n\d+\ncommit_index\n/,
    );
    assert.match(await one("COMMAND", "DOCS"), /^ticket\nsummary\n/);
  },
  { needs: ["redis-cli"] },
);

e2e(
  "redis-benchmark prints no warning and no error, and all of its tickets are given",
  async (lab) => {
    const node = await lab.server().start();
    const run = async (...args: string[]) => {
      const all = ["-p", `${node.port}`, "-n", "5000", ...args];
      const { code, stdout, stderr } = await redisTool("redis-benchmark", all);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout + stderr, /warn|err/i);
      assert.match(stdout, /requests per second/);
    };
    await run("-c", "50", "TICKET");
    await run("-c", "10", "-P", "100", "TICKET");
    await run("-t", "ping");
    assert.equal(await node.ticket(), 10_001n);
  },
  { needs: ["redis-benchmark"] },
);

e2e(
  "ioredis connects, pipelines and gets its tickets in order",
  async (lab) => {
    const node = await lab.server().start();
    const redis = new Redis({
      port: node.port,
      lazyConnect: true,
      connectionName: "test",
    });
    const call = (...[command, ...words]: [string, ...string[]]) =>
      within(
        `ioredis has a reply to ${command}`,
        redis.call(command, ...words),
      );
    try {
      await within("ioredis is connected", redis.connect());
      const pong = await within("ioredis has a PONG", redis.ping());
      assert.equal(pong, "PONG");
      assert.equal(await call("TICKET"), "1");
      const pipeline = redis.pipeline();
      for (let i = 0; i < 1000; i++) pipeline.call("ticket");
      const replies = await within("ioredis has 1000 replies", pipeline.exec());
      assert.deepEqual(
        replies,
        Array.from({ length: 1000 }, (_, i) => [null, `${i + 2}`]),
      );
      await assert.rejects(
        call("TICKET", "x", "y"),
        /wrong number of arguments/,
      );
      assert.equal(await call("TICKET"), "1002");
    } finally {
      await within("ioredis has quit", redis.quit());
    }
  },
);

e2e(
  "redis-cli and ioredis go on with three nodes when the leader is killed",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const ask = async (node: Server) => {
      const args = ["-p", `${node.port}`, "TICKET"];
      return BigInt((await redisTool("redis-cli", args)).stdout);
    };
    const leader = await cluster.leader();
    assert.equal(await ask(leader), 1n);
    const clients = cluster.servers.map(({ port }) =>
      new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null })
    );
    try {
      for (const client of clients) client.on("error", () => {}); // it is down
      const take = async () => {
        const all = Promise.all(clients.map((one) => one.call("TICKET")));
        return (await within("each ioredis has a ticket", all))
          .map((text) => BigInt(String(text)))
          .toSorted((a, b) => Number(a - b));
      };
      assert.deepEqual(await take(), [2n, 3n, 4n], "whichever node they ask");
      await leader.kill();
      const [other] = cluster.running;
      const next = await ask(other!);
      assert.ok(next > 4n);
      await leader.start();
      assert.ok((await take())[0]! > next);
    } finally {
      for (const client of clients) client.disconnect();
    }
  },
  { needs: ["redis-cli"] },
);

/** The original's 18 pairs to the byte; the pairs behind them are ticketd's own. */
function stats(
  { address, lastIndex }: { address: string; lastIndex: number },
): (reply: string) => boolean {
  const ofTheOriginal = bulks(
    ...["applied_index", `${lastIndex}`, "commit_index", `${lastIndex}`],
    ...["fsm_pending", "0", "last_contact", "0"],
    ...["last_log_index", `${lastIndex}`, "last_log_term", "2"],
    ...["last_snapshot_index", "0", "last_snapshot_term", "0"],
    "latest_configuration",
    `[{Suffrage:Voter ID:1 Address:${address}}]`,
    ...["latest_configuration_index", "1", "num_peers", "0"],
    ...["protocol_version", "3", "protocol_version_max", "3"],
    ...["protocol_version_min", "0", "snapshot_version_max", "1"],
    ...["snapshot_version_min", "0", "state", "Leader", "term", "2"],
  );
  const longer = ofTheOriginal.replace(/^\*36/, "*70");
  return (reply) => reply.startsWith(`${longer}$14\r\nclient_address\r\n`);
}
