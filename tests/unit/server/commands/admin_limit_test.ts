// How many admin commands are under way, and which of them wait.

import assert from "node:assert/strict";
import { Bench, resp } from "../../../lib/fakes.ts";

Deno.test("Admin commands beyond those that may be under way wait for their turn", () => {
  const bench = new Bench();
  const clients = Array.from({ length: 40 }, () => bench.connect());
  for (const client of clients) client.send(resp("RAFT.STATS"));
  assert.equal(bench.node.commands.length, 16);
  clients[20]!.replies.forget(); // it has gone: nothing is asked for it
  for (let answered = 0; answered < 39; answered++) {
    assert(bench.node.waiting.length <= 16);
    bench.node.answer();
  }
  assert.equal(bench.node.commands.length, 39);
  for (const client of clients) {
    if (!client.replies.isGone) assert.equal(client.received(), "+OK\r\n");
  }
});

Deno.test("Questions do not wait behind changes of the members", () => {
  const bench = new Bench();
  const clients = Array.from({ length: 20 }, () => bench.connect());
  for (const client of clients) {
    client.send(resp("RAFT.ADDVOTER", "2", "h:1"));
  }
  assert.equal(bench.node.commands.length, 12);
  bench.client.send(resp("RAFT.STATS"));
  assert.equal(bench.node.commands.length, 13);
  bench.settle();
  assert.equal(bench.node.commands.length, 21);
});

Deno.test("When a thousand admin commands wait, further ones are told so", () => {
  const bench = new Bench();
  const clients = Array.from({ length: 1017 }, () => bench.connect());
  for (const client of clients) client.send(resp("RAFT.STATS"));
  assert.match(clients[1016]!.received(), /^-BUSY /);
  assert.equal(clients[1015]!.received(), "");
  bench.settle();
  assert.equal(clients[1015]!.received(), "+OK\r\n");
});
