// The words of Redis for sequences where Redis would do otherwise, or is no help: what is asked
// of the node, and how. Replies that are Redis' to the byte: `beside_redis_test.ts`.

import assert from "node:assert/strict";
import { resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";
import { table } from "./table.ts";

const overflow = "-ERR increment or decrement would overflow\r\n";

Deno.test("INCR and TICKET count the same sequence, INCR up to 2^63 - 1", () => {
  const bench = new SequenceBench();
  bench.model.lasts.set("a", 2n ** 63n - 4n);
  table(bench, [
    [resp("TICKET", "a"), "+9223372036854775805\r\n"],
    [resp("INCRBY", "a", "3"), overflow],
    [resp("INCR", "a"), ":9223372036854775806\r\n"],
    [resp("INCRBY", "a", "1"), ":9223372036854775807\r\n"],
    [resp("INCR", "a"), overflow],
    [resp("INCR", "a").repeat(3), overflow.repeat(3)],
    [resp("TICKET", "a"), "+9223372036854775808\r\n"],
    [resp("GET", "a"), "$19\r\n9223372036854775808\r\n"],
    [resp("OBJECT", "ENCODING", "a"), "$6\r\nembstr\r\n"],
  ]);
});

Deno.test("INCRBY takes a block, of which the last number is told", () => {
  const bench = new SequenceBench();
  assert.equal(bench.ask("INCRBY a 1\r\nINCRBY a 100\r\n"), ":1\r\n:101\r\n");
  const block = { name: "a", isBlock: true, isCapped: true };
  assert.deepEqual(bench.takes, [
    { ...block, count: 1 },
    { ...block, count: 100 },
  ]);
  table(bench, [
    [
      resp("INCRBY", "a", "0"),
      "-ERR tickets only rise: INCRBY takes 1 or more\r\n",
    ],
    [
      resp("INCRBY", "a", "-1"),
      "-ERR tickets only rise: INCRBY takes 1 or more\r\n",
    ],
    [
      resp("INCRBY", "a", "1000001"),
      "-ERR INCRBY takes at most 1000000 numbers at once; see TICKET.RAISE to skip more\r\n",
    ],
    [
      resp("INCRBY", "a", "9223372036854775808"),
      "-ERR value is not an integer or out of range\r\n",
    ],
  ]);
  assert.equal(bench.takes.length, 2);
});

Deno.test("What is read together is one group: it is read at one moment", () => {
  const bench = new SequenceBench();
  bench.ask(resp("MGET", "a", "b", "a"));
  bench.ask(resp("EXISTS", "a", "b"));
  bench.ask(resp("GET", "a"));
  const last = (name: string) => ({ type: "last", name });
  assert.deepEqual(bench.groups, [
    [last("a"), last("b"), last("a")],
    [last("a"), last("b")],
    [last("a")],
  ]);
});

Deno.test("To read a sequence begins none", () => {
  const bench = new SequenceBench();
  for (const word of ["GET", "MGET", "EXISTS", "TYPE", "TTL", "STRLEN"]) {
    bench.ask(resp(word, "a"));
  }
  bench.ask(resp("GETRANGE", "a", "0", "-1"));
  assert.equal(bench.ask(resp("DBSIZE")), ":0\r\n");
});

Deno.test("A sequence that was created and not yet asked for is the key 0", () => {
  const bench = new SequenceBench();
  table(bench, [
    [resp("TICKET.CREATE", "a"), "+OK\r\n"],
    [resp("GET", "a"), "$1\r\n0\r\n"],
    [resp("EXISTS", "a"), ":1\r\n"],
    [resp("STRLEN", "a"), ":1\r\n"],
    [resp("TYPE", "a"), "+string\r\n"],
  ]);
});

Deno.test("On a connection reads see the takes before them, and takes wait for the reads before them", () => {
  const bench = new SequenceBench();
  const { client } = bench;
  client.send("INCR a\r\nGET a\r\nINCR a\r\nINCR b\r\nMGET a b\r\nPING\r\n");
  assert.equal(bench.takes.length, 1);
  assert.equal(bench.groups.length, 0);
  bench.answer();
  assert.equal(bench.groups.length, 1);
  assert.equal(bench.takes.length, 1);
  bench.answer();
  assert.equal(bench.takes.length, 3, "takes wait for no takes");
  bench.settle();
  assert.equal(
    client.received(),
    ":1\r\n$1\r\n1\r\n:2\r\n:1\r\n" + resp("2", "1") + "+PONG\r\n",
  );
});

Deno.test("Numbers that are lent are the reply at once, unless one before it is awaited", () => {
  const bench = new SequenceBench();
  bench.lends = true;
  const { client } = bench;
  client.send(resp("TICKET", "a").repeat(3) + resp("INCR", "b"));
  client.send(resp("TICKET", "a", "COUNT", "5") + resp("INCRBY", "b", "6"));
  assert.equal(
    client.received(),
    "+1\r\n+2\r\n+3\r\n:1\r\n*2\r\n$1\r\n4\r\n$1\r\n8\r\n:7\r\n",
  );
  assert.deepEqual(bench.takes, []);
  client.send(resp("GET", "a") + resp("INCR", "a") + resp("INCRBY", "a", "2"));
  assert.equal(client.received(), "");
  assert.deepEqual(bench.takes, [], "they wait for the group");
  bench.settle();
  assert.equal(client.received(), "$1\r\n8\r\n:9\r\n:11\r\n");
});

Deno.test("When too many wait, a client is told so, and nothing is done", () => {
  const bench = new SequenceBench();
  bench.hasRoom = false;
  const tickets =
    "-BUSY Too many tickets are waiting already: nothing was done, ask again later\r\n";
  const commands =
    "-BUSY Too many commands are waiting already: nothing was done, ask again later\r\n";
  table(bench, [
    [resp("TICKET", "a").repeat(3), tickets.repeat(3)],
    [resp("TICKET", "a", "COUNT", "5"), tickets],
    [resp("INCR", "a"), tickets],
    [resp("INCRBY", "a", "5"), tickets],
    [resp("GET", "a"), commands],
    [resp("KEYS", "*"), commands],
    [resp("TICKET.RAISE", "a", "5"), commands],
    [resp("WATCH", "a"), commands],
    [resp("UNWATCH"), "+OK\r\n"],
    [resp("MULTI"), "+OK\r\n"],
    [resp("INCR", "a"), "+QUEUED\r\n"],
    [resp("EXEC"), commands],
    [resp("EXEC"), "-ERR EXEC without MULTI\r\n"],
  ]);
  bench.hasRoom = true;
  assert.equal(bench.ask(resp("INCR", "a")), ":1\r\n");
  assert.deepEqual(bench.groups, []);
});

Deno.test("What the node says of a group is its reply", () => {
  const bench = new SequenceBench();
  const cases: readonly (readonly [typeof bench.outcome, string])[] = [
    [{ type: "not-leader" }, "-ERR node is not the leader\r\n"],
    [{ type: "moved", to: "h:1" }, "-MOVED 0 h:1\r\n"],
    [{ type: "error", text: "no leader" }, "-ERR no leader\r\n"],
  ];
  for (const [outcome, expected] of cases) {
    bench.outcome = outcome;
    for (const words of [["GET", "a"], ["KEYS", "*"], ["SCAN", "0"]]) {
      assert.equal(bench.ask(resp(...words)), expected);
    }
    assert.equal(
      bench.ask("MULTI\r\nINCR a\r\nEXEC\r\n"),
      `+OK\r\n+QUEUED\r\n${expected}`,
    );
  }
});
