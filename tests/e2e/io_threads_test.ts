// Several isolates that serve clients in one process (`--io-threads`): the promises hold across
// them, no other process shares their port, and they end together.

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };
import { checkTickets } from "../lib/checker.ts";
import { type Client, ticketRequest } from "../lib/client.ts";
import { e2e, type Lab, refused } from "../lib/harness.ts";
import { calm, permissions, repository, type Server } from "../lib/server.ts";

/** The longest that a stop may take (docs/OPERATING.md, exit codes). */
const stopMillisMax = 5000;

function threads(count: number): string[] {
  return [...calm, "--io-threads", `${count}`];
}

/** So many that the kernel has certainly given some to every thread. */
const crowd = 40;

async function connections(node: Server): Promise<DisposableClients> {
  const clients: Client[] = [];
  while (clients.length < crowd) clients.push(await node.connect());
  return {
    clients,
    [Symbol.dispose]: () => clients.forEach((client) => client.close()),
  };
}

type DisposableClients = Disposable & { readonly clients: readonly Client[] };

e2e(
  "Clients of three threads get every number once and in order, also after kill -9",
  async (lab) => {
    const node = await lab.server({ flags: threads(3) }).start();
    const load = lab.load([node], { connections: crowd });
    await load.more(20_000);
    assert.deepEqual([...load.refusals], []);
    await node.kill();
    await node.start();
    await load.more(20_000);
    checkTickets(await load.stop());
    await node.stop();
  },
);

e2e(
  "Without a failure the numbers of three threads have no gap, and a stop burns none",
  async (lab) => {
    const node = await lab.server({ flags: threads(3) }).start();
    const load = lab.load([node], { connections: crowd });
    await load.more(5000);
    const tickets = await load.stop();
    checkTickets(tickets, { dense: true });
    const begun = Number(load.largest);

    using all = await connections(node);
    for (const client of all.clients) {
      client.send(ticketRequest.repeat(5000)).catch(() => {});
    }
    const first = await Promise.all(all.clients.map((c) => c.reply()));
    const signalledAt = performance.now();
    node.signal("SIGTERM");
    const rests = await Promise.all(all.clients.map((c) => c.rest()));
    assert.deepEqual(await node.exit(), { code: 0, signal: null });
    assert.ok(performance.now() - signalledAt < stopMillisMax);
    const numbers = rests.flatMap((text, i) => {
      const mine = [first[i], ...text.match(/(?<=\+)\d+(?=\r\n)/g) ?? []]
        .map(Number);
      assert.ok(mine.every((n, at) => at === 0 || n > mine[at - 1]!));
      return mine;
    }).toSorted((a, b) => a - b);
    assert.deepEqual(numbers, numbers.map((_, i) => begun + i + 1));
    await node.start();
    assert.equal(await node.ticket(), BigInt(begun + numbers.length + 1));
  },
);

e2e(
  "Three nodes with two threads each keep order while the leader is killed, and one is removed",
  async (lab) => {
    const cluster = await lab.cluster(3, { flags: threads(2) });
    const load = lab.load(cluster.servers, { connections: crowd });
    await load.more(5000);
    const leader = await cluster.leader();
    await leader.kill();
    await load.more(5000);
    await leader.start();
    await cluster.settled();
    await load.more(5000);
    const [gone] = await cluster.followers();
    assert.equal(await leader.ask("RAFT.REMOVESERVER", gone!.id), "OK");
    assert.deepEqual(await gone!.exit(), { code: 3, signal: null });
    await load.more(5000);
    checkTickets(await load.stop());
  },
);

e2e(
  "Clients have numbers of their own and are counted together, whichever thread they came to",
  async (lab) => {
    const node = await lab.server({ flags: threads(3) }).start();
    using all = await connections(node);
    const { clients } = all;
    const ask = (...words: string[]) =>
      Promise.all(clients.map((client) => client.ask(...words)));
    const ids = (await ask("CLIENT", "ID")).map(Number);
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      clients.map((_, i) => i + 1),
    );
    for (const info of await ask("INFO")) {
      assert.match(String(info), /^raft_state:Leader\r$/m);
      assert.ok(String(info).includes(`connected_clients:${crowd}\r\n`));
    }
    // Each thread lists its own, and all together list everybody.
    const lists = new Set(await ask("CLIENT", "LIST"));
    assert.equal(lists.size, 3);
    assert.equal([...lists].join("").trimEnd().split("\n").length, crowd);
    // The node's answers come back to the thread, and the client, that asked.
    const answers = await Promise.all(
      clients.map((client, i) =>
        i % 2 === 0 ? client.ask("RAFT.CONFIGURATION") : client.tickets(1)
      ),
    );
    answers.forEach((answer, i) =>
      assert.equal(
        typeof (answer as unknown[])[0],
        i % 2 === 0 ? "object" : "bigint",
      )
    );
  },
);

e2e(
  "A port that threads share is refused to every other process, and theirs to them",
  async (lab) => {
    const shared = await lab.server({ id: "shared", flags: threads(2) })
      .start();
    const alone = await lab.server({ id: "alone" }).start();
    const cases: [Server, number][] = [[shared, 1], [shared, 2], [alone, 2]];
    for (const [owner, count] of cases) {
      const { port } = owner;
      const directory = `${lab.directory}/fresh`;
      const fresh = lab.server({ directory, port, flags: threads(count) });
      const fault = await refused(fresh);
      assert.ok(
        fault.endsWith(
          `cannot listen on 127.0.0.1:${port} for clients: address in use; ` +
            "choose another with --saddr",
        ),
        fault,
      );
    }
    assert.equal(await shared.ticket(), 1n);
  },
);

e2e(
  "Two processes that claim one port at the same moment never both serve it",
  async (lab) => {
    for (let round = 0; round < 3; round++) {
      const one = lab.server({ id: `a${round}`, flags: threads(2) });
      const { port } = one;
      const two = lab.server({ id: `b${round}`, flags: threads(2), port });
      one.spawn();
      two.spawn();
      const outcomes = await Promise.all(
        [one, two].map((node) =>
          node.logged(/serves clients on/).then(() => 1, () => 0)
        ),
      );
      assert.ok(outcomes[0]! + outcomes[1]! < 2);
      await Promise.all([one.kill(), two.kill()]);
      // Only the other process was in its way.
      await one.start();
      await one.kill();
    }
  },
);

e2e(
  "A thread that dies ends the process with one line and code 1 (PITFALLS 1)",
  async (lab) => {
    const deaths: [string, RegExp][] = [
      [`setTimeout(() => { throw new Error("a bug") }, 50);`, /: a bug$/],
      [`Promise.reject(new Error("a slip"));`, /: a slip$/],
      [`throw new Error("no port");`, /: no port$/],
    ];
    for (const [fault, reason] of deaths) {
      const node = lab.server({
        flags: threads(2),
        permissions: [...permissions, ...withFault(lab, fault)],
      });
      node.spawn();
      assert.deepEqual(await node.exit(), { code: 1, signal: null }, node.log);
      const errors = node.log.trimEnd().split("\n").filter((line) =>
        !/Z info /.test(line)
      );
      assert.equal(errors.length, 1, node.log);
      assert.match(errors[0]!, / error server: a thread that serves clients /);
      assert.match(errors[0]!, reason);
    }
  },
);

/** The flags of a run in which a further thread executes `fault` when it begins to serve. */
function withFault(lab: Lab, fault: string): string[] {
  const original = `file://${repository}server/clients/io_thread.ts`;
  const sound = JSON.stringify(`${original}?sound`);
  const faulty = `${lab.directory}/faulty.js`;
  Deno.writeTextFileSync(
    faulty,
    `const { IoThread: Sound } = await import(${sound});
    export class IoThread extends Sound {
      receive(message) {
        super.receive(message);
        if (message.type === "serve") { ${fault} }
      }
    }`,
  );
  const map = `${lab.directory}/map.json`;
  const imports = { ...deno.imports, [original]: `file://${faulty}` };
  Deno.writeTextFileSync(map, JSON.stringify({ imports }));
  return [`--import-map=${map}`];
}
