// MULTI, EXEC and WATCH: what becomes one group, what undoes it, what is queued and what is not,
// and the limits. Replies that are Redis' to the byte: `beside_redis_test.ts`.

import assert from "node:assert/strict";
import { operationsMax } from "../../../../raft/channel/operation_limits.ts";
import { GroupDesk } from "../../../../server/tickets/group_desk.ts";
import {
  queuedMax,
  readyBytesMax,
} from "../../../../server/commands/transaction.ts";
import { resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";
import { table } from "./table.ts";

const aborted =
  "-EXECABORT Transaction discarded because of previous errors.\r\n";
const notAllowed = "-ERR Command not allowed inside a transaction\r\n";
const full =
  "-ERR MULTI has no room for more: it holds at most 1024 commands and names, and as much as one message can carry\r\n";
const unlike =
  "-ERR SCAN, DBSIZE, TICKET.LIST and TICKET.POLICY look at all sequences: MULTI cannot " +
  "have them beside TICKET.RAISE, TICKET.CREATE or a new policy\r\n";

/** The replies to MULTI, to `count` commands that are queued, and then `rest`. */
function queued(count: number, rest: string): string {
  return "+OK\r\n" + "+QUEUED\r\n".repeat(count) + rest;
}

Deno.test("EXEC asks for one group of all that was queued, in its order", () => {
  const bench = new SequenceBench();
  const reply = bench.ask(
    "MULTI\r\nTICKET\r\nINCR a\r\nPING\r\nTICKET a COUNT 3\r\nINCRBY b 2\r\n" +
      "GET a\r\nTICKET.RAISE b 9\r\nTICKET.CREATE c START 5\r\nTICKET.LAST b\r\nEXEC\r\n",
  );
  assert.equal(
    reply,
    queued(
      9,
      "*9\r\n+1\r\n:1\r\n+PONG\r\n" + resp("2", "4") +
        ":2\r\n$1\r\n4\r\n+OK\r\n+OK\r\n+9\r\n",
    ),
  );
  assert.deepEqual(bench.groups, [[
    { type: "take", name: "ticket", count: 1, isCapped: false },
    { type: "take", name: "a", count: 1, isCapped: true },
    { type: "take", name: "a", count: 3, isCapped: false },
    { type: "take", name: "b", count: 2, isCapped: true },
    { type: "last", name: "a" },
    { type: "raise", name: "b", to: 9n },
    { type: "create", name: "c", start: 5n },
    { type: "last", name: "b" },
  ]]);
  assert.deepEqual(bench.takes, [], "nothing is taken beside the group");
});

Deno.test("A run of the same command behind MULTI is queued one by one", () => {
  const bench = new SequenceBench();
  assert.equal(
    bench.ask("MULTI\r\n" + "TICKET\r\n".repeat(3) + "EXEC\r\n"),
    queued(3, "*3\r\n+1\r\n+2\r\n+3\r\n"),
  );
});

Deno.test("What the state refuses undoes the whole EXEC, which says which command it was", () => {
  const bench = new SequenceBench();
  bench.model.lasts.set("high", 2n ** 63n - 2n);
  const reply = bench.ask("MULTI\r\nINCR a\r\nINCRBY high 2\r\nEXEC\r\n");
  assert.equal(
    reply,
    queued(
      2,
      "-EXECABORT Transaction discarded because of command 2 of 2, INCRBY: increment or decrement would overflow\r\n",
    ),
  );
  assert.equal(
    bench.ask(
      "MULTI\r\nPING\r\nMGET a high\r\nTICKET.CREATE high\r\nINCR a\r\nEXEC\r\n",
    ),
    queued(
      4,
      "-EXECABORT Transaction discarded because of command 3 of 4, TICKET.CREATE: sequence 'high' exists already\r\n",
    ),
  );
  assert.equal(bench.ask("MGET a high\r\n").slice(0, 9), "*2\r\n$-1\r\n");
});

Deno.test("A queued command is judged whole when it is queued, and EXEC then asks for nothing", () => {
  for (
    const bad of [
      ["TICKET", "a", "COUNT", "0"],
      ["TICKET", "a b"],
      ["TICKET", "ONCE", "k"],
      ["TICKET", "a", "b"],
      ["INCRBY", "a", "x"],
      ["INCR", "COUNT"],
      ["GET"],
      ["SET", "a", "1"],
      ["TICKET.RAISE", "a", "9223372036854775808"],
      ["TICKET.CREATE", "a", "START", "0"],
      ["TICKET.POLICY", "both"],
      ["SCAN", "x"],
      ["OBJECT", "NOSUCH", "a"],
      ["NOSUCH"],
    ]
  ) {
    const bench = new SequenceBench();
    bench.ask("MULTI\r\nINCR a\r\n");
    assert.match(bench.ask(resp(...bad)), /^-ERR /, bad.join(" "));
    assert.equal(bench.ask("INCR a\r\nEXEC\r\n"), `+QUEUED\r\n${aborted}`);
    assert.deepEqual([bench.groups, bench.takes], [[], []]);
    assert.equal(bench.ask("INCR a\r\n"), ":1\r\n");
  }
});

Deno.test("Commands of the cluster, of the connection, and KEYS are not queued", () => {
  for (
    const words of [
      ["RAFT.STATS"],
      ["RAFT.BACKUP"],
      ["RAFT.LEADER"],
      ["RAFT.TRANSFER"],
      ["HELLO", "3"],
      ["CLIENT", "SETNAME", "x"],
      ["KEYS", "*"],
    ]
  ) {
    const bench = new SequenceBench();
    bench.ask("MULTI\r\n");
    assert.equal(bench.ask(resp(...words)), notAllowed, words[0]);
    assert.equal(bench.ask("EXEC\r\n"), aborted);
    assert.deepEqual(bench.admins, []);
    assert.equal(bench.client.client.protocol, 2);
    assert.equal(bench.client.client.name, "");
  }
});

Deno.test("What this isolate answers by itself keeps its place in EXEC", () => {
  const bench = new SequenceBench();
  assert.equal(
    bench.ask(
      "MULTI\r\nECHO x\r\nSELECT 1\r\nCLIENT GETNAME\r\nCONFIG GET save\r\nEXEC\r\n",
    ),
    queued(
      4,
      "*4\r\n$1\r\nx\r\n-ERR DB index is out of range\r\n$-1\r\n" +
        resp("save", ""),
    ),
  );
  assert.deepEqual(bench.groups, [], "no node is asked");
});

Deno.test("QUIT behind MULTI ends the connection, and takes nothing", () => {
  const bench = new SequenceBench();
  assert.equal(
    bench.ask("MULTI\r\nINCR a\r\nQUIT\r\nEXEC\r\n"),
    queued(1, "+OK\r\n"),
  );
  assert(bench.client.isFinished);
  assert.deepEqual(bench.groups, []);
});

Deno.test("WATCH lets EXEC do nothing if another client has asked meanwhile", () => {
  const bench = new SequenceBench();
  const other = bench.connect();
  assert.equal(bench.ask("WATCH a b\r\n"), "+OK\r\n");
  assert.equal(other.ask("INCR b\r\n"), ":1\r\n");
  assert.equal(bench.ask("MULTI\r\nINCR a\r\nEXEC\r\n"), queued(1, "*-1\r\n"));
  assert.equal(bench.ask("GET a\r\n"), "$-1\r\n");
  assert.deepEqual(bench.groups.at(-2), [
    { type: "check", name: "a", last: undefined },
    { type: "check", name: "b", last: undefined },
    { type: "take", name: "a", count: 1, isCapped: true },
  ]);
});

Deno.test("A second WATCH of a sequence keeps what the first has seen", () => {
  const bench = new SequenceBench();
  bench.ask("WATCH a\r\n");
  bench.ask("INCR a\r\n");
  bench.ask("WATCH a\r\n");
  const reply = bench.ask("MULTI\r\nINCR a\r\nEXEC\r\n");
  assert.equal(reply, queued(1, "*-1\r\n"), "it has changed since");
});

Deno.test("WATCH notices that a sequence was created, though nothing was given", () => {
  const bench = new SequenceBench();
  bench.ask("WATCH a\r\n");
  bench.connect().ask("TICKET.CREATE a\r\n");
  assert.equal(bench.ask("MULTI\r\nINCR b\r\nEXEC\r\n"), queued(1, "*-1\r\n"));
});

Deno.test("In one packet EXEC waits for what WATCH sees", () => {
  const bench = new SequenceBench();
  const { client } = bench;
  client.send("WATCH a\r\nMULTI\r\nINCR a\r\nEXEC\r\nGET a\r\nINCR a\r\n");
  assert.equal(bench.groups.length, 1);
  bench.answer();
  assert.deepEqual(
    bench.groups.map((group) => group.map(({ type }) => type)),
    [["last"], ["check", "take"], ["last"]],
  );
  bench.settle();
  assert.equal(
    client.received(),
    "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n$1\r\n1\r\n:2\r\n",
  );
});

Deno.test("A take behind WATCH waits until WATCH has seen the number before it", () => {
  const bench = new SequenceBench();
  const { client } = bench;
  client.send("WATCH a\r\nINCR a\r\nMULTI\r\nINCR a\r\nEXEC\r\n");
  assert.deepEqual([bench.groups.length, bench.takes.length], [1, 0]);
  bench.answer();
  assert.deepEqual([bench.groups.length, bench.takes.length], [1, 1]);
  bench.settle();
  assert.equal(
    client.received(),
    "+OK\r\n:1\r\n+OK\r\n+QUEUED\r\n*-1\r\n",
  );
});

Deno.test("A WATCH that cannot be answered makes the EXEC that relies on it do nothing", () => {
  const bench = new SequenceBench();
  bench.outcome = { type: "error", text: "no leader" };
  bench.client.send("WATCH a\r\nMULTI\r\nINCR a\r\nEXEC\r\n");
  bench.answer();
  bench.outcome = undefined;
  bench.settle();
  assert.equal(
    bench.client.received(),
    `-ERR no leader\r\n+OK\r\n+QUEUED\r\n${aborted}`,
  );
  assert.equal(bench.groups.length, 1);
  // The next one relies on nothing.
  assert.equal(
    bench.ask("MULTI\r\nINCR a\r\nEXEC\r\n"),
    queued(1, "*1\r\n:1\r\n"),
  );
});

Deno.test("UNWATCH forgets a WATCH that failed, and one that is not answered yet", () => {
  const bench = new SequenceBench();
  assert.match(bench.ask(resp("WATCH", "a b")), /^-ERR a sequence's name/);
  table(bench, [
    [resp("UNWATCH"), "+OK\r\n"],
    ["MULTI\r\nINCR a\r\nEXEC\r\n", queued(1, "*1\r\n:1\r\n")],
  ]);
  assert.equal(
    bench.ask("WATCH a\r\nUNWATCH\r\nINCR a\r\nMULTI\r\nINCR a\r\nEXEC\r\n"),
    "+OK\r\n+OK\r\n:2\r\n" + queued(1, "*1\r\n:3\r\n"),
  );
});

Deno.test("Reads of all sequences stand in a group without raises, and only there", () => {
  const bench = new SequenceBench();
  assert.equal(
    bench.ask(
      "MULTI\r\nINCR a\r\nDBSIZE\r\nSCAN 0\r\nTICKET.LIST\r\nTICKET.POLICY\r\nEXEC\r\n",
    ).split("*5\r\n")[1],
    ":1\r\n:1\r\n*2\r\n$1\r\n0\r\n" + resp("a") + "*2\r\n$1\r\n0\r\n" +
      resp("a", "1") + "$3\r\nany\r\n",
  );
  const changes = ["TICKET.RAISE a 5", "TICKET.CREATE b", "TICKET.POLICY any"];
  const looks = ["DBSIZE", "SCAN 0", "TICKET.LIST", "TICKET.POLICY"];
  for (const change of changes) {
    for (const look of looks) {
      for (const [first, second] of [[change, look], [look, change]]) {
        assert.equal(
          bench.ask(`MULTI\r\n${first}\r\n${second}\r\nEXEC\r\n`),
          queued(1, unlike + aborted),
        );
      }
    }
  }
});

Deno.test("MULTI holds a bounded number of commands, operations and bytes, and what is full takes nothing", () => {
  const rows: readonly (readonly [string, number])[] = [
    ["INCR a\r\n", queuedMax],
    ["PING\r\n", queuedMax],
    [resp("MGET", ...Array<string>(100).fill("a")), operationsMax / 100],
    [resp("ECHO", "x".repeat(8000)), readyBytesMax / 8000],
    ["SCAN 0 COUNT 1000\r\n", 6],
  ];
  for (const [request, most] of rows) {
    const bench = new SequenceBench();
    bench.ask("MULTI\r\n");
    const replies = bench.ask(request.repeat(Math.floor(most)));
    assert.equal(replies, "+QUEUED\r\n".repeat(Math.floor(most)));
    assert.equal(bench.ask(request), full, request.slice(0, 40));
    assert(bench.client.transaction!.reservedBytes <= 2 ** 20);
    assert.equal(bench.ask("EXEC\r\n"), aborted);
    assert.deepEqual(bench.groups, []);
  }
});

Deno.test("The largest group that MULTI holds fits a message", () => {
  const bench = new SequenceBench();
  const name = "n".repeat(128);
  bench.ask(resp("WATCH", ...Array.from({ length: 500 }, (_, i) => `w${i}`)));
  bench.ask("MULTI\r\n");
  while (bench.ask(resp("INCR", name)) === "+QUEUED\r\n");
  const group = bench.client.transaction!.group();
  assert.equal(group.length, operationsMax);
  assert(GroupDesk.fits(group));
  assert.equal(
    bench.ask(resp("EXEC") + resp("WATCH", ...namesOf("a", 1000))),
    aborted + "+OK\r\n",
  );
  assert.equal(bench.ask(resp("WATCH", ...namesOf("b", 25))), full);
});

Deno.test("A loop that watches the same names again and again never runs out of room", () => {
  const bench = new SequenceBench();
  for (let round = 0; round < 30; round++) {
    assert.equal(bench.ask(resp("WATCH", ...namesOf("a", 100))), "+OK\r\n");
  }
  assert.equal(
    bench.ask("MULTI\r\nINCR a0\r\nEXEC\r\n"),
    queued(1, "*1\r\n:1\r\n"),
  );
});

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

Deno.test("The reply to EXEC comes in the protocol of the connection", () => {
  const bench = new SequenceBench();
  bench.ask("HELLO 3\r\n");
  assert.equal(
    bench.ask("MULTI\r\nGET a\r\nMGET a\r\nEXEC\r\n"),
    queued(2, "*2\r\n_\r\n*1\r\n_\r\n"),
  );
  bench.ask("WATCH a\r\nINCR a\r\n");
  assert.equal(bench.ask("MULTI\r\nGET a\r\nEXEC\r\n"), queued(1, "_\r\n"));
});
