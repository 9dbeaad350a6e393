// Sequences through the client libraries that people have: their counters, pipelines,
// transactions and WATCH loops as their documents recommend them, on real nodes. Those of
// Python and PHP run as scripts of `tests/fixtures/`. `compat_test.ts` has what the original
// answers, and redis-cli and redis-benchmark with plain TICKETs.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { createClient, WatchError } from "redis";
import { e2e, type Lab, redisTool } from "../lib/harness.ts";
import { run } from "../lib/program.ts";
import { repository, type Server } from "../lib/server.ts";
import { until, within } from "../lib/until.ts";

/** Debian's own, for which its packages are; there may be another one in front of it. */
const python = "/usr/bin/python3";
const lastInteger = 2n ** 63n - 1n;

/** Runs a script of `tests/fixtures/` on a new node and makes sure that it gets to its end. */
async function story(lab: Lab, program: string, script: string) {
  const node = await lab.server().start();
  const path = `${repository}tests/fixtures/${script}`;
  const output = await run(program, [path, `${node.port}`]);
  assert.deepEqual(output, { code: 0, stdout: "done\n", stderr: "" });
}

e2e(
  "redis-py counts, pipelines, runs transactions and WATCH loops; one that fails takes nothing",
  (lab) => story(lab, python, "redis_py.py"),
  { needs: ["python3-redis"] },
);

e2e(
  "phpredis gets integers from incr, multi and pipelines; a transaction that fails takes nothing",
  (lab) => story(lab, "php", "phpredis.php"),
  { needs: ["php-redis"] },
);

e2e(
  "redis-py goes on through a restart of its node, and its numbers rise",
  async (lab) => {
    const node = await lab.server().start();
    const path = `${repository}tests/fixtures/redis_py_restart.py`;
    const child = new Deno.Command(python, {
      args: [path, `${node.port}`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream());
    let printed = "";
    const reading = (async () => {
      for await (const text of lines) printed += text;
    })();
    const count = () => printed.split("\n").length - 1;
    await until("it has ten numbers", () => count() >= 10);
    await node.kill();
    await node.start();
    const before = count();
    await until("it has ten more", () => count() >= before + 10);
    await child.stdin.close();
    const { code } = await within("redis-py has ended", child.status);
    await reading;
    assert.equal(code, 0);
    const numbers = printed.trim().split("\n").map(BigInt);
    assert.ok(await node.ask("INCR", "orders") as bigint > numbers.at(-1)!);
  },
  { needs: ["python3-redis"] },
);

e2e(
  "ioredis counts, pipelines and runs transactions; one that fails takes nothing",
  async (lab) => {
    const node = await lab.server().start();
    const redis = new Redis({ port: node.port });
    try {
      await within("ioredis has counted", ioredisCounts(redis));
      await within("ioredis has pipelined", ioredisPipelines(redis));
      await within("ioredis has failed", ioredisFails(redis));
      await within("ioredis has watched", ioredisWatches(redis));
    } finally {
      redis.disconnect();
    }
  },
);

async function ioredisCounts(redis: Redis): Promise<void> {
  assert.equal(await redis.get("orders"), null);
  assert.equal(await redis.incr("orders"), 1);
  assert.equal(await redis.incrby("orders", 9), 10);
  assert.equal(await redis.get("orders"), "10");
  assert.equal(await redis.incr("invoices"), 1);
  assert.deepEqual(await redis.mget("orders", "none"), ["10", null]);
  assert.equal(await redis.exists("orders", "none"), 1);
  assert.deepEqual(await redis.keys("o*"), ["orders"]);
  assert.equal(await redis.type("orders"), "string");
  assert.equal(await redis.ttl("orders"), -1);
  const names: string[] = [];
  for await (const page of redis.scanStream({ count: 1 })) names.push(...page);
  assert.deepEqual(names.toSorted(), ["invoices", "orders"]);
  assert.equal(await redis.call("TICKET", "orders"), "11");
  const block = await redis.call("TICKET", "orders", "COUNT", "100");
  assert.deepEqual(block, ["12", "111"]);
  assert.equal(await redis.call("TICKET.LAST", "orders"), "111");
  await assert.rejects(redis.set("orders", 1), /tickets only rise/);
  await assert.rejects(redis.del("orders"), /tickets only rise/);
}

async function ioredisPipelines(redis: Redis): Promise<void> {
  const pipeline = redis.pipeline();
  const expected: [null, unknown][] = [];
  for (let i = 0; i < 500; i++) {
    const half = Math.floor(i / 2) + 1;
    pipeline.incr(i % 2 === 0 ? "even" : "odd").call("TICKET", "all");
    expected.push([null, half], [null, `${i + 1}`]);
    if (i % 50 === 0) {
      pipeline.get("even");
      expected.push([null, `${half}`]);
    }
  }
  assert.deepEqual(await pipeline.exec(), expected);
  // Automatic pipelines: what is asked for in one turn.
  const many = Array.from({ length: 100 }, () => redis.incr("all"));
  const numbers = Array.from({ length: 100 }, (_, i) => 501 + i);
  assert.deepEqual(await Promise.all(many), numbers);

  const group = redis.multi().incr("a").incrby("b", 10)
    .call("TICKET", "a", "COUNT", "3").get("a").incr("a");
  assert.deepEqual(
    await group.exec(),
    [1, 10, ["2", "4"], "4", 5].map((reply) => [null, reply]),
  );
  await redis.multi({ pipeline: false });
  await redis.incr("a");
  await redis.incr("b");
  assert.deepEqual(await redis.exec(), [[null, 6], [null, 11]]);
}

async function ioredisFails(redis: Redis): Promise<void> {
  await redis.call("TICKET.RAISE", "full", `${lastInteger}`);
  const wrong: [string, ...string[]][] = [
    ["TICKETS", "a"],
    ["TICKET", "a", "COUNT", "0"],
    ["INCRBY", "a", "-1"],
    ["INCR"],
    ["SET", "a", "1"],
    ["INCR", "full"],
  ];
  for (const [command, ...words] of wrong) {
    const group = redis.multi().incr("a").call(command, ...words).incr("b");
    await assert.rejects(group.exec(), `${command} ${words}`);
  }
  assert.deepEqual(await redis.mget("a", "b"), ["6", "11"]);
  await redis.call("TICKET.POLICY", "created");
  await assert.rejects(redis.multi().incr("a").incr("aa").exec());
  await redis.call("TICKET.POLICY", "any");
  assert.equal(await redis.get("aa"), null);
  assert.equal(await redis.incr("a"), 7);
  assert.equal(await redis.incr("b"), 12);
}

async function ioredisWatches(redis: Redis): Promise<void> {
  const other = redis.duplicate();
  try {
    let replies: unknown = null;
    for (let tries = 1; replies === null; tries++) {
      assert.ok(tries <= 2);
      await redis.watch("watched");
      const last = Number(await redis.get("watched"));
      if (tries === 1) await other.incr("watched");
      replies = await redis.multi().incr("watched").incr(`after-${last}`)
        .exec();
    }
    assert.deepEqual(replies, [[null, 2], [null, 1]]);
    assert.equal(await redis.exists("after-0"), 0);
  } finally {
    other.disconnect();
  }
}

e2e(
  "ioredis goes on through a restart of its node with its default settings",
  async (lab) => {
    const node = await lab.server().start();
    const redis = new Redis({ port: node.port });
    redis.on("error", () => {}); // it is down
    try {
      const take = () =>
        within("ioredis has a reply", redis.multi().incr("a").incr("b").exec());
      assert.deepEqual(await take(), [[null, 1], [null, 1]]);
      await node.kill();
      const waiting = take();
      await node.start();
      assert.deepEqual(await waiting, [[null, 2], [null, 2]]);
    } finally {
      redis.disconnect();
    }
  },
);

type NodeRedis = ReturnType<typeof nodeRedis>;

function nodeRedis({ host, port }: Server, RESP: 2 | 3) {
  return createClient({ socket: { host, port }, RESP });
}

for (const protocol of [2, 3] as const) {
  e2e(
    `node-redis counts and runs transactions over RESP${protocol}; one that fails takes nothing`,
    async (lab) => {
      const node = await lab.server().start();
      const client = nodeRedis(node, protocol);
      const other = nodeRedis(node, protocol);
      try {
        const connected = Promise.all([client.connect(), other.connect()]);
        await within("node-redis is connected", connected);
        await within("node-redis has counted", nodeRedisCounts(client));
        await within("node-redis has grouped", nodeRedisGroups(client));
        await within("it has watched", nodeRedisWatches(client, other));
      } finally {
        client.destroy();
        other.destroy();
      }
    },
  );
}

async function nodeRedisCounts(client: NodeRedis): Promise<void> {
  assert.equal(await client.get("orders"), null);
  assert.equal(await client.incr("orders"), 1);
  assert.equal(await client.incrBy("orders", 9), 10);
  assert.equal(await client.get("orders"), "10");
  assert.equal(await client.incr("invoices"), 1);
  assert.deepEqual(await client.mGet(["orders", "none"]), ["10", null]);
  assert.equal(await client.exists(["orders", "none"]), 1);
  assert.deepEqual(await client.keys("o*"), ["orders"]);
  assert.equal(await client.type("orders"), "string");
  assert.equal(await client.ttl("orders"), -1);
  assert.equal(await client.dbSize(), 2);
  const names: string[] = [];
  for await (const page of client.scanIterator({ COUNT: 1 })) {
    names.push(...page);
  }
  assert.deepEqual(names.toSorted(), ["invoices", "orders"]);
  assert.equal(await client.sendCommand(["TICKET", "orders"]), "11");
  const block = ["TICKET", "orders", "COUNT", "100"];
  assert.deepEqual(await client.sendCommand(block), ["12", "111"]);
  await assert.rejects(client.set("orders", 1), /tickets only rise/);
  // What is asked for in one turn goes out in one pipeline.
  const many = Array.from(
    { length: 200 },
    (_, i) => client.incr(i % 2 === 0 ? "even" : "odd"),
  );
  const numbers = Array.from({ length: 200 }, (_, i) => (i >> 1) + 1);
  assert.deepEqual(await Promise.all(many), numbers);
}

async function nodeRedisGroups(client: NodeRedis): Promise<void> {
  const replies = await client.multi().incr("a").incrBy("b", 10)
    .addCommand(["TICKET", "a", "COUNT", "3"]).get("a").incr("a").exec();
  assert.deepEqual(replies, [1, 10, ["2", "4"], "4", 5]);
  const piped = await client.multi().incr("a").incr("b").execAsPipeline();
  assert.deepEqual(piped, [6, 11]);

  await client.sendCommand(["TICKET.RAISE", "full", `${lastInteger}`]);
  for (
    const command of [
      ["TICKETS", "a"],
      ["TICKET", "a", "COUNT", "0"],
      ["INCRBY", "a", "-1"],
      ["SET", "a", "1"],
      ["INCR", "full"],
    ]
  ) {
    const group = client.multi().incr("a").addCommand(command).incr("b");
    await assert.rejects(group.exec(), `${command}`);
  }
  assert.equal(await client.incr("a"), 7);
  assert.equal(await client.incr("b"), 12);
}

async function nodeRedisWatches(
  client: NodeRedis,
  other: NodeRedis,
): Promise<void> {
  for (let tries = 1;; tries++) {
    await client.watch("watched");
    const last = Number(await client.get("watched"));
    if (tries === 1) await other.incr("watched");
    try {
      const group = client.multi().incr("watched").incr(`after-${last}`);
      assert.deepEqual(await group.exec(), [2, 1]);
      assert.equal(tries, 2);
      break;
    } catch (error) {
      if (!(error instanceof WatchError)) throw error;
    }
  }
  assert.equal(await client.exists("after-0"), 0);
}

e2e(
  "redis-benchmark's own -t incr, and TICKETs of random names, count every number once",
  async (lab) => {
    const node = await lab.server().start();
    const bench = async (...args: string[]) => {
      // Whole pipelines of 16: it would send the rest of one as well.
      const all = ["-p", `${node.port}`, "-n", "4800", ...args];
      const { code, stdout, stderr } = await redisTool("redis-benchmark", all);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout + stderr, /warn|err/i);
      assert.match(stdout, /requests per second/);
    };
    await bench("-c", "50", "-t", "incr");
    await bench("-c", "10", "-P", "16", "-t", "incr");
    assert.equal(await node.ask("GET", "counter:__rand_int__"), "9600");
    await bench("-c", "50", "-P", "16", "-r", "100", "TICKET", "n__rand_int__");
    using client = await node.connect();
    const names = await client.ask("KEYS", "n*");
    assert.ok(Array.isArray(names) && names.length > 50);
    const numbers = await client.ask("MGET", ...names.map(String));
    assert.ok(Array.isArray(numbers));
    assert.equal(numbers.reduce((sum, text) => sum + Number(text), 0), 4800);
  },
  { needs: ["redis-benchmark"] },
);

e2e(
  "Pipelines that mix sequences are answered in order through whatever node, and blocks too",
  async (lab) => {
    const { servers } = await lab.cluster(3);
    const counts = new Map<string, number>();
    for (const server of servers) {
      const redis = new Redis({ port: server.port });
      try {
        const pipeline = redis.pipeline();
        const expected: [null, unknown][] = [];
        for (let i = 0; i < 300; i++) {
          const name = `n${i % 7}`;
          const last = counts.get(name) ?? 0;
          if (i % 10 === 0) {
            pipeline.call("TICKET", name, "COUNT", "5");
            expected.push([null, [`${last + 1}`, `${last + 5}`]]);
            counts.set(name, last + 5);
          } else if (i % 10 === 1) {
            pipeline.get(name);
            expected.push([null, last === 0 ? null : `${last}`]);
          } else {
            pipeline.incr(name);
            expected.push([null, last + 1]);
            counts.set(name, last + 1);
          }
        }
        const replies = within("the pipeline is answered", pipeline.exec());
        assert.deepEqual(await replies, expected);
      } finally {
        redis.disconnect();
      }
    }
  },
);
