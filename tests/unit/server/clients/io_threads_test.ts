// Further isolates that serve clients, without isolates: both ends in one, and a node that
// only counts behind real ports.

import assert from "node:assert/strict";
import { InvariantError } from "../../../../base/assert.ts";
import { TakeDoor } from "../../../../raft/channel/take_door.ts";
import { ClientCount } from "../../../../server/client_count.ts";
import {
  type FromIoThread,
  IoThread,
  type ToIoThread,
} from "../../../../server/clients/io_thread.ts";
import {
  IoThreads,
  type IoWorker,
} from "../../../../server/clients/io_threads.ts";
import { claimPort } from "../../../../server/clients/shared_port.ts";
import { Client, resp } from "../../../lib/fakes.ts";

/** A worker that runs here. Its ports are real, so what crosses is cloned as it would be. */
class FakeWorker extends EventTarget {
  readonly told: ToIoThread[] = [];
  readonly #thread = new IoThread((message) => this.say(message));

  postMessage(message: ToIoThread): void {
    this.told.push(message);
    this.#thread.receive(message);
  }

  say(data: FromIoThread): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

/** Numbers for whoever asks. */
class Node {
  readonly ports: MessagePort[] = [];
  /** Told of each take instead, with the door that it came through. */
  asked: ((door: TakeDoor) => void) | undefined;
  #last = 0n;

  open(port: MessagePort, takeBoxMemory: SharedArrayBuffer): void {
    this.ports.push(port);
    port.onmessage = () => {};
    const door = new TakeDoor(port);
    door.openBox(takeBoxMemory, {
      take: ({ name, count }) => {
        if (this.asked !== undefined) return this.asked(door);
        this.#last += BigInt(count);
        const last = this.#last;
        door.postMessage({ type: "taken", door: 1, name, last, count });
      },
      refill: () => assert.fail("nothing is lent to a thread"),
    });
  }

  close(): void {
    for (const port of this.ports) port.close();
  }
}

async function threads(
  count: number,
  use: (scene: {
    threads: IoThreads;
    workers: FakeWorker[];
    node: Node;
    clientCount: ClientCount;
    deaths: string[];
  }) => Promise<void>,
): Promise<void> {
  const workers: FakeWorker[] = [];
  const deaths: string[] = [];
  const node = new Node();
  const clientCount = new ClientCount({ clientsMax: 4 });
  const threads = new IoThreads({
    count,
    spawn: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker as unknown as IoWorker;
    },
    openDoor: (port, takeBoxMemory) => node.open(port, takeBoxMemory),
    died: (reason) => deaths.push(reason),
    each: {
      timeoutMillis: 10_000,
      asksAgain: true,
      version: "1.2.3",
      refusalsMax: 64,
      idleSeconds: Infinity,
      keepAliveSeconds: 60,
      limits: { clientsMax: 4, memory: clientCount.memory },
      log: { level: "error", format: "text" },
    },
  });
  try {
    await use({ threads, workers, node, clientCount, deaths });
  } finally {
    await threads.close();
    node.close();
  }
}

Deno.test("Without further threads nothing is started, and there is nothing to wait for", () =>
  threads(0, async ({ threads, workers, node }) => {
    await threads.serve({ host: "127.0.0.1", port: 1 });
    assert.deepEqual([workers.length, node.ports.length], [0, 0]);
  }));

Deno.test("Each thread serves clients of the shared port, with numbers of the one node", () =>
  threads(2, async ({ threads, node, clientCount }) => {
    assert.equal(node.ports.length, 2);
    const { socket, lock, address } = await claimPort({
      host: "127.0.0.1",
      port: 0,
    });
    await threads.serve(address);
    socket.close(); // so that every client comes to one of the threads
    const numbers: number[] = [];
    for (let i = 0; i < 20; i++) {
      using client = await Client.connect(address.port);
      await client.send(resp("TICKET"));
      await client.closeWrite();
      numbers.push(Number((await client.rest()).slice(1)));
    }
    assert.deepEqual(numbers, numbers.map((_, i) => i + 1));
    using client = await Client.connect(address.port);
    await client.send(resp("CLIENT", "ID"));
    await client.expect(":21\r\n");
    assert.equal(clientCount.nextId(), 22);
    lock.close();
  }));

Deno.test("Threads close together: replies that wait are sent, newcomers refused", () =>
  threads(2, async ({ threads, node, clientCount, workers }) => {
    const { socket, lock, address } = await claimPort({
      host: "127.0.0.1",
      port: 0,
    });
    await threads.serve(address);
    socket.close();
    lock.close();
    const asked = Promise.withResolvers<TakeDoor>();
    node.asked = (door) => asked.resolve(door);
    using client = await Client.connect(address.port);
    await client.send(resp("TICKET").repeat(2));
    const door = await asked.promise;
    const closed = threads.close();
    assert.deepEqual(workers.map(({ told }) => told.at(-1)?.type), [
      "stop",
      "stop",
    ]);
    await assert.rejects(() => Client.connect(address.port));
    const name = "ticket";
    door.postMessage({ type: "taken", door: 1, name, last: 2n, count: 2 });
    assert.equal(await client.rest(), "+1\r\n+2\r\n");
    await closed;
    assert.equal(clientCount.clients, 0);
  }));

Deno.test("A thread that cannot go on says so in one line, once for each reason", () =>
  threads(1, async ({ workers, deaths }) => {
    const [worker] = workers;
    worker!.say({ type: "failed", reason: "a bug" });
    worker!.dispatchEvent(
      new ErrorEvent("error", { message: "no such file", cancelable: true }),
    );
    assert.deepEqual(deaths, ["a bug", "no such file"]);
    await Promise.resolve();
  }));

Deno.test("A thread serves nobody before it has a door to the node", () => {
  const thread = new IoThread(() => {});
  const address = { host: "127.0.0.1", port: 1 };
  assert.throws(
    () => thread.receive({ type: "serve", address }),
    InvariantError,
  );
  assert.throws(() => thread.receive({ type: "stop" }), InvariantError);
});

Deno.test("A thread that fails names the reason, whatever was thrown", () => {
  const said: FromIoThread[] = [];
  const thread = new IoThread((message) => said.push(message));
  thread.fail(new Error("a bug"));
  thread.fail("a word");
  assert.deepEqual(said, [
    { type: "failed", reason: "a bug" },
    { type: "failed", reason: "a word" },
  ]);
});
