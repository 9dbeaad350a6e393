// The rows that Redis has, over a model of the sequences, beside Debian's redis-server: every
// reply to the byte. The same on a real node: `tests/e2e/beside_redis_test.ts`.

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
