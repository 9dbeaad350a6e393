import assert from "node:assert/strict";
import { connect } from "node:net";
import { ClientCount } from "../../../../server/client_count.ts";
import { listen, Listener } from "../../../../server/clients/listener.ts";
import {
  Client,
  encoder,
  FakeNode,
  resp,
  tickets,
} from "../../../lib/fakes.ts";
import { until } from "../../../lib/until.ts";

type Setting = {
  prompt?: boolean;
  clientsMax?: number;
  placesKept?: number;
  refusalsMax?: number;
};

/** A listener on a port of its own before a fake node, closed at the end. */
async function serving(
  setting: Setting,
  use: (
    s: { listener: Listener; node: FakeNode; port: number },
  ) => Promise<void>,
): Promise<void> {
  const node = new FakeNode({ prompt: setting.prompt ?? true });
  const listener = new Listener(await listen({ host: "127.0.0.1", port: 0 }), {
    link: node.link,
    version: "1.2.3",
    clientCount: new ClientCount({ placesKept: 0, ...setting }),
    refusalsMax: setting.refusalsMax,
  });
  try {
    await use({ listener, node, port: listener.port });
  } finally {
    await listener.close(100);
  }
}

Deno.test("Listener serves TICKET over a socket", () =>
  serving({}, async ({ port }) => {
    using client = await Client.connect(port);
    await client.send(resp("TICKET"));
    await client.expect("+1\r\n");
    await client.send("ticket\r\n" + resp("PING") + resp("TICKET"));
    await client.expect("+2\r\n+PONG\r\n+3\r\n");
  }));

Deno.test("Listener serves a pipeline of a million TICKETs", () =>
  serving({}, async ({ port }) => {
    using client = await Client.connect(port);
    const request = resp("TICKET").repeat(10_000);
    const sent = (async () => {
      for (let i = 0; i < 100; i++) await client.send(request);
    })();
    for (let i = 0; i < 100; i++) {
      await client.expect(tickets(i * 10_000 + 1, (i + 1) * 10_000));
    }
    await sent;
  }));

Deno.test("Listener gives clients that pipeline together every number once, each in rising order", () =>
  serving({}, async ({ port, node }) => {
    const given = await Promise.all(Array.from({ length: 20 }, async () => {
      using client = await Client.connect(port);
      await client.send(resp("TICKET").repeat(500));
      await client.closeWrite();
      return (await client.rest()).trim().split("\r\n").map(Number);
    }));
    for (const numbers of given) {
      assert.equal(numbers.length, 500);
      assert(numbers.every((n, i) => i === 0 || n > numbers[i - 1]!));
    }
    assert.equal(new Set(given.flat()).size, 10_000);
    assert.equal(node.last, 10_000n);
  }));

Deno.test("Huge counts and lengths end one connection and nothing else (bugs 3, 4)", () =>
  serving({}, async ({ port }) => {
    using other = await Client.connect(port);
    const rows: [string, string][] = [
      ["*1\r\n$9223372036854775807\r\n", "invalid bulk length"],
      ["*9223372036854775807\r\n", "invalid multibulk length"],
      ["*1\r\nfoo\r\n", "expected '$', got 'f'"],
      ["'TICKET\r\n", "unbalanced quotes in request"],
      ["*" + "1".repeat(70_000), "too big mbulk count string"],
      ["x".repeat(70_000), "too big inline request"],
    ];
    for (const [request, error] of rows) {
      using client = await Client.connect(port);
      await client.send(request);
      assert.equal(await client.rest(), `-ERR Protocol error: ${error}\r\n`);
    }
    await other.send(resp("TICKET"));
    await other.expect("+1\r\n");
  }));

Deno.test("An endless bulk is refused when it is announced (bug 6)", () =>
  serving({}, async ({ port }) => {
    using client = await Client.connect(port);
    await client.send("*1\r\n$300000000\r\n");
    assert.equal(
      await client.rest(),
      "-ERR Protocol error: invalid bulk length\r\n",
    );
  }));

Deno.test("QUIT closes after the replies; what follows it takes no ticket (bug 11)", () =>
  serving({}, async ({ port, node }) => {
    using client = await Client.connect(port);
    await client.send(
      resp("TICKET") + resp("QUIT") + resp("TICKET") + resp("TICKET"),
    );
    assert.equal(await client.rest(), "+1\r\n+OK\r\n");
    assert.equal(node.last, 1n);
  }));

Deno.test("An HTTP request gets no ticket and no word", () =>
  serving({}, async ({ port, node }) => {
    using client = await Client.connect(port);
    await client.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nTICKET\r\n");
    assert.equal(await client.rest(), "");
    assert.equal(node.last, 0n);
  }));

Deno.test("One client too many is told so, and its place is free when another leaves (bug 5)", () =>
  serving({ clientsMax: 2 }, async ({ port }) => {
    const first = await Client.connect(port);
    using second = await Client.connect(port);
    await first.send(resp("QUIT"));
    await second.send(resp("PING"));
    await second.expect("+PONG\r\n");
    assert.equal(await first.rest(), "+OK\r\n");
    using third = await Client.connect(port);
    await third.send(resp("PING"));
    assert.equal(
      await third.rest(),
      "-ERR max number of clients reached\r\n",
    );
    first.close();
    for (let reply = ""; reply !== "+PONG\r\n";) {
      using fourth = await Client.connect(port); // until the first was noticed gone
      await fourth.send(resp("PING"));
      await fourth.closeWrite();
      reply = await fourth.rest();
    }
  }));

Deno.test("A client that vanishes burns its numbers", () =>
  serving({ prompt: false }, async ({ port, node }) => {
    const asked = () => new Promise<void>((done) => node.onMessage = done);
    const first = asked();
    const gone = await Client.connect(port);
    await gone.send(resp("TICKET").repeat(3));
    await first;
    gone.close();
    using client = await Client.connect(port);
    node.prompt = true;
    await client.send(resp("PING"));
    await client.expect("+PONG\r\n");
    node.answer();
    await client.send(resp("TICKET"));
    await client.expect("+4\r\n");
  }));

Deno.test("Listener.close() sends the replies that wait and refuses newcomers", () =>
  serving({ prompt: false }, async ({ listener, port, node }) => {
    const asked = new Promise<void>((done) => node.onMessage = done);
    using waiting = await Client.connect(port);
    using idle = await Client.connect(port);
    await idle.send(resp("PING"));
    await idle.expect("+PONG\r\n");
    await waiting.send(resp("TICKET").repeat(2));
    await asked;
    const closed = listener.close(5000);
    assert.equal(await idle.rest(), "");
    await assert.rejects(() => Client.connect(port));
    idle.close();
    node.answer();
    assert.equal(await waiting.rest(), "+1\r\n+2\r\n");
    waiting.close();
    await closed;
    assert.equal(listener.connections, 0);
  }));

Deno.test("Listener.close() cuts off what is not answered in time", () =>
  serving({ prompt: false }, async ({ listener, port, node }) => {
    const asked = new Promise<void>((done) => node.onMessage = done);
    using client = await Client.connect(port);
    await client.send(resp("TICKET"));
    await asked;
    await listener.close(10);
    assert.equal(await client.rest(), "");
    assert.equal(listener.connections, 0);
  }));

Deno.test("Listener forgets clients that vanish while they are congested, and closes at once", () =>
  serving({}, async ({ listener, port }) => {
    const connections = () => listener.connections;
    const request = encoder.encode(resp("TICKET").repeat(9000));
    const sockets = await Promise.all(
      Array.from(
        { length: 4 },
        () => Deno.connect({ hostname: "127.0.0.1", port }),
      ),
    );
    await Promise.all(sockets.map((socket) => fill(socket, request)));
    assert.equal(connections(), 4);
    for (const socket of sockets) socket.close(); // with unread bytes: a reset
    const begunMillis = performance.now();
    const tooLong = () => performance.now() - begunMillis > 10_000;
    using other = await Client.connect(port);
    while (connections() !== 1 && !tooLong()) {
      await other.send(resp("PING")); // a turn for the resets to be noticed
      await other.expect("+PONG\r\n");
    }
    other.close();
    await listener.close(60_000);
    assert.equal(connections(), 0);
    assert(!tooLong());
  }));

/** Writes `bytes` again and again until for a while the server has read no more. */
async function fill(socket: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let taken = 0;
  let before = -1;
  const writing = (async () => {
    for (;;) taken += await socket.write(bytes.subarray(taken % bytes.length));
  })();
  writing.catch(() => {}); // the end of the connection
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (taken === before) resolve();
    before = taken;
  }, 200);
  await promise;
  clearInterval(timer);
}

Deno.test("Listener serves the next client at once after many that have reset already", () =>
  serving({}, async ({ listener, port }) => {
    const begunMillis = performance.now();
    for (let i = 0; i < 300; i++) {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.resetAndDestroy();
    }
    using client = await Client.connect(port);
    await client.send(resp("TICKET"));
    await client.expect("+1\r\n");
    assert(performance.now() - begunMillis < 10_000, "300 pauses are 30 s");
    await until(
      "all that were reset are forgotten",
      () => listener.connections === 1 || undefined,
    );
  }));

Deno.test("A client that connects before anybody serves the port is served then", async () => {
  const port = await listen({ host: "127.0.0.1", port: 0 });
  using client = await Client.connect(port.address.port);
  await client.send(resp("TICKET"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { link } = new FakeNode({ prompt: true });
  const listener = new Listener(port, { link, version: "1.2.3" });
  await client.expect("+1\r\n");
  await listener.close(100);
});

Deno.test("listen() says that no such address is on this machine", async () => {
  await assert.rejects(listen({ host: "203.0.113.9", port: 7 }), {
    message: "cannot listen on 203.0.113.9:7 for clients: " +
      "no such address on this machine; choose another with --saddr",
  });
});

Deno.test({
  name: "listen() says which flag is missing when Deno may not listen",
  permissions: { net: false },
  fn: () =>
    assert.rejects(listen({ host: "", port: 7 }), {
      message: "cannot listen on :7 for clients: " +
        "Deno was not given the right to; add --allow-net",
    }),
});

Deno.test("listen() names the address that is in use, and the flag", () =>
  serving({}, async ({ port }) => {
    await assert.rejects(listen({ host: "127.0.0.1", port }), {
      message: `cannot listen on 127.0.0.1:${port} for clients: ` +
        "address in use; choose another with --saddr",
    });
  }));

const tooMany = "-ERR max number of clients reached\r\n";

Deno.test("All clients that are too many are told so, however many come at once", () =>
  serving({ clientsMax: 1, refusalsMax: 2 }, async ({ port }) => {
    using first = await Client.connect(port);
    await first.send(resp("PING"));
    await first.expect("+PONG\r\n");
    const crowd = await Promise.all(
      Array.from({ length: 100 }, () => Client.connect(port)),
    );
    for (const client of crowd) {
      assert.equal(await client.rest(), tooMany);
      client.close();
    }
    await first.send(resp("PING"));
    await first.expect("+PONG\r\n");
  }));

Deno.test("A client from this host gets in when all places are taken; an idle visitor makes way", () =>
  serving(
    { clientsMax: 1, placesKept: 2, prompt: false },
    async ({ port, node }) => {
      using first = await Client.connect(port);
      await first.send(resp("PING"));
      await first.expect("+PONG\r\n");
      // One that waits for an answer, and one that does nothing.
      using waiting = await Client.connect(port);
      await waiting.send(resp("RAFT.LEADER") + resp("RAFT.STATS"));
      await waiting.expect("+\r\n");
      using idle = await Client.connect(port);
      await idle.send(resp("RAFT.LEADER"));
      await idle.expect("+\r\n");
      using third = await Client.connect(port);
      await third.send(resp("RAFT.LEADER"));
      await third.expect("+\r\n");
      assert.equal(await idle.rest(), tooMany);
      node.answer();
      await waiting.expect("+OK\r\n");
      // The ordinary place goes to one of the clients in kept places.
      first.close();
      using fourth = await Client.connect(port);
      await fourth.send(resp("RAFT.LEADER"));
      await fourth.expect("+\r\n");
    },
  ));

Deno.test("A client in a kept place gets no tickets", () =>
  serving({ clientsMax: 1, placesKept: 2 }, async ({ port, node }) => {
    const first = await Client.connect(port);
    await first.send(resp("PING"));
    await first.expect("+PONG\r\n");
    for (const command of ["TICKET", "PING", "NONSENSE"]) {
      using visitor = await Client.connect(port);
      await visitor.send(resp("RAFT.LEADER") + resp(command));
      assert.equal(await visitor.rest(), `+\r\n${tooMany}`);
    }
    assert.equal(node.last, 0n);
    first.close();
  }));
