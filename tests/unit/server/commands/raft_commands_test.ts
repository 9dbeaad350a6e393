// The commands of the cluster: which words they take, in which order, what the node is asked
// then, and how its answers are written.

import assert from "node:assert/strict";
import type { NodeStatus } from "../../../../raft/channel/messages.ts";
import { Bench, resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";
import { table } from "./table.ts";

const leader: NodeStatus = {
  state: "Leader",
  term: 2,
  leaderAddress: "127.0.0.1:18101",
  memberHosts: [],
  lastTicket: 0n,
  sequences: 0,
};

Deno.test("RAFT.LEADER answers from the last status, whatever follows it", () => {
  const bench = new Bench();
  assert.equal(bench.ask(resp("RAFT.LEADER")), "+\r\n");
  bench.node.say({ type: "status", status: leader });
  assert.equal(bench.ask(resp("RAFT.LEADER")), "+127.0.0.1:18101\r\n");
  assert.equal(
    bench.ask(resp("raft.leader", "x", "y")),
    "+127.0.0.1:18101\r\n",
  );
  assert.deepEqual(bench.node.commands, []);
});

Deno.test("RAFT.CONFIGURATION lists each server in six bulk strings", () => {
  const bench = new Bench();
  const incarnation = "";
  bench.node.willAnswer("configuration", {
    type: "servers",
    servers: [
      { id: "1", address: ":12001", suffrage: "voter", incarnation },
      { id: "2", address: "h:12002", suffrage: "learner", incarnation },
    ],
  });
  assert.equal(
    bench.ask(resp("RAFT.CONFIGURATION")),
    "*2\r\n" +
      resp("id", "1", "address", ":12001", "suffrage", "Voter") +
      resp("id", "2", "address", "h:12002", "suffrage", "Nonvoter"),
  );
});

Deno.test("RAFT.STATS, LASTCONTACT and SNAPSHOT pass on what the node says", () => {
  const bench = new Bench();
  bench.node.willAnswer("stats", {
    type: "pairs",
    pairs: [["applied_index", "11"], ["state", "Leader"]],
  });
  const text = "0001-01-01 00:00:00 +0000 UTC";
  bench.node.willAnswer("last-contact", { type: "text", text });
  table(bench, [
    [resp("RAFT.STATS"), resp("applied_index", "11", "state", "Leader")],
    [resp("RAFT.LASTCONTACT"), `$${text.length}\r\n${text}\r\n`],
    [resp("RAFT.SNAPSHOT"), "+OK\r\n"],
  ]);
  bench.node.willAnswer("snapshot", {
    type: "error",
    text: "nothing new to\r\nsnapshot",
  });
  assert.equal(
    bench.ask(resp("RAFT.SNAPSHOT")),
    "-ERR nothing new to  snapshot\r\n",
  );
});

Deno.test("An error of the node is a reply, so later replies stay in place (bug 13)", () => {
  const bench = new Bench();
  bench.node.willAnswer("configuration", {
    type: "error",
    text: "raft is already shutdown",
  });
  assert.equal(
    bench.ask(resp("RAFT.CONFIGURATION") + resp("PING")),
    "-ERR raft is already shutdown\r\n+PONG\r\n",
  );
});

Deno.test("RAFT.CLUSTER tells the cluster's id and the host that it sees", () => {
  const bench = new Bench();
  bench.node.willAnswer("cluster", { type: "text", text: "c0ffee" });
  assert.equal(bench.ask(resp("RAFT.CLUSTER")), resp("c0ffee", "192.0.2.7"));
  bench.node.willAnswer("cluster", { type: "error", text: "not ready" });
  assert.equal(bench.ask(resp("RAFT.CLUSTER")), "-ERR not ready\r\n");
});

Deno.test("RAFT.BOOTSTRAP passes the asking disk on, and adds the host that it sees", () => {
  const bench = new Bench();
  const pairs = [["id", "1"], ["state", "waiting"]] as const;
  bench.node.willAnswer("bootstrap", { type: "pairs", pairs });
  assert.equal(
    bench.ask(resp("RAFT.BOOTSTRAP", "2", "ab12")),
    resp("id", "1", "state", "waiting", "via", "192.0.2.7"),
  );
  assert.deepEqual(bench.node.commands, [
    { type: "bootstrap", node: "2", incarnation: "ab12" },
  ]);
  bench.node.willAnswer("bootstrap", { type: "error", text: "not yet" });
  assert.equal(
    bench.ask(resp("RAFT.BOOTSTRAP", "2", "ab12")),
    "-ERR not yet\r\n",
  );
  assert.match(bench.ask(resp("RAFT.BOOTSTRAP", "2")), /^-ERR wrong number/);
});

Deno.test("RAFT.NODE tells which node this is, and where it wants to be dialled", () => {
  const bench = new Bench();
  const pairs = [["id", "2"], ["address", ":12002"]] as const;
  bench.node.willAnswer("node", { type: "pairs", pairs });
  assert.equal(
    bench.ask(resp("RAFT.NODE")),
    resp("id", "2", "address", ":12002"),
  );
});

Deno.test("RAFT.JOIN completes an address without host, unless it came from loopback", () => {
  const joined = (host: string, address: string) => {
    const bench = new Bench();
    const client = bench.connect(host);
    client.send(resp("RAFT.JOIN", "2", address, "ab12", "c0ffee"));
    bench.settle();
    assert.equal(client.received(), "+OK\r\n");
    const [command] = bench.node.commands;
    assert(command?.type === "join");
    assert.equal(command.incarnation, "ab12");
    assert.equal(command.cluster, "c0ffee");
    return command.address;
  };
  assert.equal(joined("192.0.2.7", ":12002"), "192.0.2.7:12002");
  assert.equal(joined("2001:db8::7", ":12002"), "[2001:db8::7]:12002");
  assert.equal(joined("127.0.0.1", ":12002"), ":12002");
  assert.equal(joined("192.0.2.7", "host:12002"), "host:12002");
});

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

Deno.test("RAFT.BACKUP gives a page of keys and values, and where the next begins", () => {
  const bench = new SequenceBench();
  for (const name of ["a", "b", "c"]) bench.model.lasts.set(name, 7n);
  const noCursor = "-ERR invalid cursor\r\n";
  table(bench, [
    [
      resp("RAFT.BACKUP"),
      resp("sequence a", "7", "sequence b", "7", "next", "2"),
    ],
    [resp("RAFT.BACKUP", "2"), resp("sequence c", "7", "next", "0")],
    [resp("RAFT.BACKUP", "x"), noCursor],
    [resp("RAFT.BACKUP", "-1"), noCursor],
    [
      resp("RAFT.BACKUP", "1", "2"),
      "-ERR wrong number of arguments for 'raft.backup' command\r\n",
    ],
  ]);
  assert.deepEqual(bench.groups[1], [{ type: "backup", cursor: 2 }]);
});
