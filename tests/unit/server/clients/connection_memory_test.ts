// Connections while all clients together hold too much memory.

import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import { resp } from "../../../lib/fakes.ts";
import { connected, settled } from "./fake_socket.ts";

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
