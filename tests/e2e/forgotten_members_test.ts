// A founder that is killed remembers the members that it took in, at every durability.
// Otherwise it would lead alone beside them, and both sides would give the same numbers
// (PITFALLS 40). tests/lib/storage_conformance.ts shows the same of each storage.

import assert from "node:assert/strict";
import { e2e } from "../lib/harness.ts";
import { calm } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** So slow that no flush saves the founder: with these ticks, one comes every 2.5 s. */
const slow = ["--heartbeat", "5s", "--election", "15s"];

e2e(
  "kill -9 of a founder at durability low, right after two have joined, forgets neither",
  async (lab) => {
    const flags = ["--durability", "low", ...slow];
    const founder = await lab.server({ id: "1", flags }).start();
    const join = [founder.port];
    const others = ["2", "3"].map((id) => lab.server({ id, join, flags }));
    for (const other of others) await other.start();
    const voters = ["1 Voter", "2 Voter", "3 Voter"];
    await until(
      `node 1 knows ${voters}`,
      async () => `${await founder.members()}` === `${voters}`,
    );
    await founder.kill();

    await founder.start(...calm);
    assert.deepEqual(await founder.members(), voters);
    // All of them go on as one cluster.
    for (const other of others) await other.kill();
    for (const other of others) await other.start(...calm);
    const given = [];
    for (const server of [founder, ...others]) {
      given.push(...await server.tickets(10));
    }
    assert.equal(new Set(given).size, 30, `${given}`);
  },
);
