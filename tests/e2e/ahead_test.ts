// Numbers that a node takes before anybody asks for them, and lends to its main isolate: real
// isolates, under load.

import assert from "node:assert/strict";
import { checkTickets } from "../lib/checker.ts";
import { Cluster, e2e } from "../lib/harness.ts";
import { calm } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** Enough for numbers to be taken ahead. */
const eager = { connections: 8, pipeline: 50 };

for (const durability of ["high", "low"]) {
  e2e(
    `A single node that is stopped right after full load goes on without a gap (${durability})`,
    async (lab) => {
      const node = lab.server({ flags: ["--durability", durability] });
      let largest = 0n;
      for (let run = 0; run < 4; run++) {
        await node.start();
        const load = lab.load([node], eager);
        await load.more(20_000);
        const tickets = await load.stop();
        // At once, before the lent numbers come back by themselves.
        await node.stop();
        checkTickets(tickets, { dense: true });
        const numbers = tickets.map(({ number }) => number);
        const least = numbers.reduce((a, b) => a < b ? a : b);
        assert.equal(least, largest + 1n, `run ${run}`);
        largest = load.largest;
      }
    },
  );
}

e2e(
  "A node that is killed in full load burns the numbers taken ahead, and repeats none",
  async (lab) => {
    const node = lab.server();
    const all = [];
    for (let run = 0; run < 4; run++) {
      await node.start();
      const load = lab.load([node], eager);
      await load.more(20_000);
      await node.kill();
      await load.abort();
      all.push(...load.tickets);
    }
    checkTickets(all);
  },
);

e2e(
  "A hand that types TICKET sees 1, 2, 3 and so on, across every kill -9",
  async (lab) => {
    const node = lab.server();
    for (let number = 1; number <= 12;) {
      await node.start();
      for (const until = number + 3; number <= until; number++) {
        assert.equal(await node.ticket(), BigInt(number));
      }
      await node.kill();
    }
  },
);

for (const ahead of [0, 100]) {
  e2e(
    `With --ahead ${ahead} a kill in full load burns ${ahead} numbers and those in flight, at most`,
    async (lab) => {
      const node = lab.server({ flags: ["--ahead", `${ahead}`] });
      const inFlight = eager.connections * eager.pipeline;
      for (let run = 0; run < 3; run++) {
        await node.start();
        const load = lab.load([node], eager);
        await load.more(5000);
        await node.kill();
        await load.abort();
        await node.start();
        const burnt = await node.ticket() - load.largest - 1n;
        assert(burnt <= BigInt(ahead + inFlight), `${burnt} burnt`);
        await node.kill();
      }
    },
  );
}

e2e(
  "Nodes join one that lends numbers under load: none is passed by another node's, and no gap is left",
  async (lab) => {
    const first = lab.server({ id: "1", flags: calm });
    await first.start();
    const load = lab.load([first], eager);
    await load.more(20_000);
    const others = ["2", "3"].map((id) =>
      lab.server({ id, flags: calm, join: [first.port] })
    );
    for (const other of others) {
      await other.start();
      await load.more(2000);
    }
    const cluster = new Cluster([first, ...others]);
    await cluster.settled();
    const elsewhere = lab.load(others, eager);
    await elsewhere.more(20_000);
    await load.more(20_000);
    const tickets = [...await load.stop(), ...await elsewhere.stop()];
    checkTickets(tickets, { dense: true });
    await until("the leader has no numbers in hand", async () => {
      const { tickets_in_hand } = await (await cluster.leader()).stats();
      return tickets_in_hand === "0";
    });
    const { tickets_burnt } = await (await cluster.leader()).stats();
    assert.equal(tickets_burnt, "0");
  },
);
