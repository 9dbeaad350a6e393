import assert from "node:assert/strict";
import { resp, tickets } from "../../../lib/fakes.ts";
import { connected, settled } from "./fake_socket.ts";

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
  Object.defineProperty(node.link, "status", {
    get() {
      throw new RangeError("too large");
    },
  });
  await socket.send(resp("PING") + resp("RAFT.LEADER") + resp("PING"));
  assert.equal(socket.received, "+PONG\r\n-ERR internal error\r\n");
  assert.deepEqual(failures, ["raft.leader: RangeError: too large"]);
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
