// The rows that Redis has, over a model of the sequences, beside Debian's redis-server: every
// reply to the byte. The same on a real node: `tests/e2e/beside_redis_test.ts`.

import assert from "node:assert/strict";
import { commands } from "../../../../server/commands/commands.ts";
import { encode, exchange } from "../../../lib/client.ts";
import { skippable } from "../../../lib/needs.ts";
import {
  assertSame,
  protocols,
  repliesOf,
  requestOf,
  scenarios,
} from "../../../lib/redis_rows.ts";
import { startRedis } from "../../../lib/redis_server.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";

for (const protocol of protocols) {
  Deno.test({
    ...skippable(
      `Commands of Redis are answered as Redis answers them, in RESP${protocol}`,
      ["redis-server"],
    ),
    async fn() {
      await using redis = await startRedis();
      const bench = new SequenceBench();
      for (const scenario of scenarios) {
        const { port } = redis;
        const server = "redis" as const;
        const theirs = await repliesOf(scenario, { port, server, protocol });
        const client = bench.connect();
        client.ask(`HELLO ${protocol}\r\n`);
        const ours = scenario.lines.map((line) =>
          client.ask(requestOf(line, "ticketd"))
        );
        assertSame(scenario, { ours, theirs });
      }
    },
  });
}

/** Arity, flags, and the places of names, in a reply to COMMAND INFO of one command. */
const described =
  /^\*1\r\n\*\d+\r\n\$\d+\r\n[^\r]+\r\n:(-?\d+)\r\n\*\d+\r\n((?:\+[^\r]+\r\n)*):(-?\d+)\r\n:(-?\d+)\r\n:(-?\d+)\r\n/;

Deno.test({
  ...skippable("COMMAND INFO tells client libraries what Redis tells them", [
    "redis-server",
  ]),
  async fn() {
    await using redis = await startRedis();
    const bench = new SequenceBench();
    const rows = commands.filter(({ name, help, keys, subcommands }) =>
      help !== undefined && !/[.]/.test(name) && name !== "ticket" &&
      // Redis tells the names of these for each subcommand.
      (keys === undefined || subcommands === undefined)
    );
    assert(rows.length > 30);
    for (const { name } of rows) {
      const request = encode(["COMMAND", "INFO", name]);
      const [, arity, flags, ...keys] = described.exec(bench.ask(request))!;
      const [, theirArity, theirFlags, ...theirKeys] = described.exec(
        await exchange(redis.port, request),
      )!;
      assert.deepEqual(keys, theirKeys, name);
      for (const flag of flags!.split("\r\n")) {
        assert(theirFlags!.includes(`${flag}\r\n`) || flag === "", name + flag);
      }
      if (!lenient.includes(name)) assert.equal(arity, theirArity, name);
    }
  },
});

/** Commands of which ticketd takes more or fewer arguments on purpose. */
const lenient: readonly string[] = ["quit", "config", "client", "auth"];
