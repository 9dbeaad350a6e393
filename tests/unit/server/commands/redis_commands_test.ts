// What client libraries and tools send on their own, answered as Redis 7 answers.

import assert from "node:assert/strict";
import type { NodeStatus } from "../../../../raft/channel/messages.ts";
import { Bench, resp } from "../../../lib/fakes.ts";
import { table } from "./table.ts";

const leader: NodeStatus = {
  state: "Leader",
  term: 2,
  leaderAddress: "127.0.0.1:18101",
  memberHosts: [],
  lastTicket: 0n,
  sequences: 0,
};

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

Deno.test("CLIENT LIST shows all clients as they were when it was asked", () => {
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
