// Clients that do harm, on purpose or not. Whatever they send, hold or leave unread, the
// process goes on, the other clients are served, and memory and places are free again once
// they have left. Each story is a real process that is asked for tickets at its end.

import assert from "node:assert/strict";
import { type Client, encode, ReplyError } from "../lib/client.ts";
import { e2e, type Lab } from "../lib/harness.ts";
import { permissions, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

const tooMany = "ERR max number of clients reached";

/** A shell that lowers the limit of file handles and becomes the node. */
function withHandles(count: number): string[] {
  return ["bash", "-c", `ulimit -n ${count} && exec "$@"`, "bash"];
}

/** Connects `count` clients, none of which says anything. */
async function crowd(server: Server, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const some = Math.min(50, count - clients.length);
    clients.push(
      ...await Promise.all(
        Array.from({ length: some }, () => server.connect()),
      ),
    );
  }
  return clients;
}

function leave(clients: readonly Client[]): void {
  for (const client of clients) client.close();
}

/** A field of INFO. */
async function info(server: Server, field: string): Promise<number> {
  const text = await server.ask("INFO");
  const value = new RegExp(`^${field}:(\\d+)`, "m").exec(String(text))?.[1];
  return Number(value);
}

function residentBytes({ pid }: Server): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

async function served(lab: Lab, ...flags: string[]): Promise<Server> {
  return await lab.server({ flags }).start();
}

e2e(
  "No pattern that a client sends ends the process (PITFALLS 36)",
  async (lab) => {
    const server = await served(lab);
    using client = await server.connect();
    for (const pattern of ["a", "*?", "?*", "[", "\\", "(", "*a", "\0", "é"]) {
      const size = Math.floor(
        60_000 / new TextEncoder().encode(pattern).length,
      );
      const reply = await client.ask("CONFIG", "GET", pattern.repeat(size));
      assert.deepEqual(reply, [], pattern);
    }
    assert.deepEqual(await client.ask("CONFIG", "GET", "APPEND*"), [
      "appendonly",
      "yes",
    ]);
    assert.equal(await server.ticket(), 1n);
  },
);

e2e(
  "A client's name is short, and CLIENT LIST of a crowd is made as it is read",
  async (lab) => {
    const server = await served(lab);
    const clients = await crowd(server, 1000);
    const [first, second] = clients;
    const refused =
      "ERR Client names cannot contain spaces, newlines or special characters.";
    for (const name of ["x".repeat(65), "x".repeat(64_000), "a b", "é", "\t"]) {
      const reply = await first!.ask("CLIENT", "SETNAME", name);
      assert.deepEqual(reply, new ReplyError(refused));
      const hello = await first!.ask("HELLO", "2", "SETNAME", name);
      assert.deepEqual(hello, new ReplyError(refused));
    }
    for (const client of clients) {
      assert.equal(await client.ask("CLIENT", "SETNAME", "n".repeat(64)), "OK");
    }
    // Many at once, and none of them reads before all have asked.
    const lister = clients.slice(0, 50);
    for (const client of lister) await client.send(encode(["CLIENT", "LIST"]));
    for (const client of lister) {
      const lines = String(await client.reply()).trimEnd().split("\n");
      assert.equal(lines.length, 1000);
      assert.ok(
        lines.every((line) => line.includes(`name=${"n".repeat(64)} `)),
      );
    }
    // The next reply comes behind a long one.
    await second!.send(encode(["CLIENT", "LIST"]) + encode(["TICKET"]));
    assert.equal(
      String(await second!.reply()).trimEnd().split("\n").length,
      1000,
    );
    assert.equal(await second!.reply(), "1");
    leave(clients);
  },
);

e2e(
  "All clients' buffers share one budget, and the memory that they took comes back",
  async (lab) => {
    // As `deno task start` starts it: V8's young generation is not memory of clients.
    const server = await lab.server({
      permissions: [...permissions, "--v8-flags=--max-semi-space-size=4"],
      flags: ["--client-memory", "16MB"],
    }).start();
    const before = residentBytes(server);
    const clients = await crowd(server, 200);
    using polite = await server.connect();
    // A few thousand bytes of reply to each, and nobody reads them.
    const flood = encode(["COMMAND", "DOCS"]).repeat(5000);
    const sent = Promise.allSettled(
      clients.map((client) => client.send(flood)),
    );
    await server.logged(/clients?.*which held most.*--client-memory/);
    assert.equal(await polite.ask("TICKET"), "1");
    await until(
      "client_memory is within its 16 MB again",
      async () =>
        await info(server, "client_memory") <= 16 * 1024 * 1024 || undefined,
    );
    assert.ok(residentBytes(server) < before + 128 * 1024 * 1024);
    assert.equal(await polite.ask("TICKET"), "2");
    leave(clients);
    await sent;
    await until(
      "client_memory is below 1 MB",
      async () =>
        await info(server, "client_memory") < 1024 * 1024 || undefined,
    );
    await until(
      `the process is below ${1.5 * before} bytes again`,
      () => residentBytes(server) < 1.5 * before || undefined,
    );
  },
);

e2e(
  "Where file handles are few, working clients stay, all others are told, and a snapshot is taken",
  async (lab) => {
    const server = lab.server({
      wrapper: withHandles(256),
      flags: ["--max-clients", "10000"],
    });
    await server.start();
    const [, text] = await server.logged(
      /serves (\d+) clients at most, not 10000/,
    );
    const most = Number(text);
    assert.ok(most >= 150, `${most}`);
    const working = await crowd(server, 150);
    for (const client of working) await client.ask("TICKET");
    const others = await crowd(server, 1500);
    const fates = await Promise.all(others.map(async (client) => {
      await client.send(encode(["PING"])).catch(() => {});
      const reply = await client.reply().catch(() => undefined);
      return reply instanceof ReplyError ? reply.message : reply;
    }));
    const told = fates.filter((fate) => fate === tooMany).length;
    const lucky = fates.filter((fate) => fate === "PONG").length;
    assert.equal(told + lucky, 1500, `${told} told, ${lucky} served`);
    for (const client of working) {
      assert.match(String(await client.ask("TICKET")), /^\d+$/);
    }
    assert.equal(await working[0]!.ask("RAFT.SNAPSHOT"), "OK");
    leave(others);
    // The places are free again, all of them.
    await until(
      "all but 151 clients have left",
      async () => await info(server, "connected_clients") <= 151 || undefined,
    );
    const later = await crowd(server, most - 152);
    for (const client of later) assert.equal(await client.ask("PING"), "PONG");
    leave([...working, ...later]);
    assert.ok(!server.log.includes("cannot accept"));
  },
);

e2e(
  "At the limit of clients, this host still gets in, and a crowd that does nothing makes way",
  async (lab) => {
    const server = await served(lab, "--max-clients", "40");
    const clients = await crowd(server, 40);
    for (const client of clients) {
      assert.equal(await client.ask("PING"), "PONG");
    }
    const idle = await crowd(server, 60);
    for (let i = 0; i < 5; i++) {
      assert.equal((await server.stats()).state, "Leader");
      assert.match(String(await server.ask("RAFT.LEADER")), /:/);
    }
    // Clients that made way were told, and so were those that found no place.
    assert.deepEqual(await idle[0]!.reply(), new ReplyError(tooMany));
    leave(idle);
    leave(clients);
  },
);

e2e(
  "RAFT commands are checked before the node sees them, and few are under way at once",
  async (lab) => {
    const server = await served(lab);
    using client = await server.connect();
    const long = "x".repeat(60_000);
    for (
      const words of [["RAFT.JOIN", long, long, long, long], [
        "RAFT.ADDVOTER",
        "2",
        long,
      ]]
    ) {
      const reply = await client.ask(...words);
      assert.match(String(reply), /the \w+ has more than 255 bytes/);
    }
    // New voters at addresses where nobody listens: each request takes its time.
    const askers = await crowd(server, 30);
    for (const [at, asker] of askers.entries()) {
      await asker.send(
        encode(["RAFT.ADDVOTER", `n${at}`, `127.0.0.1:${at + 1}`]),
      );
    }
    const answers = askers.map((asker) => asker.reply());
    // Questions have places of their own, which no change takes.
    assert.equal((await server.stats()).state, "Leader");
    leave(askers);
    await Promise.allSettled(answers);
  },
);
