// The words of the commands that change the members and the leader: which are taken, in which
// order, and what the node is asked then.

import assert from "node:assert/strict";
import { Bench, resp } from "../../../lib/fakes.ts";

/** Each request alone, and the exact reply. */
function table(bench: Bench, rows: readonly (readonly [string, string])[]) {
  for (const [request, reply] of rows) {
    assert.equal(bench.ask(request), reply, JSON.stringify(request));
  }
}

Deno.test("RAFT.ADDVOTER passes id, address and prev-index", () => {
  const bench = new Bench();
  const arity =
    "-ERR wrong number of arguments for 'raft.addvoter' command\r\n";
  const syntax = "-ERR syntax error\r\n";
  table(bench, [
    [resp("RAFT.ADDVOTER", "2", "h:1"), "+OK\r\n"],
    [resp("RAFT.ADDVOTER", "2", "h:1", "7777"), "+OK\r\n"],
    [resp("RAFT.ADDVOTER"), arity],
    [resp("RAFT.ADDVOTER", "2"), arity],
    [resp("RAFT.ADDVOTER", "2", "h:1", "3", "4"), arity],
    [resp("RAFT.ADDVOTER", "2", "h:1", "abc"), syntax],
    [resp("RAFT.ADDVOTER", "2", "h:1", "-1"), syntax],
    [resp("RAFT.ADDVOTER", "2", "h:1", ""), syntax],
    [resp("RAFT.ADDVOTER", "2", "h:1", "18446744073709551616"), syntax],
  ]);
  const add = { type: "add-voter", id: "2", address: "h:1" } as const;
  assert.deepEqual(bench.node.commands, [
    { ...add, prevIndex: 0n },
    { ...add, prevIndex: 7777n },
  ]);
});

Deno.test("RAFT.ADDNONVOTER takes what RAFT.ADDVOTER takes", () => {
  const bench = new Bench();
  const arity =
    "-ERR wrong number of arguments for 'raft.addnonvoter' command\r\n";
  table(bench, [
    [resp("RAFT.ADDNONVOTER", "2", "h:1"), "+OK\r\n"],
    [resp("raft.addnonvoter", "2", "h:1", "7777"), "+OK\r\n"],
    [resp("RAFT.ADDNONVOTER", "2"), arity],
    [resp("RAFT.ADDNONVOTER", "2", "h:1", "abc"), "-ERR syntax error\r\n"],
  ]);
  const add = { type: "add-nonvoter", id: "2", address: "h:1" } as const;
  assert.deepEqual(bench.node.commands, [
    { ...add, prevIndex: 0n },
    { ...add, prevIndex: 7777n },
  ]);
});

Deno.test("RAFT.PROMOTE and RAFT.DEMOTE take an id and a prev-index, and the latter FORCE", () => {
  const bench = new Bench();
  const arity = (name: string) =>
    `-ERR wrong number of arguments for '${name}' command\r\n`;
  const syntax = "-ERR syntax error\r\n";
  table(bench, [
    [resp("RAFT.PROMOTE", "2"), "+OK\r\n"],
    [resp("RAFT.PROMOTE", "2", "7"), "+OK\r\n"],
    [resp("RAFT.PROMOTE"), arity("raft.promote")],
    [resp("RAFT.PROMOTE", "2", "FORCE"), syntax],
    [resp("RAFT.PROMOTE", "2", "7", "FORCE"), arity("raft.promote")],
    [resp("RAFT.DEMOTE", "2"), "+OK\r\n"],
    [resp("RAFT.DEMOTE", "force"), "+OK\r\n"],
    [resp("RAFT.DEMOTE", "2", "force"), "+OK\r\n"],
    [resp("RAFT.DEMOTE", "2", "7", "FORCE"), "+OK\r\n"],
    [resp("RAFT.DEMOTE"), arity("raft.demote")],
    [resp("RAFT.DEMOTE", "2", "x"), syntax],
    [resp("RAFT.DEMOTE", "2", "7", "x"), syntax],
    [resp("RAFT.DEMOTE", "2", "FORCE", "7"), syntax],
    [resp("RAFT.DEMOTE", "2", "x", "FORCE"), syntax],
    [resp("RAFT.DEMOTE", "2", "7", "8", "FORCE"), arity("raft.demote")],
  ]);
  assert.deepEqual(bench.node.commands, [
    { type: "promote", id: "2", prevIndex: 0n },
    { type: "promote", id: "2", prevIndex: 7n },
    { type: "demote", id: "2", prevIndex: 0n, force: false },
    { type: "demote", id: "force", prevIndex: 0n, force: false },
    { type: "demote", id: "2", prevIndex: 0n, force: true },
    { type: "demote", id: "2", prevIndex: 7n, force: true },
  ]);
});

Deno.test("RAFT.TRANSFER takes an id or none", () => {
  const bench = new Bench();
  table(bench, [
    [resp("RAFT.TRANSFER"), "+OK\r\n"],
    [resp("RAFT.TRANSFER", "2"), "+OK\r\n"],
    [resp("RAFT.TRANSFER", ""), "-ERR syntax error\r\n"],
    [
      resp("RAFT.TRANSFER", "2", "3"),
      "-ERR wrong number of arguments for 'raft.transfer' command\r\n",
    ],
  ]);
  assert.deepEqual(bench.node.commands, [
    { type: "transfer", id: "" },
    { type: "transfer", id: "2" },
  ]);
});

Deno.test("RAFT.JOIN may say that the node wants no vote", () => {
  const bench = new Bench();
  const words = ["RAFT.JOIN", "2", "h:1", "1", "c"];
  table(bench, [
    [resp(...words), "+OK\r\n"],
    [resp(...words, "nonvoter"), "+OK\r\n"],
    [resp(...words, "NONVOTER"), "+OK\r\n"],
    [resp(...words, "voter"), "-ERR syntax error\r\n"],
    [
      resp(...words, "nonvoter", "x"),
      "-ERR wrong number of arguments for 'raft.join' command\r\n",
    ],
  ]);
  assert.deepEqual(
    bench.node.commands.map((c) => c.type === "join" && c.nonvoter),
    [false, true, true],
  );
});

Deno.test("RAFT.REMOVESERVER takes FORCE as its last word", () => {
  const bench = new Bench();
  table(bench, [
    [resp("RAFT.REMOVESERVER", "2", "FORCE"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "Force"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "17", "force"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "18", "FORCE"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "FORCE"), "+OK\r\n"],
    [
      resp("RAFT.REMOVESERVER", "2", "FORCE", "17"),
      "+OK\r\n", // an address called FORCE
    ],
  ]);
  const remove = { type: "remove-server", id: "2" } as const;
  assert.deepEqual(bench.node.commands, [
    { ...remove, prevIndex: 0n, force: true },
    { ...remove, prevIndex: 0n, force: true },
    { ...remove, prevIndex: 17n, force: true },
    { ...remove, prevIndex: 18n, force: true },
    { ...remove, id: "FORCE", prevIndex: 0n, force: false },
    { ...remove, prevIndex: 17n, force: false },
  ]);
});

Deno.test("RAFT.REMOVESERVER accepts id, address and prev-index in each form", () => {
  const bench = new Bench();
  const arity =
    "-ERR wrong number of arguments for 'raft.removeserver' command\r\n";
  const syntax = "-ERR syntax error\r\n";
  table(bench, [
    [resp("RAFT.REMOVESERVER", "2"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "h:1"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "17"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "18"), "+OK\r\n"],
    [resp("RAFT.REMOVESERVER"), arity],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "18", "x"), syntax],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "18", "x", "FORCE"), arity],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "abc"), syntax],
    [resp("RAFT.REMOVESERVER", "2", "h:1", "-1"), syntax],
  ]);
  assert.deepEqual(
    bench.node.commands.map((c) => c.type === "remove-server" && c.prevIndex),
    [0n, 0n, 17n, 18n],
  );
});

Deno.test("Arguments of RAFT commands are too long before they reach the node", () => {
  const bench = new Bench();
  const long = "x".repeat(256);
  for (
    const words of [
      ["RAFT.ADDVOTER", long, "h:1"],
      ["RAFT.ADDVOTER", "2", long],
      ["RAFT.JOIN", "2", "h:1", "life", long],
      ["RAFT.REMOVESERVER", long],
      ["RAFT.TRANSFER", "é".repeat(128)],
    ]
  ) {
    assert.match(
      bench.ask(resp(...words)),
      /^-ERR the \w+ has more than 255 bytes/,
    );
  }
  assert.deepEqual(bench.node.commands, []);
});

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
