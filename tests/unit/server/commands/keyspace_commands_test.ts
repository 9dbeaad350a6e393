// SCAN, KEYS and what else looks at all sequences: pages, limits, and patterns. Replies that are
// Redis' to the byte: `beside_redis_test.ts`.

import assert from "node:assert/strict";
import { searchesWaitingMax } from "../../../../server/commands/key_searches.ts";
import { keysBytesMax } from "../../../../server/commands/keyspace_commands.ts";
import {
  pageNamesMax,
  patternBytesMax,
} from "../../../../server/commands/sequence_arguments.ts";
import { resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";
import { table } from "./table.ts";

/** A bench with `count` sequences of names of `bytes` bytes. */
function benchOf(count: number, bytes = 6): SequenceBench {
  const bench = new SequenceBench({ sequencesMax: count });
  for (let at = 0; at < count; at++) {
    bench.model.lasts.set(`${at}`.padStart(bytes, "n"), BigInt(at));
  }
  return bench;
}

Deno.test("SCAN goes through all names in pages, and sees each once", () => {
  const bench = benchOf(25);
  const seen: string[] = [];
  let cursor = "0";
  do {
    const reply = bench.ask(resp("SCAN", cursor));
    cursor = /^\*2\r\n\$\d+\r\n(\d+)\r\n/.exec(reply)![1]!;
    seen.push(...reply.match(/n+\d+/g)!);
  } while (cursor !== "0");
  assert.deepEqual(seen, [...bench.model.lasts.keys()]);
  assert.equal(bench.groups.length, 3);
});

Deno.test("A page looks at a bounded number of names, whatever COUNT says", () => {
  const bench = benchOf(3);
  bench.ask(resp("SCAN", "0", "COUNT", "9223372036854775807"));
  bench.ask(resp("TICKET.LIST", "0", "COUNT", "1000000"));
  const page = [{ type: "list", cursor: 0, count: pageNamesMax }];
  assert.deepEqual(bench.groups, [page, page]);
});

Deno.test("KEYS looks at one page after the other", () => {
  const bench = benchOf(2500);
  const reply = bench.ask(resp("KEYS", "n*9"));
  assert(reply.startsWith("*250\r\n$6\r\nnnnnn9\r\n"));
  assert.equal(bench.groups.length, 3);
});

Deno.test("KEYS refuses more names than a client may keep us holding", () => {
  const bench = benchOf(3000, 100);
  assert.equal(
    bench.ask(resp("KEYS", "*")),
    `-ERR more than ${keysBytesMax} bytes of names match; use SCAN or TICKET.LIST\r\n`,
  );
  assert(bench.ask(resp("KEYS", "*7")).startsWith("*300\r\n"));
});

Deno.test("KEYS of a client that has gone asks for no further page", () => {
  const bench = benchOf(2500);
  const client = bench.connect();
  client.send(resp("KEYS", "*"));
  bench.answer();
  client.replies.forget();
  bench.settle();
  assert.equal(bench.groups.length, 2);
});

Deno.test("KEYS of one client at a time goes through the pages: each keeps names in memory", () => {
  const bench = benchOf(1500);
  const clients = Array.from({ length: 3 }, () => bench.connect());
  for (const client of clients) client.send(resp("KEYS", "n*9"));
  assert.equal(bench.groups.length, 1);
  bench.answer();
  assert.equal(bench.groups.length, 2);
  clients[1]!.replies.forget();
  bench.settle();
  assert.equal(bench.groups.length, 4, "the client that has gone asks nothing");
  assert(clients[2]!.received().startsWith("*150\r\n"));
});

Deno.test("A KEYS beyond those that may wait is refused, and a GET is not", () => {
  const bench = benchOf(2);
  const clients = Array.from(
    { length: searchesWaitingMax + 5 },
    () => bench.connect(),
  );
  for (const client of clients) client.send(resp("KEYS", "*"));
  assert.equal(bench.groups.length, 1);
  bench.settle();
  const replies = clients.map((client) => client.received()).join("");
  const refused = replies.split("-BUSY").length - 1;
  assert.equal(refused, 5 - 1);
  assert.equal(bench.ask(resp("KEYS", "*0")), resp("nnnnn0"));
});

Deno.test("A connection runs nothing behind a KEYS that waits", () => {
  const bench = benchOf(2);
  const [counted] = bench.model.lasts.keys();
  const behind = resp("INCR", counted!) + resp("GET", counted!);
  bench.client.send(resp("KEYS", "*") + behind);
  assert.deepEqual([bench.groups.length, bench.takes.length], [1, 0]);
  bench.settle();
  assert(bench.client.received().endsWith(":1\r\n$1\r\n1\r\n"));
});

Deno.test("A longer pattern than any name is refused: each name would be compared with it", () => {
  const bench = benchOf(1);
  const refused = `-ERR a pattern has at most ${patternBytesMax} bytes\r\n`;
  const longest = "?".repeat(patternBytesMax);
  table(bench, [
    [resp("KEYS", longest), "*0\r\n"],
    [resp("KEYS", `${longest}*`), refused],
    [resp("SCAN", "0", "MATCH", `${longest}*`), refused],
    [resp("TICKET.LIST", "MATCH", `${longest}*`), refused],
  ]);
});

Deno.test("Names are matched in their own case, and settings in any", () => {
  const bench = new SequenceBench();
  bench.model.lasts.set("Ab", 1n);
  table(bench, [
    [resp("KEYS", "A[a-c]"), resp("Ab")],
    [resp("KEYS", "a[a-c]"), "*0\r\n"],
    [resp("CONFIG", "GET", "SA[V]E"), resp("save", "")],
  ]);
});

Deno.test("MEMORY USAGE tells about what a sequence takes", () => {
  const bench = benchOf(1, 20);
  const name = "0".padStart(20, "n");
  table(bench, [
    [resp("MEMORY", "USAGE", name), ":120\r\n"],
    [resp("OBJECT", "IDLETIME", name), ":0\r\n"],
    [resp("MEMORY", "USAGE", name, "SAMPLES", "0"), ":120\r\n"],
  ]);
});

Deno.test("INFO tells tools how many keys there are", () => {
  const bench = new SequenceBench();
  assert.doesNotMatch(bench.ask(resp("INFO")), /db0/);
  bench.status = { ...bench.status, sequences: 7, lastTicket: 9n };
  assert.match(
    bench.ask(resp("INFO", "keyspace")),
    /# Tickets\r\nlast_ticket:9\r\nsequences:7\r\n\r\n# Keyspace\r\ndb0:keys=7,expires=0,avg_ttl=0\r\n/,
  );
});
