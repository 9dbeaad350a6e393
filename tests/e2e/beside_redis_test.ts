// The rows that Redis has, on a real node beside Debian's redis-server: each scenario in one
// pipeline, every reply to the byte. Request by request, over a model instead of a node:
// `tests/unit/server/commands/beside_redis_test.ts`.

import { e2e } from "../lib/harness.ts";
import {
  assertSame,
  protocols,
  repliesOf,
  scenarios,
} from "../lib/redis_rows.ts";
import { startRedis } from "../lib/redis_server.ts";

for (const protocol of protocols) {
  e2e(
    `A node answers pipelines of Redis' commands as Redis does, in RESP${protocol}`,
    async (lab) => {
      const node = await lab.server().start();
      await using redis = await startRedis();
      for (const scenario of scenarios) {
        const ours = await repliesOf(scenario, {
          port: node.port,
          server: "ticketd",
          protocol,
        });
        const theirs = await repliesOf(scenario, {
          port: redis.port,
          server: "redis",
          protocol,
        });
        assertSame(scenario, { ours, theirs });
      }
    },
    { needs: ["redis-server"] },
  );
}
