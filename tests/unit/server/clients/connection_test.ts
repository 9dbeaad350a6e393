import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import {
  Connection,
  type ConnectionService,
  type Socket,
} from "../../../../server/clients/connection.ts";
import {
  connectionService,
  decoder,
  encoder,
  FakeNode,
  resp,
  tickets,
} from "../../../lib/fakes.ts";

/** A socket whose client is this test: it decides when to send and when to read. */
class FakeSocket implements Socket {
  readonly remoteAddr = {
    transport: "tcp",
    hostname: "192.0.2.7",
    port: 40000,
  } as const;
  /** Each write, whole or in the pieces that were accepted. */
  readonly writes: string[] = [];
  closed = false;
  writeClosed = false;
  /** Bytes that one write accepts. */
  accepts = Infinity;
  /** Until it is resolved, writes wait. */
  #reading: PromiseWithResolvers<void> | undefined;
  #read: ((text: string | null) => void) | undefined;
  reads = 0;
  /** What the client sends, again and again, as soon as the server reads. */
  flood: string | undefined;
  #flooded = 0;

  /** What the client has read so far. */
  get received(): string {
    return this.writes.join("");
  }

  stopReading(): void {
    this.#reading = Promise.withResolvers();
  }

  goOnReading(): void {
    this.#reading?.resolve();
    this.#reading = undefined;
  }

  /** The server must be reading. `null`: the client closes its half. */
  async send(text: string | null): Promise<void> {
    assert(this.#read !== undefined, "the server does not read");
    const read = this.#read;
    this.#read = undefined;
    read(text);
    await settled();
  }

  get beingRead(): boolean {
    return this.#read !== undefined;
  }

  async read(space: Uint8Array): Promise<number | null> {
    this.reads++;
    const text = this.flood ?? await new Promise<string | null>((resolve) => {
      this.#read = resolve;
    });
    if (this.closed) throw new Deno.errors.BadResource();
    if (text === null) return null;
    const from = this.flood === undefined ? 0 : this.#flooded % text.length;
    const bytes = encoder.encode(text).subarray(from, from + space.length);
    assert(this.flood !== undefined || bytes.length === text.length);
    if (this.flood !== undefined) this.#flooded += bytes.length;
    space.set(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#reading?.promise;
    if (this.closed) throw new Deno.errors.BrokenPipe();
    const count = Math.min(bytes.length, this.accepts);
    this.writes.push(decoder.decode(bytes.subarray(0, count)));
    return count;
  }

  closeWrite(): Promise<void> {
    this.writeClosed = true;
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.#read?.(null);
  }
}

/** Ends when nothing in this isolate has anything left to do but wait. */
async function settled(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

async function connected(
  options: { prompt: boolean },
  shared: Partial<ConnectionService> = {},
) {
  const node = new FakeNode(options);
  const socket = new FakeSocket();
  const service = connectionService(node.link, shared);
  const connection = new Connection(socket, { id: 1, service });
  const served = connection.serve();
  await settled();
  return { node, socket, connection, served };
}

Deno.test("Connection answers a packet with one write", async () => {
  const { socket, served } = await connected({ prompt: true });
  await socket.send(resp("PING").repeat(3) + resp("ECHO", "x"));
  assert.deepEqual(socket.writes, ["+PONG\r\n".repeat(3) + "$1\r\nx\r\n"]);
  await socket.send(resp("TICKET").repeat(2) + resp("PING"));
  assert.deepEqual(socket.writes.slice(1), ["+1\r\n+2\r\n+PONG\r\n"]);
  await socket.send(null);
  await served;
  assert(socket.closed);
});

Deno.test("Connection gathers what is answered during a write into the next", async () => {
  const { socket, served } = await connected({ prompt: true });
  socket.stopReading();
  for (let i = 0; i < 4; i++) await socket.send(resp("TICKET") + resp("PING"));
  assert.deepEqual(socket.writes, []);
  socket.goOnReading();
  await settled();
  assert.equal(socket.writes.length, 2);
  assert.equal(
    socket.received,
    "+1\r\n+PONG\r\n+2\r\n+PONG\r\n+3\r\n+PONG\r\n+4\r\n+PONG\r\n",
  );
  await socket.send(null);
  await served;
});

Deno.test("Connection goes on after a write that took only a part", async () => {
  const { socket, served } = await connected({ prompt: true });
  socket.accepts = 7;
  await socket.send(resp("TICKET").repeat(20));
  assert.equal(socket.received, tickets(1, 20));
  await socket.send(null);
  await served;
});

Deno.test("Connection keeps a command that comes in pieces", async () => {
  const { socket, served } = await connected({ prompt: true });
  for (const character of resp("PING", "x") + "TICKET\r\n") {
    await socket.send(character);
  }
  assert.equal(socket.received, "$1\r\nx\r\n+1\r\n");
  await socket.send(null);
  await served;
});

Deno.test("Connection stops reading a client that does not read, and goes on when it does", async () => {
  for (const flood of ["PING\r\n", "TICKET\r\n", "RAFT.STATS\r\n"]) {
    const { socket, connection, served } = await connected({ prompt: true });
    socket.stopReading();
    socket.flood = flood.repeat(2000);
    await socket.send("");
    let reads: number;
    do {
      reads = socket.reads;
      await settled();
    } while (socket.reads > reads);
    assert(!socket.beingRead, `${reads} reads of ${flood}`);
    socket.flood = undefined;
    socket.goOnReading();
    while (!socket.beingRead) await settled();
    connection.close();
    await served;
  }
});

Deno.test("Connection stops reading a client with too many unanswered tickets", async () => {
  const { node, socket, connection, served } = await connected({
    prompt: false,
  });
  socket.flood = "TICKET\r\n".repeat(8192); // more than a share in what one turn reads
  await socket.send("");
  let reads: number;
  do {
    reads = socket.reads;
    await settled();
  } while (socket.reads > reads);
  assert.equal(node.link.dispenser.waiting, 4096);
  socket.flood = undefined;
  while (node.waiting.length > 0) {
    node.answer();
    await settled();
  }
  assert(socket.beingRead);
  connection.close();
  await served;
});

Deno.test("Connection runs the commands that were left over when it was congested", async () => {
  const { node, socket, served } = await connected({ prompt: false });
  const request = "TICKET\r\nPING\r\n".repeat(5000);
  for (let at = 0; at < request.length; at += 2000) {
    if (!socket.beingRead) break;
    await socket.send(request.slice(at, at + 2000));
  }
  assert.equal(node.link.dispenser.waiting, 512);
  assert(!socket.beingRead);
  const [first = 0] = node.takes;
  node.answer();
  await settled();
  assert(node.link.dispenser.waiting > 512 - first, "the rest was not run");
  assert(socket.beingRead);
  while (node.waiting.length > 0) {
    node.answer();
    await settled();
  }
  await socket.send(null);
  await served;
});

Deno.test("Connection answers good commands before a bad one, then the error, then closes (bug 12)", async () => {
  const { node, socket, served } = await connected({ prompt: false });
  await socket.send(resp("TICKET").repeat(2) + "*1\r\n$-5\r\n" + resp("PING"));
  assert.equal(socket.received, "");
  assert(!socket.writeClosed);
  node.answer();
  await settled();
  assert.equal(
    socket.received,
    "+1\r\n+2\r\n-ERR Protocol error: invalid bulk length\r\n",
  );
  assert(socket.writeClosed);
  assert(!socket.closed);
  await socket.send(resp("TICKET")); // read and dropped
  assert.deepEqual(node.takes, [2]);
  await socket.send(null);
  await served;
  assert(socket.closed);
});

Deno.test("Connection closes on a client that keeps its half open too long", async () => {
  const { socket, served } = await connected({ prompt: true });
  await socket.send(resp("QUIT"));
  assert.equal(socket.received, "+OK\r\n");
  assert(!socket.closed);
  await served;
  assert(socket.closed);
});

Deno.test("Connection answers a client that has closed its half, then closes", async () => {
  const { node, socket, served } = await connected({ prompt: false });
  await socket.send("TICKET\r\nTICKET\r\n");
  await socket.send(null);
  assert(!socket.closed);
  node.answer();
  await served;
  assert.equal(socket.received, "+1\r\n+2\r\n");
});

Deno.test("Connection survives a client that is gone before its tickets come", async () => {
  const { node, socket, connection, served } = await connected({
    prompt: false,
  });
  await socket.send(resp("TICKET") + resp("RAFT.STATS"));
  connection.close();
  await served;
  node.answer("take");
  node.answer("admin");
  await settled();
  assert.equal(socket.received, "");
});

Deno.test("Connection ends when a write fails", async () => {
  const { socket, served } = await connected({ prompt: true });
  socket.stopReading();
  await socket.send(resp("PING"));
  socket.closed = true; // as if reset
  socket.goOnReading();
  await settled();
  await socket.send("");
  await served;
});

Deno.test("Connection ends when its client is gone while it is congested, and takes no more tickets", async () => {
  for (const prompt of [true, false]) {
    const { node, socket, connection, served } = await connected({ prompt });
    socket.stopReading();
    socket.flood = resp("TICKET") + resp("PING") + resp("PING");
    await socket.send("");
    let reads: number;
    do {
      reads = socket.reads;
      await settled();
    } while (socket.reads > reads);
    const { last } = node;
    const { waiting } = node.link.dispenser;
    if (prompt) {
      socket.closed = true; // as if reset: the write under way fails
      socket.goOnReading();
    } else connection.close();
    await served;
    assert.equal(node.last, last);
    assert.equal(node.link.dispenser.waiting, waiting);
    assert(!connection.replies.congested);
  }
});

Deno.test("Connection gives the memory of a burst back once all has left", async () => {
  const { socket, connection, served } = await connected({ prompt: true });
  let rests = 0;
  const rest = connection.replies.rest.bind(connection.replies);
  connection.replies.rest = () => {
    assert.equal(connection.replies.ready, 0);
    rests++;
    rest();
  };
  await socket.send(resp("TICKET").repeat(50));
  assert.equal(rests, 1);
  await socket.send(null);
  await served;
});

Deno.test("Connection ends with an internal error when a command throws, and tells which", async () => {
  const failures: string[] = [];
  const { node, socket, served } = await connected({ prompt: true }, {
    failed: (error, { name }) => failures.push(`${name}: ${error}`),
  });
  node.link.dispenser.hasRoom = () => {
    throw new RangeError("too large");
  };
  await socket.send(resp("PING") + resp("TICKET") + resp("PING"));
  assert.equal(socket.received, "+PONG\r\n-ERR internal error\r\n");
  assert.deepEqual(failures, ["ticket: RangeError: too large"]);
  assert(socket.writeClosed);
  await socket.send(null);
  await served;
});

Deno.test("Connection closes at once when a command throws behind a reply that it has promised", async () => {
  const failures: string[] = [];
  const { node, socket, served } = await connected({ prompt: true }, {
    failed: (_, { name }) => failures.push(name),
  });
  node.link.admin = () => {
    throw new RangeError("too large");
  };
  await socket.send(resp("RAFT.STATS"));
  await served;
  assert(socket.closed);
  assert.deepEqual(failures, ["raft.stats"]);
});

Deno.test("Connection does a bounded part of a pipeline in one turn", async () => {
  const turns: (() => void)[] = [];
  const { node, socket, connection, served } = await connected(
    { prompt: true },
    { turns: { next: (resume) => turns.push(resume) } },
  );
  socket.flood = "TICKET\r\n".repeat(8192); // more than a share in what one turn reads
  await socket.send("");
  let before = 0n;
  for (let turn = 0; turn < 5; turn++) {
    for (let i = 0; i < 20; i++) await settled();
    assert(node.last - before <= 4096n, `${node.last - before} in one turn`);
    assert(node.last > before, "it goes on in the next");
    before = node.last;
    assert.equal(turns.length, 1);
    turns.pop()!();
  }
  connection.close();
  await served;
});

Deno.test("Connection that holds less than an even share goes on, whatever others hold", async () => {
  const clientCount = new ClientCount({ memoryMax: 1024 * 1024 });
  for (let i = 0; i < 4; i++) clientCount.enter();
  const { socket, connection, served } = await connected({ prompt: true }, {
    clientCount,
  });
  clientCount.holds(4 * 1024 * 1024); // others
  const command = resp("ECHO", "x".repeat(30_000));
  for (let at = 0; at < 25_000; at += 1000) {
    await socket.send(command.slice(at, at + 1000));
  }
  assert(connection.memoryBytes > 16 * 1024, "more than is nothing");
  for (let i = 0; i < 5; i++) await settled();
  assert(socket.beingRead, "its command may still be completed");
  connection.close();
  await served;
});

/** A connection whose turns end by hand. */
async function connectedByTurns() {
  const turns: (() => void)[] = [];
  const all = await connected(
    { prompt: true },
    { turns: { next: (resume) => turns.push(resume) } },
  );
  /** Ends the turn, for which it must wait, and sees the next through. */
  const endTurn = async () => {
    for (let i = 0; i < 20; i++) await settled();
    assert.equal(turns.length, 1, "it waits for its next turn");
    turns.pop()!();
    for (let i = 0; i < 20; i++) await settled();
  };
  const end = async () => {
    all.connection.close();
    for (const resume of turns) resume();
    await all.served;
  };
  return { ...all, endTurn, end };
}

for (
  const [what, first, flood] of [
    ["empty lines", "", "\r\n".repeat(100_000)],
    ["empty arrays", "", "*0\r\n".repeat(100_000)],
    ["what follows a QUIT", resp("QUIT"), "x".repeat(100_000)],
    ["what follows an error", "*x\r\n", "x".repeat(100_000)],
    ["single bytes", "", "\n"],
  ] as const
) {
  Deno.test(`Connection reads a bounded part of ${what} in one turn`, async () => {
    const { socket, endTurn, end } = await connectedByTurns();
    socket.flood = flood;
    try {
      await socket.send(first);
      await endTurn();
      for (let turn = 0; turn < 5; turn++) {
        const before = socket.reads;
        await endTurn();
        assert(socket.reads > before, "it goes on in the next");
        assert(socket.reads - before <= 256, `${socket.reads - before} reads`);
      }
    } finally {
      await end();
    }
  });
}

for (
  const [most, command] of [
    [8, resp("COMMAND", "DOCS")],
    [2, resp("ECHO", "x".repeat(10_000))],
    [1, resp("CONFIG", "GET", ...Array.from({ length: 1000 }, () => "a"))],
  ] as const
) {
  const name = JSON.stringify(command.slice(0, 30));
  Deno.test(`Connection runs few commands in one turn when they are large: ${name}…`, async () => {
    const { socket, connection, endTurn, end } = await connectedByTurns();
    socket.flood = command.repeat(Math.ceil(60_000 / command.length));
    try {
      await socket.send("");
      await endTurn();
      for (let turn = 0; turn < 5; turn++) {
        const before = connection.commandsRun;
        await endTurn();
        const count = connection.commandsRun - before;
        assert(count > 0 && count <= most, `${count} commands in one turn`);
      }
    } finally {
      await end();
    }
  });
}

Deno.test("Connection with much memory is not read from while all together hold too much", async () => {
  const clientCount = new ClientCount({ memoryMax: 64 * 1024 });
  for (let i = 0; i < 8; i++) clientCount.enter();
  const { socket, connection, served } = await connected({ prompt: true }, {
    clientCount,
  });
  socket.stopReading();
  await socket.send(resp("ECHO", "x".repeat(1900)).repeat(1));
  clientCount.holds(64 * 1024); // others
  await socket.send(resp("PING")); // modest: it may
  assert(socket.beingRead);
  socket.flood = resp("ECHO", "y".repeat(1900));
  await socket.send("");
  for (let i = 0; i < 50; i++) await settled();
  const { reads } = socket;
  assert(connection.memoryBytes < 64 * 1024, `${connection.memoryBytes}`);
  for (let i = 0; i < 5; i++) await settled();
  assert.equal(socket.reads, reads, "it is read no further");
  clientCount.holds(-64 * 1024);
  connection.resume();
  for (let i = 0; i < 5; i++) await settled();
  assert(socket.reads > reads, "it goes on when there is room");
  connection.close();
  await served;
  assert.equal(clientCount.memoryBytes, 0);
});
