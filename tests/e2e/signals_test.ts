// How a node ends: on one signal, on a second one, or because its disk failed.

import assert from "node:assert/strict";
import { checkTickets } from "../lib/checker.ts";
import { encode, ticketOf, ticketRequest } from "../lib/client.ts";
import { e2e } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";
import { until } from "../lib/until.ts";

/** The longest that a stop may take (docs/OPERATING.md, exit codes). */
const stopMillisMax = 5000;

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
  e2e(
    `${signal} sends the replies that wait, ends with 0 within 5 s, and burns no number`,
    async (lab) => {
      const node = await lab.server().start();
      using client = await node.connect();
      const sent = client.send(ticketRequest.repeat(50_000)).catch(() => {});
      assert.equal(await client.reply(), "1");
      const signalledAt = performance.now();
      node.signal(signal);
      const numbers = (await client.rest()).match(/(?<=\+)\d+(?=\r\n)/g) ?? [];
      assert.deepEqual(await node.exit(), { code: 0, signal: null });
      assert.ok(performance.now() - signalledAt < stopMillisMax);
      await sent;
      assert.deepEqual(numbers, numbers.map((_, i) => `${i + 2}`));
      await node.start();
      assert.equal(await node.ticket(), BigInt(numbers.length + 2));
    },
  );
}

e2e(
  "SIGTERM at the leader hands leadership over, and not even a number is lost",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const load = lab.load(cluster.servers);
    await load.more(1000);
    const leader = await cluster.leader();
    const { term } = await leader.stats();
    const signalledAt = performance.now();
    await leader.stop();
    assert.ok(performance.now() - signalledAt < stopMillisMax);
    assert.match(leader.log, /handing leadership over/);
    await load.more(1000);
    const successor = await cluster.leader();
    assert.equal((await successor.stats()).term, `${Number(term) + 1}`);
    await leader.start();
    await cluster.settled();
    checkTickets(await load.stop(), { dense: true });
  },
);

e2e(
  "SIGTERM answers a client that waits for the cluster, and the requests behind that one",
  async (lab) => {
    const node = await lab.server().start();
    using client = await node.connect();
    // Nobody listens there: the new member never catches up.
    const adding = encode(["RAFT.ADDVOTER", "9", `127.0.0.1:${freePort()}`]);
    await client.send(`${ticketRequest}${adding}${ticketRequest}PING\r\n`);
    assert.equal(await client.reply(), "1"); // so the requests behind it have arrived, too
    node.signal("SIGTERM");
    assert.equal(
      await client.rest(),
      "-ERR the node is stopping\r\n+2\r\n+PONG\r\n",
    );
    assert.deepEqual(await node.exit(), { code: 0, signal: null });
  },
);

e2e(
  "A second signal ends it at once, with a code that names it",
  async (lab) => {
    const codes = [
      ["SIGTERM", 143],
      ["SIGINT", 130],
      ["SIGHUP", 129],
      ["SIGQUIT", 131],
    ] as const;
    for (const [signal, code] of codes) {
      const node = await lab.server().start();
      // A client that never reads, so that a stop takes a while.
      using client = await node.connect();
      const echo = encode(["ECHO", "x".repeat(20_000)]);
      client.send((echo + ticketRequest).repeat(2000)).catch(() => {});
      await until("the buffers of that client are full", async () => {
        const before = await node.ticket();
        return before > 50n && await node.ticket() === before + 1n;
      });
      node.signal(signal);
      await node.logged(/ stopping/);
      assert.ok(node.running);
      // A second signal that comes at once counts as the same: Ctrl-C under `deno task` is two.
      await until(`the node has ended on a second ${signal}`, () => {
        if (node.running) node.signal(signal);
        return !node.running;
      });
      assert.deepEqual(await node.exit(), { code, signal: null });
    }
  },
);

e2e(
  "Signals that mean nothing here are logged once, and neither end nor stop a node",
  async (lab) => {
    const node = await lab.server().start();
    const signals = [
      ...["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO"],
      ...["SIGPWR", "SIGSTKFLT", "SIGXCPU", "SIGXFSZ"],
    ] as Deno.Signal[];
    for (const signal of signals) {
      node.signal(signal);
      await node.logged(new RegExp(`info  server: ignores ${signal}\n`));
      node.signal(signal);
    }
    node.signal("SIGPIPE"); // not even logged
    assert.equal(await node.ticket(), 1n);
    await node.stop();
    assert.equal(node.log.match(/ignores /g)?.length, signals.length);
  },
);

e2e(
  "A node waits for a port that its former owner is still closing, and a stop ends the wait",
  async (lab) => {
    for (const flag of ["--saddr", "--raddr"]) {
      for (const threads of ["1", "2"]) {
        const owner = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
        const { port } = owner.addr;
        const waits = new RegExp(
          `info .*cannot listen on 127.0.0.1:${port} for .*waits for it`,
        );
        const flags = [flag, `127.0.0.1:${port}`, "--io-threads", threads];
        const id = `${flag.slice(2)}-${threads}`;
        const stopped = lab.server({ id: `${id}-stopped` });
        stopped.spawn(...flags);
        await stopped.logged(waits);
        await stopped.stop();
        const node = lab.server({ id });
        node.spawn(...flags);
        await node.logged(waits);
        owner.close();
        await node.logged(/: serves clients on /);
        await node.stop();
      }
    }
  },
);

e2e(
  "A node that was told to end with the process that started it does so, however that ends",
  async (lab) => {
    const wrapper = ["bash", "-c", '"$@" & wait', "bash"];
    const env = { TICKETD_WITH_PARENT: "yes" };
    const node = await lab.server({ wrapper, env }).start();
    assert.equal(await node.ticket(), 1n);
    node.signal("SIGKILL"); // the shell
    await node.logged(/warn {2}server: the process that started this one has /);
    await node.logged(/info {2}server: stopped\n/);
    await node.exit();
  },
);

e2e(
  "A node that waits to join, or is in a minority, stops as well",
  async (lab) => {
    const joining = lab.server({ id: "9", join: [freePort()] });
    joining.spawn();
    await joining.logged(/waiting to join through 127.0.0.1:\d+: /);
    await joining.stop();

    const { servers } = await lab.cluster(2);
    await Promise.all(servers.map((server) => server.kill()));
    const [alone] = servers;
    await alone!.start();
    await alone!.stop();
  },
);

for (const storage of ["file", "kv"]) {
  e2e(
    `A disk that takes no more ends the process with the reason, and costs no ticket (${storage})`,
    async (lab) => {
      // Numbers taken ahead would let the log grow too slowly.
      const flags = ["--storage", storage, "--ahead", "0"];
      const limit = storage === "file" ? 32 : 512;
      const limited = `ulimit -f ${limit}; trap "" XFSZ; exec "$@"`;
      const wrapper = ["bash", "-c", limited, "bash"];
      const node = await lab.server({ flags, wrapper }).start();
      const load = lab.load([node], { connections: 5, pipeline: 1 });
      assert.deepEqual(await node.exit(), { code: 1, signal: null });
      const last = load.tickets.at(-1);
      assert.ok(last !== undefined);
      assert.ok(
        performance.now() - last.receivedAt < 3000,
        "within a second or so",
      );
      assert.match(node.log, /error server: .*(too large|disk I\/O|full)/i);

      // The same ports and data, without the limit.
      const healed = lab.server({
        args: () => node.command.slice(node.command.indexOf("main.ts") + 1),
      });
      healed.spawn();
      await load.more(100);
      const tickets = await load.stop();
      checkTickets(tickets);
      const next = ticketOf(await node.ask("TICKET"));
      assert.ok(next > load.largest);
      await healed.stop();
    },
    { needs: ["bash"] },
  );
}

e2e(
  "Too many connections cost no ticket, and leave the log its file handles (they ended the original)",
  async (lab) => {
    const node = await lab.server({
      wrapper: ["bash", "-c", `ulimit -n 150; exec "$@"`, "bash"],
    }).start();
    using first = await node.connect();
    assert.deepEqual(await first.tickets(1), [1n]);
    using crowd = new DisposableStack();
    for (let i = 0; i < 200; i++) crowd.use(await node.connect());
    await until(
      "the node refuses a new connection with the reason",
      async () => {
        const reply = await node.ask("PING").catch(String);
        return /max number of clients reached/.test(String(reply));
      },
    );
    assert.equal(await first.ask("RAFT.SNAPSHOT"), "OK");
    assert.deepEqual(await first.tickets(1), [2n]);
  },
  { needs: ["bash"] },
);
