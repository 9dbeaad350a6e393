// The timers of an isolate that serves clients: one fires every ten seconds while there is
// nothing to time.

import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import { ClientService } from "../../../../server/clients/client_service.ts";
import { listen } from "../../../../server/clients/listener.ts";
import { Client, FakeNode, resp } from "../../../lib/fakes.ts";
import { until } from "../../../lib/until.ts";

/** Milliseconds between two looks while there is no client. */
const seldom = 10_000;

/** Runs `use` with the periods, in milliseconds, of all intervals that are set. */
async function countingTimers(
  use: (periods: () => number[]) => Promise<void>,
): Promise<void> {
  const { setInterval, clearInterval } = globalThis;
  const running = new Map<unknown, number>();
  globalThis.setInterval = ((run: () => void, millis = 0) => {
    const timer = setInterval(run, millis);
    running.set(timer, millis);
    return timer;
  }) as typeof setInterval;
  globalThis.clearInterval = ((timer) => {
    running.delete(timer);
    clearInterval(timer);
  }) as typeof clearInterval;
  try {
    await use(() => [...running.values()].toSorted((a, b) => a - b));
  } finally {
    Object.assign(globalThis, { setInterval, clearInterval });
  }
}

function service(node: FakeNode, timeoutMillis: number): ClientService {
  return new ClientService({
    link: node.link,
    clientCount: new ClientCount({}),
    timeoutMillis,
    version: "1.2.3",
    refusalsMax: 8,
    idleSeconds: Infinity,
    keepAliveSeconds: 0,
    log: () => {},
  });
}

/** Serves `clients`; the port. */
async function served(clients: ClientService): Promise<number> {
  const port = await listen({ host: "127.0.0.1", port: 0 });
  clients.serve(port);
  return port.address.port;
}

Deno.test("ClientService is woken seldom before a client comes, and when all have left", () =>
  countingTimers(async (periods) => {
    const node = new FakeNode({ prompt: true });
    const clients = service(node, 10_000);
    const port = await served(clients);
    assert.deepEqual(periods(), [seldom]);
    {
      using client = await Client.connect(port);
      await client.send(resp("PING"));
      await client.expect("+PONG\r\n");
      assert.deepEqual(periods(), [1000]);
    }
    await until(
      "it looks seldom",
      () => periods()[0] === seldom || undefined,
    );
    assert.deepEqual(periods(), [seldom]);
    await clients.close();
    assert.deepEqual(periods(), []);
  }));

Deno.test("ClientService counts the time of requests while one waits, and tells it when that is over", () =>
  countingTimers(async (periods) => {
    const node = new FakeNode({ prompt: false });
    const clients = service(node, 400);
    const port = await served(clients);
    using client = await Client.connect(port);
    await client.send(resp("TICKET"));
    await client.expect("-CLUSTERDOWN No leader within 10s\r\n");
    assert.deepEqual(periods(), [20, 1000], "its numbers may still come");
    node.answer();
    await until(
      "it counts no time",
      () => periods().length === 1 || undefined,
    );
    assert.deepEqual(periods(), [1000]);
    await clients.close();
    assert.deepEqual(periods(), []);
  }));
