// What a connection does in one turn of the event loop, so that others get theirs.

import assert from "node:assert/strict";
import { resp } from "../../../lib/fakes.ts";
import { connected, connectedByTurns, settled } from "./fake_socket.ts";

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
