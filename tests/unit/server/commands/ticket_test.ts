// TICKET: how it is asked for, what it answers, and what it costs.

import assert from "node:assert/strict";
import { ticketsWaitingMax } from "../../../../server/tickets/dispenser.ts";
import { Bench, resp, tickets } from "../../../lib/fakes.ts";
import { table } from "./table.ts";

Deno.test("TICKET answers a simple string, however it is spelt", () => {
  table(new Bench(), [
    [resp("TICKET"), "+1\r\n"],
    [resp("ticket"), "+2\r\n"],
    [resp("TiCkEt"), "+3\r\n"],
    ["TICKET\r\n", "+4\r\n"],
    ["TICKET\n", "+5\r\n"],
    ["  TICKET \r\n", "+6\r\n"],
    ["'TICKET'\r\n", "+7\r\n"],
    [
      resp("TICKET", "x", "y"),
      "-ERR wrong number of arguments for 'ticket' command\r\n",
    ],
    [resp("TICKET"), "+8\r\n"],
  ]);
});

Deno.test("A packet of TICKETs is one take", () => {
  const bench = new Bench();
  assert.equal(bench.ask(resp("TICKET").repeat(3)), tickets(1, 3));
  assert.equal(bench.ask(resp("TICKET").repeat(5000)), tickets(4, 5003));
  assert.deepEqual(bench.node.takes, [3, 5000]);
});

Deno.test("TICKET and PING in turn keep their order and cost one take (bug 16)", () => {
  const bench = new Bench();
  const request = resp("TICKET") + resp("PING") + resp("TICKET");
  assert.equal(bench.ask(request), "+1\r\n+PONG\r\n+2\r\n");
  assert.deepEqual(bench.node.takes, [2]);
  const pair = resp("TICKET") + resp("PING");
  const expected = Array.from(
    { length: 1000 },
    (_, i) => `+${i + 3}\r\n+PONG\r\n`,
  ).join("");
  assert.equal(bench.ask(pair.repeat(1000)), expected);
  assert.deepEqual(bench.node.takes, [2, 1000]);
});

Deno.test("TICKETs of all clients in a turn are one take, the first to ask first (bug 7)", () => {
  const bench = new Bench();
  const clients = [bench.client, bench.connect(), bench.connect()];
  for (const client of clients) client.send(resp("TICKET").repeat(2));
  bench.settle();
  assert.deepEqual(bench.node.takes, [6]);
  assert.deepEqual(clients.map((client) => client.received()), [
    "+1\r\n+2\r\n",
    "+3\r\n+4\r\n",
    "+5\r\n+6\r\n",
  ]);
});

Deno.test("TICKET tells why none was given", () => {
  const bench = new Bench();
  const refused = (reason: typeof bench.node.refusal) => {
    bench.node.refusal = reason;
    return bench.ask(resp("TICKET"));
  };
  assert.equal(refused("not-leader"), "-ERR node is not the leader\r\n");
  assert.equal(
    refused("leadership-lost"),
    "-ERR leadership lost while committing log\r\n",
  );
  assert.equal(
    refused("no-cluster"),
    "-CLUSTERDOWN This node belongs to no cluster: nothing was done, ask another\r\n",
  );
  assert.equal(
    refused("exhausted"),
    "-ERR tickets are exhausted: 18446744073709551615 was the last\r\n",
  );
});

Deno.test("Past the bound a TICKET is told so at once, behind what the client asked before", () => {
  const bench = new Bench();
  const { dispenser } = bench.node.link;
  bench.client.send(resp("TICKET"));
  const nobody = { granted() {}, refused() {} };
  const request = { isBlock: false, isCapped: false };
  const count = ticketsWaitingMax - 2;
  dispenser.take("ticket", nobody, { ...request, count });
  bench.client.send(resp("TICKET") + resp("PING") + resp("TICKET").repeat(2));
  const other = bench.connect();
  other.send(resp("TICKET"));
  assert.match(
    other.received(),
    /^-BUSY [^\r]+\r\n$/,
    "nothing waits before it",
  );
  bench.settle();
  assert.match(
    bench.client.received(),
    /^\+1\r\n\+\d+\r\n\+PONG\r\n(-BUSY [^\r]+\r\n){2}$/,
  );
  assert.equal(bench.ask(resp("TICKET")), `+${ticketsWaitingMax + 1}\r\n`);
});

Deno.test("A ticket may have twenty digits", () => {
  const bench = new Bench();
  bench.node.last = 2n ** 64n - 3n;
  assert.equal(
    bench.ask(resp("TICKET").repeat(2)),
    "+18446744073709551614\r\n+18446744073709551615\r\n",
  );
});

Deno.test("The numbers of a client that went away are given to no other client", () => {
  const bench = new Bench();
  const other = bench.connect();
  bench.client.send(resp("TICKET"));
  other.send(resp("TICKET"));
  bench.endTurn();
  bench.client.replies.forget();
  bench.settle();
  assert.equal(bench.client.received(), "");
  assert.equal(other.received(), "+2\r\n");
});
