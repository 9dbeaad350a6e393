// What a joining node makes of addresses that lead to no member: each obstacle is known, and told
// with what to do about it, in the log at once and in the error at the end.

import assert from "node:assert/strict";
import { type AskOptions, clusterOf } from "../../../../raft/members/join.ts";
import {
  foreignServer,
  givenUpText,
  type Obstacle,
  obstacleText,
} from "../../../../raft/members/join_obstacles.ts";
import { JoinLog } from "../../../../raft/members/join_log.ts";
import type { Reply } from "../../../../base/resp_client.ts";

const host = "127.0.0.1";

/** A RESP server that answers each command by `replies`, and the rest as Redis does. */
class Fake {
  readonly #listener = Deno.listen({ hostname: host, port: 0 });
  readonly #done: Promise<void>;
  asked = 0;

  constructor(replies: Readonly<Record<string, string>>, otherwise?: string) {
    this.#done = this.#serve(replies, otherwise);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get address(): string {
    return `${host}:${this.port}`;
  }

  async #serve(
    replies: Readonly<Record<string, string>>,
    otherwise = "-ERR unknown command 'X', with args beginning with: \r\n",
  ): Promise<void> {
    for await (const conn of this.#listener) {
      this.asked++;
      const buffer = new Uint8Array(4096);
      const count = await conn.read(buffer) ?? 0;
      const text = new TextDecoder().decode(buffer.subarray(0, count));
      const name = text.split("\r\n")[2] ?? "";
      const reply = new TextEncoder().encode(replies[name] ?? otherwise);
      await conn.write(reply).catch(() => 0);
      conn.close();
    }
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

const lines: string[] = [];
const hasty: AskOptions = {
  timeoutMillis: 300,
  log: (level, text) => lines.push(`${level}: ${text}`),
  random: () => 0,
};

/** The error of a node that joins through `addresses` in vain. */
async function errorOf(
  addresses: readonly string[],
  options: Partial<AskOptions> = {},
): Promise<string> {
  lines.length = 0;
  try {
    await clusterOf(addresses, { ...hasty, ...options });
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  assert.fail("it has joined");
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

Deno.test("A joining node says what it has met, in the log at once and at the end", async () => {
  const place = "--join takes the client address (--saddr) of a ticketd node";
  const servers: readonly (readonly [Fake, string])[] = [
    [
      new Fake({ INFO: bulk("# Server\r\nredis_version:7.0.15\r\n") }),
      `this is Redis 7.0.15, and no ticketd: ${place}`,
    ],
    [
      new Fake({
        INFO: bulk("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n"),
      }),
      `this is Valkey 8.0.1, and no ticketd: ${place}`,
    ],
    [
      new Fake({}, "-NOAUTH Authentication required.\r\n"),
      `this is a server that wants a password, and no ticketd: ${place}`,
    ],
    [
      new Fake({ INFO: "-NOAUTH Authentication required.\r\n" }),
      `this is a server that wants a password, and no ticketd: ${place}`,
    ],
    [
      new Fake({ "RAFT.LEADER": "+10.0.0.1:12001\r\n" }),
      "this is a ticketd of the original, in Go, whose clusters take no node of " +
      "this one: name a node of this ticketd",
    ],
    [
      new Fake(
        {},
        "-ERR this is the raft port of a ticketd node; clients and --join use " +
          "its --saddr\r\n",
      ),
      `this is the raft port of a ticketd node: ${place}`,
    ],
    [
      new Fake({}, ""),
      `connection closed before the reply, as a raft port does: ${place}`,
    ],
  ];
  for (const [server, text] of servers) {
    const { address } = server;
    const error = await errorOf([address]);
    await server.close();
    assert.equal(
      error,
      `cannot join a cluster within 0.3 s; ${address}: ${text}`,
    );
    assert.deepEqual(lines, [
      `warning: waiting to join through ${address}: ${text}`,
    ]);
    assert.ok(server.asked > 1, "it may be another server next time");
  }
});

Deno.test("A node that all others wait with says that one must found the cluster", async () => {
  const waits = "-ERR this node has found no cluster to join yet\r\n";
  const [one, other] = [new Fake({}, waits), new Fake({}, waits)];
  const self = new Fake({});
  const addresses = [one, self, other].map(({ address }) => address);
  const error = await errorOf(addresses, {
    self: { host: "", port: self.port },
  });
  await Promise.all([one, self, other].map((server) => server.close()));
  assert.equal(
    error,
    `cannot join a cluster within 0.3 s: all nodes of --join (${
      addresses.join(", ")
    }) wait for one themselves: if there is a cluster, start its members; for a new one, which begins at 1, start one node without --join`,
  );
  assert.deepEqual(
    lines.toSorted(),
    [
      ...[one, other].map(({ address }) =>
        `warning: waiting to join through ${address}: the node there has found no ` +
        `cluster either: if there is a cluster, start its members; for a new one, ` +
        `which begins at 1, start one node without --join`
      ),
      `warning: waiting to join through ${self.address}: this is the node itself: ` +
      `name another node, or leave --join out to found a cluster`,
    ].toSorted(),
  );
});

Deno.test("A node knows itself by every address of its own, and no other by its port alone", async () => {
  const server = new Fake({}, "-ERR not ready\r\n");
  const { address, port } = server;
  for (const own of ["", "0.0.0.0", host]) {
    const error = await errorOf([address], { self: { host: own, port } });
    assert.equal(
      error,
      `cannot join a cluster within 0.3 s: --join names this node alone ` +
        `(${address}): name another node, or leave --join out to found a cluster`,
    );
  }
  assert.equal(server.asked > 0, true);
  for (const self of [{ host: "127.0.0.9", port }, { host: "", port: 1 }]) {
    assert.match(await errorOf([address], { self }), /: ERR not ready$/);
  }
  await server.close();
});

Deno.test("Every address of a name is asked, and again at each try", async () => {
  const member = new Fake({
    "RAFT.CLUSTER": `*2\r\n${bulk("c1")}${bulk("x")}`,
  });
  const { port } = member;
  let lookups = 0;
  lines.length = 0;
  const found = await clusterOf([`nodes.example:${port}`], {
    ...hasty,
    timeoutMillis: 5000,
    lookup: () => {
      lookups++;
      if (lookups === 1) {
        return Promise.reject(new Error("no such host: nodes"));
      }
      const hosts = lookups === 2 ? ["127.0.0.7"] : ["127.0.0.7", host];
      return Promise.resolve(hosts);
    },
  });
  await member.close();
  assert.equal(found.cluster, "c1");
  assert.equal(lookups, 3);
  assert.deepEqual(lines, [
    `warning: waiting to join through nodes.example:${port}: no such host: nodes: ` +
    `check the name, and DNS`,
    `info: waiting to join through nodes.example:${port}: connection refused`,
    `info: waiting to join through nodes.example:${port} at 127.0.0.7:${port}: ` +
    `connection refused`,
  ]);
});

Deno.test("A resolver that never answers is not waited for beyond the time of a question", async () => {
  const error = await errorOf(["nodes.example:1"], {
    lookup: () => new Promise(() => {}),
  });
  assert.match(
    error,
    /; nodes\.example:1: nodes\.example was not resolved within \d+ ms: check the name, and DNS$/,
  );
});

Deno.test("A question that the deadline cuts short leaves the last obstacle standing", async () => {
  const answers = ["-ERR not ready\r\n"];
  const listener = Deno.listen({ hostname: host, port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      const buffer = new Uint8Array(512);
      await conn.read(buffer);
      const answer = answers.shift();
      if (answer !== undefined) {
        await conn.write(new TextEncoder().encode(answer));
      } else await conn.read(buffer).catch(() => null);
      conn.close();
    }
  })();
  const error = await errorOf([`${host}:${listener.addr.port}`]);
  listener.close();
  await serving;
  assert.match(error, /: ERR not ready$/);
});

Deno.test("foreignServer() takes whatever answers RAFT.LEADER for the original", () => {
  const unknown = new Error("ERR unknown command");
  const replies: readonly (readonly [Reply, Reply, string])[] = [
    ["", unknown, "original"],
    [unknown, unknown, "foreign"],
    [undefined, undefined, "foreign"],
  ];
  for (const [leader, info, type] of replies) {
    assert.equal(foreignServer(leader, info).type, type);
  }
});

Deno.test("JoinLog tells what is new at once, the same not again, and all of it once a minute", () => {
  lines.length = 0;
  const { log } = hasty;
  const refused: Obstacle = { type: "unreachable", reason: "refused" };
  const waits: Obstacle = { type: "waits" };
  const joinLog = new JoinLog({ log, sinceMillis: performance.now() - 60_000 });
  const meet = (obstacle: Obstacle) => {
    joinLog.asks("a:1");
    joinLog.met("a:1", { at: "a:1", obstacle, isCut: false });
    joinLog.asked();
  };
  for (const obstacle of [refused, waits, refused, waits, waits]) {
    meet(obstacle);
  }
  assert.deepEqual(lines, [
    "info: waiting to join through a:1: refused",
    `warning: waiting to join through a:1: ${obstacleText(waits)}`,
  ]);
  for (let i = 0; i < 100; i++) meet({ type: "refusal", text: `ERR ${i}` });
  assert.equal(lines.length, 20, "never a flood");
});

Deno.test("JoinLog tells everything again after a minute", () => {
  lines.length = 0;
  const { log } = hasty;
  let now = 1_000_000;
  const joinLog = new JoinLog({ log, sinceMillis: now, now: () => now });
  const obstacle: Obstacle = { type: "silent", millis: 3000 };
  for (let second = 0; second <= 120; second++, now += 1000) {
    joinLog.asks("a:1");
    joinLog.met("a:1", { at: "a:1", obstacle, isCut: false });
    joinLog.asked();
  }
  const text = obstacleText(obstacle);
  assert.deepEqual(lines, [
    `info: waiting to join through a:1: ${text}`,
    `warning: still waiting to join, after 60 s; a:1: ${text}`,
    `warning: still waiting to join, after 120 s; a:1: ${text}`,
  ]);
});

Deno.test("givenUpText() says what to do where all obstacles are one", () => {
  const given = (...types: ("itself" | "waits" | "hung-up")[]) =>
    givenUpText(new Map(types.map((type, i) => [`${i}:1`, { type }])), 60);
  assert.match(
    given("itself"),
    /^cannot join a cluster within 60 s: --join names this/,
  );
  assert.match(
    given("waits", "itself"),
    /: all nodes of --join \(0:1, 1:1\) wait for one/,
  );
  assert.match(
    given("waits", "hung-up"),
    /^cannot join .* 60 s; 0:1: the node .*; 1:1: connection closed/,
  );
});
