// The command table: arity, replies and errors, as Redis and the original have them.

import assert from "node:assert/strict";
import { ticketsWaitingMax } from "../../../../server/tickets/dispenser.ts";
import type { NodeStatus } from "../../../../raft/channel/messages.ts";
import { commands } from "../../../../server/commands/commands.ts";
import { Bench, resp, tickets } from "../../../lib/fakes.ts";

/** Each request alone, and the exact reply. */
function table(bench: Bench, rows: readonly (readonly [string, string])[]) {
  for (const [request, reply] of rows) {
    assert.equal(bench.ask(request), reply, JSON.stringify(request));
  }
}

const leader: NodeStatus = {
  state: "Leader",
  term: 2,
  leaderAddress: "127.0.0.1:18101",
  memberHosts: [],
};

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
      resp("TICKET", "x"),
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
  dispenser.take(nobody, ticketsWaitingMax - 2);
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

Deno.test("The numbers of a client that went away are given to nobody else", () => {
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

Deno.test("PING, ECHO, QUIT and unknown commands answer as Redis 7", () => {
  const bench = new Bench();
  const long = "y".repeat(200);
  const unknown = (name: string, rest: string) =>
    `-ERR unknown command '${name}', with args beginning with: ${rest}\r\n`;
  table(bench, [
    [resp("PING"), "+PONG\r\n"],
    [resp("PING", "hello"), "$5\r\nhello\r\n"],
    [
      resp("PING", "a", "b"),
      "-ERR wrong number of arguments for 'ping' command\r\n",
    ],
    [resp("ECHO", "a\r\nb"), "$4\r\na\r\nb\r\n"],
    [resp("ECHO"), "-ERR wrong number of arguments for 'echo' command\r\n"],
    ["\r\n   \r\n*0\r\n*-1\r\n", ""],
    [resp("FOO", "bar"), unknown("FOO", "'bar' ")],
    [resp("FOO"), unknown("FOO", "")],
    [resp("F\r\nO", ""), unknown("F  O", "'' ")],
    [resp("fööö", "ä"), unknown("fööö", "'ä' ")],
    [resp(long, "a"), unknown(long.slice(0, 128), "'a' ")],
    [
      resp("FOO", "x".repeat(100), long, "z"),
      unknown("FOO", `'${"x".repeat(100)}' '${"y".repeat(25)}' `),
    ],
    [resp("quit", "x", "y"), "+OK\r\n"],
  ]);
});

Deno.test("Commands after QUIT in a packet are not run and take nothing (bug 11)", () => {
  const bench = new Bench();
  const request = resp("QUIT") + resp("TICKET") + resp("TICKET");
  assert.equal(bench.ask(request), "+OK\r\n");
  assert(bench.client.finished);
  assert.deepEqual(bench.node.takes, []);
});

Deno.test("QUIT answers after the tickets that were asked for before it", () => {
  const bench = new Bench();
  assert.equal(bench.ask(resp("TICKET") + resp("QUIT")), "+1\r\n+OK\r\n");
});

Deno.test("POST and Host: end the connection without a word", () => {
  for (const line of ["POST / HTTP/1.1\r\n", "Host: localhost\r\n"]) {
    const bench = new Bench();
    assert.equal(bench.ask(line + resp("TICKET")), "");
    assert(bench.client.finished);
    assert.deepEqual(bench.node.takes, []);
  }
});

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

Deno.test("HELLO chooses the protocol and describes the server in it", () => {
  const bench = new Bench();
  const reply = (proto: number, role: string) =>
    "$6\r\nserver\r\n$7\r\nticketd\r\n$7\r\nversion\r\n$5\r\n1.2.3\r\n" +
    `$5\r\nproto\r\n:${proto}\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n` +
    `$4\r\nrole\r\n$${role.length}\r\n${role}\r\n$7\r\nmodules\r\n*0\r\n`;
  table(bench, [
    [resp("HELLO"), "*14\r\n" + reply(2, "replica")],
    [resp("HELLO", "3"), "%7\r\n" + reply(3, "replica")],
    [resp("HELLO"), "%7\r\n" + reply(3, "replica")],
    [resp("CONFIG", "GET", "save"), "%1\r\n$4\r\nsave\r\n$0\r\n\r\n"],
    [resp("CLIENT", "GETNAME"), "_\r\n"],
  ]);
  bench.node.say({ type: "status", status: leader });
  table(bench, [
    [resp("HELLO", "2", "SETNAME", "me"), "*14\r\n" + reply(2, "master")],
    [resp("CLIENT", "GETNAME"), "$2\r\nme\r\n"],
  ]);
});

Deno.test("HELLO and AUTH refuse in Redis's words, and change nothing", () => {
  const bench = new Bench();
  const noPassword =
    "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n";
  table(bench, [
    [resp("HELLO", "4"), "-NOPROTO unsupported protocol version\r\n"],
    [
      resp("HELLO", "abc"),
      "-ERR Protocol version is not an integer or out of range\r\n",
    ],
    ...["03", "-0", "+3", "3 "].map((wanted): [string, string] => [
      resp("HELLO", wanted),
      "-ERR Protocol version is not an integer or out of range\r\n",
    ]),
    [resp("HELLO", "0"), "-NOPROTO unsupported protocol version\r\n"],
    [
      resp("HELLO", "3", "FOO"),
      "-ERR Syntax error in HELLO option 'FOO'\r\n",
    ],
    [
      resp("HELLO", "3", "SETNAME"),
      "-ERR Syntax error in HELLO option 'SETNAME'\r\n",
    ],
    [
      resp("HELLO", "3", "SETNAME", "a b"),
      "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
    ],
    [resp("HELLO", "3", "AUTH", "default", "x"), noPassword],
    [resp("AUTH", "x"), noPassword],
    [resp("AUTH", "default", "x"), noPassword],
    [resp("AUTH", "a", "b", "c"), "-ERR syntax error\r\n"],
    [resp("AUTH"), "-ERR wrong number of arguments for 'auth' command\r\n"],
    [resp("CLIENT", "GETNAME"), "$-1\r\n"],
  ]);
  assert.equal(bench.client.client.protocol, 2);
});

Deno.test("CLIENT, CONFIG, SELECT and INFO satisfy what clients send on their own", () => {
  const bench = new Bench();
  table(bench, [
    [resp("CLIENT", "SETINFO", "LIB-NAME", "x"), "+OK\r\n"],
    [resp("CLIENT", "SETNAME", "ann"), "+OK\r\n"],
    [resp("CLIENT", "GETNAME"), "$3\r\nann\r\n"],
    [
      resp("CLIENT", "SETNAME", "a b"),
      "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
    ],
    [resp("CLIENT", "ID"), ":1\r\n"],
    [
      resp("client", "list"),
      "$47\r\nid=1 addr=192.0.2.7:40000 name=ann db=0 resp=2\n\r\n",
    ],
    [resp("CLIENT"), "-ERR wrong number of arguments for 'client' command\r\n"],
    [
      resp("CLIENT", "ID", "x"),
      "-ERR wrong number of arguments for 'client|id' command\r\n",
    ],
    [
      resp("CLIENT", "Foo"),
      "-ERR unknown subcommand 'Foo'. Try CLIENT HELP.\r\n",
    ],
    [resp("CONFIG", "GET", "save"), resp("save", "")],
    [resp("config", "get", "APPENDONLY"), resp("appendonly", "yes")],
    [resp("CONFIG", "GET", "*"), resp("appendonly", "yes", "save", "")],
    [resp("CONFIG", "GET", "s?ve", "x(["), resp("save", "")],
    [resp("CONFIG", "GET", "nothing"), "*0\r\n"],
    [
      resp("CONFIG", "GET"),
      "-ERR wrong number of arguments for 'config|get' command\r\n",
    ],
    [resp("SELECT", "0"), "+OK\r\n"],
    [resp("SELECT", "1"), "-ERR DB index is out of range\r\n"],
    ...["x", "00", "-0", "01", ""].map((index): [string, string] => [
      resp("SELECT", index),
      "-ERR value is not an integer or out of range\r\n",
    ]),
    [resp("SELECT", "-1"), "-ERR DB index is out of range\r\n"],
  ]);
  const info = bench.ask(resp("INFO"));
  assert.match(info, /^\$\d+\r\n# Server\r\nticketd_version:1\.2\.3\r\n/);
  assert.match(info, /\r\nraft_state:Follower\r\n/);
});

Deno.test("HELP, which an unknown subcommand is told to try, lists the subcommands", () => {
  const bench = new Bench();
  for (const { name, subcommands } of commands) {
    if (subcommands === undefined) continue;
    const shown = name.toUpperCase();
    const unknown = bench.ask(resp(name, "Foo"));
    assert(unknown.endsWith(` Try ${shown} HELP.\r\n`));
    const help = bench.ask(resp(name, "help"));
    assert(help.startsWith(`*${2 * subcommands.length + 3}\r\n+${shown} `));
    for (const { name } of subcommands) {
      assert(help.includes(`\r\n+${name.toUpperCase()}\r\n+    `), name);
    }
    assert.equal(
      bench.ask(resp(name, "HELP", "x")),
      `-ERR wrong number of arguments for '${name}|help' command\r\n`,
    );
  }
});

Deno.test("COMMAND and its subcommands describe the table", () => {
  const bench = new Bench();
  const count = commands.filter((command) => command.help).length;
  table(bench, [
    [resp("COMMAND"), "*0\r\n"],
    [resp("COMMAND", "COUNT"), `:${count}\r\n`],
    [
      resp("COMMAND", "INFO", "ticket", "nosuch", "raft.addvoter", "post"),
      "*4\r\n*6\r\n$6\r\nticket\r\n:1\r\n*0\r\n:0\r\n:0\r\n:0\r\n$-1\r\n" +
      "*6\r\n$13\r\nraft.addvoter\r\n:-3\r\n*0\r\n:0\r\n:0\r\n:0\r\n$-1\r\n",
    ],
    [
      resp("COMMAND", "DOCS", "ping", "nosuch"),
      "*2\r\n$4\r\nping\r\n" +
      resp(
        "summary",
        "PONG, or the message",
        "since",
        "0.1.0",
        "group",
        "ticketd",
      ),
    ],
  ]);
  const docs = bench.ask(resp("COMMAND", "DOCS"));
  assert(docs.startsWith(`*${count * 2}\r\n`));
});

Deno.test("Every command of the table replies exactly once", () => {
  for (const { name, arguments: [least], help } of commands) {
    if (help === undefined) continue;
    const bench = new Bench();
    const words = Array.from({ length: least }, () => "1");
    const replies = bench.ask(resp(name, ...words) + resp("PING"));
    if (name === "quit") assert.equal(replies, "+OK\r\n");
    else assert.match(replies, /^[^]+\r\n\+PONG\r\n$/, name);
  }
});

Deno.test("CONFIG GET takes a pattern of any length, and makes no regular expression of it (PITFALLS 36)", () => {
  const bench = new Bench();
  for (const part of ["a", "*?", "(", "["]) {
    const pattern = part.repeat(60_000 / part.length);
    assert.equal(bench.ask(resp("CONFIG", "GET", pattern)), "*0\r\n");
  }
});

Deno.test("A client's name has at most 64 bytes, which can be printed", () => {
  const bench = new Bench();
  const name = "n".repeat(64);
  assert.equal(bench.ask(resp("CLIENT", "SETNAME", name)), "+OK\r\n");
  for (const bad of [`${name}n`, "a b", "a\tb", "é", "\x7f"]) {
    for (const words of [["CLIENT", "SETNAME"], ["HELLO", "3", "SETNAME"]]) {
      assert.equal(
        bench.ask(resp(...words, bad)),
        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
      );
    }
  }
  assert.equal(bench.ask(resp("CLIENT", "GETNAME")), `$64\r\n${name}\r\n`);
});

Deno.test("CLIENT LIST shows everybody as they were when it was asked", () => {
  const bench = new Bench();
  for (let i = 0; i < 3000; i++) bench.connect();
  bench.client.send(resp("CLIENT", "LIST"));
  for (const session of bench.sessions) {
    session.client = { ...session.client, name: "changed" };
  }
  const [head, ...lines] = bench.client.received().trimEnd().split("\n");
  const size = lines.reduce((sum, line) => sum + line.length + 1, 0);
  assert.equal(head, `$${size}\r`);
  assert.equal(lines.length, 3001);
  assert(lines.every((line) => line.includes(" name= ")));
});
