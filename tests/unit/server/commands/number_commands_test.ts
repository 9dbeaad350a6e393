// TICKET.LAST, TICKET.RAISE and RAFT.BACKUP as a client sends them: their replies, wrong
// arguments, and their place among the tickets of one connection.

import assert from "node:assert/strict";
import { adminsMax, changesMax } from "../../../../server/client_count.ts";
import { Connection } from "../../../../server/clients/connection.ts";
import {
  Bench,
  connectionService,
  encoder,
  FakeNode,
} from "../../../lib/fakes.ts";
import { FakeSocket } from "../clients/fake_socket.ts";

Deno.test("TICKET.LAST replies with a number as TICKET does", () => {
  const bench = new Bench();
  bench.node.willAnswer("last", { type: "number", number: 2n ** 64n - 1n });
  assert.equal(bench.ask("TICKET.LAST\r\n"), "+18446744073709551615\r\n");
});

Deno.test("TICKET.RAISE asks for the number, above 2^63 - 1 with FORCE alone", () => {
  const bench = new Bench();
  const asked: readonly (readonly [string, bigint])[] = [
    ["0", 0n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["9223372036854775808 FORCE", 2n ** 63n],
    ["18446744073709551615 force", 2n ** 64n - 1n],
    ["5 FORCE", 5n],
  ];
  for (const [words, to] of asked) {
    assert.equal(bench.ask(`TICKET.RAISE ${words}\r\n`), "+OK\r\n");
    assert.deepEqual(bench.node.commands.at(-1), { type: "raise", to });
  }
});

Deno.test("TICKET.RAISE refuses wrong arguments in the words of Redis", () => {
  const bench = new Bench();
  const outOfRange = "-ERR value is not an integer or out of range\r\n";
  const cases: readonly (readonly [string, string])[] = [
    [
      "TICKET.RAISE",
      "-ERR wrong number of arguments for 'ticket.raise' command\r\n",
    ],
    [
      "TICKET.RAISE 1 FORCE 2",
      "-ERR wrong number of arguments for 'ticket.raise' command\r\n",
    ],
    [
      "TICKET.LAST 1",
      "-ERR wrong number of arguments for 'ticket.last' command\r\n",
    ],
    [
      "RAFT.BACKUP 1",
      "-ERR wrong number of arguments for 'raft.backup' command\r\n",
    ],
    ["TICKET.RAISE -1", outOfRange],
    ["TICKET.RAISE 1.5", outOfRange],
    ["TICKET.RAISE 18446744073709551616", outOfRange],
    ["TICKET.RAISE 99999999999999999999999 FORCE", outOfRange],
    ["TICKET.RAISE 1 NOW", "-ERR syntax error\r\n"],
    [
      "TICKET.RAISE 9223372036854775808",
      "-ERR 9223372036854775808 is above 9223372036854775807, where the " +
      "integers of many clients end, and tickets never go back: add FORCE " +
      "if you mean it\r\n",
    ],
  ];
  for (const [line, expected] of cases) {
    assert.equal(bench.ask(`${line}\r\n`), expected, line);
  }
  assert.deepEqual(bench.node.commands, []);
});

Deno.test("RAFT.BACKUP replies with keys and values", () => {
  const bench = new Bench();
  bench.node.willAnswer("backup", { type: "pairs", pairs: [["format", "1"]] });
  assert.equal(
    bench.ask("RAFT.BACKUP\r\n"),
    "*2\r\n$6\r\nformat\r\n$1\r\n1\r\n",
  );
});

Deno.test("However many such commands wait for a leader, a question finds a place", () => {
  const bench = new Bench();
  for (let i = 0; i < adminsMax; i++) bench.connect().send("TICKET.LAST\r\n");
  assert.equal(bench.node.commands.length, changesMax);
  bench.connect().send("RAFT.STATS\r\n");
  assert.deepEqual(bench.node.commands.at(-1), { type: "stats" });
  bench.settle();
});

/** A connection whose node answers when it is told to. */
function connected() {
  const node = new FakeNode({ prompt: false });
  const socket = new FakeSocket();
  const connection = new Connection(socket, {
    id: 1,
    service: connectionService(node.link),
    over: () => {},
  });
  connection.start();
  const send = async (text: string) => {
    connection.data(encoder.encode(text));
    await turn();
  };
  return { node, socket, send };
}

/** All that is due in this turn, and in those that follow from it, has run. */
async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("On a connection TICKET.RAISE waits for the tickets before it, and those behind it wait for it", async () => {
  const { node, send } = connected();
  await send("TICKET\r\nTICKET\r\nTICKET.RAISE 9\r\nTICKET\r\nTICKET\r\n");
  assert.deepEqual(node.waiting.map(({ type }) => type), ["take"]);
  assert.deepEqual(node.takes, [2]);
  node.answer();
  await turn();
  assert.deepEqual(node.waiting.map(({ type }) => type), ["admin"]);
  node.answer();
  await turn();
  assert.deepEqual(node.takes, [2, 2]);
});

Deno.test("Each of several such commands on a connection waits for the one before it", async () => {
  const { node, send } = connected();
  await send("TICKET.LAST\r\nTICKET.RAISE 9\r\nPING\r\nTICKET.LAST\r\n");
  for (const type of ["last", "raise", "last"]) {
    assert.deepEqual(node.waiting.length, 1);
    assert.equal(node.commands.at(-1)!.type, type);
    node.answer();
    await turn();
  }
  assert.deepEqual(node.waiting, []);
});
