import assert from "node:assert/strict";
import { load } from "../../../bench/load.ts";

/** A server that answers each request with what `reply` makes of its number. */
function serve(reply: (count: number) => string): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  const answer = async (conn: Deno.TcpConn) => {
    const chunk = new Uint8Array(65536);
    for (let length; (length = await conn.read(chunk)) !== null;) {
      const requests = chunk.subarray(0, length).filter((byte) =>
        byte === 0x2a
      );
      let text = "";
      for (const _ of requests) text += reply(++count);
      await conn.write(new TextEncoder().encode(text));
    }
  };
  (async () => {
    for await (const conn of listener) answer(conn).catch(() => conn.close());
  })();
  return listener;
}

function plan(listener: Deno.TcpListener) {
  return {
    ports: [listener.addr.port],
    clients: 3,
    pipeline: 4,
    commands: [["TICKET"]],
    expected: ["rises"] as const,
    warmUpSeconds: 0,
    pids: [Deno.pid],
  };
}

Deno.test("load() asks for so many tickets, and has a latency of each", async () => {
  using listener = serve((count) => `+${count}\r\n`);
  const { tickets, perSecond, latency, cpuSeconds } = await load({
    ...plan(listener),
    until: { tickets: 1200 },
  });
  assert.equal(tickets, 1200);
  assert.equal(latency.count, 1200);
  assert(perSecond > 0 && latency.quantile(0.5) > 0);
  assert(cpuSeconds.length === 1 && cpuSeconds[0]! >= 0);
});

Deno.test("load() ends after a time, and counts what came in it", async () => {
  using listener = serve((count) => `+${count}\r\n`);
  const { tickets, perSecond } = await load({
    ...plan(listener),
    warmUpSeconds: 0.05,
    until: { seconds: 0.1 },
  });
  assert(tickets > 0 && tickets / perSecond >= 0.09);
});

Deno.test("load() fails when a reply is an error, or a number does not rise", async () => {
  const refused = (count: number) =>
    count === 40 ? "-ERR no\r\n" : `+${count}\r\n`;
  const repeated = (count: number) => `+${count === 40 ? 4 : count}\r\n`;
  for (
    const [reply, message] of [
      [refused, /1 bad replies: -ERR no/],
      [repeated, /1 bad replies: 4 after \d+/],
    ] as const
  ) {
    using listener = serve(reply);
    await assert.rejects(
      load({ ...plan(listener), until: { tickets: 1200 } }),
      message,
    );
  }
});

Deno.test("load() fails when nobody listens", async () => {
  const listener = serve(() => "");
  const nobody = plan(listener);
  listener.close();
  await assert.rejects(
    load({ ...nobody, until: { tickets: 12 } }),
    /refused/i,
  );
});
