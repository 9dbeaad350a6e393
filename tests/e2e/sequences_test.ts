// Sequences with names on real nodes: what holds on every node and through crashes, the policy,
// the limit of names, backups, and 100,000 of them. What each command answers is shown by the
// unit tests; how client libraries use them by `client_libraries_test.ts`.

import assert from "node:assert/strict";
import { type Reply, ReplyError } from "../lib/client.ts";
import { e2e } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** Makes sure that `reply` is an error that says `what`. */
function assertRefused(reply: Reply, what: RegExp): void {
  assert.ok(reply instanceof ReplyError, `${reply}`);
  assert.match(reply.message, what);
}

e2e(
  "Each sequence counts by itself, on every node and through the death of the leader",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const ask = async (server: Server, ...words: string[]) =>
      await server.ask(...words);
    const [one, two, three] = cluster.servers;
    assert.equal(await ask(one!, "TICKET", "orders"), "1");
    assert.equal(await ask(two!, "INCR", "orders"), 2n);
    assert.equal(await ask(three!, "TICKET"), "1");
    const block = await ask(two!, "TICKET", "orders", "COUNT", "1000");
    assert.deepEqual(block, ["3", "1002"]);
    assert.equal(await ask(three!, "INCRBY", "invoices", "10"), 10n);
    for (const server of cluster.servers) {
      const lasts = await ask(server, "MGET", "orders", "invoices", "none");
      assert.deepEqual(lasts, ["1002", "10", undefined]);
    }
    const leader = await cluster.leader();
    await leader.kill();
    // They wait for the next leader; a single request burns nothing but itself.
    const [next, last, other] = await Promise.all([
      ask(cluster.running[0]!, "INCR", "orders"),
      ask(cluster.running[1]!, "GET", "invoices"),
      ask(cluster.running[1]!, "TICKET", "begun-without-it"),
    ]);
    assert.deepEqual([next, last, other], [1003n, "10", "1"]);
    await leader.start();
    await cluster.settled();
    assert.equal(await leader.ask("INCR", "orders"), 1004n);
  },
);

e2e(
  "Under the policy created a typo begins nothing, whatever node is asked, and after a restart of all",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [one, two, three] = cluster.servers;
    assert.equal(await one!.ask("TICKET"), "1");
    assert.equal(
      await two!.ask("TICKET.CREATE", "orders", "START", "100"),
      "OK",
    );
    assert.equal(await three!.ask("TICKET.POLICY", "created"), "OK");
    const check = async () => {
      for (const server of cluster.servers) {
        assert.equal(await server.ask("TICKET.POLICY"), "created");
        for (const command of ["TICKET", "INCR"]) {
          const reply = await server.ask(command, "order");
          assertRefused(reply, /no sequence 'order'/);
        }
        assert.equal(await server.ask("EXISTS", "order"), 0n);
      }
    };
    await check();
    assert.equal(await one!.ask("TICKET", "orders"), "100");
    await Promise.all(cluster.servers.map((server) => server.stop()));
    await Promise.all(cluster.servers.map((server) => server.start()));
    await cluster.settled();
    await check();
    assert.equal(await two!.ask("TICKET", "orders"), "101");
    assert.equal(await two!.ask("TICKET"), "2");
    assertRefused(
      await two!.ask("TICKET.CREATE", "orders"),
      /'orders' exists already/,
    );
  },
);

e2e(
  "A hand that types INCR of two names sees 1, 2, 3 of each across a kill -9",
  async (lab) => {
    const node = await lab.server().start();
    for (let i = 1n; i <= 3n; i++) {
      assert.equal(await node.ask("INCR", "orders"), i);
      assert.equal(await node.ask("INCR", "invoices"), i);
      await node.kill();
      await node.start();
    }
    const lasts = await node.ask("MGET", "orders", "invoices");
    assert.deepEqual(lasts, ["3", "3"]);
  },
);

e2e(
  "One name more than --max-sequences is refused and nothing done; the others go on",
  async (lab) => {
    const flags = ["--max-sequences", "3"];
    const node = await lab.server().start(...flags);
    using client = await node.connect();
    for (const name of ["a", "b", "c"]) {
      assert.equal(await client.ask("INCR", name), 1n);
    }
    assertRefused(await client.ask("INCR", "d"), /no room/);
    assertRefused(await client.ask("TICKET", "d", "COUNT", "9"), /no room/);
    assertRefused(await client.ask("TICKET.RAISE", "d", "9"), /no room/);
    assertRefused(await client.ask("TICKET.CREATE", "d"), /no room/);
    assertRefused(await client.ask("TICKET"), /no room/);
    await client.pipeline([["MULTI"], ["INCR", "a"], ["INCR", "d"]]);
    assertRefused(await client.ask("EXEC"), /^EXECABORT .*no room/);
    assert.equal(await client.ask("DBSIZE"), 3n);
    assert.equal(await client.ask("INCR", "a"), 2n);
    // Fewer are allowed later: none goes.
    await node.stop();
    await node.start("--max-sequences", "2");
    const lasts = await node.ask("MGET", "a", "b", "c", "d");
    assert.deepEqual(lasts, ["2", "1", "1", undefined]);
    assert.equal(await node.ask("INCR", "c"), 2n);
  },
);

e2e(
  "Of nodes with different --max-sequences the leader's counts, on whatever node a name is begun",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const limits = new Map(cluster.servers.map((one, at) => [one, 3 + 2 * at]));
    for (const [server, limit] of limits) {
      await server.stop();
      await server.start("--max-sequences", `${limit}`);
      await cluster.settled();
    }
    const leader = await cluster.leader();
    const limit = limits.get(leader)!;
    const [other] = await cluster.followers();
    for (let at = 0; at < limit; at++) {
      assert.equal(await other!.ask("INCR", `n${at}`), 1n);
    }
    for (const server of cluster.servers) {
      assertRefused(await server.ask("INCR", "more"), /no room/);
      assertRefused(await server.ask("TICKET.CREATE", "more"), /no room/);
      assert.equal(await server.ask("DBSIZE"), BigInt(limit));
      assert.equal(await server.ask("EXISTS", "more"), 0n);
    }
  },
);

e2e(
  "A sequence that is used up touches no other, and a group with it does nothing",
  async (lab) => {
    const node = await lab.server().start();
    using client = await node.connect();
    const end = 2n ** 64n - 1n;
    const raise = ["TICKET.RAISE", "full", `${end - 2n}`, "FORCE"];
    assert.equal(await client.ask(...raise), "OK");
    assert.equal(await client.ask("TICKET", "full"), `${end - 1n}`);
    assertRefused(await client.ask("TICKET", "full", "COUNT", "2"), /fewer/);
    assert.equal(await client.ask("TICKET", "full"), `${end}`);
    const replies = await client.pipeline([
      ["TICKET", "full"],
      ["TICKET", "orders"],
      ["INCR", "full"],
      ["TICKET", "orders", "COUNT", "2"],
      ["MULTI"],
      ["TICKET", "orders"],
      ["TICKET", "full"],
      ["EXEC"],
      ["INCR", "orders"],
    ]);
    assertRefused(replies[0], /exhausted/);
    assert.equal(replies[1], "1");
    assertRefused(replies[2], /overflow|exhausted/);
    assert.deepEqual(replies[3], ["2", "3"]);
    assertRefused(replies[7], /^EXECABORT /);
    assert.equal(replies[8], 4n);
  },
);

e2e(
  "A backup holds every sequence and the policy, and a restore begins them anew",
  async (lab) => {
    const node = await lab.server().start();
    using client = await node.connect();
    assert.equal(await client.ask("TICKET"), "1");
    const names = Array.from({ length: 2500 }, (_, i) => `n${i}`);
    await client.pipeline(names.map((name, i) => ["INCRBY", name, `${i + 1}`]));
    assert.equal(await client.ask("TICKET.POLICY", "created"), "OK");
    const path = `${lab.directory}/b.backup`;
    const address = `127.0.0.1:${node.port}`;
    const taken = await lab.deno(
      "run",
      "-A",
      "main.ts",
      "backup",
      address,
      path,
    );
    assert.equal(taken.code, 0, taken.stderr);
    await node.stop();
    const second = lab.server({ id: "2" });
    const restored = await lab.deno(
      ...["run", "-A", "main.ts", "restore", path, "--exact", "--id", "2"],
      ...["--dir", lab.directory, "--raddr", second.raftAddress],
    );
    assert.equal(restored.code, 0, restored.stderr);
    await second.start();
    assert.equal(await second.ask("DBSIZE"), 2501n);
    assert.equal(await second.ask("TICKET.POLICY"), "created");
    assert.equal(await second.ask("INCR", "n99"), 101n);
    assertRefused(await second.ask("INCR", "n2500"), /no sequence/);
  },
);

e2e(
  "A follower, a restart and a snapshot bring 100,000 names, and memory and disk stay bounded",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const [server] = cluster.servers;
    using client = await server!.connect();
    const names = Array.from(
      { length: 100_000 },
      (_, i) => `tenant:${i}:`.padEnd(128, "x"),
    );
    for (let i = 0; i < names.length; i += 5000) {
      const batch = names.slice(i, i + 5000).map((name) => ["INCR", name]);
      const replies = await client.pipeline(batch);
      assert.ok(replies.every((reply) => reply === 1n), `${replies[0]}`);
    }
    assertRefused(await client.ask("INCR", "one-more"), /no room/);
    assert.equal(await server!.ask("RAFT.SNAPSHOT"), "OK");
    const follower = (await cluster.followers())[0]!;
    await follower.kill();
    await Deno.remove(follower.data, { recursive: true });
    assert.equal(
      await (await cluster.leader()).ask("RAFT.REMOVESERVER", follower.id),
      "OK",
    );
    const member = cluster.servers.find((one) => one !== follower)!;
    await follower.start("--join", `127.0.0.1:${member.port}`);
    await cluster.settled();
    await until("the new node has all of them", async () => {
      const { last_log_index, applied_index } = await follower.stats();
      return last_log_index === applied_index;
    });
    await follower.stop();
    const begun = performance.now();
    await follower.start();
    const startMillis = performance.now() - begun;
    assert.ok(startMillis < 20_000, `${startMillis} ms, on a busy machine`);
    assert.equal(await follower.ask("DBSIZE"), 100_000n);
    assert.equal(await follower.ask("GET", names[77_777]!), "1");
    if (Deno.build.os === "linux") {
      for (const { pid } of cluster.running) {
        const bytes = residentBytes(pid);
        assert.ok(bytes < 400e6, `${bytes} bytes in memory`);
      }
    }
    for (const { data } of cluster.running) {
      const bytes = diskBytes(data);
      assert.ok(bytes < 64e6 + 3 * 14e6, `${bytes} bytes on disk`);
    }
  },
);

/** Bytes of memory of a process that are not swapped out. */
function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Bytes of all files in a directory. */
function diskBytes(directory: string): number {
  return Array.from(
    Deno.readDirSync(directory),
    ({ name }) => Deno.statSync(`${directory}/${name}`).size,
  ).reduce((sum, size) => sum + size, 0);
}
